#include <arpa/inet.h>

#include <array>
#include <charconv>

#include "bartizan/shipping/sink.hpp"

namespace bartizan::shipping {
namespace {

constexpr std::size_t kMaxHost = 253;

bool is_host(std::string_view host) {
  if (host.empty() || host.size() > kMaxHost) return false;
  return host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:") ==
         std::string_view::npos;
}

bool is_loopback(const std::string& host) { return host == "127.0.0.1" || host == "::1" || host == "localhost"; }

/// The host and what stands behind its colon; nullopt for a port that is none.
std::optional<std::pair<std::string, std::optional<std::uint16_t>>> split(std::string_view text) {
  std::string_view host = text;
  std::string_view port;
  bool named = false;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = text.substr(1, end - 1);
    const auto rest = text.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return std::nullopt;
    named = !rest.empty();
    port = rest.empty() ? rest : rest.substr(1);
  } else if (const auto colon = text.rfind(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    named = true;
    if (host.find(':') != std::string_view::npos) return std::nullopt;  // IPv6 stands in brackets
  }
  if (!is_host(host)) return std::nullopt;
  if (!named) return std::pair{std::string(host), std::optional<std::uint16_t>()};
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc{} || end != port.data() + port.size() || number == 0) return std::nullopt;
  return std::pair{std::string(host), std::optional(number)};
}

}  // namespace

Result<Peer> parse_address(const std::string& address) {
  const auto parts = split(address);
  if (!parts || !parts->second) return fail(Errc::InvalidArgument, "an address is HOST:PORT, an IPv6 one [HOST]:PORT");
  Peer peer;
  peer.host = parts->first;
  peer.port = *parts->second;
  return peer;
}

Result<Url> parse_url(const std::string& url) {
  Url out;
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
    out.peer.tls = false;
  } else {
    return fail(Errc::InvalidArgument, "a URL begins with https://");
  }
  const auto slash = rest.find('/');
  out.target = slash == std::string_view::npos ? "/" : std::string(rest.substr(slash));
  out.authority = std::string(rest.substr(0, slash));
  for (const char c : out.target)
    if (c <= ' ' || c > '~' || c == '#')
      return fail(Errc::InvalidArgument, "a URL's path has printable characters alone");
  const auto parts = split(out.authority);
  if (!parts) return fail(Errc::InvalidArgument, "a URL is https://HOST[:PORT]/PATH, without a user's name");
  out.peer.host = parts->first;
  out.peer.port = parts->second.value_or(out.peer.tls ? 443 : 80);
  if (!out.peer.tls && !is_loopback(out.peer.host))
    return fail(Errc::InvalidArgument, "http:// is for a receiver on this machine alone: use https://");
  return out;
}

}  // namespace bartizan::shipping
