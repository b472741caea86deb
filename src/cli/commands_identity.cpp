// identity, role, grant.
#include "command.hpp"

namespace bartizan::cli {
namespace {

Parameter name_of(std::string_view what) {
  return {.name = "name", .placeholder = "NAME", .help = what, .positional = true, .required = true};
}

constexpr Parameter kValidUntil = {.name = "valid-until",
                                   .placeholder = "TIME",
                                   .help = "RFC 3339 time at which it ends, such as 2030-01-31T12:00:00Z",
                                   .default_text = "never"};

std::optional<std::string> one_grantee(const Arguments& arguments) {
  if (arguments.has("identity") != arguments.has("role")) return std::nullopt;
  return "exactly one of --identity and --role says who";
}

Command identity_create() {
  return {
      .noun = "identity",
      .verb = "create",
      .admin_verb = "identity.create",
      .summary = "add a person or a service that may sign in",
      .description =
          "The password is asked for on the terminal, twice, or read from the first line of stdin. It may do nothing yet: see grant add.",
      .parameters =
          {name_of("what it signs in as"),
           {.name = "tenant", .placeholder = "NAME", .help = "tenant that it belongs to", .default_text = "none"},
           {.name = "service", .kind = ParameterKind::Flag, .help = "a program, not a person"},
           {.name = "operator", .kind = ParameterKind::Flag, .help = "operates Bartizan; never sees data"},
           kValidUntil},
      .examples = {{"bartizan identity create ann", ""},
                   {"bartizan identity create billing --service --tenant northside --password-stdin < secret", ""}},
      .password = PasswordUse::New};
}

Command identity_set_password() {
  return {
      .noun = "identity",
      .verb = "set-password",
      .admin_verb = "identity.set-password",
      .summary = "replace the password of an identity",
      .description =
          "Sessions that are signed in stay. The password is asked for on the terminal, twice, or read from the first line of stdin.",
      .parameters = {name_of("the identity")},
      .examples = {{"bartizan identity set-password ann", ""}},
      .password = PasswordUse::New};
}

Command identity_command(std::string_view verb, std::string_view admin_verb, std::string_view summary,
                         std::string_view description, std::string_view example) {
  return {.noun = "identity",
          .verb = verb,
          .admin_verb = admin_verb,
          .summary = summary,
          .description = description,
          .parameters = {name_of("the identity")},
          .examples = {{example, ""}}};
}

std::vector<Parameter> membership() {
  return {
      {.name = "role", .placeholder = "ROLE", .help = "the role", .positional = true, .required = true},
      {.name = "identity", .placeholder = "IDENTITY", .help = "the identity", .positional = true, .required = true}};
}

Command grant_add() {
  return {
      .noun = "grant",
      .verb = "add",
      .admin_verb = "grant.add",
      .summary = "let an identity or a role use a depot",
      .parameters = {{.name = "depot", .placeholder = "NAME", .help = "the depot", .required = true},
                     {.name = "identity", .placeholder = "NAME", .help = "who: this identity"},
                     {.name = "role", .placeholder = "NAME", .help = "who: everyone in this role"},
                     {.name = "login",
                      .placeholder = "ROLE",
                      .help = "PostgreSQL role that sessions run as on the server; one of the depot's logins",
                      .required = true},
                     kValidUntil,
                     {.name = "past-wall",
                      .kind = ParameterKind::Flag,
                      .help = "policies don't concern them on this depot: for its owner, who migrates and backs up"},
                     {.name = "act-for",
                      .placeholder = "TENANT|*",
                      .help = "sessions may act for this tenant (several with commas, * for every one) by "
                              "SET bartizan.tenant: for an application's service identity"}},
      .examples =
          {{"bartizan grant add --depot clinic --identity ann --login clinic_owner", ""},
           {"bartizan grant add --depot clinic --identity ann --login clinic_owner --past-wall", ""},
           {"bartizan grant add --depot clinic --identity app --login clinic_owner --act-for '*'", ""},
           {"bartizan grant add --depot clinic --role analysts --login clinic_reader --valid-until 2030-01-31T00:00:00Z",
            ""}},
      .check = one_grantee};
}

Command grant_remove() {
  return {.noun = "grant",
          .verb = "remove",
          .admin_verb = "grant.remove",
          .summary = "take a grant back",
          .description = "Sessions that rest on it end.",
          .parameters = {{.name = "id",
                          .placeholder = "ID",
                          .help = "the grant, as grant list shows it",
                          .positional = true,
                          .required = true}},
          .examples = {{"bartizan grant remove 0d9b4c2e-63a1-4c55-9d0c-1f7c7f4b8e21", ""}}};
}

std::vector<Command> role_commands() {
  return {
      {.noun = "role",
       .verb = "create",
       .admin_verb = "role.create",
       .summary = "add a role",
       .parameters = {name_of("the role")},
       .examples = {{"bartizan role create analysts", ""}}},
      {.noun = "role",
       .verb = "list",
       .admin_verb = "role.list",
       .summary = "list roles and who is in them",
       .columns = {{"name", "ROLE"}, {"members", "MEMBERS"}, {"created_at", "CREATED"}},
       .examples = {{"bartizan role list", ""}}},
      {.noun = "role",
       .verb = "delete",
       .admin_verb = "role.delete",
       .summary = "remove a role, its memberships and its grants",
       .parameters = {name_of("the role")},
       .examples = {{"bartizan role delete analysts", ""}}},
      {.noun = "role",
       .verb = "assign",
       .admin_verb = "role.assign",
       .summary = "put an identity into a role",
       .parameters = membership(),
       .examples = {{"bartizan role assign analysts ann", ""}}},
      {.noun = "role",
       .verb = "unassign",
       .admin_verb = "role.unassign",
       .summary = "take an identity out of a role",
       .parameters = membership(),
       .examples = {{"bartizan role unassign analysts ann", ""}}},
  };
}

}  // namespace

std::vector<Command> identity_commands() {
  std::vector<Command> all = {
      identity_create(),
      {.noun = "identity",
       .verb = "list",
       .admin_verb = "identity.list",
       .summary = "list identities",
       .parameters = {{.name = "tenant", .placeholder = "NAME", .help = "of this tenant alone", .default_text = "all"}},
       .columns = {{"name", "IDENTITY"},
                   {"tenant", "TENANT"},
                   {"enabled", "ENABLED"},
                   {"password", "PASSWORD"},
                   {"service", "SERVICE"},
                   {"operator", "OPERATOR"},
                   {"valid_until", "VALID UNTIL"}},
       .examples = {{"bartizan identity list --tenant northside", ""}}},
      identity_command("show", "identity.show", "show one identity",
                       "Its roles and attributes too; never its password's verifier.", "bartizan identity show ann"),
      identity_set_password(),
      identity_command("enable", "identity.enable", "let an identity sign in again", "",
                       "bartizan identity enable ann"),
      identity_command("disable", "identity.disable", "let an identity sign in no more", "Its sessions end.",
                       "bartizan identity disable ann"),
      identity_command("delete", "identity.delete", "remove an identity, its memberships and its grants",
                       "Its sessions end. What it did stays in the audit log.", "bartizan identity delete ann"),
  };
  for (Command& command : role_commands()) all.push_back(std::move(command));
  all.push_back(grant_add());
  all.push_back({.noun = "grant",
                 .verb = "list",
                 .admin_verb = "grant.list",
                 .summary = "list who may use which depot",
                 .parameters = {{.name = "depot", .placeholder = "NAME", .help = "of this depot alone"},
                                {.name = "identity", .placeholder = "NAME", .help = "of this identity alone"},
                                {.name = "role", .placeholder = "NAME", .help = "of this role alone"}},
                 .columns = {{"id", "ID"},
                             {"depot", "DEPOT"},
                             {"identity", "IDENTITY"},
                             {"role", "ROLE"},
                             {"login", "LOGIN"},
                             {"valid_until", "VALID UNTIL"}},
                 .examples = {{"bartizan grant list --depot clinic", ""}}});
  all.push_back(grant_remove());
  return all;
}

}  // namespace bartizan::cli
