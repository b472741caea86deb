#include "target.hpp"

#include <optional>

#include "characters.hpp"

namespace bartizan::http {
namespace {

/// The byte behind a '%' whose two digits text begins with.
std::optional<char> encoded_byte(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  const auto high = hex_digit(text[0]), low = hex_digit(text[1]);
  if (!high || !low) return std::nullopt;
  return static_cast<char>(*high * 16 + *low);
}

/// nullopt: a '%' without two hexadecimal digits, or NUL.
std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const auto byte = encoded_byte(text.substr(i + 1));
      if (!byte || *byte == '\0') return std::nullopt;
      c = *byte;
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    out.push_back(c);
  }
  return out;
}

/// Segment by segment, so that an encoded slash is seen for what it is.
Result<std::string> decode_path(std::string_view text) {
  std::string path;
  while (!text.empty()) {
    text.remove_prefix(1);  // the slash
    const auto segment = text.substr(0, text.find('/'));
    text.remove_prefix(segment.size());
    const auto decoded = decode(segment, false);
    if (!decoded) return fail(Errc::Malformed, "a percent-encoding in the path is not valid");
    if (*decoded == "." || *decoded == "..") return fail(Errc::Malformed, "the path has dot segments");
    for (const char c : *decoded) {
      if (c == '/' || is_control(c) || c == '\t')
        return fail(Errc::Malformed, "the path has an encoded slash or control character");
    }
    path += '/';
    path += *decoded;
  }
  return path;
}

Result<std::vector<Parameter>> parse_query(std::string_view text, std::size_t max_parameters) {
  std::vector<Parameter> parameters;
  while (!text.empty()) {
    const auto piece = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(piece.size() + 1, text.size()));
    if (piece.empty()) continue;
    if (parameters.size() == max_parameters) return fail(Errc::Malformed, "too many query parameters");
    const auto equals = piece.find('=');
    auto name = decode(piece.substr(0, equals), true);
    auto value = decode(equals == std::string_view::npos ? std::string_view() : piece.substr(equals + 1), true);
    if (!name || !value) return fail(Errc::Malformed, "a percent-encoding in the query is not valid");
    parameters.push_back({std::move(*name), std::move(*value)});
  }
  return parameters;
}

/// Takes "http://host" from the front of an absolute-form target.
std::optional<std::string_view> take_authority(std::string_view& text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!same_ignoring_case(text.substr(0, scheme.size()), scheme)) continue;
    text.remove_prefix(scheme.size());
    const auto authority = text.substr(0, text.find_first_of("/?"));
    text.remove_prefix(authority.size());
    return authority;
  }
  return std::nullopt;
}

}  // namespace

bool is_host(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) {
    return is_alnum(c) || std::string_view("-._~:[]%!$&'()*+,;=").find(c) != std::string_view::npos;
  });
}

Result<Target> parse_target(Method method, std::string_view text, std::size_t max_parameters) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f || c == '#')
      return fail(Errc::Malformed, "the request target has characters that must be percent-encoded");
  }
  Target target;
  if (text == "*") {
    if (method != Method::Options) return fail(Errc::Malformed, "the target * is for OPTIONS");
    target.path = "*";
    return target;
  }
  if (const auto authority = take_authority(text)) {
    if (authority->empty() || !is_host(*authority))
      return fail(Errc::Malformed, "the request target names no valid host");
    target.host = *authority;
  }
  const auto path = text.substr(0, text.find('?'));
  if (!path.empty() && path.front() != '/')
    return fail(Errc::Malformed, "the request target is neither a path nor a URI");
  if (path.empty() && target.host.empty()) return fail(Errc::Malformed, "the request target has no path");
  BZ_TRY(target.path, decode_path(path.empty() ? "/" : path));
  if (path.size() < text.size()) {
    BZ_TRY(target.query, parse_query(text.substr(path.size() + 1), max_parameters));
  }
  return target;
}

}  // namespace bartizan::http
