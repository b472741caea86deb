#include "bartizan/control/audit_readers.hpp"

#include <algorithm>
#include <array>

#include "audit_reading.hpp"
#include "bartizan/crypto/ct.hpp"
#include "bartizan/identity/scram_verifier.hpp"
#include "bartizan/store/audit_readers.hpp"
#include "bartizan/store/identities.hpp"
#include "bartizan/store/tenants.hpp"
#include "services.hpp"

namespace bartizan::control {
namespace {

constexpr std::size_t kSeedBytes = 32;

SecretBytes random_secret(Random& random) {
  SecretBytes out(kSeedBytes);
  random.fill(out.reveal_mutable());
  return out;
}

identity::SignInThrottle make_throttle(Random& random) {
  std::array<std::byte, kSeedBytes> seed{};
  random.fill(seed);
  return {identity::SignInThrottlePolicy{}, seed};
}

Result<std::optional<std::string>> name_of(store::Transaction& transaction, policy::TenantId id) {
  BZ_TRY(const auto tenants, store::Tenants(transaction).list());
  const auto found =
      std::find_if(tenants.begin(), tenants.end(), [&](const auto& tenant) { return tenant.value.id == id; });
  return found == tenants.end() ? std::nullopt : std::optional(found->value.name);
}

}  // namespace

AuditReaderSignIn::AuditReaderSignIn(store::Database& database, const Clock& clock, Random& random)
    : database_(database), clock_(clock), mock_secret_(random_secret(random)), throttle_(make_throttle(random)) {}

Result<std::optional<SignedInReader>> AuditReaderSignIn::check(const std::string& name, const SecretBytes& password) {
  std::optional<SignedInReader> reader;
  std::optional<identity::ScramVerifier> verifier;
  {
    BZ_TRY(auto transaction, database_.begin_read());
    const auto found = store::Identities(transaction).find(name);
    if (!found && found.error().code != Errc::NotFound) return tl::unexpected(found.error());
    if (found && found->value.usable_at(clock_.wall()) && found->value.tenant && !found->value.scram_verifier.empty()) {
      BZ_TRY(const bool holds, store::AuditReaders(transaction).holds({found->value.id, *found->value.tenant}));
      BZ_TRY(const auto tenant, name_of(transaction, *found->value.tenant));
      auto parsed = identity::ScramVerifier::parse(found->value.scram_verifier.reveal_chars());
      if (holds && tenant && parsed) {
        verifier = std::move(*parsed);
        reader = SignedInReader{name, *tenant};
      }
    }
  }
  // A name that is not known costs what a known one does.
  if (!verifier) verifier = identity::ScramVerifier::mock(name, mock_secret_.reveal(), {});
  const auto made =
      identity::ScramVerifier::from_password(password.reveal_chars(), verifier->salt(), verifier->iterations());
  const bool right = made && crypto::ct_equal(made->stored_key().reveal(), verifier->stored_key().reveal());
  if (!right) reader.reset();
  return reader;
}

Result<SignedInReader> AuditReaderSignIn::sign_in(const std::string& name, const SecretBytes& password,
                                                  const std::string& peer) {
  // One after the other: check and count are one step, so that parallel guesses don't outrun the count.
  const std::lock_guard lock(mutex_);
  const auto verdict = throttle_.before_attempt(name, peer, clock_.steady());
  if (!verdict.allowed)
    return fail(Errc::ResourceExhausted,
                "too many failed attempts: wait " + std::to_string(verdict.retry_after.count()) + " ms and try again");
  BZ_TRY(auto reader, check(name, password));
  if (!reader) {
    throttle_.failed(name, peer, clock_.steady());
    return fail(Errc::Unauthenticated,
                "name or password are wrong, or the identity may not read its tenant's audit log");
  }
  throttle_.succeeded(name, peer, clock_.steady());
  return std::move(*reader);
}

namespace {

Result<store::Record<policy::Identity>> find_identity(Call& call, store::Transaction& transaction,
                                                      const std::string& name) {
  auto identity = store::Identities(transaction).find(name);
  if (!identity) return tl::unexpected<Error>(with_list_hint(call, std::move(identity).error(), "identity"));
  return identity;
}

}  // namespace

Result<Document> audit_reader_add(Call& call, Args& args) {
  BZ_TRY(const auto name, args.name("identity", NameKind::Identity));
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.write());
  BZ_TRY(const auto identity, find_identity(call, transaction, name));
  if (!identity.value.tenant)
    return fail(Errc::InvalidArgument, "identity '" + name + "' belongs to no tenant, so there is no log of its own");
  const auto added = store::AuditReaders(transaction).add({identity.value.id, *identity.value.tenant});
  if (!added && added.error().code == Errc::AlreadyExists)
    return fail(Errc::AlreadyExists, "identity '" + name + "' may read its tenant's audit log already");
  BZ_CHECK(added);
  BZ_TRY(const auto tenant, name_of(transaction, *identity.value.tenant));
  BZ_CHECK(transaction.commit());
  return Document(Members{{"identity", name}, {"tenant", tenant.value_or("")}});
}

Result<Document> audit_reader_remove(Call& call, Args& args) {
  BZ_TRY(const auto name, args.name("identity", NameKind::Identity));
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.write());
  BZ_TRY(const auto identity, find_identity(call, transaction, name));
  BZ_CHECK(store::AuditReaders(transaction).remove(identity.value.id));
  BZ_CHECK(transaction.commit());
  return Document();
}

Result<Document> audit_reader_list(Call& call, Args& args) {
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.read());
  BZ_TRY(const auto readers, store::AuditReaders(transaction).list());
  BZ_TRY(const auto identities, store::Identities(transaction).names());
  Items out;
  for (const auto& reader : readers) {
    const auto identity = identities.find(reader.value.identity);
    BZ_TRY(const auto tenant, name_of(transaction, reader.value.tenant));
    Members row = {{"identity", identity == identities.end() ? std::string() : identity->second},
                   {"tenant", tenant.value_or("")}};
    append_meta(row, reader.meta);
    out.emplace_back(std::move(row));
  }
  return Document(std::move(out));
}

/// Before a reading verb runs: `as` and `password` make the call a tenant's own.
Result<void> become_reader(Call& call, Args& args, bool required) {
  if (!required && !args.has("as")) return {};
  BZ_TRY(const auto name, args.name("as", NameKind::Identity));
  BZ_TRY(const auto password, args.secret_or_none("password", 1024));
  if (!password) return fail(Errc::InvalidArgument, "'password' is missing");
  if (call.context.audit_readers == nullptr) return fail(Errc::Unsupported, "tenants' readers are not let in here");
  BZ_CHECK(audit_source(call));
  auto reader = call.context.audit_readers->sign_in(name, *password, call.actor);
  if (!reader) {
    if (reader.error().code == Errc::Unauthenticated) record_refused_reader(call, name);
    return tl::unexpected(std::move(reader).error());
  }
  call.actor = reader->identity;
  call.only_tenant = reader->tenant;
  return {};
}

}  // namespace bartizan::control
