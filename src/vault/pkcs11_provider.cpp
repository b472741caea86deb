#include "bartizan/vault/pkcs11_provider.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <mutex>
#include <utility>

#include "pkcs11_token.hpp"

namespace bartizan::vault {
namespace {

using KeyId = std::array<std::byte, 4>;

KeyId id_of(std::uint32_t version) {
  KeyId id{};
  store_be32(id.data(), version);
  return id;
}

tl::unexpected<Error> no_such_root() { return fail(Errc::NotFound, "the key provider has no such root key"); }

}  // namespace

struct Pkcs11Provider::State {
  Pkcs11Options options;
  Random& random;
  std::mutex mutex;
  std::unique_ptr<Pkcs11Token> token;

  State(const Pkcs11Options& chosen, Random& source) : options(chosen), random(source) {}

  /// 0 when there is no root key yet.
  Result<std::uint32_t> highest_version() {
    BZ_TRY(const auto ids, token->key_ids(options.key_label));
    std::uint32_t highest = 0;
    for (const auto& id : ids) {
      if (id.size() != std::tuple_size_v<KeyId>)
        return fail(Errc::FailedPrecondition, "PKCS #11: a root key's CKA_ID is not a version");
      highest = std::max(highest, load_be32(id.data()));
    }
    return highest;
  }
  Result<std::uint32_t> active_version() {
    BZ_TRY(const auto version, highest_version());
    if (version == 0) return fail(Errc::FailedPrecondition, "PKCS #11: the token holds no root key yet");
    return version;
  }
  Result<Pkcs11Token::KeyHandle> key_of(std::uint32_t version) {
    BZ_TRY(const auto key, token->find_key(options.key_label, id_of(version)));
    if (!key) return no_such_root();
    return *key;
  }
};

Pkcs11Provider::Pkcs11Provider(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Pkcs11Provider::~Pkcs11Provider() = default;

Result<std::unique_ptr<Pkcs11Provider>> Pkcs11Provider::open(const Pkcs11Options& options, const SecretBytes& pin,
                                                             Random& random) {
  if (options.key_label.empty() || options.name.empty())
    return fail(Errc::InvalidArgument, "PKCS #11: the root keys' label and the provider's name are needed");
  auto state = std::make_unique<State>(options, random);
  BZ_TRY(state->token, Pkcs11Token::open(options.module, options.token_label, pin));
  return std::unique_ptr<Pkcs11Provider>(new Pkcs11Provider(std::move(state)));
}

Result<keys::RootRef> Pkcs11Provider::active_root() {
  const std::scoped_lock lock(state_->mutex);
  BZ_TRY(const auto version, state_->active_version());
  return keys::RootRef{state_->options.name, version};
}

Result<keys::WrappedSecret> Pkcs11Provider::wrap(const SecretBytes& secret, const keys::WrapContext& context) {
  const std::scoped_lock lock(state_->mutex);
  BZ_TRY(const auto version, state_->active_version());
  BZ_TRY(const auto key, state_->key_of(version));
  Bytes wrapped(kTokenNonceBytes);
  state_->random.fill(wrapped);
  BZ_TRY(const auto sealed, state_->token->encrypt(key, wrapped, keys::encode_wrap_context(context), secret.reveal()));
  wrapped.insert(wrapped.end(), sealed.begin(), sealed.end());
  return keys::WrappedSecret{{state_->options.name, version}, std::move(wrapped)};
}

Result<SecretBytes> Pkcs11Provider::unwrap(const keys::WrappedSecret& wrapped, const keys::WrapContext& context) {
  const std::scoped_lock lock(state_->mutex);
  if (wrapped.root.provider != state_->options.name) return no_such_root();
  if (wrapped.bytes.size() <= kTokenNonceBytes + kTokenTagBytes || wrapped.bytes.size() > keys::kMaxWrappedBytes)
    return fail(Errc::Crypto, "the wrapped key does not open");
  BZ_TRY(const auto key, state_->key_of(wrapped.root.version));
  const ByteView bytes(wrapped.bytes);
  return state_->token->decrypt(key, bytes.first(kTokenNonceBytes), keys::encode_wrap_context(context),
                                bytes.subspan(kTokenNonceBytes));
}

Result<keys::RootRef> Pkcs11Provider::rotate() {
  const std::scoped_lock lock(state_->mutex);
  BZ_TRY(const auto highest, state_->highest_version());
  if (highest == std::numeric_limits<std::uint32_t>::max())
    return fail(Errc::ResourceExhausted, "PKCS #11: there is no further version");
  BZ_CHECK(state_->token->generate_key(state_->options.key_label, id_of(highest + 1)));
  return keys::RootRef{state_->options.name, highest + 1};
}

Result<void> Pkcs11Provider::destroy(std::uint32_t version) {
  const std::scoped_lock lock(state_->mutex);
  BZ_TRY(const auto active, state_->active_version());
  if (version == active) return fail(Errc::FailedPrecondition, "the active root key cannot be destroyed: rotate first");
  BZ_TRY(const auto key, state_->key_of(version));
  return state_->token->destroy_key(key);
}

}  // namespace bartizan::vault
