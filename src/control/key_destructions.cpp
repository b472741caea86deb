#include "key_destructions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "bartizan/base/log.hpp"
#include "bartizan/control/document.hpp"
#include "bartizan/store/key_events.hpp"
#include "key_owners.hpp"

namespace bartizan::control {
namespace {

using Destruction = store::KeyDestruction;

std::string_view word_of(keys::OwnerKind kind) {
  switch (kind) {
    case keys::OwnerKind::Tenant: return "tenant";
    case keys::OwnerKind::Subject: return "subject";
    case keys::OwnerKind::Depot: return "depot";
    case keys::OwnerKind::Storage: return "files";
  }
  return "unknown";
}

/// docs/formats/keyring.md. Lines of printable text: authority was checked when it was given.
std::string certificate_text(const keys::Keyring& keyring, const std::vector<std::int64_t>& keys,
                             const std::string& authority, WallTime at) {
  std::string out = "bartizan key destruction 1\n";
  out += fmt::format("owner {} {}\n", word_of(keyring.owner().kind), keyring.owner().id.to_string());
  out += fmt::format("authority {}\n", authority);
  out += fmt::format("time {}\n", format_time(at));
  for (const auto key : keys) out += fmt::format("key {}\n", key);
  return out;
}

Result<void> record(store::Database& database, const std::string& actor, const std::vector<Destruction>& all) {
  BZ_TRY(auto transaction, database.begin_write({actor}));
  for (const auto& one : all) BZ_CHECK(store::KeyDestructions(transaction).put(one));
  return transaction.commit();
}

/// From the record of the order on; each step may have been done already.
Result<CertifiedDestruction> carry_out(store::Database& database, CellKeys& keys, const Clock& clock,
                                       const std::string& actor, std::vector<Destruction> ordered) {
  const auto owner = owner_in(ordered.front().owner);
  std::vector<keys::KeyId> ids;
  std::vector<std::int64_t> numbers;
  for (const auto& one : ordered) {
    ids.emplace_back(static_cast<std::uint32_t>(one.key));
    numbers.push_back(one.key);
  }
  BZ_CHECK(keys.bury(owner, ids, ordered.front().authority));
  BZ_CHECK(keys.rewrap());
  BZ_TRY(auto keyring, keys.find(owner));
  const auto text = certificate_text(keyring, numbers, ordered.front().authority, clock.wall());
  BZ_TRY(auto certificate, keys.certify(owner.id.to_string(), text));
  for (auto& one : ordered) one.certificate = certificate;
  BZ_CHECK(record(database, actor, ordered));
  return CertifiedDestruction{std::move(keyring), std::move(certificate)};
}

}  // namespace

Result<CertifiedDestruction> destroy_keys(store::Database& database, CellKeys& keys, const Clock& clock,
                                          const keys::KeyringOwner& owner, const std::string& actor,
                                          const std::string& authority) {
  BZ_TRY(const auto keyring, keys.find(owner));
  std::vector<Destruction> ordered;
  for (const auto& version : keyring.versions()) {
    if (version.state == keys::KeyState::Destroyed) continue;
    Destruction one;
    one.owner = stored_owner(owner);
    one.key = version.id.get();
    one.ordered = true;
    one.authority = authority;
    ordered.push_back(std::move(one));
  }
  if (ordered.empty())
    return fail(Errc::FailedPrecondition,
                keyring.versions().empty() ? "this owner has no keys" : "the keys of this owner are destroyed already");
  BZ_CHECK(record(database, actor, ordered));
  auto done = carry_out(database, keys, clock, actor, std::move(ordered));
  if (done) BZ_LOG(Warn, "keys.destroyed", {"owner", owner.id.to_string()}, {"authority", authority});
  return done;
}

Result<void> finish_destructions(store::Database& database, CellKeys& keys, const Clock& clock) {
  std::map<keys::KeyringOwner, std::vector<Destruction>> left;
  {
    BZ_TRY(auto transaction, database.begin_read());
    BZ_TRY(const auto all, store::KeyDestructions(transaction).list());
    for (const auto& one : all)
      if (one.value.ordered) left[owner_in(one.value.owner)].push_back(one.value);
  }
  for (auto& [owner, ordered] : left) {
    const bool certified = std::ranges::all_of(ordered, [](const auto& one) { return one.certificate.has_value(); });
    if (certified) {
      std::vector<keys::KeyId> ids;
      for (const auto& one : ordered) ids.emplace_back(static_cast<std::uint32_t>(one.key));
      BZ_TRY(const bool old_store, keys.bury(owner, ids, ordered.front().authority));
      if (old_store) BZ_CHECK(keys.rewrap());
    } else {
      BZ_CHECK(carry_out(database, keys, clock, "key destruction", std::move(ordered)));
    }
  }
  return {};
}

}  // namespace bartizan::control
