#include "bartizan/postgres/server_binaries.hpp"

#include <unistd.h>

#include <charconv>

#include "bartizan/procs/child_process.hpp"

namespace bartizan::postgres {
namespace {

Result<ServerBinaries> probe(const std::string& directory, SteadyTime deadline) {
  for (const char* program : {"/postgres", "/initdb"})
    if (::access((directory + program).c_str(), X_OK) != 0)
      return fail(Errc::NotFound, "no PostgreSQL server program " + directory + program);
  procs::Command command;
  command.argv = {directory + "/postgres", "--version"};
  command.environment = {{"LC_ALL", "C"}};
  command.standard_output = procs::Capture{1024};
  BZ_TRY(const auto completed, procs::run(command, deadline));
  const auto version = completed.status.success() ? parse_version_line(completed.standard_output) : std::nullopt;
  if (!version) return fail(Errc::Unsupported, directory + "/postgres does not tell its version");
  return ServerBinaries{directory, version->first, version->second};
}

std::string supported_range() {
  return std::to_string(kOldestEmbeddedMajor) + " to " + std::to_string(kNewestEmbeddedMajor);
}

}  // namespace

std::optional<std::pair<int, std::string>> parse_version_line(std::string_view line) {
  constexpr std::string_view kPrefix = "postgres (PostgreSQL) ";
  if (!line.starts_with(kPrefix)) return std::nullopt;
  line.remove_prefix(kPrefix.size());
  const auto version = line.substr(0, line.find_first_of(" \r\n"));
  int major = 0;
  const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), major);
  if (error != std::errc() || major <= 0) return std::nullopt;
  return std::pair{major, std::string(version)};
}

Result<std::vector<ServerBinaries>> find_server_binaries(const std::optional<std::string>& configured_directory,
                                                         SteadyTime deadline) {
  std::vector<ServerBinaries> found;
  if (configured_directory) {
    BZ_TRY(auto binaries, probe(*configured_directory, deadline));
    if (binaries.major < kOldestEmbeddedMajor || binaries.major > kNewestEmbeddedMajor)
      return fail(Errc::Unsupported, *configured_directory + " holds PostgreSQL " + binaries.version +
                                         "; supported are " + supported_range());
    found.push_back(std::move(binaries));
    return found;
  }
  for (int major = kNewestEmbeddedMajor; major >= kOldestEmbeddedMajor; --major) {
    auto binaries = probe("/usr/lib/postgresql/" + std::to_string(major) + "/bin", deadline);
    // What lies in the folder of a version but is another one is not taken for it.
    if (binaries && binaries->major == major) found.push_back(std::move(*binaries));
  }
  if (found.empty())
    return fail(Errc::NotFound, "no PostgreSQL server programs (" + supported_range() +
                                    ") under /usr/lib/postgresql: install the package postgresql-15, or configure "
                                    "the folder that holds postgres and initdb");
  return found;
}

}  // namespace bartizan::postgres
