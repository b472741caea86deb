#include "bartizan/postgres/wall_reconciler.hpp"

#include <algorithm>
#include <ranges>
#include <set>

#include "bartizan/wall/base_objects.hpp"
#include "wall_base.hpp"
#include "wall_state.hpp"
#include "wall_statements.hpp"
#include "wall_transaction.hpp"

namespace bartizan::postgres {
namespace {

using wall::ObjectKind;

ObjectKey key_of(const wall::Object& object) { return {object.kind, object.name}; }

/// Policies that the owner made and left switched off would come alive with the wall's.
Result<void> check_dormant_policies(WallTransaction& transaction, const wall::Names& names, const std::string& oid) {
  BZ_TRY(const auto rows,
         transaction.exec("SELECT count(*) FROM pg_policy WHERE polrelid = " + quote_literal(oid) +
                          "::oid AND NOT starts_with(polname, " + quote_literal(names.prefix()) + ")"));
  if (rows.at(0, 0) != "0")
    return fail(Errc::FailedPrecondition, "table " + oid + " has policies but its row-level security is off");
  return {};
}

/// A view shows each of its columns with the base's name, type and modifier; a masked one of cells with its logical type.
Result<void> check_view_columns(WallTransaction& transaction, const std::string& view) {
  BZ_TRY(const auto rows,
         transaction.exec("SELECT v.attname FROM pg_attribute AS v WHERE v.attnum > 0 AND v.attrelid = "
                          "to_regclass('bartizan_views." +
                          view +
                          "') AND NOT EXISTS (SELECT FROM pg_rewrite AS r JOIN pg_depend AS d ON d.objid = r.oid "
                          "AND d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass "
                          "JOIN pg_attribute AS b ON b.attrelid = d.refobjid WHERE r.ev_class = v.attrelid "
                          "AND d.refobjid <> v.attrelid AND b.attname = v.attname AND (b.atttypid = v.atttypid "
                          "AND b.atttypmod = v.atttypmod OR b.atttypid = to_regtype('bartizan_cells.cell')))"));
  if (!rows.empty())
    return fail(Errc::Internal, "column " + rows.at(0, 0).value_or("") + " of " + view + " is not of its base's type");
  return {};
}

/// Filters may look things up in other tables, as the view's owner: who needs a right there. Taken from
/// what PostgreSQL itself noted when it parsed the policy, which is named like that owner.
struct Lookup {
  ObjectKey policy;
  wall::Object grant;
};
Result<std::vector<Lookup>> lookup_grants(WallTransaction& transaction, const wall::Names& names) {
  BZ_TRY(const auto rows,
         transaction.exec("SELECT DISTINCT d.refobjid, p.polname, d.refobjid::regclass, p.polrelid FROM pg_policy AS p "
                          "JOIN pg_depend AS d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid "
                          "AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> p.polrelid "
                          "WHERE NOT p.polpermissive AND starts_with(p.polname, " +
                          quote_literal(names.prefix()) + ") ORDER BY 1, 2, 4"));
  std::vector<Lookup> grants;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto owner = rows.at(i, 1).value_or("");
    grants.push_back({{ObjectKind::FilterPolicy, rows.at(i, 3).value_or("") + "/" + owner},
                      {ObjectKind::BaseGrant, rows.at(i, 0).value_or("") + "/read/" + owner,
                       "GRANT SELECT ON " + rows.at(i, 2).value_or("") + " TO " + owner}});
  }
  return grants;
}

/// Brings the objects of one class to what they should be, inside the transaction.
class ClassBuilder {
 public:
  ClassBuilder(WallTransaction& transaction, const wall::Names& names, const wall::Installer& installer,
               const SecretBytes& verifier)
      : transaction_(transaction), names_(names), installer_(installer), verifier_(verifier) {}

  Result<void> build(const wall::CompiledClass& compiled) {
    BZ_TRY(state_, load_state(transaction_, names_));
    std::vector<const wall::Object*> made;
    for (const auto& object : compiled.objects) {
      BZ_TRY(const bool done, bring(object));
      if (done) made.push_back(&object);
    }
    BZ_TRY(const auto lookups, lookup_grants(transaction_, names_));
    std::set<ObjectKey> seen;
    for (const auto& [policy, grant] : lookups) {
      // Not those of other classes, nor what the class has already by itself.
      if (!has(compiled, policy) || has(compiled, key_of(grant)) || !seen.insert(key_of(grant)).second) continue;
      BZ_TRY(const bool done, bring(grant));
      if (done) made.push_back(&grant);
    }
    if (made.empty()) return {};
    BZ_TRY(const auto now, load_state(transaction_, names_));
    for (const auto* object : made) BZ_CHECK(record(transaction_, now, key_of(*object), specification(*object)));
    return {};
  }

