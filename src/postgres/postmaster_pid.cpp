#include "postmaster_pid.hpp"

#include <charconv>

namespace bartizan::postgres {

std::optional<PostmasterPid> parse_postmaster_pid(std::string_view text) {
  const auto first_end = text.find('\n');
  if (first_end == std::string_view::npos) return std::nullopt;
  PostmasterPid file;
  const auto [end, error] = std::from_chars(text.data(), text.data() + first_end, file.pid);
  if (error != std::errc() || end != text.data() + first_end || file.pid <= 0) return std::nullopt;
  const auto rest = text.substr(first_end + 1);
  file.data_directory = std::string(rest.substr(0, rest.find('\n')));
  return file;
}

}  // namespace bartizan::postgres
