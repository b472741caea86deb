#include "bartizan/identity/scram_verifier.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "bartizan/crypto/base64.hpp"
#include "scram_keys.hpp"
#include "scram_message.hpp"

namespace bartizan::identity {
namespace {

constexpr std::string_view kPrefix = "SCRAM-SHA-256$";

/// 20 for the text around the parts; the parts are bounded one by one as well.
constexpr std::size_t kMaxText = kPrefix.size() + 20 + (kMaxScramSaltSize + 2) / 3 * 4 + 2 * 44;

/// Takes text up to the separator off its front.
Result<std::string_view> take_until(std::string_view& text, char separator) {
  const auto at = text.find(separator);
  if (at == std::string_view::npos) return fail(Errc::Malformed, "SCRAM verifier: a part is missing");
  const auto part = text.substr(0, at);
  text.remove_prefix(at + 1);
  return part;
}

Result<SecretBytes> decode_key(std::string_view text) {
  BZ_TRY(Bytes bytes, crypto::base64_decode(text, kScramKeySize));
  if (bytes.size() != kScramKeySize) return fail(Errc::Malformed, "SCRAM verifier: a key is not 32 bytes");
  SecretBytes key{ByteView(bytes)};
  secure_wipe(bytes.data(), bytes.size());
  return key;
}

}  // namespace

ScramVerifier::ScramVerifier(std::uint32_t iterations, Bytes salt, SecretBytes stored_key, SecretBytes server_key)
    : iterations_(iterations),
      salt_(std::move(salt)),
      stored_key_(std::move(stored_key)),
      server_key_(std::move(server_key)) {}

Result<ScramVerifier> ScramVerifier::parse(std::string_view text) {
  if (!looks_like_scram_verifier(text)) return fail(Errc::Malformed, "not a SCRAM-SHA-256 verifier");
  if (text.size() > kMaxText) return fail(Errc::TooLarge, "SCRAM verifier: too long");
  text.remove_prefix(kPrefix.size());
  BZ_TRY(const auto iterations_text, take_until(text, ':'));
  BZ_TRY(const auto salt_text, take_until(text, '$'));
  BZ_TRY(const auto stored_key_text, take_until(text, ':'));
  BZ_TRY(const auto iterations, parse_iterations(iterations_text, kMaxVerifierIterations));
  BZ_TRY(Bytes salt, crypto::base64_decode(salt_text, kMaxScramSaltSize));
  if (salt.empty()) return fail(Errc::Malformed, "SCRAM verifier: no salt");
  BZ_TRY(SecretBytes stored_key, decode_key(stored_key_text));
  BZ_TRY(SecretBytes server_key, decode_key(text));
  return ScramVerifier(iterations, std::move(salt), std::move(stored_key), std::move(server_key));
}

Result<ScramVerifier> ScramVerifier::from_password(std::string_view password, ByteView salt, std::uint32_t iterations) {
  if (iterations == 0 || iterations > kMaxVerifierIterations)
    return fail(Errc::InvalidArgument, "SCRAM verifier: iteration count out of range");
  if (salt.empty() || salt.size() > kMaxScramSaltSize)
    return fail(Errc::InvalidArgument, "SCRAM verifier: salt out of range");
  BZ_TRY(ScramPasswordKeys keys, derive_scram_keys(password, salt, iterations));
  return ScramVerifier(iterations, Bytes(salt.begin(), salt.end()), std::move(keys.stored_key),
                       std::move(keys.server_key));
}

ScramVerifier ScramVerifier::mock(std::string_view user_name, ByteView mock_secret, ScramShape shape) {
  BZ_ASSERT(mock_secret.size() >= 16 && shape.iterations >= 1 && shape.iterations <= kMaxVerifierIterations);
  BZ_ASSERT(shape.salt_bytes >= 1 && shape.salt_bytes <= kMaxScramSaltSize);
  // One labelled value per part: the keys never go out, but no part may tell of another.
  const auto part = [&](std::string_view label) {
    return secret_hmac(mock_secret, std::string(label).append(user_name));
  };
  Bytes salt;
  for (int block = 0; salt.size() < shape.salt_bytes; ++block) {
    const auto more = part("scram mock salt " + std::to_string(shape.iterations) + " " +
                           std::to_string(shape.salt_bytes) + " " + std::to_string(block) + "\n");
    const auto wanted = std::min(shape.salt_bytes - salt.size(), more.size());
    salt.insert(salt.end(), more.reveal().begin(), more.reveal().begin() + static_cast<std::ptrdiff_t>(wanted));
  }
  return ScramVerifier(shape.iterations, std::move(salt), part("scram mock stored key\n"),
                       part("scram mock server key\n"));
}

SecretBytes ScramVerifier::to_string() const {
  std::string keys = crypto::base64_encode(stored_key_.reveal());
  std::string server_key = crypto::base64_encode(server_key_.reveal());
  std::string text;
  text.reserve(kMaxText);  // so that growing leaves no copies behind
  text.append(kPrefix).append(std::to_string(iterations_)).append(":").append(crypto::base64_encode(salt_));
  text.append("$").append(keys).append(":").append(server_key);
  SecretBytes secret{std::string_view(text)};
  for (auto* copy : {&keys, &server_key, &text}) secure_wipe(copy->data(), copy->size());
  return secret;
}

ScramVerifier ScramVerifier::clone() const { return {iterations_, salt_, stored_key_.clone(), server_key_.clone()}; }

bool looks_like_scram_verifier(std::string_view text) noexcept { return text.starts_with(kPrefix); }

}  // namespace bartizan::identity
