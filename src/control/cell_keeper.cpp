#include "bartizan/control/cell_keeper.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "bartizan/base/log.hpp"
#include "bartizan/postgres/wall_reconciler.hpp"
#include "bartizan/store/key_events.hpp"
#include "bartizan/store/settings.hpp"
#include "bartizan/store/snapshot_reader.hpp"
#include "bartizan/store/tenants.hpp"
#include "column_migrations.hpp"
#include "depot_cells.hpp"
#include "key_destructions.hpp"
#include "key_owners.hpp"
#include "key_rotator.hpp"
#include "reviewed_functions.hpp"
#include "setting_specs.hpp"
#include "subject_destructions.hpp"

namespace bartizan::control {

namespace {

constexpr auto kLook = std::chrono::milliseconds(200);
constexpr auto kAskCustomers = std::chrono::milliseconds(500);
constexpr auto kLookAnyway = std::chrono::seconds(30);
constexpr auto kDepotDeadline = std::chrono::seconds(60);
constexpr auto kRetryAfter = std::chrono::seconds(5);

bool same_catalog(const sql::Catalog& a, const sql::Catalog& b) {
  const auto& left = a.contents();
  const auto& right = b.contents();
  return left.relations == right.relations && left.types == right.types && left.functions == right.functions &&
         std::ranges::equal(left.schemas, right.schemas, {}, &sql::CatalogSchema::name, &sql::CatalogSchema::name);
}

/// What sessions have to have in common.
std::string fingerprint_of(const std::vector<store::EncryptedColumn>& columns) {
  std::string out;
  for (const auto& column : columns) {
    if (closes(column.state)) out += "closed ";
    if (holds_cells(column.state)) out += column.id.to_string() + " ";
  }
  return out;
}

}  // namespace

class CellKeeper::Work {
 public:
  explicit Work(CellSurroundings around) : around_(around) {}
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  ~Work() {
    {
      const std::lock_guard lock(stop_mutex_);
      stopping_ = true;
    }
    stop_.notify_all();
    if (thread_.joinable()) thread_.join();
    if (customers_.joinable()) customers_.join();
  }

  void start() {
    migrations_.repair();
    if (around_.keys.in_use()) ask_customers(true);
    customers_ = std::thread([this] { follow_customers(); });
    thread_ = std::thread([this] { run(); });
    rotator_.start();
  }
  Result<void> look(bool whole);
  std::vector<KeyProgress> key_progress() const { return rotator_.progress(); }
  void wake_rotator() noexcept { rotator_.wake(); }
  Result<std::vector<ColumnProgress>> status();
  ColumnMigrations& migrations() noexcept { return migrations_; }

 private:
  struct Known {
    std::string fingerprint;
    std::uint64_t generation = 0;
    std::uint64_t keys = 0;
    std::size_t tenants = 0;
    std::shared_ptr<const sql::Catalog> catalog;
    std::vector<postgres::ReviewedFunction> reviews;
    std::set<sql::Oid> functions;  ///< reviewed ones, as they stood
    std::shared_ptr<const cells::EncryptedDepot> published;
    std::string error;
    SteadyTime retry_at{};
  };
  void run();
  void ask_customers(bool at_once);
  void follow_customers();
  void bring(const std::vector<Uuid>& tenants, const policy::Depot& depot,
             const std::vector<store::EncryptedColumn>& columns, bool whole);
  Result<void> build(const std::vector<Uuid>& tenants, const policy::Depot& depot,
                     const std::vector<store::EncryptedColumn>& columns, bool whole, Known& known);
  Result<void> follow_keys(const std::vector<Uuid>& tenants, const policy::Depot& depot,
                           const std::vector<store::EncryptedColumn>& columns, Known& known);
  void publish(const policy::Depot& depot, Known& known, std::shared_ptr<cells::EncryptedDepot> state);

