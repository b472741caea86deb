#include "bartizan/identity/scram_server.hpp"

#include <utility>

#include "bartizan/crypto/base64.hpp"
#include "bartizan/crypto/ct.hpp"
#include "scram_keys.hpp"
#include "scram_message.hpp"

namespace bartizan::identity {
namespace {

constexpr std::size_t kMaxServerNonce = 128;

tl::unexpected<Error> out_of_order() { return fail(Errc::FailedPrecondition, "SCRAM: message out of order"); }

/// "n,," and the like to its bare message: the authorisation identity between the commas is empty.
Result<std::string_view> after_authzid(std::string_view rest) {
  if (rest.starts_with(",a=")) return fail(Errc::Unsupported, "SCRAM: authorization identity is not supported");
  if (!rest.starts_with(",,")) return fail(Errc::Malformed, "SCRAM: malformed GS2 header");
  return rest.substr(2);
}

}  // namespace

ScramServer::ScramServer(ScramVerifier verifier, bool genuine, std::optional<Bytes> channel_binding_data,
                         std::string server_nonce)
    : verifier_(std::move(verifier)),
      genuine_(genuine),
      channel_binding_data_(std::move(channel_binding_data)),
      nonce_(std::move(server_nonce)) {
  BZ_ASSERT(is_scram_nonce(nonce_) && nonce_.size() <= kMaxServerNonce);
  BZ_ASSERT(!channel_binding_data_ || !channel_binding_data_->empty());
}

std::vector<std::string_view> ScramServer::mechanisms(bool channel_binding_available) {
  if (channel_binding_available) return {kScramSha256Plus, kScramSha256};
  return {kScramSha256};
}

Result<std::string> ScramServer::client_first(std::string_view mechanism, std::string_view data) {
  const State was = std::exchange(state_, State::Failed);  // until shown otherwise
  if (was != State::Initial) return out_of_order();
  BZ_CHECK(accept_mechanism(mechanism));
  BZ_TRY(std::string reply, read_first(data));
  state_ = State::FirstSent;
  return reply;
}

Result<std::string> ScramServer::client_final(std::string_view data) {
  const State was = std::exchange(state_, State::Failed);
  if (was != State::FirstSent) return out_of_order();
  BZ_TRY(std::string reply, read_final(data));
  state_ = State::Done;
  return reply;
}

Result<void> ScramServer::accept_mechanism(std::string_view mechanism) {
  plus_ = mechanism == kScramSha256Plus && channel_binding_data_.has_value();
  if (!plus_ && mechanism != kScramSha256) return fail(Errc::Malformed, "SCRAM: not a mechanism that was offered");
  return {};
}

Result<std::string_view> ScramServer::read_gs2_header(std::string_view data) {
  const char flag = data.empty() ? '\0' : data.front();
  std::string_view rest = data.substr(data.empty() ? 0 : 1);
  switch (flag) {
    case 'n':
      if (plus_) return fail(Errc::Malformed, "SCRAM-SHA-256-PLUS without channel-binding data");
      break;
    case 'y':
      if (plus_) return fail(Errc::Malformed, "SCRAM-SHA-256-PLUS without channel-binding data");
      if (channel_binding_data_)
        return fail(Errc::Unauthenticated, "SCRAM: the client thinks that channel binding was not offered: downgrade");
      break;
    case 'p': {
      if (!plus_) return fail(Errc::Malformed, "SCRAM-SHA-256 with channel-binding data");
      if (!rest.starts_with('=')) return fail(Errc::Malformed, "SCRAM: malformed channel-binding flag");
      const auto type = rest.substr(1, rest.find(',') - 1);
      if (type != kChannelBindingType) return fail(Errc::Unsupported, "SCRAM: channel-binding type is not supported");
      rest.remove_prefix(1 + type.size());
      break;
    }
    default: return fail(Errc::Malformed, "SCRAM: malformed channel-binding flag");
  }
  BZ_TRY(const std::string_view bare, after_authzid(rest));
  gs2_header_ = data.substr(0, data.size() - bare.size());
  return bare;
}

Result<std::string> ScramServer::read_first(std::string_view data) {
  BZ_CHECK(check_scram_message(data, kMaxScramClientMessage));
  BZ_TRY(const std::string_view bare, read_gs2_header(data));
  if (bare.starts_with("m=")) return fail(Errc::Unsupported, "SCRAM: mandatory extension is not supported");

  ScramAttributeReaderView reader(bare);
  BZ_TRY([[maybe_unused]] const auto ignored_name, reader.expect('n'));  // the startup packet said who it is
  BZ_TRY(const auto client_nonce, reader.expect('r'));
  if (!is_scram_nonce(client_nonce)) return fail(Errc::Malformed, "SCRAM: nonce is not printable");
  while (!reader.at_end()) BZ_CHECK(reader.next());  // optional extensions

  nonce_.insert(0, client_nonce);
  client_first_bare_ = bare;
  server_first_ =
      "r=" + nonce_ + ",s=" + crypto::base64_encode(verifier_.salt()) + ",i=" + std::to_string(verifier_.iterations());
  return server_first_;
}

std::string ScramServer::expected_channel_binding() const {
  Bytes input = to_bytes(gs2_header_);
  if (plus_) input.insert(input.end(), channel_binding_data_->begin(), channel_binding_data_->end());
  return crypto::base64_encode(input);
}

Result<std::string> ScramServer::read_final(std::string_view data) {
  BZ_CHECK(check_scram_message(data, kMaxScramClientMessage));
  ScramAttributeReaderView reader(data);
  BZ_TRY(const auto channel_binding, reader.expect('c'));
  if (!crypto::ct_equal(as_bytes(channel_binding), as_bytes(expected_channel_binding())))
    return fail(Errc::Unauthenticated, "SCRAM: channel binding does not match");
  BZ_TRY(const auto nonce, reader.expect('r'));
  if (!crypto::ct_equal(as_bytes(nonce), as_bytes(nonce_))) return fail(Errc::Malformed, "SCRAM: nonce does not match");

  ScramAttribute attribute;
  std::size_t proof_position = 0;
  do {  // optional extensions, then the proof, which is last
    proof_position = reader.position();
    BZ_TRY(attribute, reader.next());
  } while (attribute.name != 'p');
  if (!reader.at_end()) return fail(Errc::Malformed, "SCRAM: data after the proof");
  BZ_TRY(const Bytes proof, crypto::base64_decode(attribute.value, kScramKeySize));
  if (proof.size() != kScramKeySize) return fail(Errc::Malformed, "SCRAM: proof is not 32 bytes");

  const auto without_proof = data.substr(0, proof_position - 1);
  const std::string auth_message = client_first_bare_ + "," + server_first_ + "," + std::string(without_proof);
  // Both are always worked out, so that a name that does not exist takes as long as one that does.
  const bool accepted =
      static_cast<unsigned>(proof_matches(proof, as_bytes(auth_message))) & static_cast<unsigned>(genuine_);
  if (!accepted) return fail(Errc::Unauthenticated, "SCRAM: proof does not match");
  return "v=" + crypto::base64_encode(secret_hmac(verifier_.server_key().reveal(), auth_message).reveal());
}

bool ScramServer::proof_matches(ByteView proof, ByteView auth_message) const {
  const ByteView stored_key = verifier_.stored_key().reveal();
  const SecretBytes client_signature = secret_hmac(stored_key, as_chars(auth_message));
  const SecretBytes client_key = xor_keys(proof, client_signature.reveal());
  return crypto::ct_equal(secret_hash(client_key.reveal()).reveal(), stored_key);
}

}  // namespace bartizan::identity
