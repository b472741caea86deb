#include "bartizan/cli/run.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "fake_admin_server.hpp"

namespace bartizan::cli {
namespace {

using Fake = FakeAdminServer;

struct World {
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  config::Environment environment;
  std::vector<std::string> typed;  ///< passwords, in the order they are asked for
  std::vector<std::string> prompts;
  LocalCommands local;

  int run(std::vector<const char*> words) {
    words.insert(words.begin(), "bartizan");
    const Surroundings surroundings{
        in, out, err, environment, "1.2.3", [this](std::string_view prompt) -> Result<SecretBytes> {
          prompts.emplace_back(prompt);
          if (prompts.size() > typed.size()) return fail(Errc::Unavailable, "no terminal");
          return SecretBytes(std::string_view(typed[prompts.size() - 1]));
        }};
    return cli::run(static_cast<int>(words.size()), words.data(), local, surroundings);
  }
};

TEST_CASE("version, help and usage errors") {
  World world;
  CHECK(world.run({"version"}) == 0);
  CHECK(world.run({"--version"}) == 0);
  CHECK(world.out.str() == "bartizan 1.2.3\nbartizan 1.2.3\n");
  World help;
  CHECK(help.run({"grant", "add", "--help"}) == 0);
  CHECK(help.out.str().starts_with("bartizan grant add - let an identity or a role use a depot\n"));
  for (const char* part : {"USAGE\n", "OPTIONS\n", "EXIT CODES\n", "EXAMPLES\n", "--depot NAME"})
    CHECK(help.out.str().find(part) != std::string::npos);
  World wrong;
  CHECK(wrong.run({"grnt"}) == 2);
  CHECK(wrong.out.str().empty());
  CHECK(wrong.err.str() == "bartizan: there is no command \"grnt\"\nhint: did you mean grant?\n");
}

TEST_CASE("an answer's table goes to stdout, and its exit code is 0") {
  std::string request;
  World world;
  {
    const Fake server([&](int connection) {
      request = Fake::read_line(connection);
      Fake::send(connection, R"({"ok":true,"result":[{"name":"t","region":"eu"}]})"
                             "\n");
    });
    world.environment["BARTIZAN_SOCKET"] = server.socket_file();
    CHECK(world.run({"tenant", "list"}) == 0);
  }
  CHECK(request == R"({"v":1,"verb":"tenant.list","args":{}})");
  CHECK(world.out.str() == "TENANT  REGION\nt       eu\n");
  CHECK(world.err.str().empty());
}

TEST_CASE("a refusal is told on stderr with exit code 4") {
  World world;
  const Fake server([](int connection) {
    Fake::read_line(connection);
    Fake::send(connection, R"({"ok":false,"error":{"code":"not_found","message":"no tenant x"}})"
                           "\n");
  });
  const std::string file = server.socket_file();
  CHECK(world.run({"tenant", "delete", "x", "--socket", file.c_str()}) == 4);
  CHECK(world.out.str().empty());
  CHECK(world.err.str() == "bartizan: no tenant x\n");
}

TEST_CASE("nobody there, or no answer in time, is exit code 5; garbage is 1") {
  World world;
  CHECK(world.run({"status", "--data", "/nonexistent"}) == 5);
  CHECK(world.err.str() ==
        "bartizan: there is no admin socket at /nonexistent/run/admin.sock\n"
        "hint: is Bartizan running? --socket or --data says which one is meant\n");
  World slow;
  const Fake silent([](int connection) { Fake::hold(connection); });
  const std::string file = silent.socket_file();
  CHECK(slow.run({"status", "--socket", file.c_str(), "--timeout", "50ms"}) == 5);
  World garbled;
  const Fake garbage([](int connection) {
    Fake::read_line(connection);
    Fake::send(connection, "HTTP/1.1 400 Bad Request\r\n");
  });
  const std::string other = garbage.socket_file();
  CHECK(garbled.run({"status", "--socket", other.c_str()}) == 1);
  World usage;
  CHECK(usage.run({"status", "--timeout", "soon"}) == 2);
  CHECK(usage.run({"status", "--timeout", "0"}) == 2);
}

TEST_CASE("the socket: option, data option, then the environment") {
  struct Row {
    std::vector<const char*> options;
    config::Environment environment;
    const char* socket;
  };
  for (const Row& row :
       {Row{{"--socket", "/a/s"}, {{"BARTIZAN_SOCKET", "/b/s"}}, "/a/s"},
        Row{{"--data", "/d"}, {{"BARTIZAN_SOCKET", "/b/s"}}, "/d/run/admin.sock"},
        Row{{}, {{"BARTIZAN_SOCKET", "/b/s"}, {"BARTIZAN_DATA", "/e"}}, "/b/s"},
        Row{{}, {{"BARTIZAN_DATA", "/e"}}, "/e/run/admin.sock"}, Row{{}, {}, "/run/bartizan/admin.sock"}}) {
    World world;
    world.environment = row.environment;
    std::string seen;
    world.local.doctor = [&](const DoctorOptions& options) {
      seen = options.socket_file;
      return 0;
    };
    std::vector<const char*> words = {"doctor"};
    words.insert(words.end(), row.options.begin(), row.options.end());
    CHECK(world.run(words) == 0);
    CHECK(seen == row.socket);
  }
}

TEST_CASE("a new password is asked for twice, and never shown") {
  std::string request;
  World world;
  world.typed = {"pa55", "pa55"};
  {
    const Fake server([&](int connection) {
      request = Fake::read_line(connection);
      Fake::send(connection, "{\"ok\":true,\"result\":{\"name\":\"ann\"}}\n");
    });
    world.environment["BARTIZAN_SOCKET"] = server.socket_file();
    CHECK(world.run({"identity", "create", "ann"}) == 0);
  }
  CHECK(request == R"({"v":1,"verb":"identity.create","args":{"name":"ann","password":"pa55"}})");
  CHECK(world.prompts == std::vector<std::string>{"Password of ann: ", "The same again: "});
  CHECK((world.out.str() + world.err.str()).find("pa55") == std::string::npos);
  World differ;
  differ.typed = {"a", "b"};
  CHECK(differ.run({"identity", "set-password", "ann"}) == 2);
  CHECK(differ.err.str() == "bartizan: the two passwords differ\n");
}

TEST_CASE("a password from stdin; without terminal and --password-stdin the usage is wrong") {
  std::string request;
  World world;
  world.in.str("from stdin\nrest\n");
  {
    const Fake server([&](int connection) {
      request = Fake::read_line(connection);
      Fake::send(connection, "{\"ok\":true,\"result\":null}\n");
    });
    world.environment["BARTIZAN_SOCKET"] = server.socket_file();
    CHECK(world.run({"depot", "login", "d", "owner", "--password-stdin"}) == 0);
  }
  CHECK(request == R"({"v":1,"verb":"depot.login","args":{"name":"d","login":"owner","password":"from stdin"}})");
  CHECK(world.prompts.empty());
  World none;
  CHECK(none.run({"identity", "create", "ann"}) == 2);
  CHECK(none.err.str() == "bartizan: no terminal\nhint: --password-stdin reads it from stdin\n");
  World empty;
  CHECK(empty.run({"identity", "create", "ann", "--password-stdin"}) == 2);
}

TEST_CASE("local commands get their options and give the exit code") {
  World world;
  world.local.serve = [](const ServeOptions& o) { return o.config_file == "/etc/bartizan/bartizan.toml" ? 10 : 11; };
  world.local.up = [](const UpOptions& o) {
    if (o.data_directory.empty()) return 22;  // the program chooses a folder itself
    return o.data_directory == "/d" && o.port == 7000 && !o.demo && o.detach ? 20 : 21;
  };
  world.local.down = [](const DownOptions& o) {
    return o.data_directory == "/d" && o.socket_file == "/d/run/admin.sock" ? 30 : 31;
  };
  world.local.preflight = [](const PreflightOptions& o) { return o.dsn == "host=x" && o.json ? 40 : 41; };
  CHECK(world.run({"serve"}) == 10);
  CHECK(world.run({"serve", "--config", "x.toml"}) == 11);
  CHECK(world.run({"up", "--data", "/d", "--port", "7000", "--no-demo", "--detach"}) == 20);
  CHECK(world.run({"up", "--data", "/d"}) == 21);
  CHECK(world.run({"up"}) == 22);
  world.environment["BARTIZAN_DATA"] = "/d";
  CHECK(world.run({"up"}) == 21);
  CHECK(world.run({"down"}) == 30);
  CHECK(world.run({"preflight", "host=x", "--json"}) == 40);
  world.local.rest_encrypt = [](const RestEncryptOptions& o) {
    return o.config_file == "x.toml" ? 50 : o.config_file.empty() && o.data_directory == "/d" ? 51 : 52;
  };
  CHECK(world.run({"rest", "encrypt", "--config", "x.toml"}) == 50);
  CHECK(world.run({"rest", "encrypt", "--data", "/d"}) == 51);
  World without;
  CHECK(without.run({"serve"}) == 4);
}

TEST_CASE("a DSN with a password is refused before anything is done with it") {
  World world;
  world.local.preflight = [](const PreflightOptions&) { return 0; };
  for (const char* dsn : {"host=x password=y", "host=x password = 'y'", "postgresql://u:p@h/d", "postgres://u:p@h",
                          "postgresql://h/d?password=y", "host=x sslpassword=y"}) {
    CAPTURE(dsn);
    CHECK(world.run({"preflight", dsn}) == 2);
  }
  CHECK(world.err.str().find("p@h") == std::string::npos);
  for (const char* dsn : {"host=x", "postgresql://u@h:5432/d", "postgresql://h:5432/d",
                          "postgresql:///d?host=/run/postgresql", "passfile=/x"}) {
    CAPTURE(dsn);
    CHECK(world.run({"preflight", dsn}) == 0);
  }
}

TEST_CASE("config check and reference") {
  const std::string file =
      (std::filesystem::temp_directory_path() / ("bz-cli-check-" + std::to_string(::getpid()) + ".toml")).native();
  std::ofstream(file) << "[listen]\nprot = 1\n[limits]\nclients = 0\n";
  World world;
  CHECK(world.run({"config", "check", file.c_str()}) == 3);
  CHECK(world.err.str() == file + ":2:1: unknown key prot in [listen]; did you mean port?\n" + file +
                               ":4:11: limits.clients: 0 is out of range: from 1 to 1000000\n");
  std::ofstream(file) << "[listen]\nport = 1\n";
  World good;
  CHECK(good.run({"config", "check", file.c_str()}) == 0);
  CHECK(good.out.str() == file + ": no faults\n");
  std::filesystem::remove(file);
  World missing;
  CHECK(missing.run({"config", "check", file.c_str(), "--json"}) == 3);
  World reference;
  CHECK(reference.run({"config", "reference"}) == 0);
  CHECK(reference.out.str().starts_with("# Configuration\n"));
}

TEST_CASE("a CA file must be one") {
  World world;
  CHECK(world.run({"depot", "create", "d", "--host", "h", "--ca-file", "/nonexistent/ca.pem"}) == 1);
  CHECK(world.err.str() == "bartizan: /nonexistent/ca.pem: cannot be read\n");
  World wrong;
  CHECK(wrong.run({"depot", "create", "d", "--host", "h", "--ca-file", "/dev/null"}) == 2);
  CHECK(wrong.err.str() == "bartizan: /dev/null: holds no PEM certificate\n");
}

TEST_CASE("output that nobody could get is no success") {
  World world;
  world.out.setstate(std::ios::badbit);
  CHECK(world.run({"version"}) == 1);
}

}  // namespace
}  // namespace bartizan::cli
