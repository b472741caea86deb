#include "bartizan/vault/key_custody.hpp"

#include <algorithm>

#include "bartizan/base/log.hpp"
#include "bartizan/vault/private_file.hpp"
#include "bartizan/vault/service_providers.hpp"

namespace bartizan::vault {
namespace {

constexpr std::size_t kMaxFileBytes = 16 * 1024;

/// The provider has said no, as opposed to nothing.
bool is_refusal(Errc code) noexcept {
  return code == Errc::PermissionDenied || code == Errc::NotFound || code == Errc::Crypto ||
         code == Errc::FailedPrecondition || code == Errc::InvalidArgument;
}

}  // namespace

KeyCustody::KeyCustody(std::filesystem::path folder, const Clock& clock, Random& random, Opener open)
    : folder_(std::move(folder)), clock_(clock), random_(random), open_(std::move(open)) {
  if (!open_)
    open_ = [this](const ProviderAddress& address, bool may_make) {
      return open_provider(address, may_make, clock_, random_);
    };
}
KeyCustody::~KeyCustody() = default;

void KeyCustody::set_times(Times times) {
  const std::lock_guard lock(mutex_);
  times_ = times;
}

std::filesystem::path KeyCustody::file_of(const keys::KeyringOwner& owner) const {
  const char* const kind = owner.kind == keys::OwnerKind::Tenant    ? "tenant-"
                           : owner.kind == keys::OwnerKind::Subject ? "subject-"
                           : owner.kind == keys::OwnerKind::Storage ? "storage-"
                                                                    : "depot-";
  return folder_ / (kind + owner.id.to_string() + ".provider");
}

bool KeyCustody::holds(const keys::KeyringOwner& owner) const {
  std::error_code error;
  return std::filesystem::exists(file_of(owner), error) || error;
}

Result<std::vector<std::string>> KeyCustody::addresses(const keys::KeyringOwner& owner) const {
  BZ_TRY(const auto content, read_private_file(file_of(owner), kMaxFileBytes));
  std::vector<std::string> out;
  std::string_view text = content.reveal_chars();
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (const auto line = text.substr(0, end); !line.empty()) out.emplace_back(line);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  if (out.empty()) return fail(Errc::Malformed, "the file of a key provider's address is empty");
  return out;
}

Result<void> KeyCustody::assign(const keys::KeyringOwner& owner, const std::vector<std::string>& addresses) {
  std::string text;
  for (const auto& address : addresses) {
    BZ_CHECK(parse_provider(address));
    text += address + "\n";
  }
  if (addresses.empty()) {
    std::error_code error;
    std::filesystem::remove(file_of(owner), error);
    if (error) return fail(Errc::Io, "the file of a key provider's address can't be removed");
  } else {
    // Asked once before it is relied upon; a token's first root key is made now.
    Provider first{*parse_provider(addresses.front()), nullptr};
    BZ_CHECK(opened(first, true));
    keys::WrapContext probe{owner, keys::KeyId(1), keys::KeyPurpose::Data};
    BZ_CHECK(wrap_by(first, SecretBytes(std::size_t{32}), probe));
    BZ_CHECK(write_private_file(file_of(owner), as_bytes(std::string_view(text)), Replace::Yes, random_));
  }
  const std::lock_guard lock(mutex_);
  entries_.erase(owner);
  return {};
}

Result<std::shared_ptr<KeyCustody::Entry>> KeyCustody::entry_of(const keys::KeyringOwner& owner) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = entries_.find(owner); found != entries_.end()) return found->second;
  }
  BZ_TRY(const auto lines, addresses(owner));
  auto made = std::make_shared<Entry>();
  for (const auto& line : lines) {
    BZ_TRY(auto address, parse_provider(line));
    made->providers.push_back({std::move(address), nullptr});
  }
  made->trouble = "the customer's key provider has not been asked yet";
  const std::lock_guard lock(mutex_);
  return entries_.emplace(owner, std::move(made)).first->second;
}

Result<std::shared_ptr<keys::KeyProvider>> KeyCustody::opened(Provider& provider, bool may_make) {
  if (provider.opened == nullptr) {
    BZ_TRY(auto made, open_(provider.address, may_make));
    provider.opened = std::move(made);
  }
  return provider.opened;
}