  std::vector<WallChange> changes;
  std::size_t unchanged = 0;

 private:
  std::string specification(const wall::Object& object) const {
    return specification_hash(object, verifier_.reveal_chars());
  }

  static bool has(const wall::CompiledClass& compiled, const ObjectKey& key) {
    return std::ranges::any_of(compiled.objects, [&](const auto& object) { return key_of(object) == key; });
  }

  Result<bool> bring(const wall::Object& object) {
    const auto key = key_of(object);
    if (state_.stands_as_made(key, specification(object))) {
      ++unchanged;
      return false;
    }
    changes.push_back({state_.drifted(key) ? ChangeKind::Repaired : ChangeKind::Created, object.kind, object.name});
    // One of another kind may have taken a policy's name.
    const bool policy = object.kind == ObjectKind::FilterPolicy || object.kind == ObjectKind::OpenPolicy;
    if (state_.stands(key) || policy) BZ_CHECK(prepare(key));
    if (object.kind == ObjectKind::RowSecurity) BZ_CHECK(check_dormant_policies(transaction_, names_, object.name));
    BZ_CHECK(create(object));
    if (object.kind == ObjectKind::ClassRole) BZ_CHECK(set_verifier(object.name));
    if (object.kind == ObjectKind::View) BZ_CHECK(check_view_columns(transaction_, object.name));
    if (object.kind == ObjectKind::FilterPolicy && !installer_.superuser) BZ_CHECK(note_filter(object.name));
    return true;
  }

  /// A filter is somebody's text: the extended protocol takes one statement and no second.
  Result<void> create(const wall::Object& object) {
    const auto done = object.kind == ObjectKind::FilterPolicy
                          ? transaction_.connection().exec(object.create, {}, transaction_.deadline())
                          : transaction_.exec(object.create);
    BZ_CHECK(done);
    return {};
  }

  /// For the views to ask whether it still is what stands here now.
  Result<void> note_filter(const std::string& name) {
    const auto slash = name.find('/');
    BZ_CHECK(transaction_.exec(wall::note_filter_sql(name.substr(0, slash), name.substr(slash + 1))));
    return {};
  }

  Result<void> prepare(const ObjectKey& key) {
    if (const auto sql = prepare_repair(key, installer_); !sql.empty()) BZ_CHECK(transaction_.exec(sql));
    if (key.kind != ObjectKind::View) return {};
    // What it granted went with the view.
    std::erase_if(state_.actual, [&](const auto& entry) {
      return entry.first.kind == ObjectKind::ViewGrant && entry.first.name.starts_with(key.name + "/");
    });
    return {};
  }

  Result<void> set_verifier(const std::string& role) {
    std::string sql = "ALTER ROLE " + role + " PASSWORD " + quote_literal(verifier_.reveal_chars());
    const auto altered = transaction_.exec(sql);
    secure_wipe(sql.data(), sql.size());
    BZ_CHECK(altered);
    return {};
  }

  WallTransaction& transaction_;
  const wall::Names& names_;
  const wall::Installer installer_;
  const SecretBytes& verifier_;
  WallState state_;
};

/// One call of reconcile.
class Reconciliation {
 public:
  Reconciliation(ControlConnection& connection, const DesiredWall& desired, SteadyTime deadline)
      : connection_(connection), desired_(desired), deadline_(deadline) {}

  Result<WallReport> run() {
    BZ_TRY(const auto login, check_login(connection_, deadline_));
    installer_ = login.installer();
    BZ_TRY(report_.base_changed, ensure_base(connection_, desired_.names, installer_, deadline_));
    BZ_TRY(const bool key_changed, install_context_key(connection_, desired_.context_key, deadline_));
    report_.base_changed = report_.base_changed || key_changed;
    BZ_TRY(auto catalog, read_catalog(connection_, 0, deadline_, desired_.functions));
    BZ_TRY(logical_, sql::with_logical_types(std::move(catalog), desired_.encrypted));
    catalog_ = logical_.catalog;
    BZ_CHECK(read_own_row_security());
    for (const auto& wanted : desired_.classes) compile(wanted);
    for (int tries = 0; tries < kTries; ++tries) {
      BZ_TRY(const bool done, build_together());
      if (done) break;
    }
    for (std::size_t i = 0; i < built_.size(); ++i)
      if (!built_[i].done) BZ_CHECK(build_alone(built_[i]));
    BZ_CHECK(drop_unreferenced());
    for (auto& entry : report_.classes) BZ_CHECK(verify(entry));
    return std::move(report_);
  }

