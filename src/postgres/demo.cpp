#include "bartizan/postgres/demo.hpp"

#include <charconv>
#include <chrono>
#include <string>

#include "bartizan/base/log.hpp"
#include "demo_sql.hpp"

namespace bartizan::postgres {
namespace {

constexpr std::string_view kCountRows =
    "SELECT (SELECT count(*) FROM clinic.tenants) + (SELECT count(*) FROM clinic.customers)"
    " + (SELECT count(*) FROM clinic.orders) + (SELECT count(*) FROM clinic.invoices)";

/// Tells how far it is; one step is one file.
class Progress {
 public:
  Progress(const std::function<void(const DemoProgress&)>& callback, std::size_t steps)
      : callback_(callback), steps_(steps), started_(std::chrono::steady_clock::now()) {}
  void begin(std::string_view step) {
    if (callback_) callback_({step, done_, steps_, elapsed()});
    ++done_;
  }
  [[nodiscard]] std::chrono::milliseconds elapsed() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started_);
  }

 private:
  const std::function<void(const DemoProgress&)>& callback_;
  std::size_t steps_;
  std::size_t done_ = 0;
  SteadyTime started_;
};

Result<std::int64_t> count_rows(ControlConnection& connection, SteadyTime deadline) {
  BZ_TRY(const auto text, connection.scalar(kCountRows, deadline));
  std::int64_t rows = 0;
  std::from_chars(text.data(), text.data() + text.size(), rows);
  return rows;
}

Result<void> ensure_database(ControlConnection& connection, SteadyTime deadline) {
  BZ_TRY(const auto count,
         connection.scalar("SELECT count(*) FROM pg_catalog.pg_database WHERE datname = 'demo'", deadline));
  if (count == "0") BZ_CHECK(connection.exec("CREATE DATABASE demo OWNER demo_owner", deadline));
  return {};
}

Result<void> load_rows(ControlConnection& connection, std::span<const DemoStep> steps, Progress& progress,
                       SteadyTime deadline) {
  BZ_CHECK(connection.exec("BEGIN", deadline));
  for (const auto& step : steps) {
    progress.begin(step.name);
    auto done = connection.exec(step.sql, deadline);
    if (done) continue;
    if (connection.open()) (void)connection.exec("ROLLBACK", deadline);
    done.error().detail = "demo data, step " + std::string(step.name) + ": " + done.error().detail;
    return tl::unexpected(std::move(done.error()));
  }
  BZ_CHECK(connection.exec("COMMIT", deadline));
  progress.begin("analyze");
  BZ_CHECK(connection.exec("VACUUM (ANALYZE) clinic.customers, clinic.orders, clinic.invoices", deadline));
  return {};
}

}  // namespace

Result<DemoSummary> load_demo(const Endpoint& superuser, const SecretBytes& password,
                              const std::function<void(const DemoProgress&)>& progress, SteadyTime deadline) {
  const auto steps = demo_steps();
  Progress told(progress, steps.size() + 1);
  told.begin(steps.front().name);
  {
    BZ_TRY(auto connection, ControlConnection::connect(superuser, password, deadline));
    BZ_CHECK(connection.exec(steps.front().sql, deadline));
    BZ_CHECK(ensure_database(connection, deadline));
  }
  auto target = superuser;
  target.database = kDemoDatabase;
  BZ_TRY(auto connection, ControlConnection::connect(target, password, deadline));
  BZ_TRY(const auto present, connection.scalar("SELECT to_regnamespace('clinic') IS NOT NULL", deadline));
  DemoSummary summary;
  summary.loaded = present != "t";
  if (summary.loaded) BZ_CHECK(load_rows(connection, steps.subspan(1), told, deadline));
  BZ_TRY(summary.rows, count_rows(connection, deadline));
  summary.elapsed = told.elapsed();
  BZ_LOG(Info, "demo.loaded", {"new", summary.loaded}, {"rows", summary.rows}, {"millis", summary.elapsed.count()});
  return summary;
}

}  // namespace bartizan::postgres
