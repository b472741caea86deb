#include "bartizan/auditlog/basic_log.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>
#include <vector>

namespace bartizan::auditlog {
namespace {

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/bartizan-audit-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> out;
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
      std::ifstream in(file);
      for (std::string line; std::getline(in, line);) out.push_back(line);
    }
    return out;
  }

 private:
  std::filesystem::path path_;
};

audit::Intent intent(std::string_view statement) {
  return {audit::Event::Statement, WallTime(std::chrono::microseconds(1'700'000'000'000'001)), R"("identity":"a")",
          statement};
}

bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 500; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST_CASE("an intent and its outcome are two lines, the intent durable after a group") {
  const Folder folder;
  auto log = BasicLog::open({.directory = folder.path(), .flush = std::chrono::milliseconds(1)}).value();
  const auto ticket = log->begin(intent(R"("tag":"SELECT")")).value();
  CHECK(eventually([&] { return log->durable(ticket); }));
  CHECK_FALSE(log->durable(audit::Ticket(ticket.get() + 1)));
  log->finish(ticket, {audit::Status::Failed, {'4', '2', 'P', '0', '1'}, 3, 99, std::chrono::microseconds(7)});
  log.reset();
  CHECK(folder.lines() ==
        std::vector<std::string>{
            R"({"ticket":1,"event":"statement","time":"2023-11-14T22:13:20.000001Z","identity":"a","tag":"SELECT"})",
            R"({"ticket":1,"status":"failed","sqlstate":"42P01","rows":3,"bytes":99,"micros":7})"});
}

TEST_CASE("no record is lost between threads, groups and files") {
  const Folder folder;
  {
    auto log =
        BasicLog::open({.directory = folder.path(), .flush = std::chrono::milliseconds(1), .max_file_bytes = 4096})
            .value();
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 500; ++i) CHECK(log->begin(intent("")).has_value());
      });
    for (auto& thread : threads) thread.join();
  }
  CHECK(folder.lines().size() == 2000);
}

TEST_CASE("a log that can't be written refuses, and recovers by itself") {
  const Folder folder;
  auto log = BasicLog::open({.directory = folder.path(), .flush = std::chrono::milliseconds(1)}).value();
  // RLIMIT_FSIZE is the disk-full that a test can make: write(2) then fails with EFBIG.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit tight{10, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &tight);
  const auto first = log->begin(intent("")).value();
  CHECK(eventually([&] { return !log->figures().healthy; }));
  CHECK_FALSE(log->durable(first));
  const auto refused = log->begin(intent(""));
  CHECK_FALSE(refused.has_value());
  setrlimit(RLIMIT_FSIZE, &before);
  CHECK(eventually([&] { return log->figures().healthy; }));
  CHECK(log->durable(first));
  CHECK(log->begin(intent("")).has_value());
  log.reset();
  CHECK(folder.lines().size() == 2);  // no torn line from the failed tries
}

}  // namespace
}  // namespace bartizan::auditlog
