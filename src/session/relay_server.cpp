// Server to client: every reply must be one that the front of the queue awaits.
#include <fmt/format.h>

#include <algorithm>

#include "bartizan/pgwire/backend_messages.hpp"
#include "bartizan/session/relay.hpp"
#include "consumer_state.hpp"

namespace bartizan::session {

namespace be = pgwire::backend;

namespace {

constexpr std::size_t kParameterBytes = 64 * 1024;

}  // namespace

Step Relay::on_server(ByteView input, ByteRuns& to_client) {
  Step step;
  if (hold_) renew_hold();
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
    if (status == pgwire::FrameStatus::Malformed ||
        message.header.length > pgwire::max_backend_length(message.header.type)) {
      mismatch(message.header.type);
      step.verdict = Verdict::Fatal;
      return step;
    }
    message.complete = rest.size() >= message.header.total_bytes();
    message.whole = message.complete ? rest.first(message.header.total_bytes()) : rest;
    switch (server_message(message, to_client)) {
      case Handled::Taken: step.consumed += message.whole.size(); break;
      case Handled::Stall:
      case Handled::Await:
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
                   fmt::format("the server broke the protocol (message type {})",
                               static_cast<unsigned>(static_cast<unsigned char>(type))),
                   "The server connection has been closed; connect again.");
}

Relay::Handled Relay::server_message(const Message& message, ByteRuns& to_client) {
  const char type = message.header.type;
  if (unsent_ != 0 && answers_unsent(type)) return mismatch(type);
  if (subject_.barriers != policy::BarrierMode::None && !replies_.empty()) hold_reply(to_client);
  switch (type) {
    case be::kDataRow:
      if (replies_.empty() || (replies_.front().kind != Awaited::Query && replies_.front().kind != Awaited::Execute) ||
          replies_.front().failed || replies_.front().refusal)
        return mismatch(type);
      ambiguous_syncs_ = 0;
      if (replies_.front().concealed) return drop_reply(message);
      if (replies_.front().traits) return take_traits(message, *replies_.front().traits);
      if (replies_.front().hidden) return take_carried(message);
      if (replies_.front().statement.cells) return row_with_cells(message, replies_.front(), to_client);
      ++replies_.front().rows;
      return relay_reply(message, to_client);
    case be::kNoticeResponse:
      if (!replies_.empty() && replies_.front().hidden) return drop_reply(message);
      if (consumer_) return scrub_to_consumer(message, nullptr, to_client);
      if (cells_) return scrub_cells(message, replies_.empty() ? nullptr : &replies_.front(), to_client);
      return relay_reply(message, to_client);
    case be::kNotificationResponse: return on_notification(message, to_client);
    case be::kParameterStatus: return on_parameter_status(message, to_client);
    case be::kErrorResponse: return on_error_response(message, to_client);
    case be::kReadyForQuery: return on_ready_for_query(message, to_client);
    default: break;
  }
  if (replies_.empty() || !fits_front(type)) return mismatch(type);
  ambiguous_syncs_ = 0;  // whatever was sent before this one's message is answered now, or never
  switch (type) {
    case be::kCommandComplete: return on_command_complete(message, to_client);
    case be::kCopyInResponse: return on_copy_in_response(message, to_client);
    default: break;
  }
  if (replies_.front().carrier) return complete_carried_parse(message, to_client);
  const bool ours = replies_.front().hidden || replies_.front().concealed;
  if (replay_.state != Replay::State::None && !ours) replay_ = {};  // some of it has been answered
  if (cells_ && !ours && replies_.front().statement.cells) {
    if (type == be::kRowDescription || type == be::kParameterDescription)
      return describe_with_cells(message, replies_.front(), to_client);
    if (type == be::kCopyOutResponse || type == be::kCopyData || type == be::kCopyDone)
      return copy_to_client(message, replies_.front(), to_client);
  }
  if (cells_ && !ours) follow_cell_names(replies_.front(), type);
  const auto handled = ours ? drop_reply(message) : relay_reply(message, to_client);
  complete_front_if_done(type);
  return handled;
}

/// A notification of its own the client knows by the process id that it was given.
Relay::Handled Relay::on_notification(const Message& message, ByteRuns& to_client) {
  const ByteView payload = message.payload();
  if (consumer_) return drop_reply(message);  // no consumer can have asked for it
  if (pooling_.shares == nullptr) return relay_reply(message, to_client);
  if (!pinned()) {  // another session's LISTEN
    server_->foul = true;
    return drop_reply(message);
  }
  if (payload.size() < 4 && !message.complete) return Handled::NeedMore;
  if (payload.size() < 4 || load_be32(payload.data()) != server_->process_id) return relay_reply(message, to_client);
  to_client.make([&](Bytes& out) {
    out.insert(out.end(), message.whole.begin(), message.whole.begin() + pgwire::kFrameHeaderBytes + 4);
    store_be32(out.data() + out.size() - 4, pooling_.process_id);
  });
  to_client.relay(message.whole.subspan(pgwire::kFrameHeaderBytes + 4));
  bytes_to_client_ += message.whole.size();
  relaying_to_client_ = message.header.total_bytes() - message.whole.size();
  return Handled::Taken;
}

/// A hidden reply.
Relay::Handled Relay::drop_reply(const Message& message) {
  dropping_from_server_ = message.header.total_bytes() - message.whole.size();
  return Handled::Taken;
}

Relay::Handled Relay::complete_carried_parse(const Message& message, ByteRuns& to_client) {
  to_client.make([](Bytes& out) {
    pgwire::MessageWriter writer(out);
    pgwire::write_empty(writer, be::kParseComplete);
  });
  bytes_to_client_ += pgwire::kFrameHeaderBytes;
  complete_front_if_done(be::kParseComplete);
  return drop_reply(message);
}

/// REQUIRES: the queue is not empty.
bool Relay::fits_front(char type) noexcept {
  const PendingReply& front = replies_.front();
  if (front.failed) return false;   // ReadyForQuery alone may follow
  if (front.refusal) return false;  // what was sent in its place can't but fail
  switch (front.kind) {
    case Awaited::Query:
      return type == be::kRowDescription || type == be::kCommandComplete || type == be::kEmptyQueryResponse ||
             type == be::kCopyInResponse || type == be::kCopyOutResponse || type == be::kCopyData ||
             type == be::kCopyDone;
    case Awaited::Execute:
      return type == be::kCommandComplete || type == be::kEmptyQueryResponse || type == be::kPortalSuspended ||
             type == be::kCopyInResponse || type == be::kCopyOutResponse || type == be::kCopyData ||
             type == be::kCopyDone;
    case Awaited::FunctionCall: return type == be::kFunctionCallResponse;
    case Awaited::Parse: return !front.duplicate && type == (front.carrier ? be::kCloseComplete : be::kParseComplete);
    case Awaited::Bind: return type == be::kBindComplete;
    case Awaited::DescribeStatement:
      return front.parameters_seen ? type == be::kRowDescription || type == be::kNoData
                                   : type == be::kParameterDescription;
    case Awaited::DescribePortal: return type == be::kRowDescription || type == be::kNoData;
    case Awaited::CloseStatement:
    case Awaited::ClosePortal: return type == be::kCloseComplete;
    case Awaited::Sync:
    case Awaited::CopyEnd: return false;
  }
  return false;
}

void Relay::complete_front_if_done(char type) {
  PendingReply& front = replies_.front();
  switch (type) {
    case be::kParseComplete:
      if (front.statement.by_shared_name) server_->statements.confirm(*front.statement.shared);
      if (!front.hidden) statements_.put(front.name, std::move(front.statement));
      front.answered = true;
      pop_front(audit::Status::Unknown);
      return;
    case be::kCloseComplete:
      front.answered = true;
      if (!front.hidden && front.kind == Awaited::CloseStatement) release_text(front.name);
      if (!front.hidden) (front.kind == Awaited::ClosePortal ? portals_ : statements_).erase(front.name);
      pop_front(audit::Status::Unknown);
      return;
    case be::kParameterDescription: front.parameters_seen = true; return;
    case be::kBindComplete:
      if (!front.hidden) portals_.put(front.name, std::move(front.statement));
      pop_front(audit::Status::Unknown);
      return;
    case be::kNoData: pop_front(audit::Status::Unknown); return;
    case be::kRowDescription:
      if (front.kind != Awaited::Query) pop_front(audit::Status::Unknown);
      return;
    case be::kPortalSuspended:
      if (consumer_) ++consumer_->ran;
      finish_statement(front, audit::Status::Ok);
      pop_front(audit::Status::Unknown);
      return;
    case be::kEmptyQueryResponse:
      front.answered = true;
      finish_statement(front, audit::Status::Ok);
      if (front.kind == Awaited::Execute) pop_front(audit::Status::Unknown);
      return;
    case be::kFunctionCallResponse:
      front.answered = true;
      finish_statement(front, audit::Status::Ok);
      return;
    default: return;
  }
}

Relay::Handled Relay::on_command_complete(const Message& message, ByteRuns& to_client) {
  if (!message.complete) return Handled::NeedMore;
  const auto complete = pgwire::decode_command_complete(message.payload());
  if (!complete) return mismatch(message.header.type);
  PendingReply& front = replies_.front();
  if (front.hidden) {
    front.answered = true;
    if (front.kind == Awaited::Execute) pop_front(audit::Status::Unknown);
    return drop_reply(message);
  }
  if (front.concealed) {
    take_concealed_result(front);
    return drop_reply(message);
  }
  if (const auto rows = pgwire::rows_of(complete->tag); rows && front.rows == 0) front.rows = *rows;
  follow_renaming(complete->tag, front.statement);
  if (cells_) follow_cells(front);
  if (consumer_) follow_consumer_result(front, complete->tag);
  const auto handled = consumer_ ? complete_to_consumer(message, front, to_client) : relay_reply(message, to_client);
  copy_in_ = false;
  front.copying = false;
  front.answered = true;
  if (!runs_on(front)) finish_statement(front, audit::Status::Ok);
  if (front.kind == Awaited::Execute)
    pop_front(audit::Status::Unknown);
  else if (front.concealed_results)
    reach_next_result(front);
  return handled;
}

/// What SQL's PREPARE, DEALLOCATE, DECLARE and CLOSE have done to the names of the protocol. (What
/// a function does by dynamic SQL is not seen.)
void Relay::follow_renaming(std::string_view tag, const Prepared& by) {
  if (tag == "DISCARD ALL") {
    statements_.clear_named();
    portals_.clear_named();
    shared_bytes_ = 0;
    return;
  }
  const bool statement = tag == "PREPARE" || tag.starts_with("DEALLOCATE");
  const bool portal = tag == "DECLARE CURSOR" || tag.starts_with("CLOSE CURSOR");
  if (!statement && !portal) return;
  PreparedNames& names = statement ? statements_ : portals_;
  bool known = false;
  if (by.analysis)
    for (const auto& each : by.analysis->statements) {
      if (statement ? each.kind != sql::Kind::Prepare && each.kind != sql::Kind::Deallocate
                    : each.kind != sql::Kind::Declare && each.kind != sql::Kind::Close)
        continue;
      known = each.parsed && !each.name.empty();
      if (!known) break;
      if (statement) release_text(each.name);
      names.erase(each.name);
    }
  if (known) return;
  names.clear_named();
  if (statement) shared_bytes_ = 0;
}

// What the client sent behind the COPY before it was seen to begin, the server's COPY reads. It
// ignores Sync and ends at CopyDone; by any other message PostgreSQL 14 and later end the session,
// older ones eat it. Should the COPY fail before it reads that message, the message is run.
Relay::Handled Relay::on_copy_in_response(const Message& message, ByteRuns& to_client) {
  if (consumer_) return mismatch(message.header.type);  // none was sent
  std::size_t syncs = 0;
  while (1 + syncs < replies_.size() && replies_.at(1 + syncs).kind == Awaited::Sync) ++syncs;
  const bool ended_ahead = 1 + syncs < replies_.size();
  if (ended_ahead && replies_.at(1 + syncs).kind != Awaited::CopyEnd)
    return end_fatal(pgwire::sqlstate::kProtocolViolation, "unexpected message during COPY from stdin");
  ambiguous_syncs_ = syncs;
  replies_.erase(1, syncs + (ended_ahead ? 1 : 0));
  replies_.front().copying = true;
  copy_in_ = !ended_ahead;
  if (cells_ && !begin_cell_copy(replies_.front())) return mismatch(message.header.type);
  // The Sync that was to end it is eaten.
  bool sync_behind = false;
  for (std::size_t i = 1; i < replies_.size(); ++i) sync_behind = sync_behind || replies_.at(i).kind == Awaited::Sync;
  if (syncs > 0 && !sync_behind && replies_.front().kind == Awaited::Execute) unsynced_ = true;
  return relay_reply(message, to_client);
}

void Relay::follow(const pgwire::ParameterStatus& status) {
  if (server_ != nullptr) server_->settings.put(status.name, status.value);
  settings_.put(status.name, status.value);
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
  if (pooling_.shares != nullptr) own_name_ = settings_.find("application_name");
}

Relay::Handled Relay::on_parameter_status(const Message& message, ByteRuns& to_client) {
  if (!message.complete && message.whole.size() < kParameterBytes) return Handled::NeedMore;
  if (message.complete) {
    const auto status = pgwire::decode_parameter_status(message.payload());
    if (!status) return mismatch(message.header.type);
    const bool ours = !replies_.empty() && replies_.front().hidden;
    const bool renamed = !replies_.empty() && replies_.front().resets_name && status->name == "application_name" &&
                         status->value == server_->defaults.find("application_name");
    if (renamed && server_->settings.put(status->name, status->value)) return tell_own_name(message, to_client);
    if (ours && (server_->settings.put(status->name, status->value) || CarriedSettings::bit_of(status->name) != 0))
      return drop_reply(message);
    follow(*status);
    if (consumer_ && !told_to_consumers(status->name)) return drop_reply(message);
  } else if (consumer_) {
    return drop_reply(message);
  }
  return relay_reply(message, to_client);
}

}  // namespace bartizan::session
