// Publications: made, listed, shown, taken back.
#include "bartizan/store/policies.hpp"

#include "policy_publication.hpp"
#include "services.hpp"

namespace bartizan::control {
namespace {

constexpr std::size_t kMaxReasonBytes = 4096;

Result<std::string> take_reason(Args& args) {
  BZ_TRY(auto reason, args.text("reason", kMaxReasonBytes));
  if (reason.find_first_not_of(" \t\r\n") == std::string::npos || !is_printable_utf8(reason))
    return fail(Errc::InvalidArgument, "'reason' says in words why, on one line");
  return reason;
}

Members head_of(const store::Record<store::PolicyVersion>& record) {
  const auto& version = record.value;
  Items acknowledged;
  for (const auto& code : version.acknowledged) acknowledged.emplace_back(code);
  return {{"number", version.number},
          {"published_at", format_time(record.meta.created_at)},
          {"author", record.meta.created_by},
          {"reason", version.reason},
          {"acknowledged", std::move(acknowledged)},
          {"restored_from", version.restored_from ? Document(*version.restored_from) : Document()}};
}

Error with_history_hint(Call& call, Error error) {
  if (error.code == Errc::NotFound) call.hint = "see: bartizan policy history";
  return error;
}

}  // namespace

Result<Document> policy_publish(Call& call, Args& args) {
  store::PolicyVersion version;
  BZ_TRY(version.documents, take_documents(args));
  BZ_TRY(version.reason, take_reason(args));
  BZ_TRY(const auto acknowledged, take_acknowledged(args));
  BZ_TRY(const bool dry_run, args.flag("dry_run"));
  BZ_CHECK(args.finish());
  return publish_policies(call, std::move(version), acknowledged, dry_run);
}

Result<Document> policy_rollback(Call& call, Args& args) {
  BZ_TRY(const auto number, args.integer_or_none("number", 1, INT64_MAX));
  BZ_TRY(auto reason, take_reason(args));
  BZ_TRY(const auto acknowledged, take_acknowledged(args));
  BZ_TRY(const bool dry_run, args.flag("dry_run"));
  BZ_CHECK(args.finish());
  if (!number) return fail(Errc::InvalidArgument, "'number' is missing");
  store::PolicyVersion version;
  {
    BZ_TRY(auto transaction, call.read());
    auto found = store::PolicyVersions(transaction).find(*number);
    if (!found) return tl::unexpected<Error>(with_history_hint(call, std::move(found).error()));
    version.documents = std::move(found->value.documents);
  }
  version.reason = std::move(reason);
  version.restored_from = number;
  return publish_policies(call, std::move(version), acknowledged, dry_run);
}

Result<Document> policy_history(Call& call, Args& args) {
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.read());
  BZ_TRY(const auto versions, store::PolicyVersions(transaction).list());
  Items out;
  for (const auto& version : versions) {
    auto members = head_of(version);
    members.emplace_back("in_force", version.value.number == versions.front().value.number);
    out.emplace_back(std::move(members));
  }
  return Document(std::move(out));
}

Result<Document> policy_show(Call& call, Args& args) {
  BZ_TRY(const auto number, args.integer_or_none("number", 1, INT64_MAX));
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.read());
  store::PolicyVersions versions(transaction);
  BZ_TRY(const auto in_force, versions.in_force());
  if (!in_force) return fail(Errc::NotFound, "nothing was published yet");
  auto found = number ? versions.find(*number) : Result<store::Record<store::PolicyVersion>>(*in_force);
  if (!found) return tl::unexpected<Error>(with_history_hint(call, std::move(found).error()));
  auto members = head_of(*found);
  members.emplace_back("in_force", found->value.number == in_force->value.number);
  Items documents;
  for (const auto& document : found->value.documents)
    documents.push_back(Members{{"file", document.file}, {"text", document.text}});
  members.emplace_back("documents", std::move(documents));
  return Document(std::move(members));
}

}  // namespace bartizan::control
