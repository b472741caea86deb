#include "at_rest_verbs.hpp"

#include <fmt/format.h>

#include "bartizan/control/at_rest_declared.hpp"
#include "bartizan/store/at_rest_declarations.hpp"
#include "bartizan/store/depots.hpp"

namespace bartizan::control {
namespace {

constexpr std::size_t kMaxWhatBytes = 1024;

std::string shown(const store::Record<store::AtRestDeclaration>& one, WallTime now) {
  const auto& until = one.value.valid_until;
  const bool over = until && *until <= now;
  return fmt::format("{}: {} (by {}, {}{})", over ? "unknown, the declaration is over" : "declared, not verified",
                     one.value.what, one.meta.updated_by, format_time(one.meta.updated_at),
                     until ? ", until " + format_time(*until) : std::string());
}

}  // namespace

Result<std::map<policy::DepotId, std::string>> declared_at_rest(store::Database& database, WallTime now) {
  BZ_TRY(auto transaction, database.begin_read());
  BZ_TRY(const auto all, store::AtRestDeclarations(transaction).list());
  std::map<policy::DepotId, std::string> out;
  for (const auto& one : all) out.emplace(one.value.depot, shown(one, now));
  return out;
}

Result<Document> depot_declare_at_rest(Call& call, Args& args) {
  BZ_TRY(const auto name, args.name("name", NameKind::Resource));
  BZ_TRY(const auto what, args.text_or_none("what", kMaxWhatBytes));
  BZ_TRY(const auto until, args.time_or_none("until"));
  BZ_TRY(const bool withdraw, args.flag("withdraw"));
  BZ_CHECK(args.finish());
  if (withdraw == what.has_value()) return fail(Errc::InvalidArgument, "either 'what' or 'withdraw'");
  if (what && (what->empty() || !is_printable_utf8(*what)))
    return fail(Errc::InvalidArgument, "'what' is a line of text");
  const auto now = call.context.clock.wall();
  if (until && *until <= now) return fail(Errc::InvalidArgument, "'until' is over already");
  BZ_TRY(auto transaction, call.write());
  auto found = store::Depots(transaction).find(name);
  if (!found) return tl::unexpected<Error>(with_list_hint(call, std::move(found).error(), "depot"));
  if (found->value.embedded) {
    call.hint = "bartizan status tells what is held";
    return fail(Errc::FailedPrecondition, "the files of the embedded PostgreSQL are looked at, not declared");
  }
  std::string at_rest = "unknown";
  if (withdraw) {
    BZ_CHECK(store::AtRestDeclarations(transaction).remove(found->value.id));
  } else {
    BZ_TRY(const auto made, store::AtRestDeclarations(transaction).put({found->value.id, *what, until}));
    at_rest = shown(made, now);
  }
  BZ_CHECK(transaction.commit());
  return Document(Members{{"name", name}, {"at_rest", at_rest}});
}

}  // namespace bartizan::control
