#include "embedded_fixture.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace bartizan::postgres::test {

namespace fs = std::filesystem;

SteadyTime in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

fs::path fast_parent() {
  constexpr std::uintmax_t kEnough = 2ull << 30;
  std::error_code error;
  const auto space = fs::space("/dev/shm", error);
  if (!error && space.available >= kEnough && ::access("/dev/shm", W_OK | X_OK) == 0) return "/dev/shm";
  return fs::temp_directory_path();
}

DataFolder::DataFolder(std::string suffix, const fs::path& parent) : suffix_(std::move(suffix)) {
  static int count = 0;
  base_ = fs::canonical(parent) / ("bz-pg-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
  fs::create_directory(base_);
  fs::permissions(base_, fs::perms(0755));
}

DataFolder::~DataFolder() {
  std::error_code error;
  fs::remove_all(base_, error);
}

RunningServer::RunningServer(const std::string& folder) {
  EmbeddedOptions options;
  options.data_directory = folder;
  // As in the end-to-end tests: another version's server programs.
  if (const char* bin = std::getenv("BARTIZAN_PG_BIN")) options.binaries_directory = bin;
  options.backoff_initial = std::chrono::milliseconds(50);
  begin(std::move(options));
}

RunningServer::RunningServer(EmbeddedOptions options) { begin(std::move(options)); }

void RunningServer::begin(EmbeddedOptions options) {
  server_ = std::make_unique<EmbeddedServer>(std::move(options), [this](const ServerStatus& status) {
    const std::lock_guard lock(mutex_);
    seen_.push_back(status.state);
    changed_.notify_all();
  });
  const auto started = server_->start();
  REQUIRE_MESSAGE(started, (started ? "" : started.error().detail));
}

ControlConnection RunningServer::connect(std::string database) {
  auto connection = ControlConnection::connect(server_->endpoint(std::move(database)), server_->superuser_password(),
                                               in(std::chrono::seconds(20)));
  REQUIRE_MESSAGE(connection, (connection ? "" : connection.error().detail));
  return std::move(*connection);
}

int RunningServer::times(ServerState state) {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(std::ranges::count(seen_, state));
}

void RunningServer::wait_for(ServerState state, int times) {
  std::unique_lock lock(mutex_);
  REQUIRE(changed_.wait_for(lock, std::chrono::seconds(60), [&] { return std::ranges::count(seen_, state) >= times; }));
}

std::string server_log(const std::string& data_directory) {
  std::stringstream text;
  for (const auto& entry : fs::directory_iterator(data_directory + "/pgdata/log"))
    text << std::ifstream(entry.path()).rdbuf();
  std::ifstream startup(data_directory + "/startup.log");
  if (startup.peek() != std::ifstream::traits_type::eof()) text << startup.rdbuf();
  return text.str();
}

}  // namespace bartizan::postgres::test
