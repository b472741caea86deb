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
