#include "import_pgbouncer.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "bartizan/config/load_file.hpp"
#include "fake_admin_server.hpp"

namespace bartizan::cli {
namespace {

namespace json = boost::json;
using Fake = FakeAdminServer;

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A folder with a configuration, and runs of the command on it.
struct World {
  World() {
    std::string pattern = (std::filesystem::temp_directory_path() / "bz-import-XXXXXX").native();
    folder = ::mkdtemp(pattern.data());
    write("pgbouncer.ini",
          "[databases]\nshop = host=/run/pg user=app password=geheim\n[pgbouncer]\nauth_type = md5\n"
          "auth_file = users\nmax_client_conn = 50\n");
    write("users", "\"ann\" \"pa55\"\n");
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() { std::filesystem::remove_all(folder); }

  void write(const char* name, std::string_view text) const {
    std::ofstream(folder / name, std::ios::binary | std::ios::app) << text;
  }
  int run(std::vector<std::string> options) {
    std::vector<std::string> words = {"bartizan", "import", "pgbouncer", (folder / "pgbouncer.ini").native()};
    words.insert(words.end(), options.begin(), options.end());
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    out.str({});
    err.str({});
    std::istringstream in;
    const Surroundings surroundings{in, out, err, {}, "1", {}};
    return cli::run(static_cast<int>(argv.size()), argv.data(), {}, surroundings);
  }

  std::filesystem::path folder;
  std::ostringstream out;
  std::ostringstream err;
};

TEST_CASE("import pgbouncer: the report by chapters, without secrets") {
  World world;
  CHECK(world.run({}) == 0);
  const std::string text = world.out.str();
  CHECK(text.find(": 1 settings, 1 depots, 1 identities, 1 logins, 1 grants\n") != std::string::npos);
  CHECK(text.find("CHANGED: has a counterpart that differs (1)") != std::string::npos);
  CHECK(text.find("pgbouncer.ini:6  [pgbouncer] max_client_conn = 50\n      limits.clients = 50\n") !=
        std::string::npos);
  CHECK(text.find("[databases] shop: password = (not shown)") != std::string::npos);
  CHECK(text.find("REFUSED") == std::string::npos);
  for (const char* secret : {"geheim", "pa55"}) CHECK(text.find(secret) == std::string::npos);
}

TEST_CASE("import pgbouncer: refused keys are exit code 4; what stands in the file can't fool a terminal") {
  World world;
  world.write("pgbouncer.ini", "evil\x1b[2J = 1\n");
  CHECK(world.run({}) == 3);
  CHECK(world.err.str().find(":7: not key = value") != std::string::npos);
  World other;
  other.write("pgbouncer.ini", "disable_pqexec = 1\x1b[2J\n");
  CHECK(other.run({}) == 4);
  CHECK(other.out.str().find("disable_pqexec = 1\\x1b[2J") != std::string::npos);
  CHECK(other.out.str().find('\x1b') == std::string::npos);
  CHECK(other.run({"--json"}) == 4);
  CHECK(other.out.str().find('\x1b') == std::string::npos);
}

TEST_CASE("import pgbouncer --json: everything but the secrets") {
  World world;
  CHECK(world.run({"--json"}) == 0);
  const std::string text = world.out.str();
  for (const char* secret : {"geheim", "pa55"}) CHECK(text.find(secret) == std::string::npos);
  const json::object all = json::parse(text).as_object();
  CHECK(all.at("ok").as_bool());
  CHECK(all.at("mapped").to_number<int>() > 3);
  CHECK(all.at("requests").as_array().size() == 5);
  CHECK(all.at("applied").is_null());
  CHECK(std::string(all.at("toml").as_string()).find("\n[limits]\nclients = 50\n") != std::string::npos);
}

TEST_CASE("import pgbouncer --out: a TOML that loads, requests that nobody else can read, nothing written over") {
  World world;
  const auto out = world.folder / "made";
  CHECK(world.run({"--out", out.native()}) == 0);
  CHECK(config::load_file(out / "bartizan.toml", {}).has_value());
  struct ::stat status{};
  REQUIRE(::stat((out / "requests.jsonl").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  const std::string lines = content_of(out / "requests.jsonl");
  CHECK(lines.starts_with(R"({"v":1,"verb":"depot.create","args":{"name":"shop","host":"/run/pg")"));
  CHECK(lines.find(R"("password":"pa55")") != std::string::npos);
  std::ofstream(out / "bartizan.toml") << "# mine";
  CHECK(world.run({"--out", out.native()}) == 4);
  CHECK(world.err.str().find("bartizan.toml is there already") != std::string::npos);
  CHECK(content_of(out / "bartizan.toml") == "# mine");
}

TEST_CASE("import pgbouncer --apply: sends in order, leaves what is there, stops at a fault") {
  struct Row {
    std::vector<const char*> answers;  ///< the last one is repeated
    int code;
    std::size_t requests;
    const char* told;
  };
  constexpr const char* kOk = "{\"ok\":true,\"result\":null}\n";
  constexpr const char* kThere = "{\"ok\":false,\"error\":{\"code\":\"already_exists\",\"message\":\"there\"}}\n";
  constexpr const char* kNo = "{\"ok\":false,\"error\":{\"code\":\"permission_denied\",\"message\":\"not you\"}}\n";
  for (const Row& row : {
           Row{{kOk}, 0, 5, "APPLIED: 5 done, 0 were there already"},
           Row{{kThere, kOk}, 0, 6, "APPLIED: 4 done, 1 were there already"},
           Row{{kOk, kOk, kNo}, 4, 3, "failed: depot.login shop app: not you"},
           Row{{kOk, "nonsense\n"}, 1, 2, "failed: depot.set shop: the answer of the admin socket is not understood"},
       }) {
    World world;
    std::vector<std::string> requests;
    {
      const Fake server([&](int connection) {
        requests.push_back(Fake::read_line(connection));
        Fake::send(connection, row.answers[std::min(requests.size(), row.answers.size()) - 1]);
      });
      CHECK(world.run({"--apply", "--socket", server.socket_file()}) == row.code);
    }
    CHECK_MESSAGE(world.out.str().find(row.told) != std::string::npos, world.out.str());
    CHECK(requests.size() == row.requests);
    CHECK(requests.front().find("depot.create") != std::string::npos);
  }
}

TEST_CASE("import pgbouncer --apply again: a login that is there keeps the password that somebody gave it") {
  World world;
  std::string verbs;
  {
    const Fake server([&](int connection) {
      const std::string line = Fake::read_line(connection);
      const json::object request = json::parse(line).as_object();
      const std::string verb(request.at("verb").as_string());
      verbs += verb + " ";
      if (verb == "depot.create") {
        Fake::send(connection, "{\"ok\":false,\"error\":{\"code\":\"already_exists\",\"message\":\"there\"}}\n");
      } else if (verb == "depot.show") {
        Fake::send(connection, "{\"ok\":true,\"result\":{\"logins\":[{\"login\":\"app\",\"secret\":\"password\"}]}}\n");
      } else {
        Fake::send(connection, "{\"ok\":true,\"result\":null}\n");
      }
    });
    CHECK(world.run({"--apply", "--socket", server.socket_file()}) == 0);
  }
  CHECK(verbs == "depot.create depot.show depot.set identity.create grant.add ");
  CHECK(world.out.str().find("APPLIED: 3 done, 2 were there already") != std::string::npos);
}

TEST_CASE("import pgbouncer --apply: refused keys hold everything back, unless --skip-refused") {
  World world;
  world.write("pgbouncer.ini", "disable_pqexec = 1\n");
  CHECK(world.run({"--apply", "--socket", "/nonexistent/s"}) == 4);
  CHECK(world.out.str().find("NOTHING APPLIED") != std::string::npos);
  CHECK(world.run({"--apply", "--skip-refused", "--socket", "/nonexistent/s"}) == 5);
  CHECK(world.run({"--skip-refused"}) == 2);
  CHECK(world.run({"--apply", "--timeout", "soon"}) == 2);
}

TEST_CASE("import pgbouncer: files that cannot be read are a fault of the configuration") {
  World world;
  world.write("pgbouncer.ini", "%include gone.ini\n");
  CHECK(world.run({}) == 3);
  CHECK(world.err.str().find("gone.ini: no file that can be read") != std::string::npos);
}

}  // namespace
}  // namespace bartizan::cli
