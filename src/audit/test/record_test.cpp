#include "bartizan/audit/record.hpp"

#include <doctest/doctest.h>

#include "bartizan/audit/tile.hpp"

namespace bartizan::audit {
namespace {

constexpr std::string_view kWho =
    R"("session":17,"identity":"mia","tenant":"acme","depot":"demo","login":"app","address":"192.0.2.1:4711")";
constexpr std::string_view kWhat =
    R"("tag":"SELECT","effect":"read","digest":"00ff","relations":[{"schema":"s","name":"t}\"","access":"read"}])";

WallTime at() { return WallTime(std::chrono::microseconds(1'700'000'000'123'456)); }

std::string render(Event event, std::string_view who, std::string_view what, Outcome outcome = {}) {
  std::string out;
  append_record(out, Ticket(42), {event, at(), who, what}, outcome);
  return out;
}

TEST_CASE("a statement is a Datastore Activity") {
  CHECK(render(Event::Statement, kWho, kWhat,
               {Status::Failed, {'4', '2', 'P', '0', '1'}, 3, 99, std::chrono::microseconds(7)}) ==
        R"({"class_uid":6005,"category_uid":6,"activity_id":4,"type_uid":600504,"severity_id":1,"time":1700000000123,)"
        R"("status_id":2,"status_code":"42P01","metadata":{"version":"1.8.0","product":{"name":"Bartizan",)"
        R"("vendor_name":"Bartizan"},"uid":"42","tenant_uid":"acme"},"actor":{"user":{"name":"mia"},)"
        R"("session":{"uid":"17"}},"src_endpoint":{"ip":"192.0.2.1","port":4711},"database":{"name":"demo",)"
        R"("type_id":1},"type_id":1,"query_info":{"uid":"00ff","query_string":"SELECT","bytes":99},)"
        R"("unmapped":{"bartizan":{"event":"statement","time_us":1700000000123456,"login":"app","tag":"SELECT",)"
        R"("effect":"read","relations":[{"schema":"s","name":"t}\"","access":"read"}],)"
        R"("outcome":{"status":"failed","rows":3,"bytes":99,"duration_us":7}}}})");
}

TEST_CASE("a sign-in is an Authentication, with or without a session") {
  CHECK(render(Event::SignIn, R"("identity":"mia","depot":"demo","address":"[2001:db8::1]:99")", {}) ==
        R"({"class_uid":3002,"category_uid":3,"activity_id":1,"type_uid":300201,"severity_id":1,"time":1700000000123,)"
        R"("status_id":1,"status_code":"00000","metadata":{"version":"1.8.0","product":{"name":"Bartizan",)"
        R"("vendor_name":"Bartizan"},"uid":"42"},"user":{"name":"mia"},"src_endpoint":{"ip":"2001:db8::1","port":99},)"
        R"("service":{"name":"demo"},"unmapped":{"bartizan":{"event":"sign_in","time_us":1700000000123456,)"
        R"("outcome":{"status":"ok","rows":0,"bytes":0,"duration_us":0}}}})");
}

TEST_CASE("who names no depot has come to the gateway, as OCSF wants a place") {
  const std::string out = render(Event::SignIn, R"("identity":"","address":"192.0.2.1:99")", R"("reason":"plaintext")");
  CHECK(out.find(R"("dst_endpoint":{"name":"Bartizan"},"unmapped")") != std::string::npos);
  CHECK(out.find("service") == std::string::npos);
}

TEST_CASE("what an outcome becomes") {
  struct Row {
    Status status;
    std::string_view json;
  };
  for (const Row& row :
       {Row{Status::Ok, R"("status_id":1,)"}, Row{Status::Refused, R"("status_id":2,"status_detail")"},
        Row{Status::NotRun, R"("status_id":99,"status":"not run",)"}, Row{Status::Unknown, R"("status_id":0,)"}})
    CHECK(render(Event::Statement, kWho, kWhat, {row.status}).find(row.json) != std::string::npos);
}

TEST_CASE("activities by command tag") {
  const auto activity = [](std::string_view what) {
    const std::string out = render(Event::Execute, {}, what);
    const auto at_id = out.find("\"activity_id\":") + 14;
    return out.substr(at_id, out.find(',', at_id) - at_id);
  };
  CHECK(activity(R"("tag":"INSERT")") == "6");
  CHECK(activity(R"("tag":"UPDATE")") == "2");
  CHECK(activity(R"("tag":"DELETE")") == "7");
  CHECK(activity(R"("tag":"COPY","effect":"read")") == "4");
  CHECK(activity(R"("tag":"COPY","effect":"write")") == "5");
  CHECK(activity(R"("tag":"CREATE TABLE")") == "99");
  CHECK(render(Event::Cancel, {}, {}).find(R"("activity_name":"cancel")") != std::string::npos);
}

