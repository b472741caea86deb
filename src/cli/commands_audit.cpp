// audit.
#include <cstdint>

#include "command.hpp"

namespace bartizan::cli {
namespace {

constexpr Parameter kRecord = {.name = "record",
                               .placeholder = "RECORD",
                               .help = "the record, TREE:INDEX as audit search shows it",
                               .positional = true,
                               .required = true};

constexpr Parameter kCase = {
    .name = "case", .placeholder = "CASE", .help = "the case's name", .positional = true, .required = true};
constexpr Parameter kReason = {.name = "reason", .placeholder = "TEXT", .help = "why; it is kept", .required = true};

constexpr Parameter kReader = {.name = "identity",
                               .placeholder = "IDENTITY",
                               .help = "the identity, of a tenant",
                               .positional = true,
                               .required = true};

constexpr Parameter kAs = {.name = "as",
                           .placeholder = "IDENTITY",
                           .help = "as this reader of its own tenant's log, with its password",
                           .default_text = "the administrator"};

Parameter only(std::string_view name, std::string_view placeholder, std::string_view help) {
  return {.name = name, .placeholder = placeholder, .help = help, .default_text = "all"};
}

Parameter number(std::string_view name, std::string_view help, std::string_view without, std::int64_t min,
                 std::int64_t max) {
  return {.name = name,
          .kind = ParameterKind::Integer,
          .placeholder = "N",
          .help = help,
          .default_text = without,
          .min = min,
          .max = max};
}

}  // namespace

std::vector<Command> audit_commands() {
  return {
      {.noun = "audit",
       .verb = "search",
       .admin_verb = "audit.search",
       .summary = "find records of the provable audit log",
       .description =
           "The newest first, tree after tree, by an index beside the log; each record is compared itself and checked against "
           "its tree. All that is given has to hold. Where there may be more, next says what --after takes to go on, so nothing "
           "is left out; a search that has to read much stops after two seconds and says so likewise. Searching is recorded "
           "in the log.\n\n"
           "With --count-by it counts what it finds: how many records, how many rows these had, when the first and the last began. "
           "A statement on two tables counts for both; NAME.? are columns that the log does not know. It counts for ten seconds and "
           "up to 10,000 lines; where there was more, next says where --after goes on, and the counts are of what was before.\n\n"
           "Who saw a column: --column. Of identities under a policy the log knows each column; the statements of others "
           "that name its table are shown too, with columns \"unknown\". What somebody read: --identity and --action read. "
           "A table without its schema is also found where the statement named none; with it only where it did, or where "
           "the policy knew it.",
       .parameters =
           {only("identity", "NAME", "records of this identity"),
            only("tenant", "NAME", "records in this tenant's tree"),
            only("table", "TABLE", "statements that name it, as NAME or SCHEMA.NAME"),
            only("column", "COLUMN", "statements that used it or may have, as TABLE.COLUMN or SCHEMA.TABLE.COLUMN"),
            only("action", "WORD", "a command tag such as SELECT, an event such as sign_in, or read or write"),
            only("outcome", "WORD", "ok, failed, refused, not_run or unknown"),
            only("address", "IP", "from this client address"),
            only("depot", "NAME", "to this depot"),
            only("fingerprint", "DIGEST", "statements of this text, as fingerprint shows it"),
            only("from", "TIME", "begun at or after, RFC 3339 in UTC"),
            only("to", "TIME", "begun before, RFC 3339 in UTC"),
            {.name = "after",
             .placeholder = "CURSOR",
             .help = "go on where a search said next",
             .default_text = "the newest"},
            number("limit", "at most so many", "100", 1, 1000),
            {.name = "count-by",
             .placeholder = "WHAT",
             .help = "count instead, by identity, tenant, table, column, action, event, outcome, depot, address or "
                     "fingerprint",
             .default_text = "the records themselves"},
            {.name = "per",
             .placeholder = "TIME",
             .help = "with --count-by: for each hour, day or month in UTC",
             .default_text = "all of it"},
            kAs},
       .examples = {{"bartizan audit search --identity ana@northside --table clinic.customers", ""},
                    {"bartizan audit search --column clinic.customers.ssn --from 2026-11-01T00:00:00Z",
                     "who saw this column"},
                    {"bartizan audit search --identity ana@northside --action read", "what somebody read"},
                    {"bartizan audit search --column clinic.customers.ssn --count-by identity --per day",
                     "who saw this column, and how often"},
                    {"bartizan audit search --action sign_in --outcome refused --json", ""}},
       .password = PasswordUse::Existing,
       .password_with = "as"},
      {.noun = "audit",
       .verb = "show",
       .admin_verb = "audit.show",
       .summary = "show one record, complete",
       .parameters = {kRecord, kAs},
       .examples = {{"bartizan audit show t-northside:41", ""}},
       .password = PasswordUse::Existing,
       .password_with = "as"},
      {.noun = "audit",
       .verb = "prove",
       .admin_verb = "audit.prove",
       .summary = "prove that a record stands in the log",
       .description = "The record's exact bytes, its tlog-proof and the key of its tree, for bartizan-verify record.",
       .parameters = {kRecord, kAs},
       .examples = {{"bartizan audit prove t-northside:41 --json", ""}},
       .password = PasswordUse::Existing,
       .password_with = "as"},
      {.noun = "audit",
       .verb = "export",
       .admin_verb = "audit.export",
       .summary = "read a tree from the beginning, page by page",
       .description =
           "The exact bytes of each record, with the signed checkpoint that they stand below. With --all every page, each "
           "record a line as it stands in the tree, but that characters which a terminal hides are escaped; of the system tree also the "
           "checkpoints of others, as JSON strings. "
           "Each page is a reading, and recorded.",
       .parameters =
           {{.name = "tenant", .placeholder = "NAME", .help = "this tenant's tree", .default_text = "the system's"},
            number("after", "from this index on", "0", 0, INT64_MAX),
            number("limit", "at most so many", "1000", 1, 1000),
            {.name = "all", .kind = ParameterKind::Flag, .help = "every page, each record a line", .in_request = false},
            kAs},
       .examples = {{"bartizan audit export --tenant northside --json", ""},
                    {"bartizan audit export --tenant northside --all > northside.jsonl", ""}},
       .password = PasswordUse::Existing,
       .password_with = "as"},
      {.noun = "audit",
       .verb = "tail",
       .admin_verb = "audit.tail",
       .summary = "follow the log as it grows",
       .description =
           "Prints each record once it stands below a signed checkpoint (audit.checkpoint_every, a second), one a line: when, who, "
           "what, which tables, how it ended, and its name for audit show. With --json each line is the row that audit search "
           "shows. What was there before is not printed. It goes on until it is interrupted. That somebody follows is recorded "
           "in the log when it begins, with what was asked for.",
       .parameters = {only("identity", "NAME", "records of this identity"),
                      only("table", "TABLE", "statements that name it, as NAME or SCHEMA.NAME"),
                      only("column", "COLUMN",
                           "statements that used it or may have, as TABLE.COLUMN or SCHEMA.TABLE.COLUMN"),
                      only("action", "WORD",
                           "a command tag such as SELECT, an event such as sign_in, or read or write"),
                      only("outcome", "WORD", "ok, failed, refused, not_run or unknown"),
                      only("address", "IP", "from this client address"),
                      only("depot", "NAME", "to this depot"),
                      only("fingerprint", "DIGEST", "statements of this text, as fingerprint shows it"),
                      {.name = "limit",
                       .kind = ParameterKind::Integer,
                       .placeholder = "N",
                       .help = "end after so many",
                       .default_text = "no end",
                       .in_request = false,
                       .min = 1,
                       .max = INT64_MAX},
                      {.name = "follow",
                       .placeholder = "NAME",
                       .help = "go on where that one, of the same user, has come to",
                       .default_text = "from now on"},
                      kAs},
       .examples = {{"bartizan audit tail --outcome refused", ""},
                    {"bartizan audit tail --column clinic.customers.ssn --json", ""}},
       .password = PasswordUse::Existing,
       .password_with = "as"},
      {.noun = "audit",
       .verb = "verify",
       .admin_verb = "audit.verify",
       .summary = "check the log with a program that shares no code",
       .description =
           "Without options the whole log: every record of every tree against its hashes, every hash against the signed "
           "checkpoints, every tree against the checkpoints that the system tree holds of it, tickets against gaps and "
           "repetition, and the newest checkpoint that the witness has cosigned, where there is one. It ends with the limit of "
           "what it has shown. To be run where the log's files are, by root or Bartizan's own user; somebody who does not trust "
           "this machine runs bartizan-verify elsewhere on a copy. That the log is read is recorded in it.\n\n"
           "The exit code is bartizan-verify's: 0 verified, 1 not verified, 3 a file can't be read.",
       .parameters = {only("tenant", "NAME", "this tenant's tree alone"),
                      {.name = "record",
                       .placeholder = "RECORD",
                       .help = "this record alone, TREE:INDEX: proves it and checks the proof",
                       .default_text = "all"},
                      {.name = "against",
                       .placeholder = "FILE",
                       .help = "a checkpoint that was kept, which the log must have grown from",
                       .default_text = "none"},
                      {.name = "from",
                       .placeholder = "FILE",
                       .help = "consistency: this checkpoint of the tree...",
                       .default_text = "none"},
                      {.name = "to",
                       .placeholder = "FILE",
                       .help = "...is the beginning of this one",
                       .default_text = "the present one"},
                      {.name = "hours",
                       .kind = ParameterKind::Flag,
                       .help = "print the number of records of each hour, to compare with other counts"}},
       .examples = {{"bartizan audit verify", ""},
                    {"bartizan audit verify --record t-northside:41", ""},
                    {"bartizan audit verify --from checkpoint.monday", "the system tree grew from it"}}},
      {.noun = "audit",
       .verb = "hold-add",
       .admin_verb = "audit.hold-add",
       .summary = "keep records for a case, however old they get",
       .description = "While a hold is in force nothing of the trees that it covers can be pruned.",
       .parameters =
           {kCase,
            {.name = "tenant", .placeholder = "NAME", .help = "this tenant's tree", .default_text = "every tree"},
            kReason},
       .examples = {{"bartizan audit hold-add 2026-117 --tenant northside --reason 'request of the court'", ""}}},
      {.noun = "audit",
       .verb = "hold-list",
       .admin_verb = "audit.hold-list",
       .summary = "list the holds, released ones too",
       .columns = {{"case", "CASE"},
                   {"tenant", "TENANT"},
                   {"reason", "REASON"},
                   {"released", "RELEASED"},
                   {"created_at", "SINCE"},
                   {"created_by", "BY"}},
       .examples = {{"bartizan audit hold-list", ""}}},
      {.noun = "audit",
       .verb = "hold-release",
       .admin_verb = "audit.hold-release",
       .summary = "end a hold",
       .parameters = {kCase, kReason},
       .examples = {{"bartizan audit hold-release 2026-117 --reason 'case closed'", ""}}},
      {.noun = "audit",
       .verb = "prune",
       .admin_verb = "audit.prune",
       .summary = "remove records older than a time from a tree",
       .description =
           "Removes bundles of 256 records all of which began before the time, and signs from which index on records are kept. "
           "Hashes stay, so every proof and checkpoint holds, and bartizan-verify says what was pruned. Records younger than 365 "
           "days can't be removed, nor those of a tree on hold. The removal is recorded in the log before it happens.",
       .parameters =
           {{.name = "tenant", .placeholder = "NAME", .help = "this tenant's tree", .default_text = "the system's"},
            {.name = "before",
             .placeholder = "TIME",
             .help = "records begun before, RFC 3339 in UTC",
             .required = true},
            kReason},
       .examples =
           {{"bartizan audit prune --tenant northside --before 2025-01-01T00:00:00Z --reason 'two years are over'",
             ""}}},
      {.noun = "audit",
       .verb = "ceiling-set",
       .admin_verb = "audit.ceiling-set",
       .summary = "prune records that are older, by itself",
       .description =
           "Soon after the start and each hour, bundles of 256 records all of which are older are pruned as by audit prune: hashes "
           "and proofs stay, the removal is recorded, and a hold stops it. Nothing is pruned where no ceiling is set.",
       .parameters = {{.name = "days",
                       .kind = ParameterKind::Integer,
                       .placeholder = "DAYS",
                       .help = "365 to 36500",
                       .required = true,
                       .min = 365,
                       .max = 36500},
                      {.name = "tenant",
                       .placeholder = "NAME",
                       .help = "this tenant's tree",
                       .default_text = "every tree without one of its own"}},
       .examples = {{"bartizan audit ceiling-set --days 730", ""},
                    {"bartizan audit ceiling-set --days 3650 --tenant northside", ""}}},
      {.noun = "audit",
       .verb = "ceiling-list",
       .admin_verb = "audit.ceiling-list",
       .summary = "list how long records are kept at most",
       .columns = {{"tenant", "TENANT"}, {"days", "DAYS"}, {"updated_at", "SINCE"}, {"updated_by", "BY"}},
       .examples = {{"bartizan audit ceiling-list", ""}}},
      {.noun = "audit",
       .verb = "ceiling-remove",
       .admin_verb = "audit.ceiling-remove",
       .summary = "keep records for ever again",
       .parameters = {{.name = "tenant",
                       .placeholder = "NAME",
                       .help = "this tenant's",
                       .default_text = "the one of every tree"}},
       .examples = {{"bartizan audit ceiling-remove --tenant northside", ""}}},
      {.noun = "audit",
       .verb = "reader-add",
       .admin_verb = "audit.reader-add",
       .summary = "let an identity read its own tenant's log",
       .description =
           "It searches, follows, shows, proves and exports its tenant's tree with --as and its password, over the socket that "
           "audit.reader_socket_file names; other trees don't exist for it, and each reading is recorded in its own tree. The right "
           "ends when the identity moves to another tenant, is disabled or deleted.",
       .parameters = {kReader},
       .examples = {{"bartizan audit reader-add ana@northside", ""}}},
      {.noun = "audit",
       .verb = "reader-remove",
       .admin_verb = "audit.reader-remove",
       .summary = "end an identity's right to read its tenant's log",
       .parameters = {kReader},
       .examples = {{"bartizan audit reader-remove ana@northside", ""}}},
      {.noun = "audit",
       .verb = "reader-list",
       .admin_verb = "audit.reader-list",
       .summary = "list the readers of tenants' logs",
       .columns = {{"identity", "IDENTITY"}, {"tenant", "TENANT"}, {"created_at", "SINCE"}, {"created_by", "BY"}},
       .examples = {{"bartizan audit reader-list", ""}}},
  };
}

}  // namespace bartizan::cli
