// The audit barrier (docs/formats/audit-log.md, "What it promises"): what takes effect does not reach the
// server, and what was read does not reach the client, before the intent is durable.
//
// Toward the server: from the first message whose statement has to wait, everything made of the client's
// messages is held back, in order, until all of it may go. The entries of the queue stand there
// already, the last `unsent_` of them. So a batch that came in one piece waits for one flush.
// Toward the client: bytes are given out as ever, and hold() says from where on they must wait.
#include <algorithm>

#include "bartizan/pgwire/backend_messages.hpp"
#include "bartizan/pgwire/frontend_messages.hpp"
#include "bartizan/session/relay.hpp"

namespace bartizan::session {

namespace be = pgwire::backend;
namespace fe = pgwire::frontend;

namespace {

/// What is held back at most before the client is not read, and what is kept of the memory after.
constexpr std::size_t kMostHeldBack = 256 * 1024;
constexpr std::size_t kKeptCapacity = 16 * 1024;

bool may_run(char type) noexcept { return type == fe::kQuery || type == fe::kExecute || type == fe::kFunctionCall; }

}  // namespace

Relay::Handled Relay::client_message(const Message& message, ServerRuns& to_server) {
  const char type = message.header.type;
  if (subject_.barriers == policy::BarrierMode::None) return handle_client_message(message, to_server);
  if (!holding_back() && !may_run(type)) return handle_client_message(message, to_server);
  if (holding_back() && (held_back_.size() >= kMostHeldBack || type == fe::kTerminate)) return Handled::Await;
  thread_local ServerRuns runs;
  runs.clear();
  const std::size_t before = replies_.size();
  const auto handled = handle_client_message(message, runs);
  // What ends the session or needs replies does so once everything before it is on its way.
  const bool held = holding_back();
  const auto ticket = handled == Handled::Taken ? awaited_by(before) : audit::Ticket{};
  if (!held && tools_.log.durable(ticket)) {
    to_server.append(runs);
    return handled;
  }
  awaited_ = std::max(awaited_, ticket);
  unsent_ += replies_.size() - before;
  for (std::size_t i = 0; i < runs.runs().size(); ++i) {
    const ByteView run = runs.runs()[i];
    held_back_.insert(held_back_.end(), run.begin(), run.end());
  }
  return handled == Handled::Taken || handled == Handled::NeedMore ? handled : Handled::Await;
}

/// The newest ticket that entries from the first-th on wait for before they are sent; 0: none.
audit::Ticket Relay::awaited_by(std::size_t first_entry) noexcept {
  audit::Ticket newest;
  for (std::size_t i = first_entry; i < replies_.size(); ++i) {
    const PendingReply& entry = replies_.at(i);
    if (entry.barrier != policy::Barrier::BeforeForward || !entry.has_ticket) continue;
    newest = std::max(newest, entry.tickets ? entry.tickets->back() : entry.ticket);
  }
  return newest;
}

bool Relay::release_held_back(ServerRuns& to_server) {
  if (!tools_.log.durable(awaited_)) return false;
  to_server.make(Forward(), [this](Bytes& out) { out.insert(out.end(), held_back_.begin(), held_back_.end()); });
  held_back_.clear();
  if (held_back_.capacity() > kKeptCapacity) held_back_ = Bytes();
  unsent_ = 0;
  return true;
}

/// Whether a message of the server would be taken for the answer to what it has not been sent.
bool Relay::answers_unsent(char type) const noexcept {
  if (replies_.size() > unsent_) return false;
  return type != be::kErrorResponse && type != be::kNoticeResponse && type != be::kNotificationResponse &&
         type != be::kParameterStatus;
}

/// REQUIRES: the queue is not empty.
void Relay::hold_reply(const ByteRuns& to_client) {
  const PendingReply& front = replies_.front();
  if (front.barrier == policy::Barrier::None || !front.has_ticket || front.ticket <= held_through_) return;
  held_through_ = front.ticket;
  if (tools_.log.durable(front.ticket)) return;
  if (hold_)
    hold_->until = front.ticket;
  else
    hold_ = Hold{front.ticket, to_client.total_bytes()};
}

/// Of a hold that an earlier step ended with.
void Relay::renew_hold() noexcept {
  if (tools_.log.durable(hold_->until))
    hold_.reset();
  else
    hold_->from = 0;
}

}  // namespace bartizan::session
