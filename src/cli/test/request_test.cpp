#include "request.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "parse.hpp"

namespace bartizan::cli {
namespace {

Invocation invocation_of(const std::vector<const char*>& words) {
  Parsed parsed = parse(words);
  REQUIRE(std::holds_alternative<Invocation>(parsed));
  return std::get<Invocation>(std::move(parsed));
}

TEST_CASE("arguments to requests") {
  struct Row {
    std::vector<const char*> words;
    const char* password;
    const char* request;
  };
  const Row rows[] = {
      {{"status"}, "", R"({"v":1,"verb":"status","args":{}})"},
      {{"status", "--json", "--socket", "/s", "--timeout", "5s"}, "", R"({"v":1,"verb":"status","args":{}})"},
      {{"status", "--data", "/d"}, "", R"({"v":1,"verb":"status","args":{}})"},
      {{"reload"}, "", R"({"v":1,"verb":"reload","args":{}})"},
      {{"down", "--data", "/d"}, "", R"({"v":1,"verb":"shutdown","args":{}})"},
      {{"doctor"}, "", R"({"v":1,"verb":"doctor","args":{}})"},
      {{"depot", "create", "clinic"},
       "",
       R"({"v":1,"verb":"depot.create","args":{"name":"clinic","database":"clinic"}})"},
      {{"depot", "create", "clinic", "--host", "db", "--port", "5433", "--database", "app", "--login", "owner",
        "--tenant", "t"},
       "pw",
       R"({"v":1,"verb":"depot.create","args":{"name":"clinic","host":"db","port":5433,"database":"app","tenant":"t","logins":[{"login":"owner","password":"pw"}]}})"},
      {{"depot", "create", "clinic", "--login", "owner", "--no-password"},
       "",
       R"({"v":1,"verb":"depot.create","args":{"name":"clinic","database":"clinic","logins":[{"login":"owner"}]}})"},
      {{"depot", "login", "clinic", "reader"},
       "pw",
       R"({"v":1,"verb":"depot.login","args":{"name":"clinic","login":"reader","password":"pw"}})"},
      {{"depot", "login", "clinic", "reader", "--delete"},
       "",
       R"({"v":1,"verb":"depot.login","args":{"name":"clinic","login":"reader","delete":true}})"},
      {{"depot", "wall-login", "clinic", "keeper"},
       "pw",
       R"({"v":1,"verb":"depot.wall-login","args":{"name":"clinic","login":"keeper","password":"pw"}})"},
      {{"depot", "wall-login", "clinic", "--delete"},
       "",
       R"({"v":1,"verb":"depot.wall-login","args":{"name":"clinic","delete":true}})"},
      {{"depot", "list"}, "", R"({"v":1,"verb":"depot.list","args":{}})"},
      {{"depot", "show", "d"}, "", R"({"v":1,"verb":"depot.show","args":{"name":"d"}})"},
      {{"depot", "suspend", "d"}, "", R"({"v":1,"verb":"depot.suspend","args":{"name":"d"}})"},
      {{"depot", "detach", "d"}, "", R"({"v":1,"verb":"depot.detach","args":{"name":"d"}})"},
      {{"depot", "delete", "d"}, "", R"({"v":1,"verb":"depot.delete","args":{"name":"d"}})"},
      {{"tenant", "create", "t", "--region", "eu"},
       "",
       R"({"v":1,"verb":"tenant.create","args":{"name":"t","region":"eu"}})"},
      {{"tenant", "list"}, "", R"({"v":1,"verb":"tenant.list","args":{}})"},
      {{"tenant", "delete", "t"}, "", R"({"v":1,"verb":"tenant.delete","args":{"name":"t"}})"},
      {{"identity", "create", "ann", "--tenant", "t", "--service", "--operator", "--valid-until",
        "2030-01-01T00:00:00Z"},
       "p\"w\n",
       R"({"v":1,"verb":"identity.create","args":{"name":"ann","tenant":"t","service":true,"operator":true,"valid_until":"2030-01-01T00:00:00Z","password":"p\"w\n"}})"},
      {{"identity", "create", "ann", "--no-password"}, "", R"({"v":1,"verb":"identity.create","args":{"name":"ann"}})"},
      {{"identity", "list", "--tenant", "t"}, "", R"({"v":1,"verb":"identity.list","args":{"tenant":"t"}})"},
      {{"identity", "show", "ann"}, "", R"({"v":1,"verb":"identity.show","args":{"name":"ann"}})"},
      {{"identity", "set-password", "ann", "--password-stdin"},
       "pw",
       R"({"v":1,"verb":"identity.set-password","args":{"name":"ann","password":"pw"}})"},
      {{"identity", "enable", "ann"}, "", R"({"v":1,"verb":"identity.enable","args":{"name":"ann"}})"},
      {{"identity", "disable", "ann"}, "", R"({"v":1,"verb":"identity.disable","args":{"name":"ann"}})"},
      {{"identity", "delete", "ann"}, "", R"({"v":1,"verb":"identity.delete","args":{"name":"ann"}})"},
      {{"role", "create", "r"}, "", R"({"v":1,"verb":"role.create","args":{"name":"r"}})"},
      {{"role", "list"}, "", R"({"v":1,"verb":"role.list","args":{}})"},
      {{"role", "delete", "r"}, "", R"({"v":1,"verb":"role.delete","args":{"name":"r"}})"},
      {{"role", "assign", "r", "ann"}, "", R"({"v":1,"verb":"role.assign","args":{"role":"r","identity":"ann"}})"},
      {{"role", "unassign", "r", "ann"}, "", R"({"v":1,"verb":"role.unassign","args":{"role":"r","identity":"ann"}})"},
      {{"grant", "add", "--depot", "d", "--identity", "ann", "--login", "l"},
       "",
       R"({"v":1,"verb":"grant.add","args":{"depot":"d","identity":"ann","login":"l"}})"},
      {{"grant", "list", "--role", "r"}, "", R"({"v":1,"verb":"grant.list","args":{"role":"r"}})"},
      {{"grant", "remove", "some-id"}, "", R"({"v":1,"verb":"grant.remove","args":{"id":"some-id"}})"},
      {{"depot", "set", "d", "--pool-size", "4", "--share-unnamed", "off"},
       "",
       R"({"v":1,"verb":"depot.set","args":{"name":"d","pool_size":4,"share_unnamed":"off"}})"},
      {{"depot", "pause", "d"}, "", R"({"v":1,"verb":"depot.pause","args":{"name":"d"}})"},
      {{"depot", "drain", "d", "--wait", "30"}, "", R"({"v":1,"verb":"depot.drain","args":{"name":"d","wait":30}})"},
      {{"depot", "resume", "d"}, "", R"({"v":1,"verb":"depot.resume","args":{"name":"d"}})"},
      {{"policy", "publish", "policies/", "--reason", "why", "--acknowledge", "a,b", "--dry-run"},
       "",
       R"({"v":1,"verb":"policy.publish","args":{"reason":"why","acknowledge":"a,b","dry_run":true}})"},
      {{"policy", "diff", "--from", "3", "--to", "5"}, "", R"({"v":1,"verb":"policy.diff","args":{"from":3,"to":5}})"},
      {{"policy", "history"}, "", R"({"v":1,"verb":"policy.history","args":{}})"},
      {{"policy", "show", "3"}, "", R"({"v":1,"verb":"policy.show","args":{"number":3}})"},
      {{"policy", "rollback", "3", "--reason", "why"},
       "",
       R"({"v":1,"verb":"policy.rollback","args":{"number":3,"reason":"why"}})"},
      {{"policy", "test"}, "", R"({"v":1,"verb":"policy.test","args":{}})"},
      {{"policy", "explain", "--as", "ann", "--depot", "d", "--table", "s.t", "--purpose", "p"},
       "",
       R"({"v":1,"verb":"policy.explain","args":{"as":"ann","depot":"d","table":"s.t","purpose":"p"}})"},
      {{"policy", "simulate", "policies/", "--identity", "ann", "--after", "200", "--records", "0"},
       "",
       R"({"v":1,"verb":"policy.simulate","args":{"identity":"ann","after":200,"records":0}})"},
      {{"policy", "explain", "--as", "ann", "SELECT 1"},
       "",
       R"({"v":1,"verb":"policy.explain","args":{"as":"ann","statement":"SELECT 1"}})"},
      {{"access", "who-can-see", "d:s.t.c"}, "", R"({"v":1,"verb":"access.who-can-see","args":{"column":"d:s.t.c"}})"},
      {{"access", "what-can-see", "ann", "--depot", "d"},
       "",
       R"({"v":1,"verb":"access.what-can-see","args":{"identity":"ann","depot":"d"}})"},
      {{"audit", "search", "--identity", "ann", "--table", "s.t", "--limit", "5"},
       "",
       R"({"v":1,"verb":"audit.search","args":{"identity":"ann","table":"s.t","limit":5}})"},
      {{"audit", "search", "--count-by", "identity", "--per", "day"},
       "",
       R"({"v":1,"verb":"audit.search","args":{"count_by":"identity","per":"day"}})"},
      {{"audit", "key-rotate", "--reason", "yearly", "--grace-days", "7"},
       "",
       R"({"v":1,"verb":"audit.key-rotate","args":{"grace_days":7,"reason":"yearly"}})"},
      {{"audit", "show", "t-a:1"}, "", R"({"v":1,"verb":"audit.show","args":{"record":"t-a:1"}})"},
      {{"audit", "prove", "t-a:1"}, "", R"({"v":1,"verb":"audit.prove","args":{"record":"t-a:1"}})"},
      {{"audit", "export", "--tenant", "t", "--after", "7"},
       "",
       R"({"v":1,"verb":"audit.export","args":{"tenant":"t","after":7}})"},
      {{"audit", "search", "--as", "ann", "--column", "s.t.c"},
       "pw",
       R"({"v":1,"verb":"audit.search","args":{"column":"s.t.c","as":"ann","password":"pw"}})"},
      {{"audit", "tail", "--outcome", "refused", "--limit", "3"},
       "",
       R"({"v":1,"verb":"audit.tail","args":{"outcome":"refused"}})"},
      {{"audit", "verify", "--tenant", "t"}, "", R"({"v":1,"verb":"audit.verify","args":{"tenant":"t"}})"},
      {{"audit", "hold-add", "c7", "--tenant", "t", "--reason", "why"},
       "",
       R"({"v":1,"verb":"audit.hold-add","args":{"case":"c7","tenant":"t","reason":"why"}})"},
      {{"audit", "hold-list"}, "", R"({"v":1,"verb":"audit.hold-list","args":{}})"},
      {{"audit", "hold-release", "c7", "--reason", "why"},
       "",
       R"({"v":1,"verb":"audit.hold-release","args":{"case":"c7","reason":"why"}})"},
      {{"audit", "prune", "--before", "2020-01-01T00:00:00Z", "--reason", "why"},
       "",
       R"({"v":1,"verb":"audit.prune","args":{"before":"2020-01-01T00:00:00Z","reason":"why"}})"},
      {{"audit", "ceiling-set", "--days", "400", "--tenant", "t"},
       "",
       R"({"v":1,"verb":"audit.ceiling-set","args":{"days":400,"tenant":"t"}})"},
      {{"audit", "ceiling-list"}, "", R"({"v":1,"verb":"audit.ceiling-list","args":{}})"},
      {{"audit", "ceiling-remove"}, "", R"({"v":1,"verb":"audit.ceiling-remove","args":{}})"},
      {{"audit", "reader-add", "ann"}, "", R"({"v":1,"verb":"audit.reader-add","args":{"identity":"ann"}})"},
      {{"audit", "reader-remove", "ann"}, "", R"({"v":1,"verb":"audit.reader-remove","args":{"identity":"ann"}})"},
      {{"audit", "reader-list"}, "", R"({"v":1,"verb":"audit.reader-list","args":{}})"},
      {{"audit", "break-glass", "on", "--for", "15m", "--reason", "r"},
       "",
       R"({"v":1,"verb":"audit.break-glass","args":{"state":"on","for":"15m","reason":"r"}})"},
      {{"audit", "erase", "--tenant", "t", "--month", "2026-11", "--reason", "r"},
       "",
       R"({"v":1,"verb":"audit.erase","args":{"tenant":"t","month":"2026-11","reason":"r"}})"},
      {{"audit", "unseal", "t-a:1", "--reason", "r"},
       "",
       R"({"v":1,"verb":"audit.unseal","args":{"record":"t-a:1","reason":"r"}})"},
      {{"column", "encrypt", "d", "s.t.c", "--search", "--stored-index", "--join-with", "s.t.e", "--per-tenant",
        "--bind-row"},
       "",
       R"({"v":1,"verb":"column.encrypt","args":{"depot":"d","column":"s.t.c","search":true,"stored_index":true,"join_with":"s.t.e","per_tenant":true,"bind_row":true}})"},
      {{"column", "decrypt", "d", "s.t.c"},
       "",
       R"({"v":1,"verb":"column.decrypt","args":{"depot":"d","column":"s.t.c"}})"},
      {{"column", "status"}, "", R"({"v":1,"verb":"column.status","args":{}})"},
      {{"key", "list"}, "", R"({"v":1,"verb":"key.list","args":{}})"},
      {{"key", "create", "--tenant", "t"}, "", R"({"v":1,"verb":"key.create","args":{"tenant":"t"}})"},
      {{"key", "create", "--tenant", "t", "--provider", "vault:https://v/m/k?token-file=/t"},
       "",
       R"({"v":1,"verb":"key.create","args":{"tenant":"t","provider":"vault:https://v/m/k?token-file=/t"}})"},
      {{"key", "revoke", "--tenant", "t", "--reason", "r"},
       "",
       R"({"v":1,"verb":"key.revoke","args":{"tenant":"t","reason":"r"}})"},
      {{"key", "reinstate", "--tenant", "t"}, "", R"({"v":1,"verb":"key.reinstate","args":{"tenant":"t"}})"},
      {{"key", "status"}, "", R"({"v":1,"verb":"key.status","args":{}})"},
      {{"key", "rotate", "--depot", "d"}, "", R"({"v":1,"verb":"key.rotate","args":{"depot":"d"}})"},
      {{"key", "rewrap"}, "", R"({"v":1,"verb":"key.rewrap","args":{}})"},
      {{"column", "encrypt", "d", "s.t.c", "--subject", "person"},
       "",
       R"({"v":1,"verb":"column.encrypt","args":{"depot":"d","column":"s.t.c","subject":"person"}})"},
      {{"key", "destroy", "--tenant", "t", "--reason", "why", "--irrevocably"},
       "",
       R"({"v":1,"verb":"key.destroy","args":{"tenant":"t","reason":"why","irrevocably":true}})"},
      {{"depot", "observe", "d", "--reason", "why"},
       "",
       R"({"v":1,"verb":"depot.observe","args":{"name":"d","reason":"why"}})"},
      {{"depot", "enforce", "d"}, "", R"({"v":1,"verb":"depot.enforce","args":{"name":"d"}})"},
      {{"approval", "list"}, "", R"({"v":1,"verb":"approval.list","args":{}})"},
      {{"approval", "approve", "i"}, "", R"({"v":1,"verb":"approval.approve","args":{"id":"i"}})"},
      {{"approval", "withdraw", "i"}, "", R"({"v":1,"verb":"approval.withdraw","args":{"id":"i"}})"},
      {{"catalog", "classify", "d", "--table", "public.people", "--rows", "7", "--write", "f.yaml"},
       "",
       R"({"v":1,"verb":"catalog.classify","args":{"depot":"d","table":"public.people","rows":7}})"},
      {{"function", "allow", "d", "public.f", "--reason", "why", "--acknowledge", "volatile,tables"},
       "",
       R"({"v":1,"verb":"function.allow","args":{"depot":"d","function":"public.f","reason":"why","acknowledge":"volatile,tables"}})"},
      {{"function", "allow", "d", "public.f", "--reason", "why", "--digest", "9f86"},
       "",
       R"({"v":1,"verb":"function.allow","args":{"depot":"d","function":"public.f","reason":"why","digest":"9f86"}})"},
      {{"function", "deny", "d", "public.f"},
       "",
       R"({"v":1,"verb":"function.deny","args":{"depot":"d","function":"public.f"}})"},
      {{"function", "list"}, "", R"({"v":1,"verb":"function.list","args":{}})"},
      {{"depot", "declare-at-rest", "d", "--what", "LUKS", "--until", "2027-01-01T00:00:00Z"},
       "",
       R"({"v":1,"verb":"depot.declare-at-rest","args":{"name":"d","what":"LUKS","until":"2027-01-01T00:00:00Z"}})"},
      {{"column", "tokenize", "d", "public.t.c", "--alphabet", "digits", "--separators", " -"},
       "",
       R"({"v":1,"verb":"column.tokenize","args":{"depot":"d","column":"public.t.c","alphabet":"digits","separators":" -"}})"},
      {{"column", "detokenize", "d", "public.t.c"},
       "",
       R"({"v":1,"verb":"column.detokenize","args":{"depot":"d","column":"public.t.c"}})"},
      {{"wall", "status"}, "", R"({"v":1,"verb":"wall.status","args":{}})"},
      {{"wall", "reconcile"}, "", R"({"v":1,"verb":"wall.reconcile","args":{}})"},
      {{"session", "list"}, "", R"({"v":1,"verb":"session.list","args":{}})"},
      {{"session", "kill", "7"}, "", R"({"v":1,"verb":"session.kill","args":{"id":"7"}})"},
      {{"setting", "list"}, "", R"({"v":1,"verb":"setting.list","args":{}})"},
      {{"setting", "get", "s"}, "", R"({"v":1,"verb":"setting.get","args":{"name":"s"}})"},
      {{"setting", "set", "s", "v"}, "", R"({"v":1,"verb":"setting.set","args":{"name":"s","value":"v"}})"},
      {{"setting", "set", "s", "--default"}, "", R"({"v":1,"verb":"setting.set","args":{"name":"s","value":null}})"},
      {{"changes", "list", "--after", "12", "--limit", "5"},
       "",
       R"({"v":1,"verb":"changes.list","args":{"after":12,"limit":5}})"},
      {{"import", "roles", "--host", "db", "--user", "postgres", "--dry-run"},
       "pw",
       R"({"v":1,"verb":"import.roles","args":{"host":"db","user":"postgres","dry_run":true,"password":"pw"}})"},
  };
  std::set<std::string> covered;
  for (const Row& row : rows) {
    CAPTURE(row.request);
    const Invocation invocation = invocation_of(row.words);
    covered.insert(invocation.command->name());
    Attachments attachments;
    attachments.password = SecretBytes(std::string_view(row.password));
    CHECK(wants_password(*invocation.command, invocation.arguments) == !attachments.password.empty());
    CHECK(build_request(*invocation.command, invocation.arguments, attachments) == row.request);
  }
  for (const Command& command : commands()) {
    CAPTURE(command.name());
    CHECK((command.admin_verb.empty() || covered.contains(command.name())));
  }
}

TEST_CASE("manifests' contents go along") {
  const Invocation invocation = invocation_of({"policy", "test", "policies/"});
  Attachments attachments;
  attachments.documents = std::vector<ManifestFile>{ManifestFile{"a.yaml", "name: \"x\"\n"}};
  CHECK(build_request(*invocation.command, invocation.arguments, attachments) ==
        R"({"v":1,"verb":"policy.test","args":{"documents":[{"file":"a.yaml","text":"name: \"x\"\n"}]}})");
}

