// depot, tenant, import.
#include "command.hpp"
#include "import_pgbouncer.hpp"

namespace bartizan::cli {
namespace {

Parameter name_of(std::string_view what) {
  return {.name = "name", .placeholder = "NAME", .help = what, .positional = true, .required = true};
}

constexpr Parameter kPort = {.name = "port",
                             .kind = ParameterKind::Integer,
                             .placeholder = "N",
                             .help = "server's port",
                             .default_text = "5432",
                             .min = 1,
                             .max = 65535};
constexpr Parameter kCaFile = {.name = "ca-file",
                               .kind = ParameterKind::PemFile,
                               .placeholder = "FILE",
                               .help = "PEM file of the CA of the server's certificate",
                               .default_text = "the system's"};

constexpr Parameter kCertificateFile = {.name = "certificate-file",
                                        .kind = ParameterKind::PemFile,
                                        .placeholder = "FILE",
                                        .help = "PEM file of the certificate that Bartizan shows the server",
                                        .default_text = "none"};
constexpr Parameter kKeyFile = {.name = "key-file",
                                .kind = ParameterKind::PemFile,
                                .placeholder = "FILE",
                                .help = "PEM file of that certificate's key; it is stored sealed"};

std::optional<std::string> check_certificate(const Arguments& arguments) {
  if (arguments.has("certificate-file") != arguments.has("key-file"))
    return "--certificate-file and --key-file go together";
  if (arguments.has("no-certificate") && arguments.has("certificate-file"))
    return "--no-certificate and --certificate-file exclude each other";
  return std::nullopt;
}

std::optional<std::string> check_create(const Arguments& arguments) {
  if (arguments.has("certificate-file") && !arguments.has("login")) return "--certificate-file goes with --login";
  return check_certificate(arguments);
}

Command depot_create() {
  return {
      .noun = "depot",
      .verb = "create",
      .admin_verb = "depot.create",
      .summary = "put a database under protection",
      .description =
          "Without --host the database is one of the embedded PostgreSQL; without --login as well, it is made there with an owner, "
          "DATABASE_owner, whose password Bartizan alone knows. Otherwise Bartizan signs in at the server as --login, over "
          "verified TLS unless --host is a unix socket folder; depot login adds further logins.",
      .parameters = {name_of("what clients will call the database"),
                     {.name = "host",
                      .placeholder = "HOST",
                      .help = "server's name, address or unix socket folder",
                      .default_text = "the embedded PostgreSQL"},
                     kPort,
                     {.name = "database",
                      .placeholder = "NAME",
                      .help = "its name on the server",
                      .default_text = "the depot's name"},
                     kCaFile,
                     {.name = "login",
                      .placeholder = "ROLE",
                      .help = "role that Bartizan signs in as; its password is asked for"},
                     kCertificateFile,
                     kKeyFile,
                     {.name = "tenant",
                      .placeholder = "NAME",
                      .help = "tenant whose data alone it holds",
                      .default_text = "none"}},
      .examples =
          {{"bartizan depot create clinic", "a new database of the embedded PostgreSQL"},
           {"bartizan depot create clinic --host db.internal --ca-file ca.pem --login clinic_app --password-stdin < secret",
            "a server elsewhere"}},
      .password = PasswordUse::Existing,
      .password_with = "login",
      .check = check_create};
}

std::optional<std::string> check_login(const Arguments& arguments) {
  if (arguments.has("delete") && (arguments.has("password-stdin") || arguments.has("no-password"))) {
    return "--delete takes no password";
  }
  if (arguments.has("delete") && (arguments.has("certificate-file") || arguments.has("no-certificate"))) {
    return "--delete takes no certificate";
  }
  return check_certificate(arguments);
}

Command depot_login() {
  return {
      .noun = "depot",
      .verb = "login",
      .admin_verb = "depot.login",
      .summary = "set or take away a role that Bartizan signs in as",
      .description =
          "Grants name one of the depot's logins: it is the PostgreSQL role that sessions run as. A certificate is "
          "for servers whose pg_hba.conf says cert (then with --no-password) or clientcert; a login keeps the one "
          "it has until it gets another, or --no-certificate.",
      .parameters = {name_of("the depot"),
                     {.name = "login",
                      .placeholder = "ROLE",
                      .help = "the role on the server",
                      .positional = true,
                      .required = true},
                     kCertificateFile,
                     kKeyFile,
                     {.name = "no-certificate", .kind = ParameterKind::Flag, .help = "show the server none any more"},
                     {.name = "delete", .kind = ParameterKind::Flag, .help = "forget it"}},
      .examples =
          {{"bartizan depot login clinic clinic_reader", "asks for the role's password"},
           {"bartizan depot login clinic clinic_app --no-password --certificate-file app.crt --key-file app.key",
            "a server that asks for a certificate alone"},
           {"bartizan depot login clinic clinic_reader --delete", ""}},
      .password = PasswordUse::Existing,
      .check = check_login};
}

std::optional<std::string> check_wall_login(const Arguments& arguments) {
  if (arguments.has("delete") == arguments.has("login")) return "ROLE or --delete, and not both";
  return check_login(arguments);
}

Command depot_wall_login() {
  return {
      .noun = "depot",
      .verb = "wall-login",
      .admin_verb = "depot.wall-login",
      .summary = "set as whom policies are kept in your own server",
      .description =
          "A superuser (grade full), or a role with CREATEROLE that is a member of the owners of the database, its schemas "
          "and tables (grade managed). Bartizan signs in and asks the server what the role may do; what it lacks is printed, each "
          "with the statement that gives it, and nothing is kept. No session ever runs as it, so it can't be a login "
          "of the depot. Before another role takes its place, or with --delete: depot suspend.",
      .parameters = {name_of("the depot"),
                     {.name = "login", .placeholder = "ROLE", .help = "the role on the server", .positional = true},
                     kCertificateFile,
                     kKeyFile,
                     {.name = "delete", .kind = ParameterKind::Flag, .help = "forget it"}},
      .examples = {{"bartizan depot wall-login clinic bartizan_wall", "asks for the role's password"},
                   {"bartizan depot wall-login clinic --delete", ""}},
      .password = PasswordUse::Existing,
      .password_with = "login",
      .check = check_wall_login};
}

Parameter count_of(std::string_view name, std::string_view help, int most) {
  return {.name = name, .kind = ParameterKind::Integer, .placeholder = "N", .help = help, .min = 0, .max = most};
}

Command depot_set() {
  constexpr int kDay = 86400;
  return {
      .noun = "depot",
      .verb = "set",
      .admin_verb = "depot.set",
      .summary = "change how a depot's sessions come to server connections",
      .description =
          "In transaction mode a session has a server connection from the first statement of a transaction to its "
          "end, so that few serve many; what needs a session (temporary tables, LISTEN, SET of most settings, …) "
          "keeps its connection. In session mode each session has one of its own. New sessions get the new mode.",
      .parameters =
          {name_of("the depot"),
           {.name = "pool-mode", .placeholder = "MODE", .help = "transaction (a new depot's) or session"},
           count_of("pool-size",
                    "most server connections; 0: in transaction mode 20 and those of pinned sessions, else no limit",
                    100'000),
           count_of("pool-min", "server connections kept open for each login in use", 100'000),
           count_of("queue-timeout", "seconds that a session waits for one; 0: for ever", kDay),
           count_of("server-idle-timeout", "seconds before an unused one is closed; 0: never", kDay),
           count_of("server-lifetime", "seconds before one is replaced, +-10 %; 0: never", 7 * kDay),
           {.name = "share-unnamed",
            .placeholder = "on|off",
            .help = "prepare statements without a name that come again once a server connection"}},
      .examples = {{"bartizan depot set clinic --pool-size 40", ""},
                   {"bartizan depot set clinic --pool-mode session", ""}}};
}

constexpr Parameter kWait = {.name = "wait",
                             .kind = ParameterKind::Integer,
                             .placeholder = "N",
                             .help = "seconds for which to wait until it is so in this gateway",
                             .default_text = "10",
                             .min = 0,
                             .max = 50};

Command depot_pause() {
  return {.noun = "depot",
          .verb = "pause",
          .admin_verb = "depot.pause",
          .summary = "hold the transactions that a depot's sessions begin",
          .description =
              "Those under way go on to their end; whoever begins another waits, without a time limit, until depot "
              "resume. No session ends, and none is refused. In force in every gateway within a second, over restarts "
              "too. Prints what still runs in this gateway, and exits with 1 while something does.",
          .parameters = {name_of("the depot"), kWait},
          .examples = {{"bartizan depot pause clinic", ""}}};
}

Command depot_drain() {
  return {
      .noun = "depot",
      .verb = "drain",
      .admin_verb = "depot.drain",
      .summary = "as pause, and give up the server connections",
      .description =
          "As depot pause; besides, server connections are closed as soon as no transaction needs them, so that "
          "the server can be restarted or moved. Sessions that keep a server connection of their own (session mode, "
          "pinned ones) end between two transactions with 57P01; all others wait for depot resume. Exits with 1 "
          "while this gateway still has connections to the server.",
      .parameters = {name_of("the depot"), kWait},
      .examples = {{"bartizan depot drain clinic --wait 30", ""}}};
}

Command depot_resume() {
  return {.noun = "depot",
          .verb = "resume",
          .admin_verb = "depot.resume",
          .summary = "let a depot's transactions begin again",
          .description =
              "After depot pause or depot drain; what waits goes on in the order in which it came. After depot suspend "
              "the policies' objects are built anew before their identities are served again.",
          .parameters = {name_of("the depot"), kWait},
          .examples = {{"bartizan depot resume clinic", ""}}};
}

Command depot_suspend() {
  return {
      .noun = "depot",
      .verb = "suspend",
      .admin_verb = "depot.suspend",
      .summary = "take the policies' objects out of a database for now",
      .description =
          "Views, filters, roles, event triggers and what was taken from PUBLIC: the database is as it was before, "
          "for a dump of all of it, or for DDL of a superuser with triggers off. Identities under policies are told "
          "57P03 until depot resume; those past the wall go on. Whoever reaches the database past the gateway has the rights "
          "that he had without Bartizan.",
      .parameters = {name_of("the depot")},
      .examples = {{"bartizan depot suspend clinic", ""}}};
}

Command depot_declare_at_rest() {
  return {
      .noun = "depot",
      .verb = "declare-at-rest",
      .admin_verb = "depot.declare-at-rest",
      .summary = "say how its own server encrypts files",
      .description =
          "Bartizan can't look at the disks of a server that is not its own. What is declared stands in `status` with who said "
          "it, when and until when, as \"declared, not verified\"; nothing goes by it. In the place of an earlier declaration.",
      .parameters =
          {name_of("the depot"),
           {.name = "what", .placeholder = "TEXT", .help = "what encrypts them, and where that can be read up"},
           {.name = "until", .placeholder = "TIME", .help = "when it has to be said again", .default_text = "never"},
           {.name = "withdraw", .kind = ParameterKind::Flag, .help = "nothing is declared any more"}},
      .examples = {
          {"bartizan depot declare-at-rest clinic --what 'LUKS2 on the volume, ticket 17' --until 2027-06-30T00:00:00Z",
           ""}}};
}

Command depot_observe() {
  return {
      .noun = "depot",
      .verb = "observe",
      .admin_verb = "depot.observe",
      .summary = "record what policies would do, and do none of it",
      .description =
          "Identities under policies are passed through as their grant's login: nothing is masked, filtered or refused. What "
          "would have been stands with each statement in the audit log. A depot whose policies have been enforced before "
          "changes only when another administrator approves it (approval approve), within 24 hours; sessions under "
          "policies then end with 57P01. Encrypted columns stay encrypted.",
      .parameters = {name_of("the depot"),
                     {.name = "reason", .placeholder = "TEXT", .help = "why, for the history", .required = true}},
      .examples = {{"bartizan depot observe clinic --reason 'two weeks of trial'", ""}}};
}

Command depot_enforce() {
  return {.noun = "depot",
          .verb = "enforce",
          .admin_verb = "depot.enforce",
          .summary = "enforce the policies of a depot that was in observe",
          .description = "Its sessions under policies end with 57P01 within a second.",
          .parameters = {name_of("the depot")},
          .examples = {{"bartizan depot enforce clinic", ""}}};
}

Command depot_detach() {
  return {
      .noun = "depot",
      .verb = "detach",
      .admin_verb = "depot.detach",
      .summary = "take a database out of protection without a trace",
      .description = "As depot suspend, and then as depot delete. Refused while columns are encrypted. Sessions end.",
      .parameters = {name_of("the depot")},
      .examples = {{"bartizan depot detach clinic", ""}}};
}

Command import_roles() {
  return {
      .noun = "import",
      .verb = "roles",
      .admin_verb = "import.roles",
      .summary = "take over login roles of a server as identities",
      .description =
          "Reads the server's login roles with their SCRAM verifiers, so that users keep their passwords; that takes a "
          "superuser there. Roles that are identities already are left as they are.",
      .parameters =
          {{.name = "host",
            .placeholder = "HOST",
            .help = "server's name, address or unix socket folder",
            .required = true},
           kPort,
           {.name = "database", .placeholder = "NAME", .help = "database to sign in to", .default_text = "postgres"},
           {.name = "user",
            .placeholder = "ROLE",
            .help = "role to sign in as; its password is asked for",
            .required = true},
           kCaFile,
           {.name = "tenant", .placeholder = "NAME", .help = "tenant that they will belong to", .default_text = "none"},
           {.name = "dry-run", .kind = ParameterKind::Flag, .help = "tell what would be done, and do nothing"}},
      .examples = {{"bartizan import roles --host db.internal --user postgres --dry-run", ""}},
      .password = PasswordUse::Existing};
}

}  // namespace

std::vector<Command> depot_commands() {
  return {
      depot_create(),
      depot_login(),
      depot_set(),
      depot_pause(),
      depot_drain(),
      depot_resume(),
      depot_observe(),
      depot_declare_at_rest(),
      depot_enforce(),
      depot_suspend(),
      depot_wall_login(),
      depot_detach(),
      {.noun = "depot",
       .verb = "list",
       .admin_verb = "depot.list",
       .summary = "list protected databases",
       .columns = {{"name", "DEPOT"},
                   {"host", "HOST"},
                   {"port", "PORT"},
                   {"database", "DATABASE"},
                   {"tls", "TLS"},
                   {"tenant", "TENANT"},
                   {"state", "STATE"},
                   {"grade", "GRADE"},
                   {"logins", "LOGINS"}},
       .examples = {{"bartizan depot list", ""}}},
      {.noun = "depot",
       .verb = "show",
       .admin_verb = "depot.show",
       .summary = "show one protected database",
       .parameters = {name_of("the depot")},
       .examples = {{"bartizan depot show clinic", ""}}},
      {.noun = "depot",
       .verb = "delete",
       .admin_verb = "depot.delete",
       .summary = "take a database out of protection",
       .description =
           "Its grants and logins are forgotten, its sessions end. The database itself stays as it is: depot detach takes the policies' "
           "objects out of it as well.",
       .parameters = {name_of("the depot")},
       .examples = {{"bartizan depot delete clinic", ""}}},
      {.noun = "tenant",
       .verb = "create",
       .admin_verb = "tenant.create",
       .summary = "add a tenant",
       .parameters = {name_of("the tenant"),
                      {.name = "region",
                       .placeholder = "REGION",
                       .help = "where its data must stay",
                       .default_text = "anywhere"}},
       .examples = {{"bartizan tenant create northside --region eu", ""}}},
      {.noun = "tenant",
       .verb = "list",
       .admin_verb = "tenant.list",
       .summary = "list tenants",
       .columns = {{"name", "TENANT"}, {"region", "REGION"}, {"created_at", "CREATED"}},
       .examples = {{"bartizan tenant list", ""}}},
      {.noun = "tenant",
       .verb = "delete",
       .admin_verb = "tenant.delete",
       .summary = "remove a tenant that has nothing any more",
       .parameters = {name_of("the tenant")},
       .examples = {{"bartizan tenant delete northside", ""}}},
      import_roles(),
      import_pgbouncer_command(),
  };
}

}  // namespace bartizan::cli