 private:
  Result<void> read_own_row_security() {
    BZ_TRY(auto transaction, WallTransaction::begin(connection_, Isolation::Snapshot, deadline_));
    BZ_TRY(const auto state, load_state(transaction, desired_.names));
    own_row_security_ = own_row_security(*catalog_, state);
    return transaction.commit();
  }

  /// An error of the class is the class's; one of the connection ends the whole.
  void compile(const DesiredClass& wanted) {
    auto& entry = report_.classes.emplace_back();
    entry.id = policy::class_id(wanted.outcome);
    entry.role = desired_.names.class_role(entry.id);
    auto compiled = wall::compile_class(
        {&desired_.names, catalog_.get(), own_row_security_, &logical_, desired_.functions, installer_},
        wanted.outcome);
    if (compiled && !wanted.scram_verifier.reveal_chars().starts_with("SCRAM-SHA-256$"))
      compiled = fail(Errc::InvalidArgument, "the password of a class role must be a SCRAM-SHA-256 verifier");
    if (!compiled) {
      entry.error = std::move(compiled.error());
      return;
    }
    compiled_.push_back(std::move(*compiled));
    built_.push_back({report_.classes.size() - 1, &wanted.scram_verifier, false});
  }

  struct Built {
    std::size_t entry;  ///< in report_.classes
    const SecretBytes* verifier;
    bool done;
  };

  /// All in one transaction, so that what one class needs does not stand before another's right to it: a
  /// view that several share is there for all of them at once. True: nobody's lock was in the way, and what has
  /// failed is left to be tried alone. False: nothing was done.
  Result<bool> build_together() {
    BZ_TRY(auto transaction, WallTransaction::begin(connection_, Isolation::Change, deadline_));
    BZ_CHECK(transaction.after_owners_ddl());
    std::vector<WallChange> changes;
    std::size_t unchanged = 0;
    std::vector<std::size_t> done;
    for (std::size_t i = 0; i < built_.size(); ++i) {
      BZ_CHECK(transaction.exec("SAVEPOINT one_class"));
      ClassBuilder builder(transaction, desired_.names, installer_, *built_[i].verifier);
      const auto made = builder.build(compiled_[i]);
      if (!connection_.open()) return tl::unexpected(made.error());
      // Whoever holds the lock may wait for one of ours: not another moment with them.
      if (!made && gave_way()) return false;
      BZ_CHECK(transaction.exec(made ? "RELEASE one_class" : "ROLLBACK TO one_class"));
      if (!made) continue;
      done.push_back(i);
      std::ranges::move(builder.changes, std::back_inserter(changes));
      unchanged += builder.unchanged;
    }
    BZ_CHECK(transaction.commit());
    for (const auto i : done) built_[i].done = true;
    std::ranges::move(changes, std::back_inserter(report_.changes));
    report_.unchanged += unchanged;
    return true;
  }

  Result<void> build_alone(Built& one) {
    auto& entry = report_.classes[one.entry];
    const auto& compiled = compiled_[static_cast<std::size_t>(&one - built_.data())];
    for (int tries = 1;; ++tries) {
      auto built = build_in_transaction(compiled, *one.verifier);
      if (!connection_.open()) return built;
      if (built) return {};
      if (tries < kTries && gave_way_) continue;
      entry.error = std::move(built.error());
      return {};
    }
  }

  Result<void> build_in_transaction(const wall::CompiledClass& compiled, const SecretBytes& verifier) {
    BZ_TRY(auto transaction, WallTransaction::begin(connection_, Isolation::Change, deadline_));
    ClassBuilder builder(transaction, desired_.names, installer_, verifier);
    if (auto built = builder.build(compiled); !built) {
      gave_way_ = gave_way();
      return built;
    }
    BZ_CHECK(transaction.commit());
    std::ranges::move(builder.changes, std::back_inserter(report_.changes));
    report_.unchanged += builder.unchanged;
    return {};
  }

