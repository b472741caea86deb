// A Relay with everything around it that it needs: a clock that stands, an audit log that can be
// read, and both peers' streams, of which what was not consumed is handed in again.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/session/relay.hpp"

namespace bartizan::session::test {

class StandingClock : public Clock {
 public:
  WallTime now{std::chrono::seconds(1'800'000'000)};
  [[nodiscard]] WallTime wall() const override { return now; }
  std::chrono::seconds moved{0};
  [[nodiscard]] SteadyTime steady() const override { return SteadyTime(std::chrono::seconds(5) + moved); }
};

/// One line a ticket: "statement SELECT ok 2", rows where there are any, SQLSTATE unless it is
/// 00000; "open" until it is finished.
class RecordingLog : public audit::Log {
 public:
  struct Record {
    std::string event;
    std::string statement;
    std::string tag;
    std::string who;
    std::optional<audit::Outcome> outcome;
  };
  std::vector<Record> records;
  std::set<std::size_t> failing;  ///< which calls of begin() fail, from 1
  std::size_t begins = 0;
  std::size_t double_finishes = 0;
  std::uint64_t durable_through = ~std::uint64_t{0};  ///< the newest ticket that is durable
  bool fails = false;

  Result<audit::Ticket> begin(const audit::Intent& intent) override {
    ++begins;
    if (failing.contains(begins)) return fail(Errc::Io, "full");
    Record record{std::string(audit::to_string(intent.event)),
                  std::string(intent.statement),
                  {},
                  std::string(intent.session),
                  {}};
    constexpr std::string_view kTag = "\"tag\":\"";
    if (const auto at = intent.statement.find(kTag); at != std::string_view::npos) {
      const auto rest = intent.statement.substr(at + kTag.size());
      record.tag = rest.substr(0, rest.find('"'));
    }
    records.push_back(std::move(record));
    return audit::Ticket(records.size());
  }
  void finish(audit::Ticket ticket, const audit::Outcome& outcome) override {
    auto& record = records.at(ticket.get() - 1);
    if (record.outcome) ++double_finishes;
    record.outcome = outcome;
  }
  [[nodiscard]] bool durable(audit::Ticket ticket) const noexcept override { return ticket.get() <= durable_through; }
  [[nodiscard]] bool unwritable() const noexcept override { return fails; }

  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> out;
    for (const auto& record : records) {
      std::string line = record.event + (record.tag.empty() ? "" : " " + record.tag);
      if (!record.outcome) {
        line += " open";
      } else {
        line += " " + std::string(audit::to_string(record.outcome->status));
        const std::string_view sqlstate(record.outcome->sqlstate.data(), 5);
        if (sqlstate != "00000") line += " " + std::string(sqlstate);
        if (record.outcome->rows != 0) line += " " + std::to_string(record.outcome->rows);
      }
      out.push_back(std::move(line));
    }
    return out;
  }
};

struct World {
  explicit World(RelayLimits limits = {}, std::optional<WallTime> valid_until = {}, bool pooled = false,
                 policy::BarrierMode barriers = policy::BarrierMode::None, std::unique_ptr<Consumer> consumer = nullptr,
                 std::uint64_t session = 7)
      : relay(subject(valid_until, barriers), "\"session\":1", {analyses, log, clock, stale, &rewrites}, limits,
              Pooling{session, kClientPid, pooled ? &shares : nullptr, true, &sequences_matter, false, &traits, true},
              std::move(consumer)) {
    first.process_id = 501;
    second.process_id = 502;
  }
  static constexpr std::uint32_t kClientPid = 77;

  StandingClock clock;
  RecordingLog log;
  std::atomic<bool> stale{false};
  std::atomic<bool> sequences_matter{false};
  sql::AnalysisCache analyses{sql::DigestKey{}, std::size_t{1} << 20};
  RewriteCache rewrites{sql::DigestKey{}, std::size_t{1} << 20};
  StatementShares shares{sql::DigestKey{}, std::size_t{1} << 20};
  DepotTraits traits{false};
  ServerState first;   ///< server connections of a pool
  ServerState second;
  Relay relay;
  std::string from_client;
  std::string from_server;
  std::string to_server;  ///< all that was sent so far
  std::string to_client;
  Verdict client_verdict = Verdict::Continue;
  Verdict server_verdict = Verdict::Continue;
  std::size_t kept_at_most = 0;  ///< bytes that had to be handed in again

  static policy::Subject subject(std::optional<WallTime> valid_until, policy::BarrierMode barriers) {
    policy::Subject who;
    who.barriers = barriers;
    who.valid_until = valid_until;
    return who;
  }
  [[nodiscard]] bool over() const {
    return client_verdict == Verdict::Fatal || server_verdict == Verdict::Fatal || client_verdict == Verdict::Finished;
  }
  /// What goes ahead of the session's next message stands in to_server.
  void attach(ServerState& server) {
    ServerRuns runs;
    relay.attach(server, runs);
    to_server = as_chars(runs.runs().joined());
  }
  void client(std::string_view bytes) {
    if (over()) return;
    from_client += bytes;
    ServerRuns runs;
    const auto step = relay.on_client(as_bytes(from_client), runs);
    client_verdict = step.verdict;
    to_server += as_chars(runs.runs().joined());
    from_client.erase(0, step.consumed);
    kept_at_most = std::max(kept_at_most, from_client.size());
  }
  void server(std::string_view bytes) {
    if (over()) return;
    from_server += bytes;
    ByteRuns runs;
    const auto step = relay.on_server(as_bytes(from_server), runs);
    server_verdict = step.verdict;
    to_client += as_chars(runs.joined());
    from_server.erase(0, step.consumed);
    if (ServerRuns again; relay.replay(again)) to_server += as_chars(again.runs().joined());
    kept_at_most = std::max(kept_at_most, from_server.size());
  }
};

}  // namespace bartizan::session::test
