#include "audit_keys.hpp"

#include <thread>

#include "bartizan/base/log.hpp"
#include "files.hpp"

namespace bartizan::app {
namespace {

constexpr auto kLongest = std::chrono::seconds(20);  ///< for all trees to be signed, and the record to be durable

}  // namespace

Result<AuditKeys::Settled> AuditKeys::settle(auditlog::KeyPlaces places, audit::NoteSigner current) {
  BZ_TRY(auto settled,
         auditlog::settle_keys(auditlog::system_files(), places, std::move(current), system_clock().wall()));
  if (settled.finished) BZ_LOG(Warn, "audit.key_rotation_finished", {"file", places.key_file});
  return Settled{std::move(settled.keys), settled.finished};
}

AuditKeys::AuditKeys(auditlog::KeyPlaces places, const auditlog::LogKeys& keys)
    : places_(std::move(places)), keys_(keys.named(keys.current.verifier().name())) {}

std::string AuditKeys::public_key() const {
  const std::lock_guard lock(mutex_);
  return keys_.current.verifier().to_string();
}

Result<void> AuditKeys::record(audit::Log& records, const std::string& actor) const {
  std::string who;
  audit::append_member(who, "identity", actor);
  audit::append_member(who, "address", actor == "bartizan" ? "gateway" : "admin socket");
  std::string what;
  audit::append_member(what, "operation", "key.rotate");
  audit::append_member(what, "resource_kind", "audit_key");
  audit::append_member(what, "resource_uid", public_key());
  BZ_TRY(const auto ticket, records.begin({audit::Event::KeyUse, system_clock().wall(), who, what}));
  records.finish(ticket, {});
  const auto until = std::chrono::steady_clock::now() + kLongest;
  while (!records.durable(ticket)) {
    if (std::chrono::steady_clock::now() > until) return fail(Errc::DeadlineExceeded, "the record is not durable");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return {};
}

/// For those who verify, beside the key.
Result<void> AuditKeys::write_public() const {
  return write_file(places_.key_file + ".pub", keys_.current.verifier().to_string() + "\n", 0644);
}

Result<audit::KeyIntroduction> AuditKeys::rotate(auditlog::TreeLog& tree, audit::Log& records, const std::string& actor,
                                                 std::chrono::seconds grace) {
  auto introduced = [&]() -> Result<audit::KeyIntroduction> {
    const std::lock_guard lock(mutex_);
    BZ_TRY(auto done, auditlog::rotate_key(auditlog::system_files(), places_, keys_.current, system_random(),
                                           system_clock().wall(), grace));
    BZ_TRY(const auto content, read_file(places_.key_file));
    BZ_TRY(auto next, audit::NoteSigner::parse(content.reveal_chars()));
    // Who reads in this process knows the keys of its start: those sign along until it ends.
    auditlog::LogKeys keys{std::move(next), std::move(keys_.along), std::move(keys_.replaced)};
    keys.along.push_back(std::move(keys_.current));
    keys.replaced.push_back(done.before);
    keys_ = std::move(keys);
    tree.rotate(keys_.named(keys_.current.verifier().name()));
    BZ_CHECK(write_public());
    return done;
  }();
  if (!introduced) return introduced;
  BZ_LOG(Warn, "audit.key_rotated", {"actor", actor}, {"number", introduced->number});
  BZ_CHECK(record(records, actor));
  BZ_CHECK(tree.publish_now(kLongest));
  return introduced;
}

}  // namespace bartizan::app
