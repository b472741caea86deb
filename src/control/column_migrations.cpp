#include "column_migrations.hpp"

#include <algorithm>
#include <thread>

#include "bartizan/base/log.hpp"
#include "bartizan/postgres/wall_reconciler.hpp"
#include "bartizan/store/key_events.hpp"
#include "bartizan/store/snapshot_reader.hpp"
#include "depot_cells.hpp"

namespace bartizan::control {

namespace {

/// Longest that who counts cells is waited for.
constexpr auto kCounting = std::chrono::seconds(30);
constexpr auto kDepotDeadline = std::chrono::seconds(60);
/// Sessions end where no transaction is open, and at the latest ten seconds after.
constexpr auto kSessionsEndWithin = std::chrono::seconds(20);

}  // namespace

Result<std::vector<store::EncryptedColumn>> read_encrypted_columns(store::Database& database) {
  BZ_TRY(auto transaction, database.begin_read());
  BZ_TRY(auto found, store::EncryptedColumns(transaction).list());
  std::vector<store::EncryptedColumn> out;
  for (auto& one : found) out.push_back(std::move(one.value));
  return out;
}

Result<void> ColumnMigrations::set_state(const std::string& actor, const Uuid& id, store::ColumnState state) {
  BZ_TRY(auto transaction, around_.database.begin_write({actor}));
  BZ_CHECK(store::EncryptedColumns(transaction).set_state(id, state));
  return transaction.commit();
}

Result<void> ColumnMigrations::remove(const std::string& actor, const Uuid& id) {
  BZ_TRY(auto transaction, around_.database.begin_write({actor}));
  BZ_CHECK(store::EncryptedColumns(transaction).remove(id));
  return transaction.commit();
}

Result<bool> ColumnMigrations::holds_cells_now(const store::EncryptedColumn& column) {
  std::shared_ptr<const policy::Snapshot> snapshot;
  {
    BZ_TRY(auto transaction, around_.database.begin_read());
    BZ_TRY(snapshot, store::read_snapshot(transaction));
  }
  for (const policy::Depot& depot : snapshot->depots()) {
    if (depot.id != column.depot) continue;
    const auto until = around_.clock.steady() + kDepotDeadline;
    BZ_TRY(auto connection, around_.runtime.embedded_superuser(depot.database, until));
    if (column.tokenised()) return holds_tokens_now(connection, column, until);
    BZ_TRY(const auto catalog, postgres::read_catalog(connection, 1, until));
    const auto* const relation = catalog->relation(column.schema, column.table);
    const auto* const stored = relation == nullptr ? nullptr : relation->column(std::string_view(column.column));
    const auto* const domain = catalog->type(kCellSchema, kCellDomain);
    if (stored == nullptr) return fail(Errc::NotFound, "the column is gone");
    return domain != nullptr && stored->type == domain->oid;
  }
  return fail(Errc::NotFound, "the depot is gone");
}

void ColumnMigrations::repair() {
  const auto columns = read_encrypted_columns(around_.database);
  if (!columns) return;
  for (const auto& column : *columns) {
    if (!closes(column.state)) continue;
    const auto cells = holds_cells_now(column);
    if (!cells) {
      BZ_LOG(Error, "cells.repair_failed", {"column", column.shown()}, {"reason", cells.error().detail});
      continue;
    }
    using enum store::ColumnState;
    const bool encrypting = column.state == Cutting;
    const auto state = *cells ? (encrypting || column.tokenised() ? Encrypted : Decrypting) : Encrypting;
    const auto done = !*cells && (!encrypting || column.tokenised()) ? remove("cells", column.id)
                                                                     : set_state("cells", column.id, state);
    BZ_LOG(Warn, "cells.repaired", {"column", column.shown()}, {"cells", *cells}, {"done", done.has_value()});
  }
}

Result<std::unique_ptr<ColumnMigrations::Job>> ColumnMigrations::job(const policy::Depot& depot,
                                                                     const store::EncryptedColumn& column,
                                                                     bool encrypts) {
  const auto deadline = around_.clock.steady() + kDepotDeadline;
  BZ_TRY(auto connection, around_.runtime.embedded_superuser(depot.database, deadline));
  auto out = std::make_unique<Job>(Job{std::move(connection), {}, false, {}, {}, nullptr, {}});
  BZ_CHECK(
      out->connection.exec("SET search_path = pg_catalog; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; "
                           "SET bytea_output = hex; SET statement_timeout = 0; SET lock_timeout = '10s'",
                           deadline));
  BZ_CHECK(make_cell_domain(out->connection, deadline));
  BZ_TRY(const auto catalog, postgres::read_catalog(out->connection, 1, deadline));
  const auto* const relation = catalog->relation(column.schema, column.table);
  if (relation == nullptr) return fail(Errc::NotFound, "there is no table " + column.schema + "." + column.table);
  out->table = *relation;
  const auto twin = twin_of(column.column);
  out->expanded = std::erase_if(out->table.columns, [&](const auto& one) { return one.name == twin; }) > 0;
  const auto* const stored = out->table.column(std::string_view(column.column));
  if (stored == nullptr) return fail(Errc::NotFound, "the table has no column " + column.column);
  out->column.table = &out->table;
  out->column.column = stored->attnum;
  out->column.type = type_of(column);
  out->column.cell_domain = {kCellSchema, kCellDomain};
  out->column.searchable = column.searchable;
  out->column.stored_index = column.stored_index;
  out->column.unique = column.unique;
  BZ_TRY(out->row_key, read_row_key(column.row_key));
  BZ_TRY(const auto key, attributes_of(out->row_key, out->table));
  out->column.row_key = key;
  const auto* const primary = out->table.primary_key();
  if (!key.empty() && !column.by_subject && (primary == nullptr || primary->columns != key))
    return fail(Errc::FailedPrecondition, "the table's primary key is not that which its cells are bound by");
  if (encrypts) {
    BZ_TRY(out->migration, sql::plan_column_encryption(out->column));
  } else {
    BZ_TRY(out->migration, sql::plan_column_decryption(out->column));
  }
  // A column per tenant is empty when it becomes one: nobody knows whose its values would be.
  if (!column.per_tenant) {
    BZ_TRY(const auto keys,
           around_.keys.keys_of(owner_of(depot), column.id, column.join_domain, column.searchable, column.by_subject));
    BZ_TRY(auto cipher, transform::ColumnCipher::make(place_of(depot, column), cells::clone(*keys)));
    out->cipher = std::make_unique<transform::EncryptedColumn>(std::move(cipher), column.typmod);
    return out;
  }
  transform::ColumnKeySet none;
  BZ_TRY(auto cipher, transform::ColumnCipher::make(place_of(depot, column), std::move(none)));
  out->cipher = std::make_unique<transform::EncryptedColumn>(std::move(cipher), column.typmod);
  BZ_TRY(const auto filled, out->connection.scalar("SELECT count(*) FROM " + postgres::quote_identifier(column.schema) +
                                                       "." + postgres::quote_identifier(column.table) + " WHERE " +
                                                       postgres::quote_identifier(column.column) + " IS NOT NULL",
                                                   deadline));
  if (filled != "0")
    return fail(Errc::FailedPrecondition,
                "a column under the keys of tenants must be empty: whose its values are is not known");
  return out;
}

/// By a column that is read besides the primary key.
bool ColumnMigrations::bound_beside(const Job& work) {
  return !work.column.row_key.empty() && work.column.row_key != work.table.primary_key()->columns;
}

/// Nobody works by the old form any more when it returns.
Result<void> ColumnMigrations::close_for(const std::string& actor, const policy::Depot& depot,
                                         const store::EncryptedColumn& column, store::ColumnState closed) {
  BZ_CHECK(set_state(actor, column.id, closed));
  BZ_CHECK(publish_());
  const auto state = around_.holder.find(depot.id);
  if (state == nullptr || state->columns != nullptr) return fail(Errc::Internal, "the depot is not closed");
  const auto until = around_.clock.steady() + kSessionsEndWithin;
  while (around_.holder.others_than(depot.id, state->generation) > 0) {
    if (around_.clock.steady() >= until) return fail(Errc::DeadlineExceeded, "sessions of the depot do not end");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return {};
}

Result<void> ColumnMigrations::migrate(const std::string& actor, const policy::Depot& depot,
                                       const store::EncryptedColumn& column, bool encrypts) {
  BZ_TRY(const auto work, job(depot, column, encrypts));
  ColumnMigrator migrator(work->connection, work->migration, *work->cipher, encrypts,
                          work->table.primary_key()->columns.size(), work->row_key, bound_beside(*work), around_.clock,
                          around_.random, figures_);
  step("expand");
  BZ_TRY(const auto dependents, migrator.dependents());
  if (!dependents.empty()) {
    std::string list;
    for (const auto& one : dependents) list += (list.empty() ? "" : "; ") + one;
    return fail(Errc::FailedPrecondition, "something depends on the column and has to go first: " + list);
  }
  if (!work->expanded) BZ_CHECK(migrator.expand());
  step("backfill");
  BZ_CHECK(migrator.backfill());
  step("verify");
  BZ_CHECK(migrator.verify());
  step("cut over");
  const auto open_again = encrypts ? store::ColumnState::Encrypting : store::ColumnState::Decrypting;
  auto done = close_for(actor, depot, column, encrypts ? store::ColumnState::Cutting : store::ColumnState::Restoring);
  if (done) done = migrator.backfill();  // what was written meanwhile
  if (done) done = migrator.cut_over();
  if (!done) {
    if (const auto reopened = set_state(actor, column.id, open_again); reopened) BZ_CHECK(publish_());
    return done;
  }
  if (encrypts) {
    BZ_CHECK(set_state(actor, column.id, store::ColumnState::Encrypted));
  } else {
    BZ_CHECK(remove(actor, column.id));
  }
  BZ_CHECK(publish_());
  step("index");
  return migrator.after();
}

/// Statements tell one key for all of a table's bound columns; and of a person that was destroyed by a value of one
/// type, values of another would live on.
Result<void> ColumnMigrations::bound_as_others(const store::EncryptedColumn& wanted) {
  if (wanted.row_key.empty()) return {};
  BZ_TRY(const auto own, read_row_key(wanted.row_key));
  BZ_TRY(const auto declared, read_encrypted_columns(around_.database));
  bool type_known = false;
  for (const auto& other : declared) {
    if (other.row_key.empty()) continue;
    if (other.depot == wanted.depot && other.schema == wanted.schema && other.table == wanted.table &&
        (other.row_key != wanted.row_key || other.by_subject != wanted.by_subject))
      return fail(Errc::FailedPrecondition,
                  "cells of " + other.shown() + " are bound by another key: in one table it is one and the same");
    BZ_TRY(const auto theirs, read_row_key(other.row_key));
    type_known = type_known || (other.by_subject && theirs.front().type == own.front().type);
  }
  if (!wanted.by_subject || type_known) return {};
  BZ_TRY(auto transaction, around_.database.begin_read());
  BZ_TRY(const auto destroyed, store::SubjectDestructions(transaction).list());
  if (destroyed.empty()) return {};
  return fail(Errc::FailedPrecondition,
              "data subjects were destroyed that are known by values of another type than column " + wanted.subject);
}

/// What rows are bound by is what the server has and the client gives: neither a cell nor a token.
Result<void> ColumnMigrations::keys_stay_plain(const store::EncryptedColumn& wanted) {
  const auto names = [](const RowKey& key, const std::string& column) {
    return std::ranges::any_of(key, [&](const auto& part) { return part.column == column; });
  };
  BZ_TRY(const auto own, read_row_key(wanted.row_key));
  BZ_TRY(const auto declared, read_encrypted_columns(around_.database));
  for (const auto& other : declared) {
    if (other.depot != wanted.depot || other.schema != wanted.schema || other.table != wanted.table) continue;
    BZ_TRY(const auto theirs, read_row_key(other.row_key));
    if (names(theirs, wanted.column))
      return fail(Errc::FailedPrecondition,
                  "cells of " + other.shown() + " are bound by this column: it has to stay plain");
    if (names(own, other.column))
      return fail(Errc::FailedPrecondition, "cells can't be bound by column " + other.shown() + ", which is not plain");
  }
  return {};
}

Result<store::EncryptedColumn> ColumnMigrations::declare(const std::string& actor, const policy::Depot& depot,
                                                         store::EncryptedColumn wanted) {
  const auto deadline = around_.clock.steady() + kDepotDeadline;
  BZ_TRY(auto connection, around_.runtime.embedded_superuser(depot.database, deadline));
  BZ_TRY(const auto catalog, postgres::read_catalog(connection, 1, deadline));
  const auto* const relation = catalog->relation(wanted.schema, wanted.table);
  const auto* const stored = relation == nullptr ? nullptr : relation->column(std::string_view(wanted.column));
  if (stored == nullptr) return fail(Errc::NotFound, "there is no column " + wanted.shown());
  if (!transform::value_type_of(stored->type))
    return fail(Errc::FailedPrecondition, "columns of this type can't be encrypted");
  wanted.depot = depot.id;
  wanted.type_oid = stored->type;
  wanted.typmod = stored->typmod;
  wanted.stored_index = wanted.searchable && (wanted.stored_index || relation->row_security);
  if (wanted.bind_row) {
    BZ_TRY(const auto key, primary_key_of(*relation, connection, deadline));
    wanted.row_key = write_row_key(key);
  }
  if (!wanted.subject.empty()) {
    BZ_TRY(const auto key, subject_key_of(*relation, wanted.subject, connection, deadline));
    wanted.row_key = write_row_key(key);
    wanted.by_subject = true;
  }
  BZ_CHECK(bound_as_others(wanted));
  BZ_CHECK(keys_stay_plain(wanted));
  BZ_CHECK(around_.keys.ensure(owner_of(depot)));
  // Dry, before anything is kept of it.
  auto probe = wanted;
  probe.id = Uuid::random(around_.random);
  probe.join_domain = probe.join_domain.is_nil() ? probe.id : probe.join_domain;
  BZ_CHECK(job(depot, probe, true));
  wanted.id = probe.id;
  wanted.join_domain = probe.join_domain;
  BZ_TRY(auto transaction, around_.database.begin_write({actor}));
  BZ_TRY(auto made, store::EncryptedColumns(transaction).add(std::move(wanted)));
  BZ_CHECK(transaction.commit());
  return std::move(made.value);
}

Result<std::optional<store::EncryptedColumn>> ColumnMigrations::find(const policy::Depot& depot,
                                                                     const std::string& column) {
  BZ_TRY(auto columns, read_encrypted_columns(around_.database));
  const auto found =
      std::ranges::find_if(columns, [&](const auto& one) { return one.depot == depot.id && one.shown() == column; });
  return found == columns.end() ? std::nullopt : std::optional(std::move(*found));
}

Result<store::EncryptedColumn> ColumnMigrations::encrypt(const std::string& actor, const policy::Depot& depot,
                                                         store::EncryptedColumn wanted) {
  BZ_TRY(const auto turn, this->turn());
  BZ_TRY(const auto found, find(depot, wanted.shown()));
  if (found) {
    if (found->tokenised()) return fail(Errc::AlreadyExists, "column " + wanted.shown() + " is tokenised");
    if (found->state != store::ColumnState::Encrypting)
      return fail(Errc::AlreadyExists, "column " + wanted.shown() + " is " + std::string(to_string(found->state)));
    if (wanted.bind_row && (found->row_key.empty() || found->by_subject))
      return fail(Errc::Conflict, "column " + wanted.shown() + " is being encrypted without being bound to its row");
    BZ_TRY(const auto key, read_row_key(found->row_key));
    if (!wanted.subject.empty() && (!found->by_subject || key.front().column != wanted.subject))
      return fail(Errc::Conflict, "column " + wanted.shown() + " is being encrypted without that subject");
    wanted = *found;
  } else {
    BZ_TRY(wanted, declare(actor, depot, std::move(wanted)));
  }
  begin(wanted.id);
  const auto done = migrate(actor, depot, wanted, true);
  step("");
  if (!done) return tl::unexpected(done.error());
  wanted.state = store::ColumnState::Encrypted;
  return wanted;
}

Result<void> ColumnMigrations::decrypt(const std::string& actor, const policy::Depot& depot,
                                       const std::string& column) {
  BZ_TRY(const auto turn, this->turn());
  BZ_TRY(const auto found, find(depot, column));
  if (!found) return fail(Errc::NotFound, "column " + column + " is not encrypted");
  if (found->tokenised())
    return fail(Errc::FailedPrecondition, "column " + column + " is tokenised: bartizan column detokenize");
  if (found->state == store::ColumnState::Encrypting) {
    BZ_TRY(const auto work, job(depot, *found, true));
    ColumnMigrator migrator(work->connection, work->migration, *work->cipher, true,
                            work->table.primary_key()->columns.size(), work->row_key, bound_beside(*work),
                            around_.clock, around_.random, figures_);
    if (work->expanded) BZ_CHECK(migrator.undo());
    return remove(actor, found->id);
  }
  BZ_CHECK(set_state(actor, found->id, store::ColumnState::Decrypting));
  begin(found->id);
  auto done = migrate(actor, depot, *found, false);
  step("");
  return done;
}

Result<ColumnMigrations::Turn> ColumnMigrations::turn() {
  Turn out{{migration_mutex_, std::try_to_lock}, {still_mutex_, std::defer_lock}};
  if (!out.alone) return fail(Errc::Unavailable, "another column is being migrated");
  if (!out.still.try_lock_for(kCounting))
    return fail(Errc::Unavailable, "cells under a key that is to be destroyed are being counted");
  return out;
}

void ColumnMigrations::begin(const Uuid& column) {
  const std::lock_guard lock(progress_mutex_);
  migrating_ = column;
  figures_.done = figures_.total = 0;
}

void ColumnMigrations::step(const char* what) {
  const std::lock_guard lock(progress_mutex_);
  step_ = what;
}

void ColumnMigrations::describe(ColumnProgress& one) {
  const std::lock_guard lock(progress_mutex_);
  if (migrating_ != one.column.id || step_.empty()) return;
  one.step = step_;
  one.done = figures_.done;
  one.total = figures_.total;
}

}  // namespace bartizan::control
