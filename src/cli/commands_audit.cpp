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
       .verb = "break-glass",
       .admin_verb = "audit.break-glass",
       .summary = "let statements go on while the audit log can't be written, for a time",
       .description =
           "For root and the gateway's own user alone. Without it statements are refused while the log can't be written. With it "
           "their records wait in memory, in bounds, and are written when that works again; those are lost if the gateway ends "
           "before. It is a record of the log itself, a line of the operational log, and stands in status, doctor and metrics.",
       .parameters =
           {{.name = "state", .placeholder = "on|off", .help = "on or off", .positional = true, .required = true},
            {.name = "for", .placeholder = "TIME", .help = "on: ends by itself after this, at most 4h"},
            {.name = "reason", .placeholder = "TEXT", .help = "on: why, for the record"}},
       .examples = {{"bartizan audit break-glass on --for 15m --reason 'ticket 4711: disk replaced'", ""},
                    {"bartizan audit break-glass off", ""}}},
      {.noun = "audit",
       .verb = "search",
       .admin_verb = "audit.search",
       .summary = "find records of the provable audit log",
       .description =
           "The newest first, tree after tree. Where there may be more, next says what --after takes to go on; a search that "
           "finds little stops after two seconds. Searching is recorded in the log.",
       .parameters = {only("identity", "NAME", "records of this identity"),
                      only("tenant", "NAME", "records in this tenant's tree"),
                      only("table", "TABLE", "statements that name it, as NAME or SCHEMA.NAME"),
                      only("action", "WORD", "a command tag such as SELECT, or an event such as sign_in"),
                      only("outcome", "WORD", "ok, failed, refused, not_run or unknown"),
                      only("from", "TIME", "begun at or after, RFC 3339 in UTC"),
                      only("to", "TIME", "begun before, RFC 3339 in UTC"),
                      {.name = "after",
                       .placeholder = "CURSOR",
                       .help = "go on where a search said next",
                       .default_text = "the newest"},
                      number("limit", "at most so many", "100", 1, 1000)},
       .examples = {{"bartizan audit search --identity ana@northside --table clinic.customers", ""},
                    {"bartizan audit search --action sign_in --outcome refused --json", ""}}},
      {.noun = "audit",
       .verb = "show",
       .admin_verb = "audit.show",
       .summary = "show one record, complete",
       .parameters = {kRecord},
       .examples = {{"bartizan audit show t-northside:41", ""}}},
      {.noun = "audit",
       .verb = "prove",
       .admin_verb = "audit.prove",
       .summary = "prove that a record stands in the log",
       .description = "The record's exact bytes, its tlog-proof and the key of its tree, for bartizan-verify record.",
       .parameters = {kRecord},
       .examples = {{"bartizan audit prove t-northside:41 --json", ""}}},
      {.noun = "audit",
       .verb = "export",
       .admin_verb = "audit.export",
       .summary = "read a tree from the beginning, page by page",
       .description = "The exact bytes of each record, with the signed checkpoint that they stand below.",
       .parameters =
           {{.name = "tenant", .placeholder = "NAME", .help = "this tenant's tree", .default_text = "the system's"},
            number("after", "from this index on", "0", 0, INT64_MAX),
            number("limit", "at most so many", "1000", 1, 1000)},
       .examples = {{"bartizan audit export --tenant northside --json", ""}}},
  };
}

}  // namespace bartizan::cli