  /// To somebody who held a lock, or changed the same row of a catalog.
  [[nodiscard]] bool gave_way() const {
    const auto& sqlstate = connection_.last_sqlstate();
    return sqlstate == "55P03" || sqlstate == "40P01" || sqlstate == "XX000";
  }

  /// What a class has that could not be made as it is asked for stays: its sessions may not know yet that they are
  /// over. Which views are its own is not looked into, so all of them stay, and what they need.
  [[nodiscard]] bool is_of_failed(const ObjectKey& key) const {
    // A function that is no longer what was reviewed is called by nobody, whatever has failed.
    if (key.kind == ObjectKind::FunctionGrant || key.kind == ObjectKind::SchemaGrant) return false;
    const bool of_class =
        key.kind == ObjectKind::ClassRole || key.kind == ObjectKind::ViewGrant || key.kind == ObjectKind::CatalogEntry;
    return std::ranges::any_of(report_.classes, [&](const ClassReport& one) {
      return one.error && (!of_class || key.name == one.role || key.name.ends_with("/" + one.role));
    });
  }

  /// Waiting only as long as others don't notice, but several times.
  Result<void> drop_unreferenced() {
    for (int tries = 1;; ++tries) {
      auto dropped = try_to_drop();
      if (dropped || tries == kTries || !connection_.open() || !gave_way_) return dropped;
    }
  }

  Result<void> try_to_drop() {
    std::set<ObjectKey> wanted;
    for (const auto& object : wall::merge(compiled_)) wanted.insert(key_of(object));
    BZ_TRY(auto transaction, WallTransaction::begin(connection_, Isolation::Change, deadline_));
    const auto state = load_state(transaction, desired_.names);
    BZ_CHECK(state);
    BZ_TRY(const auto lookups, lookup_grants(transaction, desired_.names));
    for (const auto& [policy, grant] : lookups)
      if (wanted.contains(policy)) wanted.insert(key_of(grant));
    const auto before = report_.changes.size();
    auto dropped = drop(transaction, *state, wanted);
    if (dropped) return dropped;
    gave_way_ = gave_way();
    report_.changes.resize(before);
    return dropped;
  }

  Result<void> drop(WallTransaction& transaction, const WallState& state, const std::set<ObjectKey>& wanted) {
    std::set<ObjectKey> there;
    for (const auto& [key, ignored] : state.recorded) there.insert(key);
    for (const auto& [key, ignored] : state.actual)
      if (key.kind != ObjectKind::RowSecurity) there.insert(key);  // others' row security is theirs
    for (const auto& key : std::views::reverse(there)) {
      if (wanted.contains(key) || is_of_failed(key)) continue;
      if (state.stands(key)) {
        BZ_CHECK(transaction.exec(drop_statement(desired_.names, key, installer_)));
        report_.changes.push_back({ChangeKind::Dropped, key.kind, key.name});
      }
      BZ_CHECK(forget(transaction, key));
    }
    return transaction.commit();
  }

  Result<void> verify(ClassReport& entry) {
    if (entry.error) return {};
    BZ_TRY(entry.findings, verify_class_role(connection_, desired_.names, entry.id, deadline_));
    entry.ready = entry.findings.empty();
    return {};
  }

  ControlConnection& connection_;
  const DesiredWall& desired_;
  SteadyTime deadline_;
  wall::Installer installer_;
  std::shared_ptr<const sql::Catalog> catalog_;
  sql::LogicalCatalog logical_;
  std::set<sql::Oid> own_row_security_;
  static constexpr int kTries = 6;  ///< of what has given way to others' locks

  std::vector<wall::CompiledClass> compiled_;  ///< of one length with built_
  std::vector<Built> built_;
  bool gave_way_ = false;
  WallReport report_;
};

}  // namespace

bool WallReport::drift() const noexcept {
  return std::ranges::any_of(changes, [](const WallChange& change) { return change.kind == ChangeKind::Repaired; });
}

Result<void> install_base(ControlConnection& connection, const wall::Names& names, SteadyTime deadline) {
  BZ_TRY(const auto login, check_login(connection, deadline));
  BZ_CHECK(ensure_base(connection, names, login.installer(), deadline));
  return {};
}

Result<WallReport> reconcile(ControlConnection& connection, const DesiredWall& desired, SteadyTime deadline) {
  return Reconciliation(connection, desired, deadline).run();
}

}  // namespace bartizan::postgres