TEST_CASE("reading the log is an event of its own class") {
  const std::string out = render(Event::LogRead, R"("identity":"os:root","address":"admin socket")",
                                 R"("operation":"audit.search","about":"mia")");
  CHECK(out.starts_with(R"({"class_uid":6003,"category_uid":6,"activity_id":2,"type_uid":600302,)"));
  CHECK(out.find(R"("actor":{"user":{"name":"os:root"}},"src_endpoint":{"name":"admin socket"},)"
                 R"("api":{"operation":"audit.search"})") != std::string::npos);
  CHECK(out.find(R"("event":"log_read")") != std::string::npos);
  CHECK(out.find(R"("about":"mia")") != std::string::npos);
}

TEST_CASE("members of a client's making cannot break out") {
  std::string who;
  append_member(who, "identity", "a\",\"class_uid\":\"1");
  append_member(who, "address", "x\"y:12");
  const std::string out = render(Event::Statement, who, R"("outcome":{"status":"ok"},"event":"x")");
  CHECK(out.find(R"("user":{"name":"a\",\"class_uid\":\"1"})") != std::string::npos);
  CHECK(out.find(R"("ip":"x\"y","port":12)") != std::string::npos);
  CHECK(out.find(R"("event":"x")") == std::string::npos);
}

TEST_CASE("splitting") {
  std::vector<Member> members;
  REQUIRE(split_members(R"("a":"x,\"}","b":[1,{"c":"]"}],"d":null,"e":-1.5e3)", members));
  REQUIRE(members.size() == 4);
  CHECK(members[1].value == R"([1,{"c":"]"}])");
  CHECK(members[3].value == "-1.5e3");
  CHECK(split_members("", members));
  for (const std::string_view bad :
       {"a", R"("a")", R"("a":)", R"("a":1,)", R"("a":[1})", R"("a":[1)", R"("a":"x)", R"("a":1 "b":2)", R"("a":1})",
        R"(,"a":1)", R"("a":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]])"})
    CHECK_FALSE(split_members(bad, members));
  CHECK(member_text(kWho, "tenant") == "acme");
  CHECK(member_text(kWho, "session").empty());
  CHECK(member_text(kWho, "nothing").empty());
}

TEST_CASE("what can't be split is kept as text") {
  const std::string out = render(Event::Statement, R"("identity":"mia")", R"("tag":"SELECT)");
  CHECK(out.ends_with(R"(,"unparsed_statement":"\"tag\":\"SELECT"}}})"));
}

