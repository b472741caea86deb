// serve, up, down, status, reload, config, doctor, preflight, rest encrypt, version.
#include "command.hpp"
#include "completion.hpp"
#include "manual.hpp"

namespace bartizan::cli {
namespace {

std::optional<std::string> check_demo(const Arguments& arguments) {
  if (arguments.has("demo") && arguments.has("no-demo")) return "--demo and --no-demo exclude each other";
  return std::nullopt;
}

Command serve() {
  return {
      .noun = "serve",
      .summary = "run Bartizan in the foreground",
      .description =
          "Reads the configuration, opens the wire port and the admin socket, and serves until SIGTERM or SIGINT, which let "
          "sessions finish first (limits.drain_timeout). SIGHUP reloads configuration and certificates without the loss of a "
          "session. Listening sockets that a service manager passes (sd_listen_fds(3), bartizan.socket) are served in place of "
          "those of [listen]: connections made while it restarts then wait instead of being refused.",
      .parameters = {{.name = "config",
                      .placeholder = "FILE",
                      .help = "configuration file",
                      .default_text = "/etc/bartizan/bartizan.toml"}},
      .examples = {{"bartizan serve --config bartizan.toml", "in front of the databases that the file names"}}};
}

Command up() {
  return {
      .noun = "up",
      .summary = "start Bartizan with a PostgreSQL of its own",
      .description =
          "Makes what is missing in the data folder (certificate authority, keys, a PostgreSQL that nobody can reach but "
          "through Bartizan, demo data), starts all of it and prints how to connect.",
      .parameters = {{.name = "data",
                      .placeholder = "DIR",
                      .help = "data folder; made if it is not there",
                      .default_text =
                          "$BARTIZAN_DATA, else /var/lib/bartizan for root, ~/.local/share/bartizan for others"},
                     {.name = "port",
                      .kind = ParameterKind::Integer,
                      .placeholder = "N",
                      .help = "TCP port of the wire port; 0 takes a free one",
                      .default_text = "6432",
                      .max = 65535},
                     {.name = "demo",
                      .kind = ParameterKind::Flag,
                      .help = "make the demo depot, its identities and its data",
                      .default_text = "on"},
                     {.name = "no-demo", .kind = ParameterKind::Flag, .help = "make no demo"},
                     {.name = "detach",
                      .kind = ParameterKind::Flag,
                      .help = "return when it accepts connections; end it with down"}},
      .examples = {{"bartizan up --data ./data --port 7000", "in the foreground; Ctrl-C stops everything in order"},
                   {"bartizan up --data ./data --detach", "in the background"}},
      .check = check_demo};
}

Command down() {
  return {
      .noun = "down",
      .admin_verb = "shutdown",
      .summary = "stop an instance that up started",
      .description =
          "Lets sessions finish (limits.drain_timeout), then stops Bartizan and its PostgreSQL in order. Data stays.",
      .examples = {{"bartizan down --data ./data", ""}}};
}

Command config_check() {
  return {
      .noun = "config",
      .verb = "check",
      .summary = "say what is wrong with a configuration file",
      .description =
          "Reads the file as serve would, BARTIZAN_ variables included, and prints every fault as file:line:column: message. "
          "Nothing is started or changed.",
      .parameters =
          {{.name = "file", .placeholder = "FILE", .help = "configuration file", .positional = true, .required = true},
           {.name = "json", .kind = ParameterKind::Flag, .help = "print JSON"}},
      .examples = {{"bartizan config check /etc/bartizan/bartizan.toml", "exit code 3 if there is a fault"}}};
}

Command config_reference() {
  return {.noun = "config",
          .verb = "reference",
          .summary = "print every configuration key with its default",
          .description = "Prints the reference page, in Markdown.",
          .examples = {{"bartizan config reference", ""}}};
}

Command preflight() {
  return {
      .noun = "preflight",
      .summary = "tell what would not work in front of a PostgreSQL",
      .description =
          "Connects to the server, reads, changes nothing, and reports what stands in the way of protecting it. A password "
          "comes from PGPASSFILE or PGPASSWORD; one in DSN is refused, because every user of the machine could read it.",
      .parameters = {{.name = "dsn",
                      .placeholder = "DSN",
                      .help = "libpq connection string or URI",
                      .positional = true,
                      .required = true},
                     {.name = "json", .kind = ParameterKind::Flag, .help = "print JSON"}},
      .examples = {{"bartizan preflight 'host=db.internal dbname=clinic user=postgres'", ""}}};
}

Command rest_encrypt() {
  return {
      .noun = "rest",
      .verb = "encrypt",
      .summary = "encrypt the files of a stopped embedded PostgreSQL",
      .description =
          "Copies them into an encrypted folder and removes the originals; needs as much room again. Broken off, it is called "
          "again. What the disk held of the originals can be read from it until it is written over.",
      .parameters = {{.name = "config",
                      .placeholder = "FILE",
                      .help = "configuration file, of an instance that serve runs",
                      .default_text = "none: one that up runs"},
                     {.name = "data",
                      .placeholder = "DIR",
                      .help = "data folder of up",
                      .default_text =
                          "$BARTIZAN_DATA, else /var/lib/bartizan for root, ~/.local/share/bartizan for others"}},
      .examples = {{"bartizan rest encrypt --data ./data", ""},
                   {"bartizan rest encrypt --config /etc/bartizan/bartizan.toml", ""}}};
}

}  // namespace

std::vector<Command> process_commands() {
  return {
      serve(),
      up(),
      down(),
      {.noun = "status",
       .admin_verb = "status",
       .summary = "show what runs and how to connect",
       .description =
           "Endpoints, CA file, depots, sessions and the state of each part. --json gives scripts the same, complete.",
       .examples = {{"bartizan status --data ./data --json", "for scripts"}}},
      {.noun = "reload",
       .admin_verb = "reload",
       .summary = "read configuration and certificates again",
       .description =
           "As SIGHUP does, but with an answer: which of the changed keys were taken over, and which need a restart. A "
           "faulty file changes nothing and is told. No session is lost.",
       .examples = {{"bartizan reload", ""}}},
      config_check(),
      config_reference(),
      {.noun = "doctor",
       .admin_verb = "doctor",
       .summary = "check the protection from the outside",
       .description =
           "Looks at the control database, the certificate, the audit log and the embedded PostgreSQL, signs in at each "
           "depot as each of its logins, and tries a direct sign-in without their passwords. Says what to do for each "
           "finding, the pg_hba.conf lines that admit the gateway alone among it.",
       .parameters = {{.name = "depot", .placeholder = "NAME", .help = "this depot alone", .default_text = "all"}},
       .examples = {{"bartizan doctor --depot clinic", ""}}},
      preflight(),
      rest_encrypt(),
      completion_command(),
      manual_command(),
      {.noun = "version", .summary = "print the version", .examples = {{"bartizan version", ""}}},
  };
}

}  // namespace bartizan::cli
