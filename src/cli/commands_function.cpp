// function, approval.
#include "command.hpp"

namespace bartizan::cli {
namespace {

constexpr Parameter kDepot = {
    .name = "depot", .placeholder = "NAME", .help = "where", .positional = true, .required = true};

Parameter id_of_approval() {
  return {.name = "id", .placeholder = "ID", .help = "as approval list shows it", .positional = true, .required = true};
}

std::vector<Command> approvals() {
  const std::vector<Column> columns = {{"id", "ID"},
                                       {"change", "CHANGE"},
                                       {"depot", "DEPOT"},
                                       {"state", "STATE"},
                                       {"requested_by", "REQUESTED BY"},
                                       {"approved_by", "APPROVED BY"},
                                       {"expires_at", "EXPIRES"},
                                       {"reason", "REASON"}};
  return {
      {.noun = "approval",
       .verb = "list",
       .admin_verb = "approval.list",
       .summary = "list changes that need a second administrator",
       .columns = columns,
       .examples = {{"bartizan approval list", ""}}},
      {.noun = "approval",
       .verb = "approve",
       .admin_verb = "approval.approve",
       .summary = "make a change that another one has asked for",
       .description =
           "Whoever has asked for it can't. It is for exactly that change: if the depot has been changed since, it has to "
           "be asked for again.",
       .parameters = {id_of_approval()},
       .columns = columns,
       .examples = {{"bartizan approval approve 5b0e8c1e-8f0e-4c64-9a3c-2d6d1f4f7a11", ""}}},
      {.noun = "approval",
       .verb = "withdraw",
       .admin_verb = "approval.withdraw",
       .summary = "take back, or turn down, what waits for an approval",
       .parameters = {id_of_approval()},
       .columns = columns,
       .examples = {{"bartizan approval withdraw 5b0e8c1e-8f0e-4c64-9a3c-2d6d1f4f7a11", ""}}},
  };
}

}  // namespace

std::vector<Command> function_commands() {
  std::vector<Command> out = {
      {.noun = "function",
       .verb = "allow",
       .admin_verb = "function.allow",
       .summary = "let a function be used that you have reviewed",
       .description =
           "By identities under policies, and by all in a depot with encrypted columns. The review is of the function as it is now: once it is replaced or altered nobody may call it until it is "
           "allowed again. What it would reveal or do is told, as far as its text says, and has to be acknowledged; "
           "what the functions that it calls do is not looked into. Of a table whose triggers all are allowed, classes may "
           "be given write verbs.",
       .parameters = {kDepot,
                      {.name = "function",
                       .placeholder = "FUNCTION",
                       .help = "schema.name(types), or schema.name where there is one of that name",
                       .positional = true,
                       .required = true},
                      {.name = "reason",
                       .placeholder = "TEXT",
                       .help = "why, for the history",
                       .default_text = "needed but with --dry-run"},
                      {.name = "acknowledge",
                       .placeholder = "CODES",
                       .help = "findings that you accept, with commas between",
                       .default_text = "none"},
                      {.name = "digest",
                       .placeholder = "HEX",
                       .help = "that of the definition you read, as --dry-run told it: another one is refused",
                       .default_text = "whatever stands now"},
                      {.name = "dry-run",
                       .kind = ParameterKind::Flag,
                       .help = "tell what would be found, and allow nothing"}},
       .examples =
           {{"bartizan function allow crm 'public.similarity(text,text)' --dry-run", ""},
            {"bartizan function allow crm 'public.next_code(text)' --reason 'ticket 4711' --acknowledge volatile", ""},
            {"bartizan function allow crm public.initials --reason 'ticket 4712' --digest "
             "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
             ""}}},
      {.noun = "function",
       .verb = "deny",
       .admin_verb = "function.deny",
       .summary = "take a function's review back",
       .parameters = {kDepot,
                      {.name = "function",
                       .placeholder = "FUNCTION",
                       .help = "as function list writes it",
                       .positional = true,
                       .required = true}},
       .examples = {{"bartizan function deny crm 'public.next_code(text)'", ""}}},
      {.noun = "function",
       .verb = "list",
       .admin_verb = "function.list",
       .summary = "list reviewed functions, and what has become of them",
       .parameters = {{.name = "depot", .placeholder = "NAME", .help = "there alone", .default_text = "all"}},
       .columns = {{"depot", "DEPOT"},
                   {"function", "FUNCTION"},
                   {"state", "STATE"},
                   {"updated_by", "BY"},
                   {"updated_at", "AT"},
                   {"reason", "REASON"}},
       .examples = {{"bartizan function list --depot crm", ""}}},
  };
  for (auto& command : approvals()) out.push_back(std::move(command));
  return out;
}

}  // namespace bartizan::cli
