#include "wall_depot.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "bartizan/base/log.hpp"
#include "bartizan/identity/scram_verifier.hpp"
#include "bartizan/policy/cell_masks.hpp"
#include "bartizan/store/wall_accounts.hpp"
#include "bartizan/store/wall_secrets.hpp"
#include "bartizan/wall/compile.hpp"
#include "bartizan/wall/context.hpp"
#include "column_migrations.hpp"
#include "depot_cells.hpp"
#include "passwords.hpp"
#include "reviewed_functions.hpp"
#include "wall_class_catalog.hpp"
#include "wall_door.hpp"

namespace bartizan::control {
namespace {

/// Row-level security apart, which the wall itself turns on: were that a change, each class would be
/// another one a minute after it was made.
bool same_relation(sql::CatalogRelation a, const sql::CatalogRelation& b) {
  a.row_security = b.row_security;
  return a == b;
}

bool same_content(const sql::Catalog& a, const sql::Catalog& b) {
  const auto& left = a.contents();
  const auto& right = b.contents();
  return left.server_version == right.server_version && left.database == right.database &&
         std::ranges::equal(left.relations, right.relations, same_relation) && left.types == right.types &&
         left.functions == right.functions && left.catalog_views == right.catalog_views &&
         std::ranges::equal(left.schemas, right.schemas, {}, &sql::CatalogSchema::name, &sql::CatalogSchema::name);
}

/// No purpose, and every one that a grant of the policies gives.
std::set<std::string> purposes_of(const policy::PolicySet& policies) {
  std::set<std::string> out = {""};
  for (const auto& grant : policies.grants) out.insert(grant.purpose);
  return out;
}

bool same_facts(const policy::SubjectFacts& a, const policy::SubjectFacts& b) {
  return a.identity == b.identity && a.roles == b.roles && a.attributes == b.attributes && a.tenant == b.tenant;
}

std::string word_of(const postgres::WallChange& change) {
  return std::string(wall::to_string(change.object)) + " " + change.name;
}

/// Others held a lock for longer than the wall waits, or would have been hindered for good.
bool gave_way(const Error& error) {
  return error.detail.starts_with("PostgreSQL 55P03") || error.detail.starts_with("PostgreSQL 40P01");
}

/// Others' walls wait for a server that does not answer.
constexpr auto kConnectWithin = std::chrono::seconds(10);

/// DDL by DDL, the rounds take half of the time at most.
constexpr auto kLongestRest = std::chrono::seconds(2);

wall::Names names_of(const policy::Depot& depot) { return wall::Names::for_depot(depot.id.get().to_string()); }

}  // namespace

struct WallDepot::Secrets {
  SecretBytes context_key;
  SecretBytes mask_secret;  ///< what the classes' keys for tokens are made of; where columns are encrypted
  std::map<std::string, store::WallLogin> logins;  ///< by role
};

WallDepotStatus WallDepot::status() const {
  WallDepotStatus out = status_;
  std::map<policy::ClassId, std::set<Uuid>> identities;
  for (const auto& [key, assignment] : assignments_)
    identities[assignment.wall_class->version.id].insert(std::get<0>(key));
  for (const auto& [id, wanted] : classes_) {
    WallClassStatus one;
    one.version.id = id;
    one.identities = identities[id].size();
    // What it was made for has gone, and so have those who were in it.
    if (one.identities == 0 && wanted.made && !wanted.made->ready) continue;
    if (wanted.made) {
      one.version = wanted.made->version;
      one.role = wanted.made->login_role;
      one.ready = wanted.made->ready;
      one.findings = wanted.made->findings;
    }
    out.classes.push_back(std::move(one));
  }
  return out;
}

void WallDepot::bring(const policy::Snapshot& snapshot, const policy::Depot& depot, bool whole,
                      const std::function<void()>& resolved) {
  status_.depot = depot.name;
  status_.enforcement = depot.enforcement;
  status_.suspended = false;
  const auto begun = around_.clock.steady();
  postponed_ = false;
  // Nothing but tables can have changed: what stood before may go on if somebody's lock hinders the looking.
  const bool may_wait = !failed() && policies_ == snapshot.policies().number && catalog_ != nullptr;
  const auto assignments = may_wait ? assignments_ : WallAssignments();
  const auto catalog = catalog_;
  auto done = try_to_bring(snapshot, depot, whole, resolved);
  const auto now = around_.clock.steady();
  rest_until_ = now + std::min<SteadyTime::duration>(now - begun, kLongestRest);
  status_.error.reset();
  if (done) return;
  if (may_wait && gave_way(done.error())) {
    BZ_LOG(Info, "wall.postponed", {"depot", depot.name}, {"detail", done.error().detail});
    assignments_ = assignments;
    catalog_ = catalog;
    postponed_ = true;
    return;
  }
  BZ_LOG(Error, "wall.failed", {"depot", depot.name}, {"code", to_string(done.error().code)},
         {"detail", done.error().detail});
  status_.error = std::move(done).error();
  assignments_.clear();  // whom the data path can't find it refuses
}

bool WallDepot::has_news(const policy::Depot& depot) {
  return around_.clock.steady() >= rest_until_ && watch_.heard(depot);
}

Result<void> WallDepot::try_to_bring(const policy::Snapshot& snapshot, const policy::Depot& depot, bool whole,
                                     const std::function<void()>& resolved) {
  if (!snapshot.policies().readable)
    return fail(Errc::Unsupported, "the policies in force are of a form that this program does not know");
  BZ_TRY(const bool other_reviews, read_reviews(depot));
  whole = whole || other_reviews || catalog_ == nullptr || failed() || policies_ != snapshot.policies().number;
  std::optional<postgres::ControlConnection> connection;
  const auto connect = [&]() -> Result<void> {
    if (connection) return {};
    BZ_TRY(connection,
           connect_for_wall(around_.database, around_.runtime, depot, around_.clock.steady() + kConnectWithin));
    return {};
  };
  const auto catalog_before = catalog_;
  if (whole) {
    // Before anything is read, so that no change falls between.
    BZ_CHECK(watch_.listen(depot));
    BZ_CHECK(connect());
    BZ_CHECK(read_catalog(depot, *connection));
  }
  const bool new_policies = policies_ != snapshot.policies().number;
  if (policies_ != snapshot.policies().number) assignments_.clear();
  policies_ = snapshot.policies().number;
  resolve_all(snapshot, depot);
  // Whose class stands as it did need not wait for those of others.
  if (new_policies && catalog_ == catalog_before) resolved();
  if (whole || !all_stand()) {
    BZ_CHECK(connect());
    const auto before = catalog_;
    if (!whole) BZ_CHECK(read_catalog(depot, *connection));
    if (catalog_ != before) resolve_all(snapshot, depot);
    BZ_CHECK(reconcile(depot, *connection));
  }
  for (auto& [key, assignment] : assignments_)
    assignment.wall_class = classes_.at(assignment.wall_class->version.id).made;
  status_.policies = policies_;
  return {};
}

Result<bool> WallDepot::read_reviews(const policy::Depot& depot) {
  BZ_TRY(auto reviews, read_reviewed_functions(around_.database, depot.id));
  if (reviews == reviews_) return false;
  reviews_ = std::move(reviews);
  return true;
}

Result<void> WallDepot::read_catalog(const policy::Depot& depot, postgres::ControlConnection& connection) {
  const auto deadline = around_.clock.steady() + around_.options.deadline;
  // First of all, since what classes are shown of the system catalogs is views of the wall's.
  BZ_CHECK(postgres::install_base(connection, names_of(depot), deadline));
  BZ_TRY(functions_, postgres::unchanged_functions(connection, reviews_, deadline));
  BZ_TRY(auto physical, postgres::read_catalog(connection, catalog_epoch_ + 1, deadline, functions_));
  BZ_TRY(const auto columns, read_encrypted_columns(around_.database));
  encrypted_ = logical_columns(columns, depot.id);
  BZ_TRY(auto logical, sql::with_logical_types(std::move(physical), encrypted_));
  auto fresh = std::move(logical.catalog);
  if (catalog_ != nullptr && same_content(*catalog_, *fresh)) return {};
  ++catalog_epoch_;
  catalog_ = std::move(fresh);
  assignments_.clear();
  BZ_LOG(Info, "wall.catalog_read", {"depot", depot.name}, {"relations", catalog_->contents().relations.size()});
  return {};
}

void WallDepot::resolve_all(const policy::Snapshot& snapshot, const policy::Depot& depot) {
  const auto now = around_.clock.steady();
  WallAssignments fresh;
  const auto purposes = purposes_of(snapshot.policies().set);
  for (const auto& identity : snapshot.identities()) {
    const auto grant = snapshot.resolve_grant(identity.id, depot.id, around_.clock.wall());
    if (!grant || grant->past_wall) continue;
    for (const auto& purpose : purposes) assign(snapshot, depot, identity, purpose, fresh);
  }
  assignments_ = std::move(fresh);
  for (const auto& [key, assignment] : assignments_) classes_.at(assignment.wall_class->version.id).last_wanted = now;
  std::erase_if(classes_, [&](const auto& one) {
    return one.second.last_wanted != now && now - one.second.last_wanted >= around_.options.drain;
  });
}

void WallDepot::assign(const policy::Snapshot& snapshot, const policy::Depot& depot, const policy::Identity& identity,
                       const std::string& purpose, WallAssignments& out) {
  const auto now = around_.clock.wall();
  auto facts =
      policy::subject_facts(snapshot, identity.id, purpose.empty() ? std::nullopt : std::optional(purpose), now);
  if (!facts) return;
  const policy::WallState::Key key{identity.id.get(), depot.id.get(), purpose};
  if (const auto old = assignments_.find(key); old != assignments_.end()) {
    const auto& before = old->second;
    const bool in_time = now >= before.basis.moment && (!before.valid_until || now < *before.valid_until);
    if (in_time && same_facts(before.basis, *facts)) {
      out.emplace(key, before);
      return;
    }
  }
  auto resolution = policy::resolve(snapshot.policies().set, *facts, depot.name, *catalog_, policy::Explain::No);
  policy::WallAssignment assignment;
  assignment.wall_class = class_of(resolution.outcome);
  assignment.context = std::move(resolution.context);
  assignment.valid_until = resolution.valid_until;
  assignment.basis = std::move(*facts);
  out.emplace(key, std::move(assignment));
}

std::shared_ptr<const policy::WallClass> WallDepot::class_of(const policy::ClassOutcome& outcome) {
  const auto id = policy::class_id(outcome);
  const auto found = classes_.find(id);
  if (found != classes_.end() && found->second.made) return found->second.made;
  if (found == classes_.end()) classes_.emplace(id, Wanted{outcome, {}});
  auto waiting = std::make_shared<policy::WallClass>();
  waiting->version.id = id;
  return waiting;
}

bool WallDepot::all_stand() const {
  return std::ranges::all_of(classes_, [](const auto& one) { return one.second.made != nullptr; });
}

/// Those that are kept, and fresh ones for what has none yet.
Result<WallDepot::Secrets> WallDepot::secrets(const policy::Depot& depot, const wall::Names& names) {
  Secrets out;
  bool have_key = false;
  {
    BZ_TRY(auto transaction, around_.database.begin_read());
    store::WallSecrets kept(transaction);
    auto key = kept.context_key(depot.id);
    have_key = key.has_value();
    if (key) out.context_key = std::move(*key);
    BZ_TRY(auto logins, kept.logins(depot.id));
    for (auto& login : logins) {
      auto role = login.role_name;
      out.logins.insert_or_assign(std::move(role), std::move(login));
    }
  }
  std::vector<std::string> made;
  std::set<std::string> roles;
  for (const auto& [id, wanted] : classes_) {
    const auto role = names.class_role(id);
    roles.insert(role);
    if (out.logins.contains(role)) continue;
    store::WallLogin login{role, random_password(around_.random), {}};
    std::array<std::byte, identity::kScramSaltSize> salt{};
    around_.random.fill(salt);
    BZ_TRY(const auto verifier, identity::ScramVerifier::from_password(login.password.reveal_chars(), salt,
                                                                       identity::kDefaultScramIterations));
    login.verifier = verifier.to_string();
    out.logins.insert_or_assign(role, std::move(login));
    made.push_back(role);
  }
  const bool left_over = out.logins.size() > roles.size();
  if (have_key && made.empty() && !left_over) return out;
  if (!have_key) {
    out.context_key = SecretBytes(wall::kContextKeySize);
    around_.random.fill(out.context_key.reveal_mutable());
  }
  BZ_TRY(auto transaction, around_.database.begin_write({"wall"}));
  store::WallSecrets kept(transaction);
  if (!have_key) BZ_CHECK(kept.put_context_key(depot.id, out.context_key));
  for (const auto& role : made) BZ_CHECK(kept.put_login(depot.id, out.logins.at(role)));
  if (left_over) BZ_CHECK(kept.keep_only(depot.id, roles));
  BZ_CHECK(transaction.commit());
  return out;
}

Result<void> WallDepot::reconcile(const policy::Depot& depot, postgres::ControlConnection& connection) {
  const auto deadline = around_.clock.steady() + around_.options.deadline;
  const auto names = names_of(depot);
  BZ_TRY(auto kept, secrets(depot, names));
  postgres::DesiredWall desired{names, kept.context_key.clone(), {}, encrypted_, functions_};
  for (const auto& [id, wanted] : classes_)
    desired.classes.push_back({wanted.outcome, kept.logins.at(names.class_role(id)).verifier.clone()});
  BZ_TRY(auto hardening, postgres::harden(connection, names, deadline));
  BZ_TRY(const auto report, postgres::reconcile(connection, desired, deadline));
  if (!encrypted_.empty()) {
    BZ_TRY(kept.mask_secret, postgres::mask_secret(connection, deadline));
  }
  status_.refused = std::move(hardening.refused);
  BZ_CHECK(note_grade(depot, hardening.grade, connection.server_version()));
  status_.drift.clear();
  for (const auto& change : report.changes)
    if (change.kind == postgres::ChangeKind::Repaired) status_.drift.push_back(word_of(change));
  status_.checked_at = around_.clock.wall();
  take_report(depot, report, kept);
  BZ_LOG(Info, "wall.reconciled", {"depot", depot.name}, {"classes", report.classes.size()},
         {"changes", report.changes.size()}, {"drift", status_.drift.size()});
  return {};
}

Result<void> WallDepot::note_grade(const policy::Depot& depot, postgres::WallGrade grade, int server_version) {
  if (status_.grade == to_string(grade)) return {};
  status_.grade = to_string(grade);
  if (depot.embedded) return {};
  BZ_TRY(auto transaction, around_.database.begin_write({"wall"}));
  BZ_CHECK(store::WallAccounts(transaction).note_grade(depot.id, status_.grade, server_version));
  return transaction.commit();
}

/// To its sessions.
bool WallDepot::still_the_same(const Wanted& wanted) const {
  if (!wanted.made || wanted.made->views == nullptr || wanted.made->catalog == nullptr) return false;
  if (wanted.functions != functions_) return false;
  return wanted.made->catalog == catalog_ || same_for_class(*wanted.made->catalog, *catalog_, *wanted.made->views);
}

void WallDepot::take_report(const policy::Depot& depot, const postgres::WallReport& report, const Secrets& secrets) {
  const auto names = names_of(depot);
  const auto key = std::make_shared<const SecretBytes>(secrets.context_key.clone());
  for (const auto& one : report.classes) {
    auto& wanted = classes_.at(one.id);
    if (one.error && gave_way(*one.error)) {
      postponed_ = true;
      if (still_the_same(wanted)) continue;  // what it has goes on: a view that it misses is told to its sessions
    }
    auto made = std::make_shared<policy::WallClass>();
    made->depot = depot.id;
    made->login_role = one.role.empty() ? names.class_role(one.id) : one.role;
    made->password = secrets.logins.at(names.class_role(one.id)).password.clone();
    made->context_key = key;
    made->catalog = catalog_;
    if (!secrets.mask_secret.empty()) made->cell_masks = cell_masks(wanted.outcome, made->login_role, secrets);
    made->ready = one.ready;
    made->findings = one.findings;
    if (one.error) made->findings.push_back(one.error->detail);
    // A moment: never the same twice, also over restarts. It stays while nothing has changed.
    const bool same = still_the_same(wanted);
    made->version = {one.id, same ? wanted.made->version.version
                                  : static_cast<std::uint64_t>(around_.clock.wall().time_since_epoch().count())};
    if (same) made->views = wanted.made->views;
    if (auto views = same ? Result<sql::ViewMap>() : wall::view_map(names, *catalog_, wanted.outcome, functions_);
        !same && views) {
      made->views = std::make_shared<const sql::ViewMap>(std::move(*views));
    } else if (!same) {
      made->ready = false;
      made->findings.push_back(views.error().detail);
    }
    wanted.made = std::move(made);
    wanted.functions = functions_;
  }
}

/// The gateway makes the tokens of columns that PostgreSQL has no values of.
std::shared_ptr<const policy::CellMasks> WallDepot::cell_masks(const policy::ClassOutcome& outcome,
                                                               const std::string& role, const Secrets& secrets) const {
  auto masks = std::make_shared<policy::CellMasks>();
  masks->masks = policy::masks_over_values(outcome, *catalog_);
  masks->key = wall::mask_key(secrets.mask_secret, role);
  return masks;
}

void WallDepot::suspend(const policy::Depot& depot) {
  status_.depot = depot.name;
  if (status_.suspended && !failed()) return;
  watch_ = WallWatch(around_.database, around_.runtime, around_.clock);
  assignments_.clear();
  classes_.clear();
  catalog_.reset();
  policies_ = 0;
  status_ = {};
  status_.depot = depot.name;
  auto done = [&]() -> Result<void> {
    const auto deadline = around_.clock.steady() + around_.options.deadline;
    BZ_TRY(const bool can, can_have_wall(around_.database, depot));
    if (!can) return {};  // and so there has never been one
    BZ_TRY(auto connection, connect_for_wall(around_.database, around_.runtime, depot, deadline));
    BZ_CHECK(postgres::end_class_sessions(connection, names_of(depot), deadline));
    return postgres::detach(connection, names_of(depot), deadline);
  }();
  status_.suspended = true;
  if (!done) status_.error = std::move(done).error();
  BZ_LOG(Info, "wall.suspended", {"depot", depot.name}, {"done", !failed()});
}

void WallDepot::take_down(const policy::Depot& depot) {
  assignments_.clear();
  classes_.clear();
  policies_ = 0;
  status_.policies = 0;
  auto done = [&]() -> Result<void> {
    BZ_TRY(auto connection, connect_for_wall(around_.database, around_.runtime, depot,
                                             around_.clock.steady() + around_.options.deadline));
    return reconcile(depot, connection);
  }();
  status_.error.reset();
  if (!done) status_.error = std::move(done).error();
}

}  // namespace bartizan::control
