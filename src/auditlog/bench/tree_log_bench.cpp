// What a durable event costs: writers that each wait for their own intent, as threads and as sessions of
// two workers that hear of flushes, beside what one fdatasync takes on the same disk in the same run.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bartizan/audit/merkle.hpp"
#include "bartizan/audit/record.hpp"
#include "bartizan/auditlog/tree_log.hpp"

namespace {

using namespace bartizan;
using namespace bartizan::auditlog;

constexpr std::string_view kWho =
    R"("session":123456,"identity":"mia.hansen@example.com","tenant":"acme","depot":"orders","login":"bz_app",)"
    R"("address":"192.0.2.17:49152")";
constexpr std::string_view kWhat = R"("tag":"SELECT","effect":"read","digest":"0123456789abcdef0123456789abcdef",)"
                                   R"("relations":[{"schema":"public","name":"pgbench_accounts","access":"read"}])";

audit::Intent intent() { return {audit::Event::Execute, system_clock().wall(), kWho, kWhat}; }

/// A log in a fresh folder of the disk that TMPDIR is on.
class BenchLog {
 public:
  BenchLog() {
    const char* base = std::getenv("TMPDIR");
    std::string name = std::string(base != nullptr ? base : "/tmp") + "/bartizan-bench-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    TreeLogOptions options;
    options.directory = folder_ + "/log";
    options.origin = "bench.example";
    log_ = TreeLog::open(options, audit::NoteSigner::generate(audit::KeyType::Ed25519, "b", system_random()).value())
               .value();
  }
  ~BenchLog() {
    log_.reset();
    std::filesystem::remove_all(folder_);
  }
  TreeLog& operator*() { return *log_; }
  TreeLog* operator->() { return log_.get(); }

 private:
  std::string folder_;
  std::unique_ptr<TreeLog> log_;
};

/// Of all threads, so that a busy machine does not hide what an event costs.
double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void fdatasync_of_4096_bytes(benchmark::State& state) {
  const char* base = std::getenv("TMPDIR");
  const std::string path = std::string(base != nullptr ? base : "/tmp") + "/bartizan-bench-sync";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  const Bytes block(4096, std::byte{'x'});
  [[maybe_unused]] const int reserved = ::posix_fallocate(fd, 0, 64 * 1024 * 1024);
  off_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(::pwrite(fd, block.data(), block.size(), at));
    benchmark::DoNotOptimize(::fdatasync(fd));
    at = (at + 4096) % (64 * 1024 * 1024);
  }
  ::close(fd);
  ::unlink(path.c_str());
}
BENCHMARK(fdatasync_of_4096_bytes)->UseRealTime()->Iterations(2000);

void begin_and_finish_without_waiting(benchmark::State& state) {
  BenchLog log;
  std::uint64_t refused = 0;
  for (auto _ : state) {
    const auto ticket = log->begin(intent());
    if (!ticket) {
      ++refused;
      continue;
    }
    log->finish(*ticket, {});
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["refused"] = static_cast<double>(refused);
}
BENCHMARK(begin_and_finish_without_waiting)->UseRealTime()->Iterations(1'000'000);

/// Sessions of one worker: all that are durable go on at once, each with its next statement.
class Worker {
 public:
  Worker(TreeLog& log, unsigned sessions, std::uint64_t events) : log_(log), waiting_(sessions), left_(events) {
    observer_ = log_.on_durable([this](audit::Ticket through) {
      const std::lock_guard lock(mutex_);
      through_ = through.get();
      wake_.notify_one();
    });
  }
  void run() {
    for (auto& ticket : waiting_) ticket = log_.begin(intent()).value();
    std::uint64_t through = 0;
    while (left_ > 0) {
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return through_ > through; });
        through = through_;
      }
      for (auto& ticket : waiting_) {
        if (ticket.get() > through || left_ == 0) continue;
        log_.finish(ticket, {});
        --left_;
        ticket = log_.begin(intent()).value();
      }
    }
    log_.remove(observer_);
    for (const auto& ticket : waiting_) log_.finish(ticket, {});
  }

 private:
  TreeLog& log_;
  std::vector<audit::Ticket> waiting_;
  std::uint64_t left_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::uint64_t through_ = 0;
  TreeLog::ObserverId observer_;
};

