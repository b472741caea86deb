// Server to client: every reply must be one that the front of the queue awaits.
#include <fmt/format.h>

#include <algorithm>

#include "bartizan/pgwire/backend_messages.hpp"
#include "bartizan/session/relay.hpp"

namespace bartizan::session {

namespace be = pgwire::backend;

namespace {

/// An ErrorResponse is read whole up to this; of a longer one its first fields are enough.
constexpr std::size_t kReportPrefixBytes = 16 * 1024;
constexpr std::size_t kParameterBytes = 64 * 1024;

}  // namespace

Step Relay::on_server(ByteView input, ByteRuns& to_client) {
  Step step;
  while (step.consumed < input.size()) {
    const ByteView rest = input.subspan(step.consumed);
    if (relaying_to_client_ > 0) {
      const auto part = rest.first(std::min<std::uint64_t>(rest.size(), relaying_to_client_));
      to_client.relay(part);
      relaying_to_client_ -= part.size();
      bytes_to_client_ += part.size();
      step.consumed += part.size();
      continue;
    }
    if (dropping_from_server_ > 0) {
      const auto part = std::min<std::uint64_t>(rest.size(), dropping_from_server_);
      dropping_from_server_ -= part;
      step.consumed += part;
      continue;
    }
    Message message;
    const auto status = pgwire::peek_frame(rest, message.header);
    if (status == pgwire::FrameStatus::NeedMore) return step;
    if (status == pgwire::FrameStatus::Malformed || message.header.length > pgwire::max_backend_length(message.header.type)) {
      mismatch(message.header.type);
      step.verdict = Verdict::Fatal;
      return step;
    }
    message.complete = rest.size() >= message.header.total_bytes();
    message.whole = message.complete ? rest.first(message.header.total_bytes()) : rest;
    switch (server_message(message, to_client)) {
      case Handled::Taken: step.consumed += message.whole.size(); break;
      case Handled::NeedMore: return step;
      case Handled::Fatal: step.verdict = Verdict::Fatal; return step;
    }
  }
  return step;
}

Relay::Handled Relay::relay_reply(const Message& message, ByteRuns& to_client) {
  to_client.relay(message.whole);
  bytes_to_client_ += message.whole.size();
  relaying_to_client_ = message.header.total_bytes() - message.whole.size();
  return Handled::Taken;
}

Relay::Handled Relay::mismatch(char type) {
  return end_fatal(pgwire::sqlstate::kConnectionFailure,
                   fmt::format("the server broke the protocol (message type {})", static_cast<unsigned>(static_cast<unsigned char>(type))),
                   "The server connection has been closed; connect again.");
}

Relay::Handled Relay::server_message(const Message& message, ByteRuns& to_client) {
  const char type = message.header.type;
  switch (type) {
    case be::kDataRow:
      if (replies_.empty() || (replies_.front().kind != Awaited::Query && replies_.front().kind != Awaited::Execute) ||
          replies_.front().failed)
        return mismatch(type);
      ++replies_.front().rows;
      return relay_reply(message, to_client);
    case be::kNoticeResponse:
    case be::kNotificationResponse: return relay_reply(message, to_client);
    case be::kParameterStatus: return on_parameter_status(message, to_client);
    case be::kErrorResponse: return on_error_response(message, to_client);
    case be::kReadyForQuery: return on_ready_for_query(message, to_client);
    default: break;
  }
  if (replies_.empty() || !fits_front(type)) return mismatch(type);
  switch (type) {
    case be::kCommandComplete: return on_command_complete(message, to_client);
    case be::kCopyInResponse: return on_copy_in_response(message, to_client);
    default: break;
  }
  const auto handled = relay_reply(message, to_client);
  complete_front_if_done(type);
  return handled;
}

/// REQUIRES: the queue is not empty.
bool Relay::fits_front(char type) noexcept {
  const PendingReply& front = replies_.front();
  if (front.failed) return false;  // ReadyForQuery alone may follow
  switch (front.kind) {
    case Awaited::Query:
      return type == be::kRowDescription || type == be::kCommandComplete || type == be::kEmptyQueryResponse ||
             type == be::kCopyInResponse || type == be::kCopyOutResponse || type == be::kCopyData || type == be::kCopyDone;
    case Awaited::Execute:
      return type == be::kCommandComplete || type == be::kEmptyQueryResponse || type == be::kPortalSuspended ||
             type == be::kCopyInResponse || type == be::kCopyOutResponse || type == be::kCopyData || type == be::kCopyDone;
    case Awaited::FunctionCall: return type == be::kFunctionCallResponse;
    case Awaited::Parse: return type == be::kParseComplete;
    case Awaited::Bind: return type == be::kBindComplete;
    case Awaited::DescribeStatement:
      return front.parameters_seen ? type == be::kRowDescription || type == be::kNoData : type == be::kParameterDescription;
    case Awaited::DescribePortal: return type == be::kRowDescription || type == be::kNoData;
    case Awaited::Close: return type == be::kCloseComplete;
    case Awaited::Sync:
    case Awaited::CopyEnd: return false;
  }
  return false;
}

void Relay::complete_front_if_done(char type) {
  PendingReply& front = replies_.front();
  switch (type) {
    case be::kParseComplete:
      // A name beyond the bound stays unknown: it runs as a statement of which nothing is known.
      if (front.name && !statements_.put(*front.name, std::move(front.statement))) ++figures_.failed;
      pop_front(audit::Status::Unknown);
      return;
    case be::kCloseComplete:
      if (front.name) statements_.erase(*front.name);
      pop_front(audit::Status::Unknown);
      return;
    case be::kParameterDescription: front.parameters_seen = true; return;
    case be::kBindComplete:
    case be::kNoData: pop_front(audit::Status::Unknown); return;
    case be::kRowDescription:
      if (front.kind != Awaited::Query) pop_front(audit::Status::Unknown);
      return;
    case be::kPortalSuspended:
      finish_statement(front, audit::Status::Ok);
      pop_front(audit::Status::Unknown);
      return;
    case be::kEmptyQueryResponse:
      finish_statement(front, audit::Status::Ok);
      if (front.kind == Awaited::Execute) pop_front(audit::Status::Unknown);
      return;
    case be::kFunctionCallResponse: finish_statement(front, audit::Status::Ok); return;
    default: return;
  }
}

Relay::Handled Relay::on_command_complete(const Message& message, ByteRuns& to_client) {
  if (!message.complete) return Handled::NeedMore;
  const auto complete = pgwire::decode_command_complete(message.payload());
  if (!complete) return mismatch(message.header.type);
  PendingReply& front = replies_.front();
  if (const auto rows = pgwire::rows_of(complete->tag); rows && front.rows == 0) front.rows = *rows;
  if (complete->tag == "DISCARD ALL" || complete->tag == "DEALLOCATE ALL") {
    statements_.clear();
    portals_.clear();
  }
  const auto handled = relay_reply(message, to_client);
  copy_in_ = false;
  finish_statement(front, audit::Status::Ok);
  if (front.kind == Awaited::Execute) pop_front(audit::Status::Unknown);
  return handled;
}

Relay::Handled Relay::on_copy_in_response(const Message& message, ByteRuns& to_client) {
  const auto handled = relay_reply(message, to_client);
  // What the client sent behind the COPY before it was seen to begin: the server's COPY reads
  // it. It ignores Sync, ends at CopyDone, and fails by the first message that is neither.
  const bool simple = replies_.front().kind == Awaited::Query;
  for (std::size_t i = 1; i < replies_.size();) {
    const Awaited kind = replies_.at(i).kind;
    if (kind == Awaited::Sync) {
      ++ambiguous_syncs_;
      replies_.erase(i);
      continue;
    }
    if (kind == Awaited::CopyEnd || simple) {
      finish_entry(replies_.at(i), audit::Status::NotRun);
      replies_.erase(i);
    }
    return handled;
  }
  copy_in_ = true;
  return handled;
}

void Relay::follow(const pgwire::ParameterStatus& status) noexcept {
  if (status.name == "standard_conforming_strings") lex_.standard_conforming_strings = status.value == "on";
  if (status.name == "client_encoding") lex_.ascii_safe_encoding = sql::encoding_is_ascii_safe(status.value);
}

void Relay::follow_greeting(ByteView messages) {
  pgwire::FrameHeader header;
  while (pgwire::peek_frame(messages, header) == pgwire::FrameStatus::Ok && messages.size() >= header.total_bytes()) {
    const auto payload = messages.first(header.total_bytes()).subspan(pgwire::kFrameHeaderBytes);
    if (header.type == be::kParameterStatus)
      if (const auto status = pgwire::decode_parameter_status(payload)) follow(*status);
    messages = messages.subspan(header.total_bytes());
  }
}

Relay::Handled Relay::on_parameter_status(const Message& message, ByteRuns& to_client) {
  if (!message.complete && message.whole.size() < kParameterBytes) return Handled::NeedMore;
  if (message.complete) {
    const auto status = pgwire::decode_parameter_status(message.payload());
    if (!status) return mismatch(message.header.type);
    follow(*status);
  }
  return relay_reply(message, to_client);
}

Relay::Handled Relay::on_error_response(const Message& message, ByteRuns& to_client) {
  if (!message.complete && message.whole.size() < kReportPrefixBytes) return Handled::NeedMore;
  std::array<char, 5> sqlstate{'X', 'X', '0', '0', '0'};
  if (message.complete) {
    const auto report = pgwire::decode_report(message.payload());
    if (!report) return mismatch(message.header.type);
    if (report->sqlstate().size() == 5) std::copy_n(report->sqlstate().begin(), 5, sqlstate.begin());
    server_said_fatal_ = report->severity() == "FATAL" || report->severity() == "PANIC";
  }
  ++figures_.failed;
  copy_in_ = false;
  if (replies_.empty()) {
    // Unasked errors are those that end the connection: an administrator's, a time-out's, a crash's.
    if (!server_said_fatal_) return mismatch(message.header.type);
    return relay_reply(message, to_client);
  }
  PendingReply& front = replies_.front();
  front.sqlstate = sqlstate;
  if (front.failed && !server_said_fatal_) return mismatch(message.header.type);
  if (front.refusal && !server_said_fatal_) {
    const auto before = to_client.total_bytes();
    to_client.make([&](Bytes& out) {
      pgwire::MessageWriter writer(out);
      pgwire::write_error_response(writer, *front.refusal);
    });
    bytes_to_client_ += to_client.total_bytes() - before;
    dropping_from_server_ = message.header.total_bytes() - message.whole.size();
  } else {
    relay_reply(message, to_client);
  }
  finish_statement(front, front.refusal ? audit::Status::Refused : audit::Status::Failed);
  front.failed = true;
  if (front.kind != Awaited::Query && front.kind != Awaited::FunctionCall && front.kind != Awaited::Sync) skip_to_sync();
  return Handled::Taken;
}

/// The server ignores what was sent up to the next Sync, also what has not been sent yet.
void Relay::skip_to_sync() {
  while (!replies_.empty() && replies_.front().kind != Awaited::Sync) pop_front(audit::Status::NotRun);
  discarding_ = replies_.empty();
}

Relay::Handled Relay::on_ready_for_query(const Message& message, ByteRuns& to_client) {
  if (!message.complete) return Handled::NeedMore;
  const auto ready = pgwire::decode_ready_for_query(message.payload());
  if (!ready) return mismatch(message.header.type);
  const bool awaited = !replies_.empty() && (replies_.front().kind == Awaited::Sync || replies_.front().kind == Awaited::Query ||
                                             replies_.front().kind == Awaited::FunctionCall);
  if (!awaited) {
    if (!replies_.empty() || ambiguous_syncs_ == 0) return mismatch(message.header.type);
    --ambiguous_syncs_;
    discarding_ = false;
  }
  transaction_ = ready->status;
  if (transaction_ == pgwire::TransactionStatus::Idle && portals_.has_named()) portals_.clear_named();
  const auto handled = relay_reply(message, to_client);
  if (awaited) pop_front(replies_.front().failed ? audit::Status::NotRun : audit::Status::Unknown);
  return handled;
}

void Relay::pop_front(audit::Status unfinished) {
  finish_entry(replies_.front(), unfinished);
  replies_.pop();
  while (!replies_.empty() && replies_.front().kind == Awaited::CopyEnd) replies_.pop();
}

void Relay::abandon() {
  while (!replies_.empty()) pop_front(server_said_fatal_ ? audit::Status::NotRun : audit::Status::Unknown);
}

}  // namespace bartizan::session
