#include "aws_signature.hpp"

#include <fmt/format.h>

#include "bartizan/crypto/hash.hpp"

namespace bartizan::vault {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

SecretBytes mac(const SecretBytes& key, std::string_view data) {
  auto digest = crypto::hmac_sha256(key.reveal(), as_bytes(data));
  SecretBytes out{ByteView(digest)};
  secure_wipe(digest.data(), digest.size());
  return out;
}

SecretBytes signing_key(const SecretBytes& secret_key, std::string_view date, const AwsScope& scope) {
  std::string start = "AWS4" + std::string(secret_key.reveal_chars());
  const SecretBytes first{std::string_view(start)};
  secure_wipe(start.data(), start.size());
  return mac(mac(mac(mac(first, date), scope.region), scope.service), "aws4_request");
}

}  // namespace

std::string aws_authorization(const AwsRequest& request, const AwsScope& scope, std::string_view access_key,
                              const SecretBytes& secret_key) {
  std::string headers;
  std::string names;
  for (const auto& [name, value] : request.headers) {
    headers += fmt::format("{}:{}\n", name, value);
    names += (names.empty() ? "" : ";") + name;
  }
  const auto canonical = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, request.path, request.query, headers,
                                     names, hex_encode(crypto::sha256(request.body)));
  const auto date = std::string_view(scope.time).substr(0, 8);
  const auto credential = fmt::format("{}/{}/{}/aws4_request", date, scope.region, scope.service);
  const auto to_sign = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, scope.time, credential,
                                   hex_encode(crypto::sha256(as_bytes(canonical))));
  const auto signature = mac(signing_key(secret_key, date, scope), to_sign);
  return fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm, access_key, credential, names,
                     hex_encode(signature.reveal()));
}

}  // namespace bartizan::vault
