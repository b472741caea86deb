// session, setting, changes.
#include <cstdint>

#include "command.hpp"

namespace bartizan::cli {
namespace {

std::optional<std::string> value_or_default(const Arguments& arguments) {
  if (arguments.has("value") != arguments.has("default")) return std::nullopt;
  return "give VALUE or --default";
}

}  // namespace

std::vector<Command> operation_commands() {
  return {
      {.noun = "session",
       .verb = "list",
       .admin_verb = "session.list",
       .summary = "list the sessions of clients",
       .columns = {{"id", "ID"},
                   {"identity", "IDENTITY"},
                   {"depot", "DEPOT"},
                   {"client", "CLIENT"},
                   {"application", "APPLICATION"},
                   {"state", "STATE"},
                   {"since", "SINCE"}},
       .examples = {{"bartizan session list", ""}}},
      {.noun = "session",
       .verb = "kill",
       .admin_verb = "session.kill",
       .summary = "end a session",
       .description = "Its running statement is cancelled and its transaction rolled back; the client is told 57P01.",
       .parameters = {{.name = "id",
                       .placeholder = "ID",
                       .help = "the session, as session list shows it",
                       .positional = true,
                       .required = true}},
       .examples = {{"bartizan session kill 42", ""}}},
      {.noun = "setting",
       .verb = "list",
       .admin_verb = "setting.list",
       .summary = "list the settings that all gateways share",
       .columns = {{"name", "SETTING"}, {"value", "VALUE"}, {"default", "DEFAULT"}, {"description", "WHAT IT IS"}},
       .examples = {{"bartizan setting list", ""}}},
      {.noun = "setting",
       .verb = "get",
       .admin_verb = "setting.get",
       .summary = "show one shared setting",
       .parameters =
           {{.name = "name", .placeholder = "NAME", .help = "the setting", .positional = true, .required = true}},
       .examples = {{"bartizan setting get sign_in.banner", ""}}},
      {.noun = "setting",
       .verb = "set",
       .admin_verb = "setting.set",
       .summary = "change one shared setting",
       .description =
           "Reaches every running gateway within a second. The settings of one process are in its configuration file.",
       .parameters =
           {{.name = "name", .placeholder = "NAME", .help = "the setting", .positional = true, .required = true},
            {.name = "value",
             .placeholder = "VALUE",
             .help = "its new value; after -- if it starts with a dash",
             .positional = true},
            {.name = "default", .kind = ParameterKind::Flag, .help = "back to the default"}},
       .examples = {{"bartizan setting set sign_in.banner 'authorised use only'", ""}},
       .check = value_or_default},
      {.noun = "changes",
       .verb = "list",
       .admin_verb = "changes.list",
       .summary = "list what was changed, by whom and when",
       .parameters = {{.name = "after",
                       .kind = ParameterKind::Integer,
                       .placeholder = "SEQ",
                       .help = "those after this number alone",
                       .default_text = "0",
                       .max = INT64_MAX},
                      {.name = "limit",
                       .kind = ParameterKind::Integer,
                       .placeholder = "N",
                       .help = "at most so many",
                       .default_text = "100",
                       .min = 1,
                       .max = 1000}},
       .columns = {{"seq", "SEQ"}, {"at", "AT"}, {"actor", "ACTOR"}, {"kind", "KIND"}, {"id", "ID"}},
       .examples = {{"bartizan changes list --after 1200 --limit 50", ""}}},
  };
}

}  // namespace bartizan::cli