void durable_events_of_sessions_on_two_workers(benchmark::State& state) {
  constexpr std::uint64_t kEvents = 200'000;
  const auto sessions = static_cast<unsigned>(state.range(0));
  BenchLog log;
  const double cpu = cpu_seconds();
  for (auto _ : state) {
    std::vector<std::unique_ptr<Worker>> workers;
    for (unsigned w = 0; w < 2; ++w)
      workers.push_back(std::make_unique<Worker>(*log, std::max(1u, sessions / 2), kEvents / 2));
    std::vector<std::thread> threads;
    for (auto& worker : workers) threads.emplace_back([&worker] { worker->run(); });
    for (auto& thread : threads) thread.join();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kEvents));
  const auto figures = log->figures();
  state.counters["cpu_us_per_event"] =
      (cpu_seconds() - cpu) * 1e6 / static_cast<double>(state.iterations() * static_cast<std::int64_t>(kEvents));
  state.counters["events_per_flush"] = static_cast<double>(figures.intents) / static_cast<double>(figures.flushes);
  state.counters["journal_bytes_per_event"] =
      static_cast<double>(figures.journal_bytes) / static_cast<double>(figures.intents);
  state.counters["backlog_bytes"] = static_cast<double>(figures.backlog_bytes);
}
BENCHMARK(durable_events_of_sessions_on_two_workers)
    ->Arg(128)
    ->Arg(512)
    ->Iterations(1)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void durable_events_of_128_threads(benchmark::State& state) {
  const double cpu = cpu_seconds();
  constexpr unsigned kThreads = 128;
  constexpr unsigned kEach = 1'000;
  BenchLog log;
  std::atomic<std::uint32_t> flushes{0};
  const auto observer = log->on_durable([&](audit::Ticket) {
    flushes.fetch_add(1, std::memory_order_release);
    flushes.notify_all();
  });
  for (auto _ : state) {
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < kThreads; ++t)
      threads.emplace_back([&] {
        for (unsigned i = 0; i < kEach; ++i) {
          const auto ticket = log->begin(intent()).value();
          for (;;) {
            const std::uint32_t seen = flushes.load(std::memory_order_acquire);
            if (log->durable(ticket)) break;
            flushes.wait(seen, std::memory_order_acquire);
          }
          log->finish(ticket, {});
        }
      });
    for (auto& thread : threads) thread.join();
  }
  log->remove(observer);
  state.SetItemsProcessed(state.iterations() * std::int64_t{kThreads} * kEach);
  state.counters["cpu_us_per_event"] = (cpu_seconds() - cpu) * 1e6 / static_cast<double>(state.items_processed());
}
BENCHMARK(durable_events_of_128_threads)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

void one_session_waits_for_each(benchmark::State& state) {
  BenchLog log;
  for (auto _ : state) {
    const auto ticket = log->begin(intent()).value();
    while (!log->durable(ticket)) std::this_thread::yield();
    log->finish(ticket, {});
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(one_session_waits_for_each)->Iterations(2'000)->UseRealTime()->Unit(benchmark::kMicrosecond);

void record_as_json(benchmark::State& state) {
  std::string out;
  for (auto _ : state) {
    out.clear();
    audit::append_record(out, audit::Ticket(1), intent(), {});
    benchmark::DoNotOptimize(out);
  }
  state.counters["bytes"] = static_cast<double>(out.size());
}
BENCHMARK(record_as_json);

void leaf_hash_of_a_record(benchmark::State& state) {
  std::string out;
  audit::append_record(out, audit::Ticket(1), intent(), {});
  for (auto _ : state) benchmark::DoNotOptimize(audit::leaf_hash(as_bytes(out)));
}
BENCHMARK(leaf_hash_of_a_record);

}  // namespace
