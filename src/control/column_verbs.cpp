// column encrypt, decrypt, status.
#include "bartizan/control/cell_keeper.hpp"
#include "bartizan/control/cell_keys.hpp"
#include "bartizan/store/depots.hpp"
#include "services.hpp"
#include "token_verbs.hpp"

namespace bartizan::control {
namespace {

constexpr std::size_t kMaxColumnBytes = 3 * 63 + 2;
constexpr std::size_t kMaxShapeBytes = 32;

Result<CellKeeper*> keeper(Call& call) {
  if (call.context.cells == nullptr) return fail(Errc::Unsupported, "this gateway encrypts no columns");
  return call.context.cells;
}

Result<policy::Depot> depot_named(Call& call, const std::string& name) {
  BZ_TRY(auto transaction, call.read());
  auto depot = store::Depots(transaction).find(name);
  if (!depot) return tl::unexpected<Error>(with_list_hint(call, std::move(depot).error(), "depot"));
  return std::move(depot->value);
}

/// schema.table.column, each as it stands in the catalog.
Result<store::EncryptedColumn> column_of(const std::string& path) {
  const auto first = path.find('.');
  const auto second = first == std::string::npos ? first : path.find('.', first + 1);
  if (second == std::string::npos || path.find('.', second + 1) != std::string::npos)
    return fail(Errc::InvalidArgument, "'column' is schema.table.column");
  store::EncryptedColumn out;
  out.schema = path.substr(0, first);
  out.table = path.substr(first + 1, second - first - 1);
  out.column = path.substr(second + 1);
  for (const auto* part : {&out.schema, &out.table, &out.column})
    if (!validate_name(NameKind::PostgreSql, *part))
      return fail(Errc::InvalidArgument, "'column' is schema.table.column");
  return out;
}

Document render(const ColumnProgress& one) {
  const auto& column = one.column;
  Members out = {{"depot", one.depot},
                 {"column", column.shown()},
                 {"state", std::string(store::to_string(column.state))},
                 {"search", column.tokenised()  ? "equality"
                            : column.searchable ? (column.stored_index ? "equality, stored" : "equality")
                                                : "none"},
                 {"keys", column.per_tenant ? "tenant" : "depot"},
                 {"tokens", column.token_vaulted ? "vault: " + column.token_alphabet : column.token_alphabet},
                 {"bound", column.by_subject ? "subject " + column.row_key.substr(column.row_key.find(' ') + 1)
                                             : std::string(column.row_key.empty() ? "no" : "row")},
                 {"number", static_cast<std::int64_t>(column.number)},
                 {"id", column.id.to_string()}};
  out.emplace_back("step", one.step);
  out.emplace_back("done", static_cast<std::int64_t>(one.done));
  out.emplace_back("total", static_cast<std::int64_t>(one.total));
  out.emplace_back("error", one.error);
  return out;
}

/// While there are two indexes, equal values can have different ones: none may be declared unique by them.
Result<void> no_index_is_rotated(Call& call) {
  if (call.context.keys == nullptr || !call.context.keys->in_use()) return {};
  BZ_TRY(const auto keyrings, call.context.keys->known());
  for (const auto& keyring : *keyrings)
    for (const auto& version : keyring.versions()) {
      const bool another = version.state == keys::KeyState::Pending || version.state == keys::KeyState::Retired;
      if (version.purpose != keys::KeyPurpose::Index || !another) continue;
      call.hint = "bartizan key status tells how far it is";
      return fail(Errc::FailedPrecondition,
                  "an index key is being rotated: no column that is unique or of tokens until that is done");
    }
  return {};
}

Document render_of(const std::string& depot, store::EncryptedColumn column) {
  ColumnProgress shown;
  shown.depot = depot;
  shown.column = std::move(column);
  return render(shown);
}

using Back = Result<void> (CellKeeper::*)(const std::string&, const policy::Depot&, const std::string&);

/// Of cells or of tokens, back to what it was.
Result<Document> made_plain(Call& call, Args& args, Back back) {
  BZ_TRY(const auto depot_name, args.name("depot", NameKind::Resource));
  BZ_TRY(const auto path, args.text("column", kMaxColumnBytes));
  BZ_CHECK(args.finish());
  BZ_TRY(auto* cells, keeper(call));
  BZ_TRY(const auto depot, depot_named(call, depot_name));
  BZ_TRY(const auto column, column_of(path));
  BZ_CHECK((cells->*back)(call.actor, depot, column.shown()));
  return Document(Members{{"depot", depot_name}, {"column", column.shown()}, {"state", "plain"}});
}

}  // namespace

Result<Document> column_encrypt(Call& call, Args& args) {
  BZ_TRY(const auto depot_name, args.name("depot", NameKind::Resource));
  BZ_TRY(const auto path, args.text("column", kMaxColumnBytes));
  BZ_TRY(const bool search, args.flag("search"));
  BZ_TRY(const bool stored_index, args.flag("stored_index"));
  BZ_TRY(const bool unique, args.flag("unique"));
  BZ_TRY(const bool per_tenant, args.flag("per_tenant"));
  BZ_TRY(const bool bind_row, args.flag("bind_row"));
  BZ_TRY(const auto subject, args.name_or_none("subject", NameKind::PostgreSql));
  BZ_TRY(const auto join_with, args.text_or_none("join_with", kMaxColumnBytes));
  BZ_CHECK(args.finish());
  if (bind_row && subject)
    return fail(Errc::InvalidArgument,
                "'bind_row' and 'subject' exclude each other: a column's cells are bound by one key");
  BZ_TRY(auto* cells, keeper(call));
  BZ_TRY(const auto depot, depot_named(call, depot_name));
  BZ_TRY(auto wanted, column_of(path));
  wanted.searchable = search || stored_index || unique || join_with.has_value();
  wanted.stored_index = stored_index;
  wanted.unique = unique;
  if (unique) BZ_CHECK(no_index_is_rotated(call));
  wanted.per_tenant = per_tenant;
  wanted.bind_row = bind_row;
  wanted.subject = subject.value_or("");
  if (join_with) {
    BZ_TRY(const auto columns, cells->status());
    for (const auto& one : columns)
      if (one.column.depot == depot.id && one.column.shown() == *join_with && one.column.searchable)
        wanted.join_domain = one.column.join_domain;
    if (wanted.join_domain.is_nil())
      return fail(Errc::NotFound, "column " + *join_with + " is not one that can be searched");
  }
  auto done = cells->encrypt(call.actor, depot, std::move(wanted));
  if (!done) {
    if (done.error().code == Errc::FailedPrecondition)
      call.hint = "drop what depends on it first; see the reference of SQL on encrypted columns";
    return tl::unexpected(done.error());
  }
  return render_of(depot_name, std::move(*done));
}

Result<Document> column_tokenize(Call& call, Args& args) {
  BZ_TRY(const auto depot_name, args.name("depot", NameKind::Resource));
  BZ_TRY(const auto path, args.text("column", kMaxColumnBytes));
  BZ_TRY(const auto kind, args.text_or_none("kind", kMaxShapeBytes));
  BZ_TRY(const auto alphabet, args.text("alphabet", kMaxShapeBytes));
  BZ_TRY(const auto separators, args.text_or_none("separators", kMaxShapeBytes));
  BZ_CHECK(args.finish());
  const bool vaulted = kind.value_or("fpe") == "vault";
  if (!vaulted && kind.value_or("fpe") != "fpe") return fail(Errc::InvalidArgument, "'kind' is fpe or vault");
  BZ_CHECK(transform::check_shape({alphabet, separators.value_or(""), vaulted}));
  BZ_TRY(auto* cells, keeper(call));
  BZ_TRY(const auto depot, depot_named(call, depot_name));
  BZ_TRY(auto wanted, column_of(path));
  wanted.token_alphabet = alphabet;
  wanted.token_separators = separators.value_or("");
  wanted.token_vaulted = vaulted;
  BZ_CHECK(no_index_is_rotated(call));
  auto done = cells->tokenize(call.actor, depot, std::move(wanted));
  if (!done) return tl::unexpected(done.error());
  return render_of(depot_name, std::move(*done));
}

Result<Document> column_detokenize(Call& call, Args& args) { return made_plain(call, args, &CellKeeper::detokenize); }

Result<Document> column_decrypt(Call& call, Args& args) { return made_plain(call, args, &CellKeeper::decrypt); }

Result<Document> column_status(Call& call, Args& args) {
  BZ_CHECK(args.finish());
  BZ_TRY(auto* cells, keeper(call));
  BZ_TRY(const auto columns, cells->status());
  Items out;
  for (const auto& one : columns) out.push_back(render(one));
  return Document(std::move(out));
}

}  // namespace bartizan::control
