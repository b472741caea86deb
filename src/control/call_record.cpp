#include "call_record.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

namespace bartizan::control {
namespace {

constexpr auto kLongestWait = std::chrono::seconds(5);
constexpr std::size_t kMaxNamed = 256;
/// Arguments that name something, and hold no secret.
constexpr std::array<std::string_view, 15> kNames = {"as",     "column",   "database", "depot",  "host",
                                                     "id",     "identity", "login",    "name",   "number",
                                                     "reason", "role",     "table",    "tenant", "to"};

struct State {
  Errc code;
  std::string_view sqlstate;
};
constexpr std::array kStates = {State{Errc::InvalidArgument, "22023"}, State{Errc::NotFound, "42704"},
                                State{Errc::AlreadyExists, "42710"},   State{Errc::PermissionDenied, "42501"},
                                State{Errc::Conflict, "40001"},        State{Errc::FailedPrecondition, "55000"},
                                State{Errc::Unsupported, "0A000"},     State{Errc::Unavailable, "57P03"}};

std::string_view sqlstate_of(Errc code) {
  const auto found = std::ranges::find(kStates, code, &State::code);
  return found == kStates.end() ? std::string_view("58000") : found->sqlstate;
}

void append_names(std::string& what, const Document& args) {
  const auto* members = std::get_if<Members>(&args.value());
  if (members == nullptr) return;
  std::string named;
  for (const auto& [name, value] : *members) {
    if (std::ranges::find(kNames, name) == kNames.end()) continue;
    if (const auto* text = value.as<std::string>())
      audit::append_member(named, name, std::string_view(*text).substr(0, kMaxNamed));
    else if (const auto* number = value.as<std::int64_t>())
      audit::append_member(named, name, std::to_string(*number));
  }
  if (!named.empty()) what.append(",\"arguments\":{").append(named).append("}");
}

}  // namespace

Result<void> wait_durable(const audit::Log& log, audit::Ticket ticket) {
  const auto until = std::chrono::steady_clock::now() + kLongestWait;
  while (!log.durable(ticket)) {
    if (std::chrono::steady_clock::now() >= until)
      return fail(Errc::Unavailable, "the audit log did not keep the record of this in time");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return {};
}

Result<void> CallRecord::begin(const std::string& actor, std::string_view verb, const Document& args, bool must_last) {
  if (log_ == nullptr) return {};
  std::string who;
  audit::append_member(who, "identity", actor);
  audit::append_member(who, "address", "admin socket");
  std::string what;
  audit::append_member(what, "operation", verb);
  append_names(what, args);
  begun_ = clock_.steady();
  const auto ticket = log_->begin({audit::Event::ApiCall, clock_.wall(), who, what});
  if (!ticket) {
    if (!must_last) return {};
    return fail(Errc::Unavailable, "the audit log can't take the record of this call, so nothing was done");
  }
  ticket_ = *ticket;
  if (!must_last) return {};
  const auto durable = wait_durable(*log_, *ticket);
  if (durable) return {};
  audit::Outcome outcome;
  outcome.status = audit::Status::NotRun;
  log_->finish(*std::exchange(ticket_, std::nullopt), outcome);
  return fail(Errc::Unavailable, "the audit log did not keep the record of this call in time, so nothing was done");
}

void CallRecord::end(const Result<Document>& result) {
  if (!ticket_) return;
  audit::Outcome outcome;
  outcome.duration = std::chrono::duration_cast<std::chrono::microseconds>(clock_.steady() - begun_);
  if (!result) {
    outcome.status = result.error().code == Errc::PermissionDenied ? audit::Status::Refused : audit::Status::Failed;
    std::ranges::copy(sqlstate_of(result.error().code), outcome.sqlstate.begin());
  }
  log_->finish(*std::exchange(ticket_, std::nullopt), outcome);
}

}  // namespace bartizan::control
