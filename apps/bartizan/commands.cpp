#include "commands.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

#include "audit_verify.hpp"
#include "bartizan/cli/exit_code.hpp"
#include "bartizan/config/load_file.hpp"
#include "bartizan/postgres/encrypt_files.hpp"
#include "bartizan/postgres/preflight.hpp"
#include "detach.hpp"
#include "options.hpp"
#include "program.hpp"
#include "storage_keys.hpp"
#include "tour.hpp"

namespace bartizan::app {
namespace {

int code(cli::ExitCode exit_code) { return static_cast<int>(exit_code); }

Result<config::Configuration> load(const std::string& file, const std::vector<config::Override>& overrides) {
  auto loaded = config::load_file(file, config::process_environment(), overrides);
  if (loaded) return std::move(*loaded);
  std::string all;
  for (const auto& issue : loaded.error()) all += issue.to_string() + "\n";
  return fail(Errc::InvalidArgument, all);
}

void show_phase(std::string_view phase, std::chrono::milliseconds elapsed, std::string_view remark) {
  std::cout << fmt::format("{:<22} {:>7.2f} s  {}\n", phase, static_cast<double>(elapsed.count()) / 1000, remark)
            << std::flush;
}

int start_failed(const Error& error) {
  std::cerr << "bartizan: " << error.detail << "\n";
  return code(cli::exit_code_of(error.code));
}

int serve(const cli::ServeOptions& options) {
  Program::block_signals();
  const auto read = [file = options.config_file] { return load(file, {}); };
  auto configuration = read();
  if (!configuration) {
    std::cerr << configuration.error().detail;
    return code(cli::ExitCode::Configuration);
  }
  apply_log_options(configuration->log);
  auto sockets = net::take_inherited_sockets();
  if (!sockets) return start_failed(sockets.error());
  auto program = Program::start({std::move(*configuration), read, std::move(*sockets)}, show_phase);
  if (!program) return start_failed(program.error());
  std::cout << fmt::format("serving on port {}\n", (*program)->port()) << std::flush;
  (*program)->run_until_stopped();
  return code(cli::ExitCode::Ok);
}

/// Where `up` keeps things when nobody says: a folder that its user may write.
std::string default_data_directory() {
  if (::geteuid() == 0) return "/var/lib/bartizan";
  const char* home = std::getenv("HOME");
  return std::string(home == nullptr ? "/tmp" : home) + "/.local/share/bartizan";
}

std::vector<config::Override> up_overrides(const cli::UpOptions& options) {
  const bool chosen = !options.data_directory.empty();
  std::error_code error;
  const auto data =
      std::filesystem::weakly_canonical(chosen ? options.data_directory : default_data_directory(), error);
  std::vector<config::Override> overrides = {{"embedded.enabled", "true"},
                                             {"embedded.data_directory", data.string()},
                                             {"embedded.demo", options.demo ? "true" : "false"}};
  if (chosen || ::geteuid() != 0) overrides.push_back({"admin.socket_file", (data / "run" / "admin.sock").string()});
  if (options.port) overrides.push_back({"listen.port", std::to_string(*options.port)});
  // Several instances side by side: their metrics ports must not collide.
  if (chosen || options.port) overrides.push_back({"metrics.port", "0"});
  overrides.push_back({"log.level", "warn"});  // a person watches; the phases say the rest
  return overrides;
}

/// The line that stops what runs in the background, ready to be pasted.
std::string how_to_stop(const Program& program, bool at_default_socket) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error).string();
  const bool on_path = error || self == "/usr/bin/bartizan" || self == "/usr/local/bin/bartizan";
  const auto data = at_default_socket ? std::string() : " --data " + program.data_directory().string();
  return fmt::format("Stop it with: {} down{}", on_path ? "bartizan" : self, data);
}

int up(const cli::UpOptions& options) {
  const auto begun = system_clock().steady();
  const auto read = [overrides = up_overrides(options)] { return load("", overrides); };
  auto configuration = read();
  if (!configuration) {
    std::cerr << configuration.error().detail;
    return code(cli::ExitCode::Configuration);
  }
  const bool background = options.detach && detach() == Side::Background;
  Program::block_signals();
  apply_log_options(configuration->log);
  auto program = Program::start({std::move(*configuration), read, {}}, show_phase);
  if (!program) return start_failed(program.error());
  if (options.demo) print_tour(**program, std::cout);
  const double took = std::chrono::duration<double>(system_clock().steady() - begun).count();
  std::cout << fmt::format("\nReady in {:.1f} s. {}\n", took,
                           options.detach ? how_to_stop(**program, options.data_directory.empty() && ::geteuid() == 0)
                                          : "Ctrl-C stops everything.")
            << std::flush;
  if (background) detach_ready((*program)->data_directory() / "bartizan.log");
  (*program)->run_until_stopped();
  return code(cli::ExitCode::Ok);
}

int preflight(const cli::PreflightOptions& options) {
  const auto report = postgres::preflight(options.dsn, system_clock().steady() + std::chrono::seconds(30));
  if (!report) return start_failed(report.error());
  control::Items findings;
  for (const auto& finding : report->findings)
    findings.push_back(control::Members{{"severity", postgres::to_string(finding.severity)},
                                        {"id", finding.id},
                                        {"what", finding.what},
                                        {"why", finding.why},
                                        {"what_to_do", finding.what_to_do}});
  if (options.json) {
    std::cout << control::Document(control::Members{{"server_version", report->server_version},
                                                    {"grade", postgres::to_string(report->grade)},
                                                    {"findings", std::move(findings)}})
                     .to_json()
              << "\n";
  } else {
    std::cout << fmt::format("PostgreSQL {}, grade: {}\n", report->server_version, postgres::to_string(report->grade));
    for (const auto& finding : report->findings) {
      std::cout << fmt::format("{:<8} {:<28} {}\n", postgres::to_string(finding.severity), finding.id, finding.what);
      if (!finding.why.empty()) std::cout << fmt::format("{:37} {}\n", "", finding.why);
      if (!finding.what_to_do.empty()) std::cout << fmt::format("{:37} -> {}\n", "", finding.what_to_do);
    }
  }
  return code(report->worst() == postgres::Severity::Blocker ? cli::ExitCode::Refused : cli::ExitCode::Ok);
}

int rest_encrypt(const cli::RestEncryptOptions& options) {
  cli::UpOptions as_up;
  as_up.data_directory = options.data_directory;
  auto configuration = options.config_file.empty() ? load("", up_overrides(as_up)) : load(options.config_file, {});
  if (!configuration) {
    std::cerr << configuration.error().detail;
    return code(cli::ExitCode::Configuration);
  }
  if (!configuration->embedded.enabled)
    return start_failed({Errc::FailedPrecondition, "this configuration has no embedded PostgreSQL"});
  Program::hide_memory();
  apply_log_options(configuration->log);
  auto keys = open_cell_keys(*configuration);
  if (!keys) return start_failed(keys.error());
  auto embedded = embedded_options(configuration->embedded);
  embedded.at_rest->key = storage_keys(**keys);
  const auto done = postgres::encrypt_files(embedded);
  if (!done) return start_failed(done.error());
  std::cout << fmt::format("at rest: {}\n", done->how);
  return code(cli::ExitCode::Ok);
}

}  // namespace

cli::LocalCommands local_commands() {
  cli::LocalCommands commands;
  commands.serve = serve;
  commands.up = up;
  commands.preflight = preflight;
  commands.rest_encrypt = rest_encrypt;
  commands.audit_verify = audit_verify;
  return commands;
}

}  // namespace bartizan::app
