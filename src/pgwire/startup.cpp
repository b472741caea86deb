#include "bartizan/pgwire/startup.hpp"

#include "bartizan/pgwire/frame.hpp"

namespace bartizan::pgwire {
namespace {

constexpr std::string_view kProtocolOptionPrefix = "_pq_.";
constexpr std::size_t kMinCancelKeyBytes = 4;
constexpr std::size_t kMaxCancelKeyBytes = 256;

tl::unexpected<Error> bad_length() { return fail(Errc::Malformed, "invalid length of startup packet"); }

Result<StartupPacket> decode_cancel(ByteReaderView& reader) {
  const auto process_id = reader.be32();
  if (!process_id || reader.remaining() < kMinCancelKeyBytes || reader.remaining() > kMaxCancelKeyBytes) {
    return bad_length();
  }
  return StartupPacket(CancelRequest{*process_id, *reader.bytes(reader.remaining())});
}

/// The pairs up to the empty name, which must be the packet's last byte.
Result<std::vector<StartupMessage::Parameter>> decode_parameters(ByteReaderView& reader) {
  std::vector<StartupMessage::Parameter> parameters;
  while (true) {
    const auto name = reader.cstring();
    if (name && name->empty()) break;
    const auto value = name ? reader.cstring() : std::nullopt;
    if (!value) return fail(Errc::Malformed, "invalid startup packet layout: expected terminator as last byte");
    if (parameters.size() == kMaxStartupParameters) return fail(Errc::TooLarge, "too many startup parameters");
    parameters.emplace_back(*name, *value);
  }
  if (!reader.at_end()) return fail(Errc::Malformed, "invalid startup packet layout: expected terminator as last byte");
  return parameters;
}

bool is_protocol_option(std::string_view name) noexcept { return name.starts_with(kProtocolOptionPrefix); }

bool is_connection_parameter(std::string_view name) noexcept {
  return name == "user" || name == "database" || name == "options" || name == "replication";
}

/// value, in any case, is a prefix of word of at least min characters.
bool abbreviates(std::string_view value, std::string_view word, std::size_t min) noexcept {
  if (value.size() < min || value.size() > word.size()) return false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c) != word[i]) return false;
  }
  return true;
}

}  // namespace

std::optional<std::string_view> StartupMessage::find(std::string_view name) const noexcept {
  for (auto it = parameters.rbegin(); it != parameters.rend(); ++it) {
    if (it->first == name) return it->second;
  }
  return std::nullopt;
}

std::string_view StartupMessage::user() const noexcept { return find("user").value_or(std::string_view{}); }

std::string_view StartupMessage::database() const noexcept {
  const auto named = find("database").value_or(std::string_view{});
  return named.empty() ? user() : named;
}

std::string_view StartupMessage::options() const noexcept { return find("options").value_or(std::string_view{}); }

std::vector<StartupMessage::Parameter> StartupMessage::settings() const {
  std::vector<Parameter> chosen;
  for (const auto& parameter : parameters) {
    if (!is_connection_parameter(parameter.first) && !is_protocol_option(parameter.first)) chosen.push_back(parameter);
  }
  return chosen;
}

std::vector<std::string_view> StartupMessage::protocol_options() const {
  std::vector<std::string_view> names;
  for (const auto& [name, value] : parameters) {
    if (is_protocol_option(name)) names.push_back(name);
  }
  return names;
}

Result<StartupPacket> decode_startup(ByteView packet) {
  std::uint32_t length = 0;
  if (peek_startup(packet, length) != FrameStatus::Ok || length != packet.size()) return bad_length();
  ByteReaderView reader(packet.subspan(4));
  const auto code = *reader.be32();
  switch (code) {
    case kSslRequestCode:
      if (!reader.at_end()) return bad_length();
      return StartupPacket(SslRequest{});
    case kGssEncRequestCode:
      if (!reader.at_end()) return bad_length();
      return StartupPacket(GssEncRequest{});
    case kCancelRequestCode: return decode_cancel(reader);
    default: break;
  }
  StartupMessage message;
  message.major = static_cast<std::uint16_t>(code >> 16);
  message.minor = static_cast<std::uint16_t>(code & 0xffff);
  if (message.major == 3) {
    BZ_TRY(message.parameters, decode_parameters(reader));
  }
  return StartupPacket(std::move(message));
}

Result<ReplicationMode> parse_replication(std::string_view value) {
  if (value == "database") return ReplicationMode::Logical;
  // "o" alone abbreviates both on and off, so PostgreSQL asks for two characters of it.
  if (value == "1" || abbreviates(value, "true", 1) || abbreviates(value, "yes", 1) || abbreviates(value, "on", 2)) {
    return ReplicationMode::Physical;
  }
  if (value == "0" || abbreviates(value, "false", 1) || abbreviates(value, "no", 1) || abbreviates(value, "off", 2)) {
    return ReplicationMode::None;
  }
  return fail(Errc::InvalidArgument, R"(replication: expected "false", 0, "true", 1 or "database")");
}

}  // namespace bartizan::pgwire