TEST_CASE("members over the limit lose their end, and say so") {
  std::string what(kWhat);
  append_member(what, "long", std::string(60'000, '\x01'));
  const std::string bounded = bounded_members(what, kMaxMembersBytes);
  CHECK(bounded.size() <= kMaxMembersBytes);
  CHECK(bounded.starts_with(std::string(kWhat) + ",\"omitted_bytes\":"));
  CHECK(bounded_members(kWhat, kMaxMembersBytes) == kWhat);
  CHECK(bounded_members(std::string(60'000, '\x01'), kMaxMembersBytes).starts_with("\"omitted_bytes\":60000,"));
  const std::string out = render(Event::Statement, kWho, bounded);
  CHECK(out.find(R"("is_truncated":true)") != std::string::npos);
}

TEST_CASE("no record is over the limit of an entry") {
  const std::string most(kMaxMembersBytes, '\x01');
  CHECK(render(Event::Statement, most, most).size() <= kMaxEntryBytes);
  std::string members;
  append_member(members, "tag", std::string(kMaxMembersBytes - 100, 't'));
  append_member(members, "digest", "d");
  CHECK(render(Event::Statement, members, members).size() <= kMaxEntryBytes);
}

TEST_CASE("calls and changes are API Activities by what their verb does") {
  struct Row {
    std::string_view operation;
    std::string_view activity;
  };
  for (const Row& row :
       {Row{"identity.create", "1,"}, Row{"grant.add", "1,"}, Row{"policy.publish", "1,"}, Row{"setting.list", "2,"},
        Row{"identity.set-password", "3,"}, Row{"config.update", "3,"}, Row{"grant.remove", "4,"},
        Row{"audit.erase", "4,"}, Row{"reload", "99,"}, Row{"x.y", "99,"}}) {
    std::string what;
    append_member(what, "operation", row.operation);
    const std::string out = render(Event::ApiCall, R"("identity":"os:root","address":"admin socket")", what);
    CAPTURE(row.operation);
    CHECK(out.find(std::string(R"("activity_id":)").append(row.activity)) != std::string::npos);
    CHECK((out.find("activity_name") != std::string::npos) == (row.activity == "99,"));
  }
  const std::string change =
      render(Event::ConfigChange, R"("identity":"os:root","address":"control database")",
             R"("operation":"config.delete","resource_kind":"grants","resource_uid":"0b","before":{"a":1})");
  CHECK(change.find(R"("api":{"operation":"config.delete"},"resources":[{"type":"grants","uid":"0b"}])") !=
        std::string::npos);
  CHECK(change.find(R"("before":{"a":1})") != std::string::npos);
  CHECK(change.find("resource_kind") == std::string::npos);
}

TEST_CASE("what is given and taken is of the classes for privileges and groups") {
  struct Row {
    std::string_view members;
    std::string_view parts[3];
  };
  static constexpr std::string_view kTo =
      R"(,"privilege":"demo_reader","resource_kind":"depot","resource_name":"demo")";
  for (const Row& row :
       {Row{R"("operation":"grant.add","user":"ana")",
            {R"("type_uid":300501,)", R"("user":{"name":"ana"},"privileges":["demo_reader"])",
             R"("resources":[{"type":"depot","name":"demo"}])"}},
        Row{R"("operation":"grant.remove","user":"ana")", {R"("activity_id":2,"type_uid":300502)", {}, {}}},
        Row{R"("operation":"grant.add","group":"clerks")",
            {R"("type_uid":300601,)", R"("group":{"name":"clerks"},"privileges":)", R"("resource_name":"demo")"}},
        Row{R"("operation":"role.assign","group":"clerks","user":"ana")",
            {R"("type_uid":300603,)", R"("group":{"name":"clerks"},"user":{"name":"ana"})", {}}},
        Row{R"("operation":"role.unassign","group":"clerks","user":"ana")", {R"("type_uid":300604,)", {}, {}}}}) {
    const std::string out = render(Event::Grant, R"("identity":"os:root","address":"control database")",
                                   std::string(row.members).append(kTo));
    CAPTURE(out);
    CHECK(out.find(R"("actor":{"user":{"name":"os:root"}})") != std::string::npos);
    CHECK(out.find(R"("bartizan":{"event":"grant")") != std::string::npos);
    for (const auto part : row.parts) CHECK(out.find(part) != std::string::npos);
  }
}

TEST_CASE("keys, backups and drills are calls of the gateway's own") {
  const std::string who = R"("identity":"bartizan","address":"gateway")";
  const std::string out = render(
      Event::KeyUse, who, R"("operation":"key.unwrap","resource_kind":"key","resource_uid":"7","purpose":"data")");
  CHECK(out.find(R"("type_uid":600302,)") != std::string::npos);
  CHECK(out.find(R"("resources":[{"type":"key","uid":"7"}])") != std::string::npos);
  CHECK(out.find(R"("event":"key_use")") != std::string::npos);
  CHECK(out.find(R"("purpose":"data")") != std::string::npos);
  CHECK(render(Event::Backup, who, R"("operation":"backup.create")").find(R"("type_uid":600301,)") !=
        std::string::npos);
  CHECK(render(Event::Drill, who, R"("operation":"drill.restore")").find(R"("type_uid":600399,)") != std::string::npos);
}

TEST_CASE("a broken glass is of high severity") {
  const std::string out = render(Event::BreakGlass, R"("identity":"os:root")", R"("operation":"break-glass.on")");
  CHECK(out.find(R"("severity_id":4)") != std::string::npos);
  CHECK(out.find(R"("type_uid":600303)") != std::string::npos);
}

TEST_CASE("a sealed address leaves its place to say so") {
  for (const Event event : {Event::Statement, Event::SignIn}) {
    const std::string out = render(event, R"("identity":"mia","sealed":{"slot":"system/2026-11/1","box":"AA=="})", {});
    CHECK(out.find(R"("src_endpoint":{"name":"sealed"})") != std::string::npos);
    CHECK(out.find(R"("sealed":{"slot":"system/2026-11/1","box":"AA=="})") != std::string::npos);
  }
}

}  // namespace
}  // namespace bartizan::audit
