#include "bartizan/vault/provider_address.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/crypto/hash.hpp"

namespace bartizan::vault {
namespace {

using Parts = std::map<std::string, std::string, std::less<>>;

tl::unexpected<Error> wrong(std::string what) { return fail(Errc::InvalidArgument, std::move(what)); }

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = text.find(at);
    out.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return out;
}

Result<std::string> unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const auto byte = hex_decode(text.substr(i + 1, 2));
    if (!byte || byte->size() != 1 || (*byte)[0] == std::byte{0})
      return wrong("a % is followed by two hexadecimal digits");
    out.push_back(static_cast<char>((*byte)[0]));
    i += 2;
  }
  return out;
}

/// name=value, each once, and none but those that are known.
Result<Parts> parts_of(std::string_view text, char between, std::initializer_list<std::string_view> known) {
  Parts out;
  for (const auto part : split(text, between)) {
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) return wrong("a part of an address is name=value");
    const std::string name(part.substr(0, equals));
    if (std::ranges::find(known, name) == known.end()) return wrong("an address has no part '" + name + "' here");
    BZ_TRY(auto value, unescaped(part.substr(equals + 1)));
    if (!out.emplace(name, std::move(value)).second) return wrong("'" + name + "' stands there twice");
  }
  return out;
}

Result<std::string> part(const Parts& parts, std::string_view name) {
  const auto found = parts.find(name);
  if (found == parts.end() || found->second.empty()) return wrong("the address lacks '" + std::string(name) + "'");
  return found->second;
}

Result<std::filesystem::path> file(const Parts& parts, std::string_view name) {
  BZ_TRY(auto text, part(parts, name));
  if (text.starts_with("file:")) text.erase(0, 5);
  if (text.starts_with("///")) text.erase(0, 2);
  if (!text.starts_with('/')) return wrong("'" + std::string(name) + "' is an absolute path");
  return std::filesystem::path(text);
}

std::string named(std::string_view scheme, std::initializer_list<std::string_view> identity) {
  Bytes all;
  for (const auto one : identity) {
    all.insert(all.end(), as_bytes(one).begin(), as_bytes(one).end());
    all.push_back(std::byte{0});
  }
  return std::string(scheme) + ":" + hex_encode(crypto::sha256(all)).substr(0, 16);
}

Result<ProviderAddress> pkcs11(std::string_view text) {
  const auto mark = text.find('?');
  if (mark == std::string_view::npos) return wrong("the address lacks 'module-path' and 'pin-source'");
  BZ_TRY(const auto path, parts_of(text.substr(0, mark), ';', {"token", "object"}));
  BZ_TRY(const auto query, parts_of(text.substr(mark + 1), '&', {"module-path", "pin-source"}));
  Pkcs11Address out;
  BZ_TRY(out.token, part(path, "token"));
  BZ_TRY(out.object, part(path, "object"));
  BZ_TRY(out.module, file(query, "module-path"));
  BZ_TRY(out.pin_file, file(query, "pin-source"));
  const auto name = named("pkcs11", {out.module.string(), out.token, out.object});
  return ProviderAddress{std::move(out), name};
}

struct Service {
  shipping::Url url;
  std::string path;  ///< without the slash before it
  Parts query;
};

Result<Service> service(std::string_view text, std::initializer_list<std::string_view> known) {
  const auto mark = text.find('?');
  Service out;
  BZ_TRY(out.url, shipping::parse_url(std::string(text.substr(0, mark))));
  if (!out.url.peer.tls) return wrong("a key service is reached over https:// alone");
  out.path = out.url.target.substr(1);
  BZ_TRY(out.query, parts_of(mark == std::string_view::npos ? std::string_view() : text.substr(mark + 1), '&', known));
  if (out.query.contains("ca-file")) {
    BZ_TRY(const auto authority, file(out.query, "ca-file"));
    out.url.peer.ca_file = authority.string();
  }
  return out;
}

/// What goes into a path or a JSON text as it is.
bool is_plain(std::string_view text, std::string_view beside) {
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           beside.find(c) != std::string_view::npos;
  });
}

Result<ProviderAddress> transit(std::string_view text) {
  BZ_TRY(auto parsed, service(text, {"token-file", "ca-file", "namespace"}));
  const auto slash = parsed.path.rfind('/');
  if (slash == std::string::npos) return wrong("the address of a transit key is vault:https://HOST/MOUNT/KEY?…");
  TransitAddress out;
  out.mount = parsed.path.substr(0, slash);
  out.key = parsed.path.substr(slash + 1);
  if (!is_plain(out.mount, "/.") || out.mount.find("..") != std::string::npos || !is_plain(out.key, ""))
    return wrong("mount and key of an address have letters, digits, - and _");
  BZ_TRY(out.token_file, file(parsed.query, "token-file"));
  if (parsed.query.contains("namespace")) {
    BZ_TRY(out.name_space, part(parsed.query, "namespace"));
    if (!is_plain(out.name_space, "/")) return wrong("a namespace has letters, digits, -, _ and /");
  }
  out.service = std::move(parsed.url);
  const auto name = named("vault", {out.service.authority, out.name_space, out.mount, out.key});
  return ProviderAddress{std::move(out), name};
}

Result<ProviderAddress> kms(std::string_view text) {
  BZ_TRY(auto parsed, service(text, {"region", "credentials-file", "ca-file"}));
  KmsAddress out;
  out.key = parsed.path;
  if (!is_plain(out.key, ":/"))
    return wrong("the address of a KMS key is aws-kms:https://HOST/KEY?…, KEY its id, ARN or alias");
  BZ_TRY(out.region, part(parsed.query, "region"));
  if (!is_plain(out.region, "")) return wrong("a region has letters, digits and -");
  BZ_TRY(out.credentials_file, file(parsed.query, "credentials-file"));
  out.service = std::move(parsed.url);
  const auto name = named("aws-kms", {out.region, out.key});
  return ProviderAddress{std::move(out), name};
}

}  // namespace

Result<ProviderAddress> parse_provider(std::string_view text) {
  const bool printable = std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
  if (text.size() > kMaxAddressBytes || !printable)
    return wrong("the address of a key provider is a line of up to 1024 printable ASCII characters, without spaces");
  const auto rest = [&](std::string_view scheme) { return text.substr(scheme.size()); };
  if (text.starts_with("pkcs11:")) return pkcs11(rest("pkcs11:"));
  if (text.starts_with("vault:")) return transit(rest("vault:"));
  if (text.starts_with("aws-kms:")) return kms(rest("aws-kms:"));
  return wrong("the address of a key provider begins with pkcs11:, vault: or aws-kms:");
}

}  // namespace bartizan::vault
