// audit.unseal and audit.erase: personal data of records, read once more or never again.
#include <charconv>
#include <vector>

#include "bartizan/audit/sealing.hpp"
#include "bartizan/auditlog/slot_store.hpp"
#include "bartizan/auditlog/tree_reader.hpp"
#include "bartizan/control/audit_source.hpp"
#include "call_record.hpp"
#include "services.hpp"

namespace bartizan::control {
namespace {

Result<auditlog::SlotStore*> slots_of(Call& call) {
  if (call.context.slots != nullptr && call.context.audit != nullptr) return call.context.slots;
  call.hint = "audit.seal = true seals addresses from then on; records of before stay as they are";
  return fail(Errc::Unsupported, "this gateway seals nothing in its audit log");
}

/// The sealed values of a record, named TREE:INDEX: of its session, and of its statement.
Result<std::vector<audit::Sealed>> sealed_in(const AuditSource& source, const std::string& record) {
  const auto colon = record.rfind(':');
  std::uint64_t index = 0;
  const char* const end = record.data() + record.size();
  const auto parsed =
      std::from_chars(record.data() + (colon == std::string::npos ? record.size() : colon + 1), end, index);
  const std::string tree = record.substr(0, colon);
  if (colon == std::string::npos || parsed.ec != std::errc{} || parsed.ptr != end || tree.empty() ||
      tree.front() == '.' || tree.find('/') != std::string::npos)
    return fail(Errc::InvalidArgument, "a record is named TREE:INDEX, as audit search shows it");
  auto reader = auditlog::TreeReader::open(source.directory, source.origin, tree, source.key);
  if (!reader) return tl::unexpected(reader.error());
  BZ_TRY(const std::string entry, reader->entry(index));
  const auto document = Document::parse(entry);
  const Document* own = document ? &*document : nullptr;
  for (const char* name : {"unmapped", "bartizan"})
    if (own != nullptr) own = own->find(name);
  std::vector<audit::Sealed> out;
  for (const char* member : {"sealed", "sealed_values"}) {
    const Document* at = own == nullptr ? nullptr : own->find(member);
    const auto text = [at](const char* name) {
      const Document* value = at == nullptr ? nullptr : at->find(name);
      const auto* found = value == nullptr ? nullptr : value->as<std::string>();
      return found == nullptr ? std::string() : *found;
    };
    if (text("slot").empty()) continue;
    BZ_TRY(auto sealed, audit::parse_sealed(text("slot"), text("box")));
    out.push_back(std::move(sealed));
  }
  if (out.empty()) return fail(Errc::NotFound, "this record holds no sealed value");
  return out;
}

/// What of it still opens; NotFound when nothing does.
Result<Document> opened_in(const AuditSource& source, auditlog::SlotStore& slots, const std::string& record) {
  BZ_TRY(const auto sealed, sealed_in(source, record));
  std::string members;
  Error last;
  for (const auto& one : sealed) {
    auto opened = slots.open_value(one);
    if (!opened && opened.error().code != Errc::NotFound) return tl::unexpected(std::move(opened).error());
    if (!opened)
      last = std::move(opened).error();
    else
      members.append(members.empty() ? "" : ",").append(*opened);
  }
  if (members.empty()) return tl::unexpected(std::move(last));
  return Document::parse("{" + members + "}");
}

/// Every value of a record; NotFound when all were erased before.
Result<Document> erase_record(const AuditSource& source, auditlog::SlotStore& slots, const std::string& record) {
  BZ_TRY(const auto sealed, sealed_in(source, record));
  std::string erased;
  Error last;
  for (const auto& one : sealed) {
    auto done = slots.erase_slot(one.slot);
    if (!done && done.error().code != Errc::NotFound) return tl::unexpected(std::move(done).error());
    if (!done)
      last = std::move(done).error();
    else
      erased.append(erased.empty() ? "" : ", ").append(one.slot.to_string());
  }
  if (erased.empty()) return tl::unexpected(std::move(last));
  return Document(Members{{"erased", erased}});
}

/// Nothing is read or erased without its record.
Result<void> on_the_record(Call& call, CallRecord& record, std::string_view verb, const Members& named) {
  return record.begin(call.actor, verb, Document(named), true);
}

}  // namespace

Result<Document> audit_unseal(Call& call, Args& args) {
  BZ_TRY(const auto name, args.text("record", 256));
  BZ_TRY(const auto reason, args.text("reason", 500));
  BZ_CHECK(args.finish());
  BZ_TRY(auditlog::SlotStore* const slots, slots_of(call));
  CallRecord record(call.context.log, call.context.clock);
  BZ_CHECK(on_the_record(call, record, "audit.unseal", {{"id", name}, {"reason", reason}}));
  const auto opened = opened_in(*call.context.audit, *slots, name);
  record.end(opened);
  return opened;
}

Result<Document> audit_erase(Call& call, Args& args) {
  BZ_TRY(const auto name, args.text_or_none("record", 256));
  BZ_TRY(const auto tenant, args.text_or_none("tenant", 256));
  BZ_TRY(const auto month, args.text_or_none("month", 7));
  BZ_TRY(const auto whole, args.flag("all"));
  BZ_TRY(const auto reason, args.text("reason", 500));
  BZ_CHECK(args.finish());
  BZ_TRY(auditlog::SlotStore* const slots, slots_of(call));
  const bool one = name.has_value();
  if (one == (month || whole) || (month.has_value() && whole) || (one && tenant)) {
    call.hint =
        "one of: --record TREE:INDEX; --month 2026-11; --all, the latter two with --tenant or of the system's tree";
    return fail(Errc::InvalidArgument, "erase a record, a month, or all of a tenant");
  }
  if (month && !audit::is_month(*month)) return fail(Errc::InvalidArgument, "a month is YYYY-MM");
  // The request's number stands in the reason; whom it is about does not belong into a record that stays.
  CallRecord record(call.context.log, call.context.clock);
  BZ_CHECK(on_the_record(
      call, record, "audit.erase",
      {{"id", name.value_or(month.value_or("all"))}, {"tenant", tenant.value_or("")}, {"reason", reason}}));
  const std::string tree = tenant ? auditlog::tree_name(*tenant) : std::string(auditlog::kSystemTree);
  const auto erased = [&]() -> Result<Document> {
    if (one) return erase_record(*call.context.audit, *slots, *name);
    if (month) {
      BZ_CHECK(slots->erase_month(tree, *month));
      return Document(Members{{"erased", tree + "/" + *month}});
    }
    BZ_TRY(const unsigned months, slots->erase_tree(tree));
    return Document(Members{{"erased", tree}, {"months", static_cast<std::int64_t>(months)}});
  }();
  record.end(erased);
  return erased;
}

}  // namespace bartizan::control