TEST_CASE("a certificate and its key go along, with the login") {
  const auto request_for = [](const std::vector<const char*>& words) {
    const Invocation invocation = invocation_of(words);
    Attachments attachments;
    attachments.certificate_pem = "CERT";
    attachments.private_key_pem = SecretBytes(std::string_view("KEY"));
    return build_request(*invocation.command, invocation.arguments, attachments);
  };
  CHECK(
      request_for({"depot", "login", "d", "r", "--no-password", "--certificate-file", "c", "--key-file", "k"}) ==
      R"({"v":1,"verb":"depot.login","args":{"name":"d","login":"r","certificate_pem":"CERT","private_key_pem":"KEY"}})");
  CHECK(
      request_for(
          {"depot", "create", "d", "--host", "h", "--login", "r", "--certificate-file", "c", "--key-file", "k"}) ==
      R"({"v":1,"verb":"depot.create","args":{"name":"d","host":"h","database":"d","logins":[{"login":"r","certificate_pem":"CERT","private_key_pem":"KEY"}]}})");
}

TEST_CASE("a certificate goes with its key and a login, and not with its opposite") {
  const std::vector<std::vector<const char*>> wrong = {
      {"depot", "login", "d", "r", "--certificate-file", "c"},
      {"depot", "login", "d", "r", "--key-file", "k"},
      {"depot", "login", "d", "r", "--certificate-file", "c", "--key-file", "k", "--no-certificate"},
      {"depot", "login", "d", "r", "--certificate-file", "c", "--key-file", "k", "--delete"},
      {"depot", "login", "d", "r", "--no-certificate", "--delete"},
      {"depot", "create", "d", "--host", "h", "--certificate-file", "c", "--key-file", "k"}};
  for (const auto& words : wrong) {
    CAPTURE(words.back());
    CHECK(std::holds_alternative<UsageError>(parse(words)));
  }
}

TEST_CASE("a CA file's content goes along") {
  const Invocation invocation = invocation_of({"depot", "create", "d", "--host", "h", "--ca-file", "ca.pem"});
  Attachments attachments;
  attachments.tls_ca_pem = "-----BEGIN\n";
  CHECK(build_request(*invocation.command, invocation.arguments, attachments) ==
        R"({"v":1,"verb":"depot.create","args":{"name":"d","host":"h","tls_ca_pem":"-----BEGIN\n","database":"d"}})");
}

}  // namespace
}  // namespace bartizan::cli
