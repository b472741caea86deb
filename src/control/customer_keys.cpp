// The part of CellKeys that is about customers' own root keys and about certificates.
#include <sys/stat.h>

#include <algorithm>

#include "bartizan/base/log.hpp"
#include "bartizan/control/cell_keys.hpp"
#include "bartizan/vault/private_file.hpp"

namespace bartizan::control {
namespace {

constexpr const char* kOurs = "file:";
constexpr const char* kCertifier = "bartizan/key-destruction";
constexpr std::size_t kMaxKeyFile = 4096;

}  // namespace

Result<SecretBytes> CellKeys::unwrap(const keys::Keyring& keyring, const keys::KeyVersion& version) {
  if (version.wrapped.root.provider.starts_with(kOurs))
    return provider_->unwrap(version.wrapped, keyring.context_of(version));
  return custody_.secret(keyring, version);
}

Result<void> CellKeys::rewrap_under(keys::Keyring& keyring, bool customer) {
  std::vector<keys::KeyId> ids;
  for (const auto& version : keyring.versions())
    if (version.state != keys::KeyState::Destroyed) ids.push_back(version.id);
  for (const auto id : ids) {
    const auto* const version = keyring.find(id);
    BZ_CHECK(used("key.rewrap", keyring.context_of(*version), version->wrapped.root));
    BZ_TRY(const auto secret, unwrap(keyring, *version));
    const auto context = keyring.context_of(*version);
    BZ_TRY(auto wrapped, customer ? custody_.wrap(secret, context) : provider_->wrap(secret, context));
    BZ_TRY(auto changed, keyring.rewrap(id, std::move(wrapped)));
    BZ_CHECK(store_->put(changed, random_));
    keyring = std::move(changed);
  }
  return {};
}

Result<keys::Keyring> CellKeys::find(const keys::KeyringOwner& owner) {
  const std::lock_guard lock(mutex_);
  BZ_CHECK(open());
  return store_->load(owner);
}

Result<keys::Keyring> CellKeys::give(const keys::KeyringOwner& owner, const std::string& address) {
  const std::lock_guard lock(mutex_);
  BZ_CHECK(open());
  BZ_TRY(auto keyring, store_->load(owner));
  const bool held = custody_.holds(owner);
  if (address.empty() && !held)
    return fail(Errc::FailedPrecondition, "these keys are under a root key of ours already");
  std::vector<std::string> before;
  if (held) {
    BZ_TRY(before, custody_.addresses(owner));
  }
  if (!address.empty()) {
    // Until everything is wrapped anew the former root keys are needed as well, also after a crash.
    std::vector<std::string> both{address};
    for (const auto& one : before)
      if (one != address) both.push_back(one);
    BZ_CHECK(custody_.assign(owner, both));
  }
  if (held) [[maybe_unused]]
    const bool other = custody_.check(keyring, true);
  BZ_CHECK(rewrap_under(keyring, !address.empty()));
  BZ_CHECK(custody_.assign(owner, address.empty() ? std::vector<std::string>() : std::vector{address}));
  if (!address.empty()) [[maybe_unused]]
    const bool other = custody_.check(keyring, true);
  BZ_TRY(keyring, ensured(owner));
  ++version_;
  BZ_CHECK(rewrap_all());
  BZ_LOG(Info, "keys.given", {"owner", owner.id.to_string()}, {"customer", !address.empty()});
  return keyring;
}

Result<void> CellKeys::check_customers(bool at_once) {
  if (!in_use()) return {};
  BZ_TRY(const auto all, known());
  for (const auto& keyring : *all)
    if (custody_.holds(keyring.owner()) && custody_.check(keyring, at_once)) ++version_;
  return {};
}

Result<audit::NoteSigner> CellKeys::signer() {
  const auto file = folder_ / "destruction.key";
  auto content = vault::read_private_file(file, kMaxKeyFile);
  if (!content && content.error().code == Errc::NotFound) {
    BZ_TRY(const auto made, audit::NoteSigner::generate(audit::KeyType::Ed25519, kCertifier, random_));
    BZ_CHECK(vault::write_private_file(file, made.to_text().reveal(), vault::Replace::No, random_));
    content = vault::read_private_file(file, kMaxKeyFile);
  }
  if (!content) return tl::unexpected(content.error());
  return audit::NoteSigner::parse(content->reveal_chars());
}

Result<std::string> CellKeys::certifier() {
  const std::lock_guard lock(mutex_);
  BZ_TRY(const auto signer, this->signer());
  return signer.verifier().to_string();
}

Result<std::string> CellKeys::certify(const std::string& name, const std::string& text) {
  const std::lock_guard lock(mutex_);
  BZ_TRY(const auto signer, this->signer());
  const auto note = text + "\n" + signer.sign(text, clock_.wall());
  const auto folder = folder_ / "certificates";
  std::error_code error;
  if (!std::filesystem::exists(folder, error) && ::mkdir(folder.c_str(), 0700) != 0)
    return fail(Errc::Io, "the folder of the certificates can't be made");
  const auto file = folder / ("destroyed-" + name + ".txt");
  BZ_CHECK(vault::write_private_file(file, as_bytes(std::string_view(note)), vault::Replace::Yes, random_));
  return note;
}

}  // namespace bartizan::control
