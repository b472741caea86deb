#include "bartizan/identity/scram_client.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "bartizan/crypto/base64.hpp"
#include "bartizan/crypto/ct.hpp"
#include "bartizan/identity/scram_verifier.hpp"
#include "scram_keys.hpp"
#include "scram_message.hpp"

namespace bartizan::identity {
namespace {

tl::unexpected<Error> out_of_order() { return fail(Errc::FailedPrecondition, "SCRAM: message out of order"); }

std::string gs2_header(const ScramBinding& binding) {
  switch (binding.kind) {
    case ScramBinding::Kind::None: return "n,,";
    case ScramBinding::Kind::NotOffered: return "y,,";
    case ScramBinding::Kind::EndPoint: return "p=" + std::string(kChannelBindingType) + ",,";
  }
  BZ_ASSERT(false);
}

/// The server's text is shown only when it is one of RFC 5802 section 7's own words.
std::string_view known_error(std::string_view value) noexcept {
  static constexpr std::array<std::string_view, 11> kErrors = {"invalid-encoding",
                                                               "extensions-not-supported",
                                                               "invalid-proof",
                                                               "unknown-user",
                                                               "channel-bindings-dont-match",
                                                               "server-does-support-channel-binding",
                                                               "no-resources",
                                                               "channel-binding-not-supported",
                                                               "unsupported-channel-binding-type",
                                                               "invalid-username-encoding",
                                                               "other-error"};
  return std::ranges::find(kErrors, value) != kErrors.end() ? value : "other-error";
}

}  // namespace

bool ScramKeyCacheEntry::matches(const ServerFirst& server_first) const noexcept {
  return iterations == server_first.iterations && crypto::ct_equal(salt, server_first.salt) &&
         keys.client_key.size() == kScramKeySize && keys.server_key.size() == kScramKeySize;
}

Result<ScramClientKeys> derive_scram_client_keys(std::string_view password, ByteView salt, std::uint32_t iterations) {
  BZ_TRY(ScramPasswordKeys keys, derive_scram_keys(password, salt, iterations));
  return ScramClientKeys{std::move(keys.client_key), std::move(keys.server_key)};
}

Result<ScramBinding> choose_scram_binding(std::span<const std::string_view> offered,
                                          std::optional<Bytes> end_point_hash, bool required) {
  const bool plus = std::ranges::find(offered, kScramSha256Plus) != offered.end();
  const bool plain = std::ranges::find(offered, kScramSha256) != offered.end();
  if (!plus && !plain) return fail(Errc::Unsupported, "the server offers no SASL mechanism that we have");
  if (plus && end_point_hash) return ScramBinding{ScramBinding::Kind::EndPoint, std::move(*end_point_hash)};
  if (required) return fail(Errc::FailedPrecondition, "channel binding is required, but not possible with this server");
  if (!plain)
    return fail(Errc::Unsupported, "the server insists on channel binding, for which there is no certificate hash");
  return ScramBinding{end_point_hash ? ScramBinding::Kind::NotOffered : ScramBinding::Kind::None, {}};
}

ScramClient::ScramClient(ScramBinding binding, std::string client_nonce, ScramClientLimits limits)
    : binding_(std::move(binding)), limits_(limits), nonce_(std::move(client_nonce)) {
  BZ_ASSERT(is_scram_nonce(nonce_));
  BZ_ASSERT((binding_.kind == ScramBinding::Kind::EndPoint) == !binding_.end_point_hash.empty());
  BZ_ASSERT(limits_.min_iterations >= 1 && limits_.min_iterations <= limits_.max_iterations);
}

std::string ScramClient::client_first() {
  BZ_ASSERT(state_ == State::Initial);
  client_first_bare_ = "n=,r=" + nonce_;  // PostgreSQL takes the name from the startup packet
  state_ = State::FirstSent;
  return gs2_header(binding_) + client_first_bare_;
}

Result<ServerFirst> ScramClient::parse_server_first(std::string_view data) {
  const State was = std::exchange(state_, State::Failed);  // until shown otherwise
  if (was != State::FirstSent) return out_of_order();
  BZ_TRY(ServerFirst server_first, read_server_first(data));
  server_first_ = data;
  nonce_ = server_first.nonce;
  state_ = State::KeysNeeded;
  return server_first;
}

Result<ServerFirst> ScramClient::read_server_first(std::string_view data) const {
  BZ_CHECK(check_scram_message(data, kMaxScramServerMessage));
  if (data.starts_with("m=")) return fail(Errc::Unsupported, "SCRAM: the server demands an extension");
  ScramAttributeReaderView reader(data);
  ServerFirst server_first;
  BZ_TRY(const auto nonce, reader.expect('r'));
  if (!is_scram_nonce(nonce)) return fail(Errc::Malformed, "SCRAM: nonce is not printable");
  if (nonce.size() <= nonce_.size() || !nonce.starts_with(nonce_))
    return fail(Errc::Unauthenticated, "SCRAM: the server's nonce does not extend ours");
  server_first.nonce = nonce;

  BZ_TRY(const auto salt, reader.expect('s'));
  BZ_TRY(server_first.salt, crypto::base64_decode(salt, kMaxScramSaltSize));
  if (server_first.salt.empty()) return fail(Errc::Malformed, "SCRAM: no salt");

  BZ_TRY(const auto iterations, reader.expect('i'));
  if (!reader.at_end()) return fail(Errc::Malformed, "SCRAM: data after the iteration count");
  auto count = parse_iterations(iterations, limits_.max_iterations);
  if (!count && count.error().code == Errc::TooLarge)
    return fail(Errc::PermissionDenied, "SCRAM: the server asks for more iterations than permitted");
  BZ_TRY(server_first.iterations, std::move(count));
  if (server_first.iterations < limits_.min_iterations)
    return fail(Errc::PermissionDenied, "SCRAM: the server asks for fewer iterations than permitted");
  return server_first;
}

Result<std::string> ScramClient::client_final(const ScramClientKeys& keys) {
  const State was = std::exchange(state_, State::Failed);
  if (was != State::KeysNeeded) return out_of_order();
  if (keys.client_key.size() != kScramKeySize || keys.server_key.size() != kScramKeySize)
    return fail(Errc::InvalidArgument, "SCRAM: a key is not 32 bytes");

  Bytes binding_input = to_bytes(gs2_header(binding_));
  binding_input.insert(binding_input.end(), binding_.end_point_hash.begin(), binding_.end_point_hash.end());
  const std::string without_proof = "c=" + crypto::base64_encode(binding_input) + ",r=" + nonce_;
  const std::string auth_message = client_first_bare_ + "," + server_first_ + "," + without_proof;

  const SecretBytes stored_key = secret_hash(keys.client_key.reveal());
  const SecretBytes client_signature = secret_hmac(stored_key.reveal(), auth_message);
  const SecretBytes proof = xor_keys(keys.client_key.reveal(), client_signature.reveal());
  server_signature_ = secret_hmac(keys.server_key.reveal(), auth_message);
  state_ = State::FinalSent;
  return without_proof + ",p=" + crypto::base64_encode(proof.reveal());
}

Result<void> ScramClient::verify_server_final(std::string_view data) {
  const State was = std::exchange(state_, State::Failed);
  if (was != State::FinalSent) return out_of_order();
  BZ_CHECK(check_server_final(data));
  state_ = State::Done;
  return {};
}

Result<void> ScramClient::check_server_final(std::string_view data) const {
  BZ_CHECK(check_scram_message(data, kMaxScramServerMessage));
  ScramAttributeReaderView reader(data);
  BZ_TRY(const ScramAttribute attribute, reader.next());
  if (attribute.name == 'e')
    return fail(Errc::Unauthenticated, "SCRAM: the server says " + std::string(known_error(attribute.value)));
  if (attribute.name != 'v' || !reader.at_end()) return fail(Errc::Malformed, "SCRAM: malformed server-final-message");
  BZ_TRY(const Bytes signature, crypto::base64_decode(attribute.value, kScramKeySize));
  if (!crypto::ct_equal(signature, server_signature_.reveal()))
    return fail(Errc::Unauthenticated, "SCRAM: the server does not know the password");
  return {};
}

}  // namespace bartizan::identity
