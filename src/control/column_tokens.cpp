// Columns that become tokens, and back: the depot is closed, and all rows change in one transaction, since a
// token can't be told from a value. In the same transaction a row of bartizan_cells.tokenised says on which side
// of it the column is (ADR 0270).
#include <algorithm>

#include "bartizan/base/log.hpp"
#include "bartizan/postgres/wall_reconciler.hpp"
#include "column_migrations.hpp"
#include "column_vault.hpp"
#include "depot_cells.hpp"

namespace bartizan::control {

namespace {

constexpr auto kDepotDeadline = std::chrono::seconds(60);
constexpr auto kRowsDeadline = std::chrono::hours(1);
constexpr std::size_t kMaxFieldBytes = std::size_t{1} << 20;
constexpr std::uint32_t kVarchar = 1043;
constexpr std::int32_t kVarHeader = 4;  // VARHDRSZ, which typmods of varchar include

std::string table_of(const store::EncryptedColumn& column) {
  return postgres::quote_identifier(column.schema) + "." + postgres::quote_identifier(column.table);
}

/// Of text: an array literal.
std::string array_of(const std::vector<std::string>& values) {
  std::string out = "{";
  for (const auto& value : values) {
    out.append(out.size() > 1 ? ",\"" : "\"");
    for (const char c : value) {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
    out.push_back('"');
  }
  return out.append("}");
}

/// Values of the type that are too short for a million of them.
Result<void> long_enough(const store::EncryptedColumn& column) {
  if (column.token_vaulted) return {};
  const auto fewest = transform::fewest_characters(transform::alphabet_named(column.token_alphabet));
  const bool limited = column.type_oid == kVarchar && column.typmod >= kVarHeader;
  if (!limited || static_cast<std::size_t>(column.typmod - kVarHeader) >= fewest) return {};
  return fail(Errc::FailedPrecondition,
              "tokens over " + column.token_alphabet + " need at least " + std::to_string(fewest) +
                  " characters, and the column holds fewer: they could be guessed. Encrypt it");
}

/// The type has room, and nothing in the catalog would meet values and tokens side by side.
Result<void> fits_tokens(postgres::ControlConnection& connection, const sql::CatalogRelation& relation,
                         const sql::CatalogColumn& stored, const store::EncryptedColumn& column, SteadyTime until) {
  const auto type = transform::value_type_of(stored.type);
  if (!type || (*type != transform::ValueType::Text && *type != transform::ValueType::Varchar))
    return fail(Errc::FailedPrecondition, "only columns of the types text and varchar can be tokenised");
  BZ_CHECK(long_enough(column));
  if (relation.kind != sql::RelKind::Table || !relation.parents.empty())
    return fail(Errc::Unsupported, "columns of partitioned tables and of children can't be tokenised");
  if (stored.generated != sql::Generated::No || stored.identity != sql::Identity::No || stored.has_default)
    return fail(Errc::FailedPrecondition, "the column has a default, which would be stored as it is: drop it first");
  const std::vector<std::optional<std::string>> place = {std::to_string(relation.oid), std::to_string(stored.attnum)};
  BZ_TRY(
      const auto found,
      connection.exec(
          "SELECT 'foreign key ' || conname FROM pg_catalog.pg_constraint WHERE contype = 'f' AND ((conrelid = "
          "$1::oid AND $2::int2 = ANY (conkey)) OR (confrelid = $1::oid AND $2::int2 = ANY (confkey))) UNION ALL "
          "SELECT 'check ' || conname FROM pg_catalog.pg_constraint WHERE contype = 'c' AND conrelid = $1::oid AND "
          "$2::int2 = ANY (conkey) UNION ALL SELECT 'child table ' || inhrelid::regclass::text FROM "
          "pg_catalog.pg_inherits WHERE inhparent = $1::oid UNION ALL SELECT 'generated column ' || attname FROM "
          "pg_catalog.pg_attrdef d JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum "
          "JOIN pg_catalog.pg_depend p ON p.classid = 'pg_catalog.pg_attrdef'::regclass AND p.objid = d.oid WHERE "
          "a.attrelid = $1::oid AND a.attgenerated <> '' AND p.refobjid = $1::oid AND p.refobjsubid = $2::int4 "
          "UNION ALL SELECT 'its collation, by which different texts are equal' FROM pg_catalog.pg_attribute a JOIN "
          "pg_catalog.pg_collation c ON c.oid = a.attcollation WHERE a.attrelid = $1::oid AND a.attnum = $2::int2 AND "
          "NOT c.collisdeterministic",
          place, until));
  if (found.empty()) return {};
  std::string list;
  for (std::size_t i = 0; i < found.size(); ++i) list += (list.empty() ? "" : "; ") + found.at(i, 0).value_or("");
  return fail(Errc::FailedPrecondition, "something on the column is about values and has to go first: " + list);
}

/// What was there before goes with the old files: the table's, and those of statistics, which hold values too.
void rewrite_table(postgres::ControlConnection& connection, const store::EncryptedColumn& column, SteadyTime until) {
  for (const auto& text : {"VACUUM (FULL, ANALYZE) " + table_of(column), std::string("VACUUM FULL pg_statistic"),
                           std::string("VACUUM FULL pg_statistic_ext_data"), std::string("CHECKPOINT")}) {
    if (const auto done = connection.exec(text, until); !done) {
      BZ_LOG(Warn, "cells.table_not_rewritten", {"column", column.shown()}, {"reason", done.error().detail});
      return;
    }
  }
}

/// What one exchange of all rows works with.
class RowExchange {
 public:
  RowExchange(postgres::ControlConnection& connection, const store::EncryptedColumn& column,
              transform::EncryptedColumn& cipher, bool tokenizes, const Clock& clock, Random& random)
      : connection_(connection),
        column_(column),
        cipher_(cipher),
        tokenizes_(tokenizes),
        random_(random),
        until_(clock.steady() + kRowsDeadline) {}

  Result<std::uint64_t> run() {
    // Values stand in no log of the server, and no trigger is told of tokens as if they were values.
    BZ_CHECK(connection_.exec(
        "SET search_path = pg_catalog; SET statement_timeout = 0; SET lock_timeout = '10s'; SET log_statement = none; "
        "SET log_min_duration_statement = -1; SET log_min_error_statement = panic; "
        "SET session_replication_role = replica; CREATE SCHEMA IF NOT EXISTS bartizan_cells; "
        "CREATE TABLE IF NOT EXISTS bartizan_cells.tokenised (column_id uuid PRIMARY KEY)",
        until_));
    if (column_.token_vaulted) BZ_CHECK(make_vault(connection_, until_));
    BZ_CHECK(connection_.exec("BEGIN", until_));
    auto done = rows();
    if (done) {
      BZ_CHECK(connection_.exec("COMMIT", until_));
    } else if (connection_.open()) {
      [[maybe_unused]] const auto undone = connection_.exec("ROLLBACK", until_);
    }
    return done;
  }

 private:
  Result<std::uint64_t> rows() {
    const auto name = postgres::quote_identifier(column_.column);
    BZ_CHECK(connection_.exec("LOCK TABLE " + table_of(column_) + " IN ACCESS EXCLUSIVE MODE", until_));
    BZ_CHECK(connection_.exec("DECLARE bartizan_rows NO SCROLL CURSOR FOR SELECT ctid, " + read(name) + " FROM ONLY " +
                                  table_of(column_) + " WHERE " + name + " IS NOT NULL",
                              until_));
    std::uint64_t count = 0;
    for (;;) {
      BZ_TRY(auto found, connection_.exec("FETCH 1000 FROM bartizan_rows", until_));
      if (found.empty()) break;
      BZ_CHECK(write(found, name));
      count += found.size();
    }
    const std::vector<std::optional<std::string>> id = {column_.id.to_string()};
    BZ_CHECK(connection_.exec(tokenizes_ ? "INSERT INTO bartizan_cells.tokenised VALUES ($1::uuid)"
                                         : "DELETE FROM bartizan_cells.tokenised WHERE column_id = $1::uuid",
                              id, until_));
    if (column_.token_vaulted && !tokenizes_) BZ_CHECK(empty_vault(connection_, column_, until_));
    return count;
  }

  /// SQL: what the cipher takes of a row, and what of what it has made is written.
  std::string read(const std::string& name) const {
    return column_.token_vaulted && !tokenizes_ ? vault_call("sealed_for", column_, name) : name;
  }
  std::string written(const std::string& form) const {
    return column_.token_vaulted && tokenizes_ ? vault_call("token_for", column_, form) : form;
  }

  Result<void> write(const postgres::Rows& found, const std::string& name) {
    std::vector<std::string> places;
    std::vector<std::string> forms;
    for (std::size_t i = 0; i < found.size(); ++i) {
      BZ_TRY(auto form, other_form(found.at(i, 1).value_or("")));
      places.push_back(found.at(i, 0).value_or(""));
      forms.push_back(std::move(form));
    }
    std::vector<std::optional<std::string>> parameters = {array_of(places), array_of(forms)};
    const auto done =
        connection_.exec("UPDATE ONLY " + table_of(column_) + " t SET " + name + " = " + written("n.form") +
                             " FROM unnest($1::tid[], $2::text[]) AS n(place, form) WHERE t.ctid = n.place",
                         parameters, until_);
    for (auto& form : forms) secure_wipe(form.data(), form.size());
    secure_wipe(parameters[1]->data(), parameters[1]->size());
    if (!done && connection_.last_sqlstate() == "23505")
      return fail(Errc::Conflict,
                  "a token is a value that another row still has, and the column is unique: drop its unique index, "
                  "and make it again afterwards");
    if (!done) return tl::unexpected(done.error());
    if (done->command_tag() == "UPDATE " + std::to_string(found.size())) return {};
    return fail(Errc::Internal, "not every row was written");
  }

  Result<std::string> other_form(const std::string& text) {
    Bytes made;
    transform::BoundedBytes out(made, kMaxFieldBytes);
    constexpr auto kText = transform::WireFormat::Text;
    const auto done = tokenizes_ ? cipher_.encrypt(kText, as_bytes(text), {}, nullptr, random_, out)
                                 : cipher_.decrypt(as_bytes(text), nullptr, kText, {}, out);
    std::string form(as_chars(made));
    secure_wipe(made.data(), made.size());
    if (!done)
      return fail(Errc::FailedPrecondition, std::string(tokenizes_ ? "there is a row whose value can't have a token: "
                                                                   : "there is a row that holds no token: ") +
                                                done.error().detail);
    return form;
  }

  postgres::ControlConnection& connection_;
  const store::EncryptedColumn& column_;
  transform::EncryptedColumn& cipher_;
  bool tokenizes_;
  Random& random_;
  SteadyTime until_;
};

}  // namespace

Result<bool> ColumnMigrations::holds_tokens_now(postgres::ControlConnection& connection,
                                                const store::EncryptedColumn& column, SteadyTime until) {
  BZ_TRY(const auto table,
         connection.scalar("SELECT pg_catalog.to_regclass('bartizan_cells.tokenised') IS NOT NULL", until));
  if (table != "t") return false;
  // Behind a transaction whose end is still under way: it holds the table.
  BZ_CHECK(connection.exec("BEGIN; LOCK TABLE " + table_of(column) + " IN ACCESS SHARE MODE", until));
  const std::vector<std::optional<std::string>> id = {column.id.to_string()};
  BZ_TRY(const auto rows,
         connection.exec("SELECT 1 FROM bartizan_cells.tokenised WHERE column_id = $1::uuid", id, until));
  BZ_CHECK(connection.exec("COMMIT", until));
  return !rows.empty();
}

Result<store::EncryptedColumn> ColumnMigrations::declare_tokens(const std::string& actor, const policy::Depot& depot,
                                                                store::EncryptedColumn wanted) {
  const auto until = around_.clock.steady() + kDepotDeadline;
  if (!depot.embedded)
    return fail(Errc::Unsupported, "only depots in the embedded PostgreSQL can have columns of tokens");
  BZ_TRY(auto connection, around_.runtime.embedded_superuser(depot.database, until));
  BZ_TRY(const auto catalog, postgres::read_catalog(connection, 1, until));
  const auto* const relation = catalog->relation(wanted.schema, wanted.table);
  const auto* const stored = relation == nullptr ? nullptr : relation->column(std::string_view(wanted.column));
  if (stored == nullptr) return fail(Errc::NotFound, "there is no column " + wanted.shown());
  wanted.depot = depot.id;
  wanted.type_oid = stored->type;
  wanted.typmod = stored->typmod;
  BZ_CHECK(keys_stay_plain(wanted));
  BZ_CHECK(fits_tokens(connection, *relation, *stored, wanted, until));
  BZ_CHECK(around_.keys.ensure(owner_of(depot)));
  BZ_TRY(auto transaction, around_.database.begin_write({actor}));
  BZ_TRY(auto made, store::EncryptedColumns(transaction).add(std::move(wanted)));
  BZ_CHECK(transaction.commit());
  return std::move(made.value);
}

Result<void> ColumnMigrations::exchange(const policy::Depot& depot, const store::EncryptedColumn& column,
                                        bool tokenizes) {
  const auto until = around_.clock.steady() + kDepotDeadline;
  BZ_TRY(const auto keys, around_.keys.keys_of(owner_of(depot), column.id, column.join_domain, true));
  if (keys->index.empty()) return fail(Errc::FailedPrecondition, "there is no index key");
  const auto place = place_of(depot, column);
  std::optional<transform::EncryptedColumn> both;
  if (column.token_vaulted) {
    BZ_TRY(auto cipher, transform::ColumnCipher::make(place, cells::clone(*keys)));
    BZ_TRY(auto vault, transform::VaultTokens::make(*shape_of(column)));
    both.emplace(std::move(cipher), column.typmod, std::move(vault));
  } else {
    BZ_TRY(auto cipher, transform::ColumnCipher::make(place, {}));
    BZ_TRY(auto tokens,
           transform::FormatTokens::make(keys->index.front().key, place.tenant, place.column, *shape_of(column)));
    both.emplace(std::move(cipher), column.typmod, std::move(tokens));
  }
  BZ_TRY(auto connection, around_.runtime.embedded_superuser(depot.database, until));
  RowExchange rows(connection, column, *both, tokenizes, around_.clock, around_.random);
  BZ_TRY(const auto count, rows.run());
  BZ_LOG(Info, "cells.tokens_exchanged", {"column", column.shown()}, {"rows", count}, {"tokenizes", tokenizes});
  rewrite_table(connection, column, around_.clock.steady() + kRowsDeadline);
  return {};
}

Result<bool> ColumnMigrations::exchanged_after_all(const policy::Depot& depot, const store::EncryptedColumn& column,
                                                   bool tokenizes) {
  const auto tokens = holds_cells_now(column);
  if (!tokens) {
    BZ_LOG(Error, "cells.tokens_unknown", {"column", column.shown()}, {"reason", tokens.error().detail});
    return fail(Errc::Unavailable, "whether column " + column.shown() +
                                       " holds tokens could not be told: the depot stays closed, and the next start "
                                       "finds out");
  }
  if (*tokens != tokenizes) return false;
  auto connection = around_.runtime.embedded_superuser(depot.database, around_.clock.steady() + kDepotDeadline);
  if (connection) rewrite_table(*connection, column, around_.clock.steady() + kRowsDeadline);
  return true;
}

Result<store::EncryptedColumn> ColumnMigrations::tokenize(const std::string& actor, const policy::Depot& depot,
                                                          store::EncryptedColumn wanted) {
  BZ_TRY(const auto turn, this->turn());
  BZ_TRY(const auto found, find(depot, wanted.shown()));
  if (found) {
    const bool same = found->token_vaulted == wanted.token_vaulted && found->token_alphabet == wanted.token_alphabet &&
                      found->token_separators == wanted.token_separators;
    if (!same || found->state != store::ColumnState::Encrypting)
      return fail(Errc::AlreadyExists, "column " + wanted.shown() + " is " +
                                           (found->tokenised() ? "tokenised" : std::string(to_string(found->state))));
    wanted = *found;
  } else {
    BZ_TRY(wanted, declare_tokens(actor, depot, std::move(wanted)));
  }
  auto done = close_for(actor, depot, wanted, store::ColumnState::Cutting);
  if (done) done = exchange(depot, wanted, true);
  if (!done) {
    BZ_TRY(const bool after_all, exchanged_after_all(depot, wanted, true));
    if (!after_all) {
      BZ_CHECK(remove(actor, wanted.id));
      BZ_CHECK(publish_());
      return tl::unexpected(done.error());
    }
  }
  BZ_CHECK(set_state(actor, wanted.id, store::ColumnState::Encrypted));
  BZ_CHECK(publish_());
  wanted.state = store::ColumnState::Encrypted;
  return wanted;
}

Result<void> ColumnMigrations::detokenize(const std::string& actor, const policy::Depot& depot,
                                          const std::string& column) {
  BZ_TRY(const auto turn, this->turn());
  BZ_TRY(const auto found, find(depot, column));
  if (!found || !found->tokenised()) return fail(Errc::NotFound, "column " + column + " is not tokenised");
  if (found->state == store::ColumnState::Encrypting) return remove(actor, found->id);
  auto done = close_for(actor, depot, *found, store::ColumnState::Restoring);
  if (done) done = exchange(depot, *found, false);
  if (!done) {
    BZ_TRY(const bool after_all, exchanged_after_all(depot, *found, false));
    if (!after_all) {
      BZ_CHECK(set_state(actor, found->id, store::ColumnState::Encrypted));
      BZ_CHECK(publish_());
      return done;
    }
  }
  BZ_CHECK(remove(actor, found->id));
  return publish_();
}

}  // namespace bartizan::control