  const CellSurroundings around_;
  std::mutex mutex_;  ///< guards down to generations_
  std::map<policy::DepotId, Known> depots_;
  std::int64_t epoch_ = -1;
  std::uint64_t asked_ = 0;
  std::uint64_t keys_ = 0;
  bool finished_ = false;
  bool subjects_checked_ = false;
  SteadyTime subjects_again_at_{};
  SteadyTime next_whole_{};
  std::uint64_t versions_ = 0;
  std::uint64_t generations_ = 0;

  ColumnMigrations migrations_{around_, [this] { return look(true); }};
  KeyRotator rotator_{around_, migrations_, [this] { return look(true); }};

  std::mutex stop_mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread thread_;
  std::thread customers_;
};

void CellKeeper::Work::ask_customers(bool at_once) {
  const auto asked = [&]() -> Result<void> {
    vault::KeyCustody::Times times;
    {
      BZ_TRY(auto transaction, around_.database.begin_read());
      BZ_TRY(const auto values, store::Settings(transaction).list());
      times.check = std::chrono::seconds(setting_in(values, kCheckSeconds));
      times.outage = std::chrono::seconds(setting_in(values, kOutageSeconds));
    }
    around_.keys.custody().set_times(times);
    return around_.keys.check_customers(at_once);
  }();
  if (!asked) BZ_LOG(Error, "keys.customers_not_asked", {"reason", asked.error().detail});
}

/// A thread of its own: a provider that is silent holds up nobody else's keys.
void CellKeeper::Work::follow_customers() {
  while (true) {
    if (around_.keys.in_use()) ask_customers(false);
    std::unique_lock lock(stop_mutex_);
    if (stop_.wait_for(lock, kAskCustomers, [this] { return stopping_; })) return;
  }
}

void CellKeeper::Work::run() {
  while (true) {
    if (const auto done = look(false); !done) BZ_LOG(Error, "cells.look_failed", {"reason", done.error().detail});
    std::unique_lock lock(stop_mutex_);
    if (stop_.wait_for(lock, kLook, [this] { return stopping_; })) return;
  }
}

Result<void> CellKeeper::Work::look(bool whole) {
  const std::lock_guard lock(mutex_);
  // Before any key is given out: what was destroyed stays so, whichever key store was put back.
  if (!finished_) {
    BZ_CHECK(heed_subject_orders(around_.database, around_.keys));
    BZ_CHECK(finish_destructions(around_.database, around_.keys, around_.clock));
  }
  finished_ = true;
  // One owner's trouble is not the others': what is ordered is given out to nobody, and this is tried again.
  if (around_.clock.steady() >= subjects_again_at_) {
    const auto done = finish_subject_destructions(around_.database, around_.keys, around_.clock, !subjects_checked_);
    subjects_checked_ = subjects_checked_ || done.has_value();
    subjects_again_at_ = around_.clock.steady() + (done ? kLookAnyway : kRetryAfter);
  }
  const auto asked = around_.holder.asked();
  const auto now = around_.clock.steady();
  const auto current = around_.snapshots.current();
  whole = whole || asked != asked_ || now >= next_whole_;
  const auto keys = around_.keys.version();
  if (!whole && keys == keys_ && current && current->epoch() == epoch_) return {};
  std::shared_ptr<const policy::Snapshot> snapshot;
  std::vector<Uuid> tenants;
  {
    BZ_TRY(auto transaction, around_.database.begin_read());
    BZ_TRY(snapshot, store::read_snapshot(transaction));
    BZ_TRY(const auto known, store::Tenants(transaction).list());
    for (const auto& tenant : known) tenants.push_back(tenant.value.id.get());
    BZ_TRY(const auto revocations, store::KeyRevocations(transaction).list());
    std::set<keys::KeyringOwner> revoked;
    for (const auto& one : revocations) revoked.insert(owner_in(one.value.owner));
    around_.keys.set_revoked(std::move(revoked));
  }
  BZ_TRY(const auto columns, read_encrypted_columns(around_.database));
  std::map<policy::DepotId, std::vector<store::EncryptedColumn>> by_depot;
  for (const auto& column : columns) by_depot[column.depot].push_back(column);
  for (const policy::Depot& depot : snapshot->depots()) bring(tenants, depot, by_depot[depot.id], whole);
  epoch_ = snapshot->epoch();
  keys_ = keys;
  asked_ = asked;
  if (whole) around_.holder.looked(asked);
  if (whole) next_whole_ = now + kLookAnyway;
  return {};
}

void CellKeeper::Work::bring(const std::vector<Uuid>& tenants, const policy::Depot& depot,
                             const std::vector<store::EncryptedColumn>& columns, bool whole) {
  const auto fingerprint = fingerprint_of(columns);
  const auto found = depots_.find(depot.id);
  if (fingerprint.empty()) {
    if (found == depots_.end()) return;
    around_.holder.publish(depot.id, nullptr);
    depots_.erase(found);
    return;
  }
  Known& known = depots_[depot.id];
  const bool other = known.fingerprint != fingerprint;
  if (other) {
    known.fingerprint = fingerprint;
    known.generation = ++generations_;
  }
  if (std::ranges::any_of(columns, [](const auto& column) { return closes(column.state); })) {
    if (!other) return;
    auto closed = std::make_shared<cells::EncryptedDepot>();
    closed->closed = "a column changes its form";
    publish(depot, known, std::move(closed));
    return;
  }
  const auto now = around_.clock.steady();
  const bool retry = !known.error.empty() && now >= known.retry_at;
  const auto same_keys = [&] { return known.keys == around_.keys.version(); };
  if (!known.error.empty() && !retry && !whole && !other && same_keys()) return;
  const auto done = build(tenants, depot, columns, whole || other || retry, known);
  known.error = done ? "" : done.error().detail;
  known.retry_at = now + kRetryAfter;
  if (done) return;
  BZ_LOG(Error, "cells.depot_failed", {"depot", depot.name}, {"reason", known.error});
  // What stood before may go on with the same columns and keys; else nobody is let in.
  if (!other && same_keys() && known.published != nullptr) return;
  auto closed = std::make_shared<cells::EncryptedDepot>();
  closed->closed = known.error;
  publish(depot, known, std::move(closed));
}

namespace {

bool more_indexes(const cells::EncryptedDepot& before, const cells::EncryptedDepot& now) {
  return std::ranges::any_of(now.cells, [&](const auto& column) {
    const auto* const known = before.find(column.number);
    return known != nullptr && cells::most_indexes(column) > std::max<std::size_t>(cells::most_indexes(*known), 1);
  });
}

}  // namespace

Result<void> CellKeeper::Work::build(const std::vector<Uuid>& tenants, const policy::Depot& depot,
                                     const std::vector<store::EncryptedColumn>& columns, bool whole, Known& known) {
  const auto same_keys = [&] { return known.keys == around_.keys.version() && known.tenants == tenants.size(); };
  const auto usable = [&] {
    return known.catalog != nullptr && known.published != nullptr && known.published->columns != nullptr &&
           known.published->generation == known.generation;
  };
  // A key that is refused or destroyed goes out of use first, however slow or locked the server is.
  if (usable() && !same_keys()) BZ_CHECK(follow_keys(tenants, depot, columns, known));
  BZ_TRY(auto reviews, read_reviewed_functions(around_.database, depot.id));
  if (!whole && known.catalog != nullptr && same_keys() && reviews == known.reviews) return {};
  if (!depot.embedded)
    return fail(Errc::Unsupported, "only depots in the embedded PostgreSQL can have encrypted columns");
  const auto deadline = around_.clock.steady() + kDepotDeadline;
  BZ_TRY(auto connection, around_.runtime.embedded_superuser(depot.database, deadline));
  // Definitions of what somebody holds locked are not waited for: sessions may wait for this.
  BZ_CHECK(connection.exec("SET lock_timeout = '1s'", deadline));
  BZ_TRY(auto functions, postgres::unchanged_functions(connection, reviews, deadline));
  BZ_TRY(auto catalog, postgres::read_catalog(connection, versions_ + 1, deadline));
  known.reviews = std::move(reviews);
  if (usable() && same_keys() && functions == known.functions && same_catalog(*known.catalog, *catalog)) return {};
  const auto keys_then = around_.keys.version();
  BZ_TRY(auto made, make_depot(tenants, depot, columns, catalog, functions, around_.keys));
  BZ_CHECK(read_search_paths(connection, deadline, *made));
  // Statements that were planned for one index would not find what has another: their sessions end.
  if (usable() && more_indexes(*known.published, *made)) known.generation = ++generations_;
  known.catalog = std::move(catalog);
  known.functions = std::move(functions);
  known.keys = keys_then;
  known.tenants = tenants.size();
  publish(depot, known, std::move(made));
  return {};
}

/// With the catalog and functions as they were read last: no word from the server is needed.
Result<void> CellKeeper::Work::follow_keys(const std::vector<Uuid>& tenants, const policy::Depot& depot,
                                           const std::vector<store::EncryptedColumn>& columns, Known& known) {
  const auto keys_then = around_.keys.version();
  BZ_TRY(auto made, make_depot(tenants, depot, columns, known.catalog, known.functions, around_.keys));
  made->search_paths = known.published->search_paths;
  if (more_indexes(*known.published, *made)) known.generation = ++generations_;
  known.keys = keys_then;
  known.tenants = tenants.size();
  publish(depot, known, std::move(made));
  return {};
}

void CellKeeper::Work::publish(const policy::Depot& depot, Known& known, std::shared_ptr<cells::EncryptedDepot> state) {
  state->version = ++versions_;
  state->generation = known.generation;
  known.published = state;
  around_.holder.publish(depot.id, std::move(state));
  BZ_LOG(Info, "cells.published", {"depot", depot.name}, {"generation", known.generation},
         {"columns", known.published->cells.size()}, {"closed", known.published->closed});
}

Result<std::vector<ColumnProgress>> CellKeeper::Work::status() {
  std::shared_ptr<const policy::Snapshot> snapshot;
  {
    BZ_TRY(auto transaction, around_.database.begin_read());
    BZ_TRY(snapshot, store::read_snapshot(transaction));
  }
  BZ_TRY(auto columns, read_encrypted_columns(around_.database));
  std::vector<ColumnProgress> out;
  for (auto& column : columns) {
    ColumnProgress one;
    for (const policy::Depot& depot : snapshot->depots())
      if (depot.id == column.depot) one.depot = depot.name;
    if (const auto state = around_.holder.find(column.depot)) one.error = state->closed;
    one.column = std::move(column);
    migrations_.describe(one);
    rotator_.describe(one);
    out.push_back(std::move(one));
  }
  return out;
}

CellKeeper::CellKeeper(CellSurroundings around) : work_(std::make_unique<Work>(around)) {}
CellKeeper::~CellKeeper() = default;

void CellKeeper::start() { work_->start(); }
Result<void> CellKeeper::run_now() {
  auto done = work_->look(true);
  work_->wake_rotator();
  return done;
}
std::vector<KeyProgress> CellKeeper::key_progress() { return work_->key_progress(); }
Result<std::vector<ColumnProgress>> CellKeeper::status() { return work_->status(); }
Result<store::EncryptedColumn> CellKeeper::encrypt(const std::string& actor, const policy::Depot& depot,
                                                   store::EncryptedColumn wanted) {
  return work_->migrations().encrypt(actor, depot, std::move(wanted));
}
Result<store::EncryptedColumn> CellKeeper::tokenize(const std::string& actor, const policy::Depot& depot,
                                                    store::EncryptedColumn wanted) {
  return work_->migrations().tokenize(actor, depot, std::move(wanted));
}
Result<void> CellKeeper::detokenize(const std::string& actor, const policy::Depot& depot, const std::string& column) {
  return work_->migrations().detokenize(actor, depot, column);
}
Result<void> CellKeeper::decrypt(const std::string& actor, const policy::Depot& depot, const std::string& column) {
  return work_->migrations().decrypt(actor, depot, column);
}

}  // namespace bartizan::control
