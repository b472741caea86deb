#include "wall_duties.hpp"

#include <algorithm>
#include <array>

namespace bartizan::postgres {
namespace {

constexpr OpenDuty kDatabases{
    "other-databases", "a class's role may connect to other databases of the server, with what PUBLIC has there"};
constexpr OpenDuty kLanguages{"languages", "a class's role may run DO blocks, with its own rights alone"};
constexpr OpenDuty kExtensions{
    "extensions",
    "PUBLIC keeps rights on objects of extensions: where a column's type opens their schema, their functions run, with the class's rights alone"};
constexpr OpenDuty kDynamicSql{
    "dynamic-sql",
    "functions run SQL that stands in a text, with the class's rights: its views, filters and masks hold"};
constexpr OpenDuty kLargeObjects{
    "large-objects", "a class's role may store large objects of its own and see who has some; it reads nobody else's"};
constexpr OpenDuty kActivity{
    "activity",
    "sessions of one class, other tenants' among them, can read each other's statements with their literals; of others, that they are there"};
constexpr OpenDuty kEndSessions{"end-sessions",
                                "sessions of one class, other tenants' among them, can cancel and end each other"};
constexpr OpenDuty kLocks{"locks", "who holds and awaits which locks, on what"};
constexpr OpenDuty kAdvisoryLocks{"advisory-locks", "advisory locks that the owner's applications use can be held"};
constexpr OpenDuty kSnapshots{"snapshots", "a snapshot can be exported, and keeps old rows from being cleaned up"};
constexpr OpenDuty kNotify{"notify", "channels that the owner's applications listen to can be written"};
constexpr OpenDuty kSleep{"sleep", "a statement can wait for as long as it likes"};
constexpr OpenDuty kTableStatistics{
    "table-statistics", "how large tables are, how many rows they have and how often they change, over all tenants"};
constexpr OpenDuty kColumnStatistics{
    "column-statistics", "the views of statistics answer, and show nothing of tables that the class has no right on"};
constexpr OpenDuty kSequences{"sequences", "names and bounds of sequences, without their values"};

constexpr std::array kOfGrade{
    OpenDuty{
        "owner-ddl",
        "no event trigger lifts views: DDL in their way is refused until `depot suspend`, other DDL is seen within a "
        "minute; a view whose filter is gone, altered or off answers nothing"},
    OpenDuty{"own-password-drift",
             "a class's role that changes its own password keeps its class out until `depot suspend` and `resume`"},
    OpenDuty{
        "server-log",
        "where the server logs statements, the wall's may stand in its log, verifiers of class roles among them, and no key"}};

struct Prefix {
  std::string_view prefix;
  OpenDuty duty;
};
// The first that fits.
constexpr std::array kPrefixes{Prefix{"query_to_xml", kDynamicSql},
                               Prefix{"cursor_to_xml", kDynamicSql},
                               Prefix{"table_to_xml", kDynamicSql},
                               Prefix{"schema_to_xml", kDynamicSql},
                               Prefix{"database_to_xml", kDynamicSql},
                               Prefix{"ts_stat", kDynamicSql},
                               Prefix{"ts_rewrite", kDynamicSql},
                               Prefix{"lo_", kLargeObjects},
                               Prefix{"loread", kLargeObjects},
                               Prefix{"lowrite", kLargeObjects},
                               Prefix{"pg_largeobject_metadata", kLargeObjects},
                               Prefix{"pg_stat_get_activity", kActivity},
                               Prefix{"pg_stat_get_backend_", kActivity},
                               Prefix{"pg_stat_activity", kActivity},
                               Prefix{"pg_stat_replication", kActivity},
                               Prefix{"pg_stat_ssl", kActivity},
                               Prefix{"pg_stat_gssapi", kActivity},
                               Prefix{"pg_stat_wal_receiver", kActivity},
                               Prefix{"pg_stat_subscription", kActivity},
                               Prefix{"pg_stat_progress_", kActivity},
                               Prefix{"pg_prepared_", kActivity},
                               Prefix{"pg_log_", kActivity},
                               Prefix{"pg_cursor", kActivity},
                               Prefix{"pg_cancel_backend", kEndSessions},
                               Prefix{"pg_terminate_backend", kEndSessions},
                               Prefix{"pg_blocking_pids", kLocks},
                               Prefix{"pg_safe_snapshot_blocking_pids", kLocks},
                               Prefix{"pg_isolation_test_session_is_blocked", kLocks},
                               Prefix{"pg_lock", kLocks},
                               Prefix{"pg_export_snapshot", kSnapshots},
                               Prefix{"pg_notify", kNotify},
                               Prefix{"pg_notification_queue_usage", kNotify},
                               Prefix{"pg_listening_channels", kNotify},
                               Prefix{"pg_advisory_", kAdvisoryLocks},
                               Prefix{"pg_try_advisory_", kAdvisoryLocks},
                               Prefix{"pg_sleep", kSleep},
                               Prefix{"pg_stats", kColumnStatistics},
                               Prefix{"pg_stat", kTableStatistics},  // pg_stat_get_…, pg_stat_…_tables, pg_statio_…
                               Prefix{"pg_relation_size", kTableStatistics},
                               Prefix{"pg_total_relation_size", kTableStatistics},
                               Prefix{"pg_table_size", kTableStatistics},
                               Prefix{"pg_indexes_size", kTableStatistics},
                               Prefix{"pg_database_size", kTableStatistics},
                               Prefix{"pg_tablespace_size", kTableStatistics},
                               Prefix{"pg_sequences", kSequences}};

}  // namespace

std::optional<OpenDuty> duty_of(const HeldRight& held) noexcept {
  const auto& object_class = held.right.object_class;
  if (held.of_extension) return kExtensions;
  // Of this database itself it can be taken: the login has the rights of its owner.
  if (object_class == "DATABASE") return kDatabases;
  if (object_class == "LANGUAGE") return kLanguages;
  if (!held.of_catalog) return std::nullopt;
  std::string_view target = held.right.target;
  constexpr std::string_view kCatalog = "pg_catalog.";
  if (target.starts_with(kCatalog)) target.remove_prefix(kCatalog.size());
  const auto found = std::ranges::find_if(kPrefixes, [&](const Prefix& one) { return target.starts_with(one.prefix); });
  return found == kPrefixes.end() ? std::nullopt : std::optional(found->duty);
}

std::span<const OpenDuty> duties_of_managed() noexcept { return kOfGrade; }

Result<std::vector<OpenDuty>> open_duties(ControlConnection& connection, SteadyTime deadline) {
  BZ_TRY(const auto review, review_login(connection, deadline));
  std::vector<OpenDuty> out;
  if (review.grade == WallGrade::Full) return out;
  BZ_TRY(const auto rights, connection.exec(public_rights_sql(), deadline));
  for (std::size_t i = 0; i < rights.size(); ++i) {
    const auto held = held_right(rights, i);
    if (held.takeable) continue;
    const auto duty = duty_of(held);
    const auto same = [&](const OpenDuty& one) { return duty && one.name == duty->name; };
    if (duty && std::ranges::none_of(out, same)) out.push_back(*duty);
  }
  std::ranges::sort(out, {}, &OpenDuty::name);
  out.insert(out.begin(), kOfGrade.begin(), kOfGrade.end());
  return out;
}

}  // namespace bartizan::postgres
