// policy, access, wall.
#include <cstdint>

#include "command.hpp"

namespace bartizan::cli {
namespace {

constexpr std::string_view kPublishFacts =
    "Each mask, filter and tenancy is checked against the catalog of each depot that the policies name, and the tests "
    "beside them are run. Errors and failing tests refuse; warnings refuse until they are acknowledged, in the manifest "
    "or here. What passes replaces everything that was in force.";

Parameter manifests(bool required) {
  return {.name = "manifests",
          .kind = ParameterKind::Manifests,
          .placeholder = "FILE",
          .help = "YAML file, or folder of *.yaml files",
          .default_text = required ? "" : "what is in force",
          .positional = true,
          .required = required};
}

Parameter manifests_option() {
  return {.name = "manifests",
          .kind = ParameterKind::Manifests,
          .placeholder = "FILE",
          .help = "ask these files or this folder",
          .default_text = "what is in force"};
}

constexpr Parameter kReason = {
    .name = "reason", .placeholder = "TEXT", .help = "why, for the history", .required = true};
constexpr Parameter kAcknowledge = {.name = "acknowledge",
                                    .placeholder = "CODES",
                                    .help = "warnings that you accept, with commas between",
                                    .default_text = "none"};
constexpr Parameter kDryRun = {
    .name = "dry-run", .kind = ParameterKind::Flag, .help = "tell what would be found, and publish nothing"};
constexpr Parameter kPurpose = {
    .name = "purpose", .placeholder = "TEXT", .help = "as if stated at sign-in", .default_text = "none"};
constexpr Parameter kOnePurpose = {.name = "purpose",
                                   .placeholder = "TEXT",
                                   .help = "as if stated at sign-in",
                                   .default_text = "none, and each that shows something else"};

Parameter number(std::string_view name, std::string_view help, bool positional, bool required,
                 std::string_view without) {
  return {.name = name,
          .kind = ParameterKind::Integer,
          .placeholder = "N",
          .help = help,
          .default_text = without,
          .positional = positional,
          .required = required,
          .min = 1,
          .max = INT64_MAX};
}

Parameter number_from_zero(std::string_view name, std::string_view help, std::int64_t most, std::string_view without) {
  auto out = number(name, help, false, false, without);
  out.min = 0;
  out.max = most;
  return out;
}

std::vector<Command> publications() {
  return {
      {.noun = "policy",
       .verb = "publish",
       .admin_verb = "policy.publish",
       .summary = "put policies in force",
       .description = kPublishFacts,
       .parameters = {manifests(true), kReason, kAcknowledge, kDryRun},
       .examples = {{"bartizan policy publish policies/ --reason 'masks for support' --dry-run", ""},
                    {"bartizan policy publish policies/ --reason 'masks for support'", ""}}},
      {.noun = "policy",
       .verb = "diff",
       .admin_verb = "policy.diff",
       .summary = "compare policies: resources, and whose class changes",
       .parameters = {manifests(false), number("from", "the older publication", false, false, "the one in force"),
                      number("to", "the newer publication, in place of FILE", false, false, "the one in force")},
       .examples = {{"bartizan policy diff policies/", "what publishing them would change"},
                    {"bartizan policy diff --from 3 --to 5", ""}}},
      {.noun = "policy",
       .verb = "history",
       .admin_verb = "policy.history",
       .summary = "list publications, the newest first",
       .columns = {{"number", "NUMBER"},
                   {"in_force", "IN FORCE"},
                   {"published_at", "AT"},
                   {"author", "AUTHOR"},
                   {"restored_from", "RESTORED"},
                   {"reason", "REASON"}},
       .examples = {{"bartizan policy history", ""}}},
      {.noun = "policy",
       .verb = "show",
       .admin_verb = "policy.show",
       .summary = "show a publication with its documents",
       .parameters = {number("number", "the publication", true, false, "the one in force")},
       .examples = {{"bartizan policy show 3 --json", ""}}},
      {.noun = "policy",
       .verb = "rollback",
       .admin_verb = "policy.rollback",
       .summary = "publish an earlier publication's documents again",
       .description = kPublishFacts,
       .parameters = {number("number", "the publication to go back to", true, true, ""), kReason, kAcknowledge,
                      kDryRun},
       .examples = {{"bartizan policy rollback 3 --reason 'support lost its tickets'", ""}}},
  };
}

std::vector<Command> questions() {
  return {
      {.noun = "policy",
       .verb = "test",
       .admin_verb = "policy.test",
       .summary = "run the tests that stand beside policies",
       .parameters = {manifests(false)},
       .examples = {{"bartizan policy test policies/", "exit code 1 when one fails"}}},
      {.noun = "policy",
       .verb = "simulate",
       .admin_verb = "policy.simulate",
       .summary = "what publishing policies would change, and for whom",
       .description =
           "Nothing is published. CHANGES lists, for those who see the same, tables and columns whose rows, masks or rights "
           "would be others. STATEMENTS are those of the audit log that would be refused, told from their tables and "
           "columns: the log holds no texts, so a statement may be refused for more. What is left out is said: NEXT and "
           "BELOW are where --after and --below go on.",
       .parameters = {manifests(true),
                      {.name = "depot", .placeholder = "NAME", .help = "there alone", .default_text = "all"},
                      {.name = "identity", .placeholder = "NAME", .help = "for it alone", .default_text = "all"},
                      number_from_zero("after", "go on behind that many changes", INT64_MAX, "0"),
                      number_from_zero("limit", "at most that many changes", 1000, "200"),
                      number_from_zero("records", "look at that many records of the audit log", 100'000, "10000"),
                      {.name = "below",
                       .placeholder = "TREE:INDEX",
                       .help = "look at the records below that one",
                       .default_text = "from the newest on"}},
       .examples = {{"bartizan policy simulate policies/", ""},
                    {"bartizan policy simulate policies/ --identity ana@northside --records 100000", ""}}},
      {.noun = "policy",
       .verb = "explain",
       .admin_verb = "policy.explain",
       .summary = "what an identity sees, and why",
       .description =
           "Of a statement: the tables and columns that it uses with their rows, masks and the policies behind them, and what "
           "the server would get in its place; or the refusal. It is not run. EXPLAIN POLICY tells the same in a session.",
       .parameters =
           {{.name = "as", .placeholder = "IDENTITY", .help = "who asks", .required = true},
            {.name = "statement",
             .placeholder = "SQL",
             .help = "the statement, in one argument",
             .default_text = "all that the identity sees",
             .positional = true},
            {.name = "depot",
             .placeholder = "NAME",
             .help = "where",
             .default_text = "the only one that it has a grant on"},
            {.name = "table", .placeholder = "TABLE", .help = "without SQL: schema.table alone", .default_text = "all"},
            kPurpose,
            manifests_option()},
       .examples = {{"bartizan policy explain --as ana@northside --depot demo --table clinic.customers", ""},
                    {"bartizan policy explain --as ana@northside 'SELECT name, email FROM clinic.customers'", ""}}},
      {.noun = "access",
       .verb = "who-can-see",
       .admin_verb = "access.who-can-see",
       .summary = "list who sees a column, and how",
       .parameters = {{.name = "column",
                       .placeholder = "COLUMN",
                       .help = "depot:schema.table.column",
                       .positional = true,
                       .required = true},
                      kOnePurpose,
                      manifests_option()},
       .columns = {{"identity", "IDENTITY"},
                   {"purpose", "PURPOSE"},
                   {"acts_for", "ACTS FOR"},
                   {"shown", "SHOWN"},
                   {"writes", "WRITES"},
                   {"rows", "ROWS"}},
       .examples = {{"bartizan access who-can-see demo:clinic.customers.email", ""}}},
      {.noun = "access",
       .verb = "what-can-see",
       .admin_verb = "access.what-can-see",
       .summary = "list what an identity sees",
       .parameters = {{.name = "identity", .placeholder = "NAME", .help = "who", .positional = true, .required = true},
                      {.name = "depot", .placeholder = "NAME", .help = "there alone", .default_text = "all"},
                      kOnePurpose,
                      manifests_option()},
       .columns = {{"depot", "DEPOT"},
                   {"purpose", "PURPOSE"},
                   {"table", "TABLE"},
                   {"may", "MAY"},
                   {"columns", "COLUMNS"},
                   {"rows", "ROWS"}},
       .examples = {{"bartizan access what-can-see ana@northside", ""}}},
      {.noun = "catalog",
       .verb = "classify",
       .admin_verb = "catalog.classify",
       .summary = "propose tags for columns, from names and samples",
       .description =
           "Changes nothing. Evidence is counts and kinds of pattern; no value leaves Bartizan. What has no tag has not "
           "been found harmless: nothing speaks for one. With --write the columns of tables with a tag become a policy file, "
           "in which those without one are comments.",
       .parameters = {{.name = "depot", .placeholder = "NAME", .help = "where", .positional = true, .required = true},
                      {.name = "table", .placeholder = "TABLE", .help = "schema.table alone", .default_text = "all"},
                      {.name = "rows",
                       .kind = ParameterKind::Integer,
                       .placeholder = "N",
                       .help = "look at that many rows of a table at most",
                       .default_text = "1000",
                       .min = 1,
                       .max = 10'000},
                      {.name = "write",
                       .placeholder = "FILE",
                       .help = "write a policy file, which must not be there yet",
                       .in_request = false}},
       .columns = {{"schema", "SCHEMA"},
                   {"table", "TABLE"},
                   {"column", "COLUMN"},
                   {"type", "TYPE"},
                   {"tag", "TAG"},
                   {"confidence", "CONFIDENCE"},
                   {"evidence", "EVIDENCE"}},
       .examples = {{"bartizan catalog classify crm", ""},
                    {"bartizan catalog classify crm --write policies/crm.yaml", ""}}},
      {.noun = "wall",
       .verb = "status",
       .admin_verb = "wall.status",
       .summary = "show the classes that stand in each depot",
       .description = "A class that is not ready is served to nobody. The exit code is 1 while there is one.",
       .examples = {{"bartizan wall status", ""}}},
      {.noun = "wall",
       .verb = "reconcile",
       .admin_verb = "wall.reconcile",
       .summary = "check every depot's wall now, and put it right",
       .description = "Happens by itself each minute, and whenever policies, identities, roles or grants change.",
       .examples = {{"bartizan wall reconcile", ""}}},
  };
}

}  // namespace

std::vector<Command> policy_commands() {
  auto out = publications();
  for (auto& one : questions()) out.push_back(std::move(one));
  return out;
}

}  // namespace bartizan::cli
