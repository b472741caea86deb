// Client to server: which message may be sent now, and what the server will owe for it.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "bartizan/pgwire/frontend_messages.hpp"
#include "bartizan/session/relay.hpp"
#include "consumer_state.hpp"

namespace bartizan::session {

using pgwire::frontend::kBind;
using pgwire::frontend::kClose;
using pgwire::frontend::kCopyData;
using pgwire::frontend::kCopyDone;
using pgwire::frontend::kCopyFail;
using pgwire::frontend::kDescribe;
using pgwire::frontend::kExecute;
using pgwire::frontend::kFlush;
using pgwire::frontend::kFunctionCall;
using pgwire::frontend::kParse;
using pgwire::frontend::kQuery;
using pgwire::frontend::kSync;
using pgwire::frontend::kTerminate;

namespace {

/// What asks nothing of a server that owes nothing: PostgreSQL passes over it.
bool means_nothing_idle(const pgwire::FrameHeader& header) noexcept {
  const char type = header.type;
  if (type == kFlush) return header.payload_bytes() == 0;
  return (type == kCopyData || type == kCopyDone || type == kCopyFail) &&
         header.length <= pgwire::max_frontend_length(type);
}

/// What ends the session whatever its state, so that no server is needed to say so.
bool is_no_message(const pgwire::FrameHeader& header) noexcept {
  return header.type == pgwire::frontend::kPassword || header.length > pgwire::max_frontend_length(header.type);
}

bool belongs_into_copy(char type) noexcept {
  return type == kCopyData || type == kCopyDone || type == kCopyFail || type == kFlush || type == kSync ||
         type == kTerminate;
}

}  // namespace

Relay::Relay(policy::Subject subject, std::string who, RelayTools tools, RelayLimits limits, Pooling pooling,
             std::unique_ptr<Consumer> consumer, std::unique_ptr<cells::SessionCells> cells)
    : subject_(std::move(subject)),
      cells_(std::move(cells)),
      who_(std::move(who)),
      tools_(tools),
      limits_(limits),
      pooling_(pooling) {
  if (consumer) consumer_ = std::make_unique<ConsumerState>(std::move(*consumer));
  if (consumer_ && consumer_->acts_for_another()) name_tenant();
  if (pooling_.shares != nullptr) return;
  own_server_ = std::make_unique<ServerState>();
  server_ = own_server_.get();
  if (consumer_) server_->context_key = consumer_->facts.connection_key;
}

Relay::~Relay() { end_definition(); }

Relay::Handled Relay::end_fatal(pgwire::SqlState sqlstate, std::string text, std::string hint) {
  pgwire::ErrorReport report;
  report.severity = pgwire::Severity::Fatal;
  report.sqlstate = sqlstate;
  report.message = std::move(text);
  report.hint = std::move(hint);
  report_ = std::move(report);
  return Handled::Fatal;
}

Step Relay::on_client(ByteView input, ServerRuns& to_server) {
  Step step;
  if (holding_back() && !release_held_back(to_server)) {
    step.verdict = Verdict::AwaitDurable;
    return step;
  }
  if (replay_.state == Replay::State::Due) [[maybe_unused]]
    const bool sent = replay(to_server);
  while (step.consumed < input.size()) {
    const ByteView rest = input.subspan(step.consumed);
    if (relaying_to_server_ > 0) {
      if (holding_back()) break;
      const auto part = rest.first(std::min<std::uint64_t>(rest.size(), relaying_to_server_));
      to_server.relay(Forward(), part);
      relaying_to_server_ -= part.size();
      step.consumed += part.size();
      continue;
    }
    if (dropping_from_client_ > 0) {
      const auto part = std::min<std::uint64_t>(rest.size(), dropping_from_client_);
      dropping_from_client_ -= part;
      step.consumed += part;
      continue;
    }
    if (replies_.size() >= limits_.pending_replies) {
      step.verdict = holding_back() ? Verdict::AwaitDurable : Verdict::Stalled;
      return step;
    }
    Message message;
    switch (pgwire::peek_frame(rest, message.header)) {
      case pgwire::FrameStatus::NeedMore: step.verdict = waiting_verdict(); return step;
      case pgwire::FrameStatus::Malformed:
        end_fatal(pgwire::sqlstate::kProtocolViolation, "invalid message length");
        step.verdict = holding_back() ? Verdict::AwaitDurable : Verdict::Fatal;
        return step;
      case pgwire::FrameStatus::Ok: break;
    }
    if (to_server.runs().total_bytes() > limits_.bytes_to_server) {
      step.verdict = holding_back() ? Verdict::AwaitDurable : Verdict::Stalled;
      return step;
    }
    if (server_ == nullptr && means_nothing_idle(message.header)) {
      dropping_from_client_ = message.header.total_bytes();
      continue;
    }
    if (server_ == nullptr && message.header.type != kTerminate && !is_no_message(message.header)) {
      // None is held for a message of which more has to come, but for those that may be long.
      const char type = message.header.type;
      const bool whole = rest.size() >= message.header.total_bytes();
      const bool streams = (type == kBind || type == kFunctionCall) && rest.size() >= kNamePrefixBytes;
      if (!whole && !streams && message.header.length <= limits_.statement_bytes) return step;
      step.verdict = Verdict::NeedServer;
      return step;
    }
    message.complete = rest.size() >= message.header.total_bytes();
    message.whole = message.complete ? rest.first(message.header.total_bytes()) : rest;
    switch (client_message(message, to_server)) {
      case Handled::Taken: step.consumed += message.whole.size(); break;
      case Handled::NeedMore: step.verdict = waiting_verdict(); return step;
      case Handled::Stall: step.verdict = Verdict::Stalled; return step;
      case Handled::Await: step.verdict = Verdict::AwaitDurable; return step;
      case Handled::Fatal: step.verdict = Verdict::Fatal; return step;
    }
    if (message.header.type == kTerminate) {
      step.verdict = Verdict::Finished;
      return step;
    }
  }
  step.verdict = waiting_verdict();
  return step;
}

Relay::Handled Relay::handle_client_message(const Message& message, ServerRuns& to_server) {
  const char type = message.header.type;
  const std::uint32_t longest = pgwire::max_frontend_length(type);
  if (longest == 0 || type == pgwire::frontend::kPassword)
    return end_fatal(
        pgwire::sqlstate::kProtocolViolation,
        fmt::format("invalid frontend message type {}", static_cast<unsigned>(static_cast<unsigned char>(type))));
  if (message.header.length > longest) return end_fatal(pgwire::sqlstate::kProtocolViolation, "invalid message length");
  // COPY FROM STDIN fails by any other message, and PostgreSQL ends the session by it; whether the
  // message is then eaten or, if the COPY has failed before, run can't be known from here.
  if (copy_in_ && !belongs_into_copy(type))
    return end_fatal(
        pgwire::sqlstate::kProtocolViolation,
        fmt::format("unexpected message type 0x{:02X} during COPY from stdin", static_cast<unsigned char>(type)));
  // After an error in the extended protocol the server skips everything up to Sync; so do we.
  if (discarding_ && type != kSync && type != kTerminate) {
    if (ambiguous_syncs_ > 0 && !belongs_into_copy(type))
      return end_fatal(pgwire::sqlstate::kProtocolViolation, "expected Sync after a COPY that failed");
    return drop(message);
  }
  if (consumer_ && replies_.empty()) consumer_->replies_asked_for = false;
  // Whatever its statements say: until Sync they are one transaction, and replies may be told by Flush.
  const bool was_unsynced = unsynced_;
  if (replay_.state == Replay::State::Whole) replay_ = {};  // the client goes on behind its Sync
  const bool keeps = replay_.state == Replay::State::Open;
  const std::size_t before = keeps ? to_server.runs().total_bytes() : 0;
  opens_group_ = !was_unsynced;
  if (type == kParse || type == kBind || type == kExecute || type == kDescribe || type == kClose) {
    if (consumer_ && !unsynced_) consumer_->settled_before_segment = replies_.empty();
    unsynced_ = true;
  }
  const auto handled = dispatch(message, to_server);
  if (handled != Handled::Taken) unsynced_ = was_unsynced;
  if (keeps && handled == Handled::Taken) keep_for_replay(message, to_server, before);
  return handled;
}

Relay::Handled Relay::dispatch(const Message& message, ServerRuns& to_server) {
  switch (message.header.type) {
    case kQuery: return on_query(message, to_server);
    case kParse: return on_parse(message, to_server);
    case kBind: return on_bind(message, to_server);
    case kExecute: return on_execute(message, to_server);
    case kDescribe: return on_describe(message, to_server);
    case kClose: return on_close(message, to_server);
    case kFunctionCall: return on_function_call(message, to_server);
    case kSync: return on_sync(message, to_server);
    case kCopyData:
    case kCopyDone:
    case kCopyFail: return on_copy_message(message, to_server);
    default: return relay_protocol(message, to_server);  // Flush, Terminate
  }
}

Relay::Handled Relay::drop(const Message& message) {
  dropping_from_client_ = message.header.total_bytes() - message.whole.size();
  return Handled::Taken;
}

void Relay::relay_with(const Forward& forward, const Message& message, ServerRuns& to_server) {
  to_server.relay(forward, message.whole);
  relaying_to_server_ = message.header.total_bytes() - message.whole.size();
}

Relay::Handled Relay::relay_protocol(const Message& message, ServerRuns& to_server) {
  if (!message.complete) return Handled::NeedMore;
  if (message.header.type == kTerminate && (server_ == nullptr || releasable())) return Handled::Taken;
  // The server would answer such a Flush by an error, though nothing is awaited for it.
  if (message.header.type == kFlush && message.header.payload_bytes() != 0)
    return end_fatal(pgwire::sqlstate::kProtocolViolation, "invalid Flush message");
  relay_with(Forward(), message, to_server);
  return Handled::Taken;
}

bool Relay::ask_for_due_replies(ServerRuns& to_server) {
  // A COPY waits for data that will not come; in the middle of a message nothing may be put in.
  if (replies_.empty() || copy_in_ || relaying_to_server_ > 0) return false;
  to_server.make(Forward(), [](Bytes& out) {
    pgwire::MessageWriter writer(out);
    pgwire::write_empty(writer, kFlush);
  });
  return true;
}

Relay::Handled Relay::on_copy_message(const Message& message, ServerRuns& to_server) {
  // Outside of a COPY PostgreSQL ignores it; the server connection may be another's soon. A
  // consumer has no COPY FROM.
  if (consumer_) return drop(message);
  if (cells_) return copy_from_client(message, to_server);
  if (pooling_.shares != nullptr && replies_.empty() && !unsynced_) return drop(message);
  if (message.header.type != kCopyData) {
    if (!message.complete) return Handled::NeedMore;
    if (copy_in_)
      copy_in_ = false;
    else if (!replies_.empty())
      replies_.push(Awaited::CopyEnd);
  }
  relay_with(Forward(), message, to_server);
  return Handled::Taken;
}

Relay::Handled Relay::on_sync(const Message& message, ServerRuns& to_server) {
  if (!message.complete) return Handled::NeedMore;
  if (message.header.payload_bytes() != 0)
    return end_fatal(pgwire::sqlstate::kProtocolViolation, "invalid Sync message");
  ++segment_;
  if (copy_in_) {
    ++ambiguous_syncs_;
  } else {
    replies_.push(Awaited::Sync);
    discarding_ = false;
    unsynced_ = false;
  }
  relay_with(Forward(), message, to_server);
  if (!copy_in_) ask_for_carried(to_server);
  return Handled::Taken;
}

}  // namespace bartizan::session