Result<keys::WrappedSecret> KeyCustody::wrap_by(Provider& provider, const SecretBytes& secret,
                                                const keys::WrapContext& context) {
  BZ_TRY(const auto opened, this->opened(provider, false));
  auto wrapped = opened->wrap(secret, context);
  if (!wrapped) {
    provider.opened = nullptr;
    return wrapped;
  }
  // Nothing is wrapped that does not open again.
  BZ_TRY(const auto again, opened->unwrap(*wrapped, context));
  if (!std::ranges::equal(again.reveal(), secret.reveal()))
    return fail(Errc::Crypto, "the key provider does not give back what it has wrapped");
  return wrapped;
}

Result<keys::WrappedSecret> KeyCustody::wrap(const SecretBytes& secret, const keys::WrapContext& context) {
  BZ_TRY(const auto entry, entry_of(context.owner));
  const std::lock_guard asking(entry->asking);
  return wrap_by(entry->providers.front(), secret, context);
}

Result<SecretBytes> KeyCustody::unwrap(Entry& entry, const keys::Keyring& keyring, const keys::KeyVersion& version) {
  for (auto& provider : entry.providers) {
    if (provider.address.name != version.wrapped.root.provider) continue;
    auto source = opened(provider, false);
    if (!source) return tl::unexpected(source.error());
    auto secret = (*source)->unwrap(version.wrapped, keyring.context_of(version));
    if (!secret) provider.opened = nullptr;  // a token's session may be at its end
    return secret;
  }
  return fail(Errc::NotFound, "the key is wrapped under a root key of another provider");
}

bool KeyCustody::check(const keys::Keyring& keyring, bool at_once) {
  auto found = entry_of(keyring.owner());
  if (!found) {
    BZ_LOG(Error, "keys.custody_unread", {"owner", keyring.owner().id.to_string()}, {"reason", found.error().detail});
    return false;
  }
  Entry& entry = **found;
  const std::lock_guard asking(entry.asking);
  {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.steady();
    if (!at_once && entry.asked && now < *entry.asked + times_.check) {
      if (entry.secrets.empty() || now < entry.confirmed + times_.outage) return false;
      entry.secrets.clear();
      return true;
    }
  }
  const auto begun = clock_.steady();
  std::map<keys::KeyId, SecretBytes> fresh;
  std::string trouble;
  bool silent = false;
  for (const auto& version : keyring.versions()) {
    if (version.state == keys::KeyState::Destroyed || version.wrapped.root.provider.starts_with("file:")) continue;
    auto secret = silent ? Result<SecretBytes>(fail(Errc::Unavailable, trouble)) : unwrap(entry, keyring, version);
    if (secret) {
      fresh.emplace(version.id, std::move(*secret));
      continue;
    }
    trouble = secret.error().detail;
    silent = silent || !is_refusal(secret.error().code);
  }
  const std::lock_guard lock(mutex_);
  entry.asked = clock_.steady();
  const bool kept = silent && begun < entry.confirmed + times_.outage;
  if (trouble != entry.trouble)
    BZ_LOG(Warn, "keys.custody", {"owner", keyring.owner().id.to_string()}, {"silent", silent}, {"trouble", trouble});
  entry.trouble = trouble;
  if (kept) return false;
  if (silent) fresh.clear();
  if (!silent) entry.confirmed = begun;
  const bool other = !std::ranges::equal(entry.secrets, fresh, {}, &std::pair<const keys::KeyId, SecretBytes>::first,
                                         &std::pair<const keys::KeyId, SecretBytes>::first);
  entry.secrets = std::move(fresh);
  return other;
}

Result<SecretBytes> KeyCustody::secret(const keys::Keyring& keyring, const keys::KeyVersion& version) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(keyring.owner());
  if (entry == entries_.end()) return fail(Errc::Unavailable, "the customer's key provider has not been asked yet");
  const auto found = entry->second->secrets.find(version.id);
  if (found == entry->second->secrets.end() || clock_.steady() >= entry->second->confirmed + times_.outage)
    return fail(Errc::PermissionDenied,
                "the customer's key provider does not open this key: " + entry->second->trouble);
  return found->second.clone();
}

std::string KeyCustody::trouble(const keys::KeyringOwner& owner) const {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(owner);
  return entry == entries_.end() ? "not asked yet" : entry->second->trouble;
}

}  // namespace bartizan::vault
