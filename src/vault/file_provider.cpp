#include "bartizan/vault/file_provider.hpp"

#include <mutex>
#include <utility>

#include "bartizan/crypto/hkdf.hpp"
#include "bartizan/crypto/key_wrap.hpp"
#include "bartizan/keys/derivation.hpp"
#include "bartizan/vault/private_file.hpp"
#include "root_file.hpp"

namespace bartizan::vault {
namespace {

/// The key that one secret is wrapped under: binds its context, which key wrap itself can't.
SecretBytes wrapping_key(const SecretBytes& root, const keys::WrapContext& context) {
  Bytes info = to_bytes("bartizan/v1/wrap");
  info.push_back(std::byte{0});
  const auto encoded = keys::encode_wrap_context(context);
  info.insert(info.end(), encoded.begin(), encoded.end());
  auto key = crypto::hkdf_expand(root.reveal(), info, keys::kKeyBytes);
  BZ_ASSERT(key.has_value());
  return std::move(*key);
}

SecretBytes new_root(Random& random) {
  SecretBytes root(keys::kKeyBytes);
  random.fill(root.reveal_mutable());
  return root;
}

Roots clone(const Roots& roots) {
  Roots copy;
  copy.active = roots.active;
  for (const auto& [version, key] : roots.versions)
    copy.versions.emplace(version, key ? std::optional(key->clone()) : std::nullopt);
  return copy;
}

}  // namespace

struct FileProvider::State {
  std::filesystem::path path;
  std::string name;
  std::mutex mutex;
  RootFileHeader header;
  SecretBytes file_key;
  Roots roots;

  /// File first, memory after: what this object wraps under is never only in memory.
  [[nodiscard]] Result<void> store(Roots changed, Random& random) {
    BZ_CHECK(write_private_file(path, seal_root_file(header, changed, file_key, random), Replace::Yes, random));
    roots = std::move(changed);
    return {};
  }
};

FileProvider::FileProvider(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
FileProvider::~FileProvider() = default;

Result<std::unique_ptr<FileProvider>> FileProvider::create(const std::filesystem::path& path, std::string name,
                                                           const SecretBytes& passphrase, const Argon2Cost& cost,
                                                           Random& random) {
  auto state = std::make_unique<State>();
  state->path = path;
  state->name = std::move(name);
  state->header.cost = cost;
  random.fill(state->header.salt);
  BZ_TRY(state->file_key, argon2id(passphrase, state->header.salt, cost));
  state->roots.active = 1;
  state->roots.versions.emplace(1U, new_root(random));
  const Bytes file = seal_root_file(state->header, state->roots, state->file_key, random);
  BZ_CHECK(write_private_file(path, file, Replace::No, random));
  return std::unique_ptr<FileProvider>(new FileProvider(std::move(state)));
}

Result<std::unique_ptr<FileProvider>> FileProvider::open(const std::filesystem::path& path, std::string name,
                                                         const SecretBytes& passphrase) {
  BZ_TRY(const auto file, read_private_file(path, kRootFileMaxBytes));
  auto state = std::make_unique<State>();
  state->path = path;
  state->name = std::move(name);
  BZ_TRY(state->header, read_root_file_header(file.reveal()));
  BZ_TRY(state->file_key, argon2id(passphrase, state->header.salt, state->header.cost));
  BZ_TRY(state->roots, open_root_file(file.reveal(), state->file_key));
  return std::unique_ptr<FileProvider>(new FileProvider(std::move(state)));
}

Result<keys::RootRef> FileProvider::active_root() {
  const std::scoped_lock lock(state_->mutex);
  return keys::RootRef{state_->name, state_->roots.active};
}

Result<keys::WrappedSecret> FileProvider::wrap(const SecretBytes& secret, const keys::WrapContext& context) {
  const std::scoped_lock lock(state_->mutex);
  const auto& roots = state_->roots;
  const SecretBytes key = wrapping_key(*roots.versions.at(roots.active), context);
  BZ_TRY(auto bytes, crypto::wrap_key(crypto::KeyWrapMode::Padded, key.reveal(), secret));
  return keys::WrappedSecret{{state_->name, roots.active}, std::move(bytes)};
}

Result<SecretBytes> FileProvider::unwrap(const keys::WrappedSecret& wrapped, const keys::WrapContext& context) {
  const std::scoped_lock lock(state_->mutex);
  const auto found = state_->roots.versions.find(wrapped.root.version);
  if (wrapped.root.provider != state_->name || found == state_->roots.versions.end() || !found->second)
    return fail(Errc::NotFound, "the key provider has no such root key");
  const SecretBytes key = wrapping_key(*found->second, context);
  return crypto::unwrap_key(crypto::KeyWrapMode::Padded, key.reveal(), wrapped.bytes);
}

Result<keys::RootRef> FileProvider::rotate(Random& random) {
  const std::scoped_lock lock(state_->mutex);
  if (state_->roots.versions.size() >= kMaxRootVersions)
    return fail(Errc::ResourceExhausted, "the root file has too many versions");
  Roots changed = clone(state_->roots);
  changed.active = changed.versions.rbegin()->first + 1;
  changed.versions.emplace(changed.active, new_root(random));
  BZ_CHECK(state_->store(std::move(changed), random));
  return keys::RootRef{state_->name, state_->roots.active};
}

Result<void> FileProvider::destroy(std::uint32_t version, Random& random) {
  const std::scoped_lock lock(state_->mutex);
  if (version == state_->roots.active)
    return fail(Errc::FailedPrecondition, "the active root key cannot be destroyed: rotate first");
  Roots changed = clone(state_->roots);
  const auto found = changed.versions.find(version);
  if (found == changed.versions.end() || !found->second)
    return fail(Errc::NotFound, "the key provider has no such root key");
  found->second.reset();
  return state_->store(std::move(changed), random);
}

Result<void> FileProvider::change_passphrase(const SecretBytes& passphrase, const Argon2Cost& cost, Random& random) {
  const std::scoped_lock lock(state_->mutex);
  RootFileHeader header;
  header.cost = cost;
  random.fill(header.salt);
  BZ_TRY(auto file_key, argon2id(passphrase, header.salt, cost));
  const Bytes file = seal_root_file(header, state_->roots, file_key, random);
  BZ_CHECK(write_private_file(state_->path, file, Replace::Yes, random));
  state_->header = header;
  state_->file_key = std::move(file_key);
  return {};
}

}  // namespace bartizan::vault
