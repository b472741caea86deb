// A real server in a folder of its own, removed at the end.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "bartizan/base/clock.hpp"
#include "bartizan/postgres/control_connection.hpp"
#include "bartizan/postgres/embedded_server.hpp"

namespace bartizan::postgres::test {

[[nodiscard]] SteadyTime in(std::chrono::milliseconds time);

/// In memory where there is room for clusters (their many fsyncs make a busy disk slow), else the
/// folder for temporary files.
[[nodiscard]] std::filesystem::path fast_parent();

/// A new folder that every user can pass.
class DataFolder {
 public:
  explicit DataFolder(std::string suffix = "", const std::filesystem::path& parent = fast_parent());
  ~DataFolder();
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;
  [[nodiscard]] std::string path() const { return (base_ / ("data" + suffix_)).string(); }
  [[nodiscard]] const std::filesystem::path& base() const { return base_; }

 private:
  std::filesystem::path base_;
  std::string suffix_;
};

/// Started in the constructor (REQUIRE). Knows which states were seen.
class RunningServer {
 public:
  explicit RunningServer(const std::string& folder);
  explicit RunningServer(EmbeddedOptions options);
  EmbeddedServer& operator*() { return *server_; }
  EmbeddedServer* operator->() { return server_.get(); }
  ControlConnection connect(std::string database = "postgres");
  /// Waits until a state has been reached so many times.
  void wait_for(ServerState state, int times);
  [[nodiscard]] int times(ServerState state);

 private:
  void begin(EmbeddedOptions options);
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ServerState> seen_;
  std::unique_ptr<EmbeddedServer> server_;
};

/// The log files of a cluster, in one text.
[[nodiscard]] std::string server_log(const std::string& data_directory);

}  // namespace bartizan::postgres::test
