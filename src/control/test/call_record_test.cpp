#include "call_record.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "bartizan/control/change_recorder.hpp"

namespace bartizan::control {
namespace {

/// Keeps what it was told; durable at once, or never.
class Told final : public audit::Log {
 public:
  Result<audit::Ticket> begin(const audit::Intent& intent) override {
    if (refuses) return fail(Errc::Io, "the disk");
    what.emplace_back(intent.statement);
    who.emplace_back(intent.session);
    return audit::Ticket(what.size());
  }
  void finish(audit::Ticket, const audit::Outcome& outcome) override { outcomes.push_back(outcome); }
  bool durable(audit::Ticket) const noexcept override { return lasts; }

  bool refuses = false;
  bool lasts = true;
  std::vector<std::string> who;
  std::vector<std::string> what;
  std::vector<audit::Outcome> outcomes;
};

TEST_CASE("a call's record names resources, and no other argument") {
  Told log;
  CallRecord record(&log, system_clock());
  const Document args(Members{{"name", "ana"}, {"password", "battery staple"}, {"tenant", "northside"}, {"number", 7}});
  REQUIRE(record.begin("os:root", "identity.create", args, true));
  record.end(Document());
  CHECK(log.who.at(0) == R"("identity":"os:root","address":"admin socket")");
  CHECK(log.what.at(0) ==
        R"("operation":"identity.create","arguments":{"name":"ana","tenant":"northside","number":"7"})");
  CHECK(log.outcomes.at(0).status == audit::Status::Ok);
}

TEST_CASE("what a call came to is its outcome") {
  struct Row {
    Errc code;
    audit::Status status;
    std::string_view sqlstate;
  };
  for (const Row& row :
       {Row{Errc::PermissionDenied, audit::Status::Refused, "42501"},
        Row{Errc::NotFound, audit::Status::Failed, "42704"}, Row{Errc::Internal, audit::Status::Failed, "58000"}}) {
    Told log;
    CallRecord record(&log, system_clock());
    REQUIRE(record.begin("os:root", "session.kill", Document(), false));
    record.end(tl::unexpected(Error{row.code, "x"}));
    CHECK(log.outcomes.at(0).status == row.status);
    CHECK(std::ranges::equal(log.outcomes.at(0).sqlstate, row.sqlstate));
    record.end(Document());
    CHECK(log.outcomes.size() == 1);
  }
}

TEST_CASE("what changes something is not done without its record; looking is") {
  Told log;
  log.refuses = true;
  CallRecord change(&log, system_clock());
  CHECK(change.begin("os:root", "grant.add", Document(), true).error().code == Errc::Unavailable);
  CallRecord look(&log, system_clock());
  CHECK(look.begin("os:root", "session.list", Document(), false));
  look.end(Document());
  CHECK(log.outcomes.empty());
  log.refuses = false;
  log.lasts = false;
  CallRecord undurable(&log, system_clock());
  CHECK(undurable.begin("os:root", "grant.add", Document(), true).error().code == Errc::Unavailable);
  CHECK(log.outcomes.at(0).status == audit::Status::NotRun);
  undurable.end(Document());
  CHECK(log.outcomes.size() == 1);
}

TEST_CASE("a change tells what it was and is, of an update the difference") {
  store::Change change;
  change.seq = 12;
  change.kind = "identities";
  change.id = "0b";
  change.before = R"({"name":"ana","enabled":true,"version":1})";
  change.after = R"({"name":"ana","enabled":false,"version":2})";
  CHECK(change_members(change) ==
        R"("operation":"config.update","resource_kind":"identities","resource_uid":"0b","resource_name":"ana",)"
        R"("change_seq":12,"before":{"enabled":true,"version":1},"after":{"enabled":false,"version":2})");
  change.before.clear();
  CHECK(change_members(change).find(R"("operation":"config.create")") == 0);
  CHECK(change_members(change).find("before") == std::string::npos);
  change.before = std::exchange(change.after, {});
  CHECK(change_members(change).find(R"("operation":"config.delete")") == 0);
  CHECK(change_members(change).find(R"("resource_name":"ana")") != std::string::npos);
}

}  // namespace
}  // namespace bartizan::control
