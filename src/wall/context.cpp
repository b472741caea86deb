#include "bartizan/wall/context.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "bartizan/crypto/hash.hpp"
#include "bartizan/policy/outcome.hpp"
#include "text.hpp"

namespace bartizan::wall {

SecretBytes mask_key(const SecretBytes& secret, std::string_view class_role) {
  const auto text = fmt::format("bartizan mask 1\n{}", class_role);
  auto key = crypto::hmac_sha256(secret.reveal(), as_bytes(text));
  SecretBytes out{ByteView(key)};
  secure_wipe(key.data(), key.size());
  return out;
}

namespace {

constexpr std::size_t kMaxName = 63;
constexpr std::size_t kMaxNonce = 64;
constexpr std::int64_t kMaxSeconds = 999'999'999'999;

bool is_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  return !text.empty() && text.size() <= kMaxName && letter(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

/// The code point at the front of UTF-8 text, which it takes away; nullopt unless well-formed.
std::optional<char32_t> take_code_point(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (size == 0 || text.size() < size) return std::nullopt;
  char32_t code = size == 1 ? lead : lead & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0u) != 0x80u) return std::nullopt;
    code = (code << 6) | (byte(i) & 0x3fu);
  }
  constexpr std::array<char32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast.at(size) || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return std::nullopt;
  text.remove_prefix(size);
  return code;
}

/// A JSON string in ASCII, without quotes or backslashes of SQL's save JSON's own \u escapes.
Result<std::string> json_string(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto code = take_code_point(text);
    if (!code || *code == 0) return fail(Errc::InvalidArgument, "a context value is not text");
    const bool plain = *code >= 0x20 && *code < 0x7f && *code != '"' && *code != '\\' && *code != '\'';
    if (plain) {
      out += static_cast<char>(*code);
    } else if (*code < 0x10000) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(*code));
    } else {
      const unsigned rest = static_cast<unsigned>(*code) - 0x10000;
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + (rest >> 10), 0xdc00 + (rest & 0x3ff));
    }
  }
  return out += '"';
}

Result<std::string> json_object(const std::vector<ContextValue>& values) {
  std::vector<const ContextValue*> sorted;
  for (const auto& value : values) sorted.push_back(&value);
  std::ranges::sort(sorted, {}, [](const ContextValue* value) { return std::string_view(value->name); });
  std::string out = "{";
  std::string_view previous;
  bool tenant = false;
  for (const auto* value : sorted) {
    if (!is_name(value->name)) return fail(Errc::InvalidArgument, "a context attribute has no proper name");
    if (value->name == previous) return fail(Errc::InvalidArgument, "a context attribute is there twice");
    previous = value->name;
    tenant = tenant || value->name == policy::kTenantAttribute;
    if (out.size() > 1) out += ',';
    out += '"' + value->name + "\":";
    if (!value->value) {
      out += "null";
      continue;
    }
    if (value->value->size() > kMaxContextBytes) return fail(Errc::TooLarge, "a context value is too long");
    BZ_TRY(const auto text, json_string(*value->value));
    out += text;
  }
  if (!tenant) return fail(Errc::InvalidArgument, "a context must say which tenant, or that there is none");
  return out += '}';
}

}  // namespace

Result<SecretBytes> connection_key(const SecretBytes& depot_key, const ServerConnection& connection) {
  if (depot_key.size() != kContextKeySize) return fail(Errc::InvalidArgument, "a context key has 32 bytes");
  if (!is_name(connection.class_role)) return fail(Errc::InvalidArgument, "not the name of a class role");
  const bool nonce = !connection.nonce.empty() && connection.nonce.size() <= kMaxNonce &&
                     std::ranges::all_of(connection.nonce, [](char c) { return c > ' ' && c < 0x7f; });
  if (!nonce || connection.backend_pid <= 0) return fail(Errc::InvalidArgument, "not a server connection's nonce");
  const auto message =
      fmt::format("bartizan connection 1\n{}\n{}\n{}", connection.class_role, connection.backend_pid, connection.nonce);
  auto digest = crypto::hmac_sha256(depot_key.reveal(), as_bytes(message));
  SecretBytes key{ByteView(digest)};
  secure_wipe(digest.data(), digest.size());
  return key;
}

Result<std::string> sign_context(const SecretBytes& connection_key, const Context& context) {
  if (connection_key.size() != crypto::kSha256Size) return fail(Errc::InvalidArgument, "a connection key has 32 bytes");
  const auto seconds = std::chrono::floor<std::chrono::seconds>(context.expires).time_since_epoch().count();
  if (seconds <= 0 || seconds > kMaxSeconds) return fail(Errc::InvalidArgument, "the context's expiry is out of range");
  BZ_TRY(const auto body, json_object(context.values));
  const auto text = fmt::format("1{:012}{}", seconds, body);
  if (text.size() + 2 * crypto::kSha256Size > kMaxContextBytes) return fail(Errc::TooLarge, "the context is too long");
  return hex_encode(crypto::hmac_sha256(connection_key.reveal(), as_bytes(text))) + text;
}

std::string set_context_sql(std::string_view signed_context) {
  return "SELECT pg_catalog.set_config('bartizan.ctx', " + quoted_literal(signed_context) + ", true)";
}

}  // namespace bartizan::wall
