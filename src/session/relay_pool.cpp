// Transaction pooling: what makes one client session out of many server connections.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "bartizan/pgwire/frontend_messages.hpp"
#include "bartizan/session/relay.hpp"
#include "wall_hint.hpp"

namespace bartizan::session {

namespace {

/// Longest text that is kept to be prepared again, and all of a session's; beyond, it is pinned.
constexpr std::size_t kMaxSharedText = 256 * 1024;
constexpr std::size_t kMaxSharedBytes = 8 * 1024 * 1024;
/// A statement without a name becomes a shared one when its text comes for the third time.
constexpr std::uint64_t kUsesToShareUnnamed = 3;

// What the analysis can't see (triggers, views, operators) may have left state; it must not reach
// another session. In front of the first message, so nothing can keep it from running.
constexpr std::string_view kForgetState =
    "RESET SESSION AUTHORIZATION;RESET ROLE;RESET ALL;CLOSE ALL;UNLISTEN *;DISCARD SEQUENCES;DISCARD TEMP;"
    "SELECT pg_catalog.pg_advisory_unlock_all()";
// Of a policy class: it may not call the functions of advisory locks, this one included.
constexpr std::string_view kForgetConsumerState =
    "RESET SESSION AUTHORIZATION;RESET ROLE;RESET ALL;CLOSE ALL;UNLISTEN *;DISCARD SEQUENCES;DISCARD TEMP";

void append_cstring(Bytes& out, std::string_view text) {
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  out.insert(out.end(), first, first + text.size());
  out.push_back(std::byte{0});
}

}  // namespace

void Relay::attach(ServerState& server, ServerRuns& to_server) {
  server_ = &server;
  std::string commands;
  if (needs_reset(server)) {
    commands = consumer_ ? kForgetConsumerState : kForgetState;
    if (const auto own = settings_.commands_from(server.defaults); !own.empty()) commands.append(";").append(own);
    server.carried = {};
    server.sequences_of = 0;
    server.sequences_mixed = false;
    server.traces = false;
  } else {
    commands = settings_.commands_from(server.settings);
  }
  carried_.append_commands_from(server.carried, commands);
  server.carried = carried_;
  server.last_session = pooling_.session;
  if (!commands.empty()) query_hidden(commands, to_server).attaches = true;
  ask_for_traits(to_server);
}

PendingReply& Relay::push_hidden(Awaited kind) {
  PendingReply& entry = replies_.push(kind);
  entry.hidden = true;
  entry.segment = segment_;
  return entry;
}

PendingReply& Relay::close_hidden(std::string_view server_name, ServerRuns& to_server) {
  PendingReply& entry = push_hidden(Awaited::CloseStatement);
  to_server.make(Forward(), [&](Bytes& out) {
    pgwire::MessageWriter writer(out);
    pgwire::write_close(writer, pgwire::TargetKind::Statement, server_name);
  });
  return entry;
}

/// Ends a group of the gateway's own.
void Relay::sync_hidden(ServerRuns& to_server) {
  push_hidden(Awaited::Sync);
  ++segment_;
  to_server.make(Forward(), [](Bytes& out) {
    pgwire::MessageWriter writer(out);
    pgwire::write_sync(writer);
  });
}

PendingReply& Relay::query_hidden(std::string_view text, ServerRuns& to_server) {
  PendingReply& entry = push_hidden(Awaited::Query);
  server_->unnamed_of = 0;  // it is dropped there, and made again where it is needed
  to_server.make(Forward(), [&](Bytes& out) {
    pgwire::MessageWriter writer(out);
    pgwire::write_query(writer, text);
  });
  return entry;
}

/// Before its Parse: nothing may stand there under the name, and not more than is kept.
void Relay::make_room(const std::shared_ptr<const SharedStatement>& statement, ServerRuns& to_server) {
  // Under session pooling the one that sets a consumer's context is the only one.
  const std::uint64_t moment = pooling_.shares != nullptr ? pooling_.shares->moment() : 0;
  auto given_up = server_->statements.announce(statement, segment_, moment);
  for (; given_up; given_up = server_->statements.take_owed())
    close_hidden(given_up->server_name, to_server).statement.shared = given_up;
  close_hidden(statement->server_name, to_server);
}

/// Before a use: prepares what this server connection lacks.
void Relay::ensure_prepared(const Prepared& statement, std::string_view name, ServerRuns& to_server) {
  if (statement.by_shared_name) {
    if (server_->statements.has(*statement.shared, segment_, statement.since)) return;
    make_room(statement.shared, to_server);
    PendingReply& entry = push_hidden(Awaited::Parse);
    entry.statement = statement;
    to_server.make(Forward(),
                   [&](Bytes& out) { write_parse_as(out, *statement.shared, statement.shared->server_name); });
    return;
  }
  const bool ours = server_->unnamed_of == pooling_.session && server_->unnamed_serial == unnamed_serial_;
  if (!name.empty() || ours) return;
  if (statement.shared) {
    server_->unnamed_of = pooling_.session;
    server_->unnamed_serial = unnamed_serial_;
    push_hidden(Awaited::Parse);
    to_server.make(Forward(), [&](Bytes& out) { write_parse_as(out, *statement.shared, {}); });
  } else {
    server_->unnamed_of = 0;
    close_hidden({}, to_server);  // whatever may stand there: to this session there is none
  }
}

/// Under which name the statement is to stand, and from what it can be prepared again.
Prepared Relay::share(Prepared statement, const pgwire::Parse& parse, ByteView parameter_types) {
  const std::size_t bytes = parse.query.size() + parameter_types.size();
  shared_bytes_ += parse.statement.empty() ? 0 : bytes;
  if (bytes > kMaxSharedText || shared_bytes_ > kMaxSharedBytes ||
      parse.statement.size() > PreparedNames::kMaxNameBytes || statements_.full()) {
    pin(sql::PinReason::Unknown);
    return statement;
  }
  auto found = pooling_.shares->get(parse.query, parameter_types, settings_.meaning());
  // While something may have changed the settings, it is kept apart from what other sessions use.
  if (!meaning_certain_ && !parse.statement.empty())
    found = pooling_.shares->get(parse.query, parameter_types, meaning_here());
  statement.shared = std::move(found.statement);
  statement.by_shared_name =
      !parse.statement.empty() ||
      (meaning_certain_ && pooling_.share_unnamed && pooling_.traits != nullptr && found.uses >= kUsesToShareUnnamed);
  statement.since = !parse.statement.empty()   ? pooling_.shares->next_moment()
                    : statement.by_shared_name ? unnamed_since()
                                               : 0;
  return statement;
}

/// A meaning that no other session has, nor this one later.
std::string Relay::meaning_here() const {
  return fmt::format(FMT_STRING("{} of {} at {}"), settings_.meaning(), pooling_.session, segment_);
}

/// What is to stand on the server for a use now. Other settings than those of its Parse make
/// another statement of the same text; one that would be another to the analysis too is none.
Prepared Relay::as_read_now(const Prepared& statement) {
  const auto shared = statement.shared;
  const ByteView types(shared->parameter_types);
  Prepared now = statement;
  if (!consumer_ && !statement.cells) {  // a rewritten text reads the same under every setting
    const Prepared again = analyse(shared->text);
    if (!again.analysis || !statement.analysis || *again.analysis != *statement.analysis) return Prepared{};
  }
  now.shared =
      pooling_.shares->get(shared->text, types, meaning_certain_ ? settings_.meaning() : meaning_here()).statement;
  return now;
}

/// Parse of a name that the client has given already: goes out under the name by which that one
/// stands on the server, which then finds what is wrong with it in its own order and words.
void Relay::relay_duplicate_parse(PendingReply entry, const Prepared& before, const pgwire::Parse& parse,
                                  ByteView parameter_types, const Forward& forward, ServerRuns& to_server) {
  ensure_prepared(before, entry.name, to_server);
  entry.statement = before;
  entry.duplicate = true;
  statements_.announce(entry.name, before, segment_);
  SharedStatement again;
  again.text = parse.query;
  again.parameter_types.assign(parameter_types.begin(), parameter_types.end());
  replies_.push(Awaited::Parse) = std::move(entry);
  to_server.make(forward, [&](Bytes& out) { write_parse_as(out, again, before.shared->server_name); });
}

/// A client's Parse under a shared name. A named one is read anew, as its client expects, since
/// tables may have changed. For one without a name that stands there already, a Close of nothing
/// goes in its place, whose answer becomes the ParseComplete; in a failed transaction, in which
/// PostgreSQL would refuse it, it is sent all the same.
void Relay::relay_shared_parse(PendingReply entry, const Forward& forward, ServerRuns& to_server) {
  const auto shared = entry.statement.shared;
  const bool stands = entry.name.empty() && server_->statements.has(*shared, segment_, entry.statement.since);
  if (stands && transaction_ != pgwire::TransactionStatus::Failed) {
    entry.carrier = true;
    open_replay();
    replies_.push(Awaited::Parse) = std::move(entry);
    to_server.make(forward, [](Bytes& out) {
      pgwire::MessageWriter writer(out);
      pgwire::write_close(writer, pgwire::TargetKind::Statement, kNoStatement);
    });
    return;
  }
  make_room(shared, to_server);
  replies_.push(Awaited::Parse) = std::move(entry);
  to_server.make(forward, [&](Bytes& out) { write_parse_as(out, *shared, shared->server_name); });
}

Relay::Handled Relay::relay_bind(const Message& message, const pgwire::BindNames& names, const Prepared& found,
                                 ServerRuns& to_server) {
  const Prepared other = read_as_now(found) ? Prepared{} : as_read_now(found);
  const Prepared& statement = read_as_now(found) ? found : other;
  const bool unknown = !found.analysis && found.digest == sql::Digest{} && no_statement(names.statement);
  const bool none = (found.shared && !statement.shared) || (unknown && !names.statement.empty());
  const bool other_name = statement.by_shared_name || none || is_shared_name(names.statement);
  const std::string_view name = statement.by_shared_name ? std::string_view(statement.shared->server_name)
                                : other_name             ? kNoStatement
                                                         : names.statement;
  const std::size_t length = message.header.length - names.statement.size() + name.size();
  if (length > pgwire::max_frontend_length(pgwire::frontend::kBind))
    return end_fatal(pgwire::sqlstate::kProgramLimitExceeded, "the Bind message is too long");
  follow_planning(statement, to_server);
  if (!none) ensure_prepared(statement, names.statement, to_server);
  if (statement.cells && !none) return bind_cells(message, names, statement, name, to_server);
  PendingReply& entry = replies_.push(Awaited::Bind);
  entry.name = names.portal;
  entry.statement = statement;
  entry.statement.values = found.values;
  entry.statement.missing = none || unknown;
  portals_.announce(entry.name, entry.statement, segment_);
  if (!other_name) {
    relay_with(Forward(), message, to_server);
    return Handled::Taken;
  }
  entry.called = names.statement;
  to_server.make(Forward(), [&](Bytes& out) {
    out.push_back(static_cast<std::byte>(pgwire::frontend::kBind));
    out.resize(out.size() + 4);
    store_be32(out.data() + out.size() - 4, static_cast<std::uint32_t>(length));
    append_cstring(out, names.portal);
    append_cstring(out, name);
  });
  const std::size_t replaced = pgwire::kFrameHeaderBytes + names.portal.size() + names.statement.size() + 2;
  to_server.relay(Forward(), message.whole.subspan(replaced));
  relaying_to_server_ = message.header.total_bytes() - message.whole.size();
  return Handled::Taken;
}

/// SQL's EXECUTE and DEALLOCATE name a statement as the client does: so it must stand there under
/// that name. Behind a Query, the Parse needs a Sync of its own: if it failed, the Query would be
/// skipped. DEALLOCATE has no use for the text, so that of an empty statement does.
bool Relay::materialise_named(const Prepared& statement, bool in_query, ServerRuns& to_server) {
  bool any = false;
  if (!statement.analysis) return any;
  for (const auto& each : statement.analysis->statements) {
    const bool drops = each.kind == sql::Kind::Deallocate;
    const bool uses = each.kind == sql::Kind::Execute || each.kind == sql::Kind::Explain || each.kind == sql::Kind::Ddl;
    if (!each.parsed || each.name.empty() || !(drops || uses) || is_shared_name(each.name)) continue;
    const auto named = statements_.find(each.name, segment_);
    if (!named || !named->by_shared_name) continue;
    const Prepared now = read_as_now(*named) ? *named : as_read_now(*named);
    if (!now.shared) continue;
    // Where it may fail, the statement stays under the client's name.
    const bool certain = drops && statement.analysis->statements.size() == 1 && only_own_commands();
    if (!certain) pin(sql::PinReason::SqlPrepare);
    close_hidden(each.name, to_server);
    push_hidden(Awaited::Parse).quiet = in_query;
    to_server.make(Forward(), [&](Bytes& out) {
      if (!drops) return write_parse_as(out, *now.shared, each.name);
      pgwire::MessageWriter writer(out);
      pgwire::write_parse(writer, each.name, {});
    });
    any = true;
    if (in_query) sync_hidden(to_server);
  }
  return any;
}

/// A Parse that has failed or has been skipped leaves nothing behind.
void Relay::end_unfinished_parse(const PendingReply& front) {
  if (pooling_.shares == nullptr || server_ == nullptr) return;
  if (front.statement.by_shared_name) {
    if (!front.name.empty() && !front.duplicate && !front.hidden) release_bytes(*front.statement.shared);
    if (!front.carrier && !front.duplicate) server_->statements.forget(*front.statement.shared, front.segment);
  } else if (front.name.empty() && !front.hidden && front.serial == unnamed_serial_) {
    own_unnamed(false);  // prepared anew before its next use
    if (front.failed) statements_.erase({});
  }
}

/// The client's statement without a name is another now, or none; it stands on this server or does not.
void Relay::own_unnamed(bool stands) noexcept {
  ++unnamed_serial_;
  server_->unnamed_of = stands ? pooling_.session : 0;
  server_->unnamed_serial = unnamed_serial_;
}

/// ErrorResponse names a shared statement by our name for it: the client's takes its place. nullopt:
/// it names none.
std::optional<std::string> Relay::with_own_names(const PendingReply& front, ByteView payload) {
  const bool none = front.kind == Awaited::Bind && front.statement.missing && !front.called.empty();
  if (!front.statement.by_shared_name && !none) return std::nullopt;
  const std::string_view ours = none ? kNoStatement : std::string_view(front.statement.shared->server_name);
  const std::string_view theirs = front.kind == Awaited::Parse ? front.name : front.called;
  const std::string_view text = as_chars(payload);
  if (text.find(ours) == std::string_view::npos) return std::nullopt;
  std::string renamed;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t next = std::min(text.find(ours, at), text.size());
    renamed.append(text.substr(at, next - at));
    if (next < text.size()) renamed.append(theirs);
    at = next < text.size() ? next + ours.size() : next;
  }
  return renamed;
}

Relay::Handled Relay::relay_error(const Message& message, const PendingReply& front, ByteRuns& to_client) {
  if (!message.complete) return relay_reply(message, to_client);
  auto renamed = with_own_names(front, message.payload());
  if (!renamed) renamed = with_wall_hint(message.payload());
  if (!renamed) return relay_reply(message, to_client);
  to_client.make([&](Bytes& out) {
    out.push_back(static_cast<std::byte>(pgwire::backend::kErrorResponse));
    out.resize(out.size() + 4);
    store_be32(out.data() + out.size() - 4, static_cast<std::uint32_t>(renamed->size() + 4));
    const auto* first = reinterpret_cast<const std::byte*>(renamed->data());
    out.insert(out.end(), first, first + renamed->size());
  });
  bytes_to_client_ += renamed->size() + pgwire::kFrameHeaderBytes;
  return Handled::Taken;
}

}  // namespace bartizan::session
