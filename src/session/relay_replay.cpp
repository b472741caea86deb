// Statements without a name that stand there for several sessions: what makes them no staler than if each
// session had prepared its own. A definition that is seen, and time, have them read again; and where PostgreSQL
// refuses one because its result would have other columns now ("cached plan must not change result type"), it is
// prepared anew and what the client asked of it is sent once more, if nothing of it has been answered.
#include <algorithm>
#include <chrono>
#include <utility>

#include "bartizan/pgwire/frontend_messages.hpp"
#include "bartizan/session/relay.hpp"

namespace bartizan::session {

namespace fe = pgwire::frontend;

namespace {

/// Definitions that go past this gateway are not seen.
constexpr auto kReadAgainAfter = std::chrono::seconds(10);
constexpr std::size_t kMostReplayed = 64 * 1024;

bool may_be_replayed(char type) noexcept {
  return type == fe::kBind || type == fe::kDescribe || type == fe::kExecute || type == fe::kClose ||
         type == fe::kFlush || type == fe::kSync;
}

}  // namespace

/// A statement without a name that was read on this server connection before this moment may mean another by now.
std::uint64_t Relay::unnamed_since() {
  const auto definitions = pooling_.traits->definitions();
  const auto now = tools_.clock.steady();
  if (definitions == 0 || definitions != server_->definitions || now - server_->unnamed_read_from > kReadAgainAfter) {
    server_->definitions = definitions;
    server_->unnamed_read_from = now;
    server_->unnamed_since = pooling_.shares->next_moment();
  }
  return server_->unnamed_since;
}

/// A Parse was answered for what stands there. Whether the messages behind it, up to their Sync, could be sent
/// again: they stand alone, and in no transaction.
void Relay::open_replay() {
  replay_ = {};
  if (!opens_group_ || consumer_ || cells_ || transaction_ != pgwire::TransactionStatus::Idle) return;
  for (std::size_t i = 0; i < replies_.size(); ++i)
    if (!replies_.at(i).hidden) return;
  replay_.state = Replay::State::Open;
}

/// What was made of a message of the group, which stands in to_server from a byte on.
void Relay::keep_for_replay(const Message& message, const ServerRuns& to_server, std::size_t from) {
  const ByteRuns& runs = to_server.runs();
  const bool fits = message.complete && may_be_replayed(message.header.type) &&
                    replay_.bytes.size() + (runs.total_bytes() - from) <= kMostReplayed;
  if (!fits) {
    replay_ = {};
    return;
  }
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const ByteView run = runs[i];
    const std::size_t skipped = std::min(from, run.size());
    from -= skipped;
    replay_.bytes.insert(replay_.bytes.end(), run.begin() + static_cast<std::ptrdiff_t>(skipped), run.end());
  }
  if (message.header.type == fe::kSync) replay_.state = Replay::State::Whole;
}

/// ErrorResponse for the front: whether PostgreSQL would not have said so to a session of its own. (A Describe of
/// the statement fails only after its parameters have been told.)
bool Relay::replays(const PendingReply& front, std::string_view sqlstate) const noexcept {
  return replay_.state == Replay::State::Whole && replies_.size() > unsent_ && !front.hidden && !pinned() &&
         front.statement.by_shared_name && front.kind == Awaited::Bind &&
         sqlstate == pgwire::sqlstate::kFeatureNotSupported.view();
}

/// The server skips what it was sent up to the Sync: what it will owe for that, and for the same once more.
void Relay::make_replay() {
  const Prepared statement = replies_.front().statement;
  const std::size_t awaited = replies_.size();
  push_hidden(Awaited::Sync);
  server_->statements.forget_all();
  ServerRuns made;
  make_room(statement.shared, made);
  push_hidden(Awaited::Parse).statement = statement;
  made.make(Forward(), [&](Bytes& out) { write_parse_as(out, *statement.shared, statement.shared->server_name); });
  ++segment_;
  for (std::size_t i = 0; i < awaited; ++i) {
    PendingReply entry = std::move(replies_.front());
    replies_.pop();
    const auto kind = entry.kind;
    replies_.push(kind) = std::move(entry);
  }
  Bytes bytes = made.runs().joined();
  bytes.insert(bytes.end(), replay_.bytes.begin(), replay_.bytes.end());
  if (holding_back()) {  // behind the rest of the group, with its Sync, when that may go
    held_back_.insert(held_back_.end(), bytes.begin(), bytes.end());
    unsent_ = replies_.size();
    replay_ = {};
    return;
  }
  replay_.bytes = std::move(bytes);
  replay_.state = Replay::State::Due;
}

bool Relay::replay(ServerRuns& to_server) {
  if (replay_.state != Replay::State::Due) return false;
  to_server.make(Forward(), [this](Bytes& out) { out.insert(out.end(), replay_.bytes.begin(), replay_.bytes.end()); });
  replay_ = {};
  return true;
}

}  // namespace bartizan::session
