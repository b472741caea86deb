#include "relp_frame.hpp"

#include <charconv>

namespace bartizan::shipping {
namespace {

constexpr std::uint32_t kLastTransaction = 999'999'999;
constexpr std::size_t kMaxData = 64 * 1024;
constexpr std::size_t kMaxDigits = 9;
constexpr std::size_t kMaxCommand = 32;

/// Digits from at on, ended by a space or a line's end. nullopt in the optional: more is needed.
Result<std::optional<std::uint32_t>> number_at(std::string_view bytes, std::size_t& at) {
  std::size_t end = at;
  while (end < bytes.size() && bytes[end] >= '0' && bytes[end] <= '9') ++end;
  if (end - at > kMaxDigits) return fail(Errc::Malformed, "a RELP frame's number is too long");
  if (end == bytes.size()) return std::optional<std::uint32_t>();
  std::uint32_t value = 0;
  const auto [stop, error] = std::from_chars(bytes.data() + at, bytes.data() + end, value);
  if (error != std::errc{} || stop != bytes.data() + end)
    return fail(Errc::Malformed, "a RELP frame without its number");
  at = end;
  return std::optional(value);
}

}  // namespace

std::uint32_t next_transaction(std::uint32_t before) noexcept { return before >= kLastTransaction ? 1 : before + 1; }

void append_relp(std::string& out, std::uint32_t transaction, std::string_view command, std::string_view data) {
  out.append(std::to_string(transaction)).append(" ").append(command).append(" ").append(std::to_string(data.size()));
  if (!data.empty()) out.append(" ").append(data);
  out.push_back('\n');
}

Result<std::optional<RelpFrame>> parse_relp(std::string_view bytes) {
  RelpFrame frame;
  std::size_t at = 0;
  BZ_TRY(const auto transaction, number_at(bytes, at));
  if (!transaction) return std::optional<RelpFrame>();
  frame.transaction = *transaction;
  if (bytes[at++] != ' ') return fail(Errc::Malformed, "a RELP frame without a command");
  const auto space = bytes.find(' ', at);
  if (space == std::string_view::npos) {
    if (bytes.size() - at > kMaxCommand) return fail(Errc::Malformed, "a RELP command is too long");
    return std::optional<RelpFrame>();
  }
  if (space - at > kMaxCommand || space == at) return fail(Errc::Malformed, "a RELP command has 1 to 32 characters");
  frame.command = std::string(bytes.substr(at, space - at));
  at = space + 1;
  BZ_TRY(const auto length, number_at(bytes, at));
  if (!length) return std::optional<RelpFrame>();
  if (*length > kMaxData) return fail(Errc::TooLarge, "a RELP answer is too long");
  if (*length > 0) {
    if (bytes[at++] != ' ') return fail(Errc::Malformed, "a RELP frame without its data");
    if (bytes.size() - at < *length) return std::optional<RelpFrame>();
    frame.data = std::string(bytes.substr(at, *length));
    at += *length;
  }
  if (at == bytes.size()) return std::optional<RelpFrame>();
  // One that ends with a space before its line's end is seen where there is no data.
  if (*length == 0 && bytes[at] == ' ') ++at;
  if (at == bytes.size()) return std::optional<RelpFrame>();
  if (bytes[at++] != '\n') return fail(Errc::Malformed, "a RELP frame does not end where it should");
  frame.bytes = at;
  return std::optional(std::move(frame));
}

unsigned relp_status(const RelpFrame& frame) noexcept {
  unsigned code = 0;
  const auto [end, error] =
      std::from_chars(frame.data.data(), frame.data.data() + std::min<std::size_t>(frame.data.size(), 3), code);
  return error == std::errc{} ? code : 0;
}

}  // namespace bartizan::shipping
