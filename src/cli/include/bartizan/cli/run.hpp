// The command line, whole: arguments in, exit code out. Sub-commands that administer a running
// Bartizan speak to its admin socket; those that do work of their own on this machine (serve,
// up, …) are callbacks of the app, so that this module needs neither net nor control.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/cli/exit_code.hpp"
#include "bartizan/config/parse.hpp"

namespace bartizan::cli {

struct ServeOptions {
  std::string config_file;
};

struct UpOptions {
  std::string data_directory;
  std::optional<std::uint16_t> port;  ///< absent: the configured one
  bool demo = true;
  bool detach = false;
};

struct DownOptions {
  std::string data_directory;  ///< empty: the socket alone says which instance
  std::string socket_file;
};

struct DoctorOptions {
  std::string depot;  ///< empty: all of them
  std::string socket_file;
  bool json = false;
};

struct RestEncryptOptions {
  std::string config_file;     ///< empty: as up, for data_directory
  std::string data_directory;  ///< empty: up's own
};

struct PreflightOptions {
  std::string dsn;  ///< holds no password: the command line refuses one
  bool json = false;
};

struct AuditVerifyOptions {
  std::string socket_file;
  std::string tenant;   ///< its tree alone
  std::string record;   ///< this one alone
  std::string against;  ///< a checkpoint that was kept
  std::string from;     ///< consistency: the older checkpoint
  std::string to;       ///< and the newer one; empty: the present
  bool hours = false;
};

/// Called at most once a run. The int is the process's exit code. Without a callback, down and
/// doctor are the admin verbs `shutdown` and `doctor`; the others answer that they are not part
/// of this build, with ExitCode::Refused.
struct LocalCommands {
  std::function<int(const ServeOptions&)> serve;
  std::function<int(const UpOptions&)> up;
  std::function<int(const DownOptions&)> down;
  std::function<int(const DoctorOptions&)> doctor;
  std::function<int(const PreflightOptions&)> preflight;
  std::function<int(const RestEncryptOptions&)> rest_encrypt;
  std::function<int(const AuditVerifyOptions&)> audit_verify;
};

/// What the run sees of the world; tests hand in their own. The streams outlive the run.
struct Surroundings {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  config::Environment environment;
  std::string version;
  /// Asks on the terminal, without echo. Unavailable when there is no terminal.
  std::function<Result<SecretBytes>(std::string_view prompt)> ask_password;
};

/// stdin, stdout, stderr, the process environment and /dev/tty.
[[nodiscard]] Surroundings process_surroundings(std::string version);

/// Throws nothing. Thread: the caller's; blocks until the command is done.
[[nodiscard]] int run(int argc, const char* const* argv, const LocalCommands& local, const Surroundings& surroundings);

}  // namespace bartizan::cli
