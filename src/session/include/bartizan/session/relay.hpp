// The session after sign-in, sans-I/O: client bytes in, server bytes out, and back. Follows the
// extended-query protocol (PostgreSQL manual, "Message Flow") message by message; every statement
// passes Analysis -> Decision -> audit intent -> admit -> Forward. One file a direction:
// relay_client.cpp (with relay_statements.cpp) and relay_server.cpp (with relay_ending.cpp). What must wait for its audit intent to be durable stops in
// relay_barrier.cpp, in both directions.
//
// A refused statement is replaced, on its way to the server, by one of ours that fails there, and
// the server's error by the refusal: so the server's transaction ends exactly as if PostgreSQL
// itself had refused, pipelines included, and no reply is ever made up.
//
// Under transaction pooling a relay has a server connection only between attach() and detach().
// Prepared statements stand on the servers under shared names and are prepared again, ahead of
// their use, where they are missing; settings that servers report are set again; whatever else
// needs a session pins it to its connection (relay_pool.cpp, relay_pins.cpp).
//
// A consumer's texts are rewritten, and its signed context goes ahead of what needs it, in the
// same transaction, wherever it is not certain that it stands there already: once too often does
// no harm (relay_consumer.cpp).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bartizan/audit/log.hpp"
#include "bartizan/base/bytes.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/cells/session_cells.hpp"
#include "bartizan/pgwire/backend_messages.hpp"
#include "bartizan/pgwire/frame.hpp"
#include "bartizan/pgwire/frontend_messages.hpp"
#include "bartizan/pgwire/writer.hpp"
#include "bartizan/policy/decision.hpp"
#include "bartizan/session/byte_runs.hpp"
#include "bartizan/session/consumer.hpp"
#include "bartizan/session/depot_traits.hpp"
#include "bartizan/session/forward.hpp"
#include "bartizan/session/prepared_names.hpp"
#include "bartizan/session/reply_queue.hpp"
#include "bartizan/session/rewrite_cache.hpp"
#include "bartizan/session/server_state.hpp"
#include "bartizan/sql/analysis_cache.hpp"

namespace bartizan::audit {
class Sealer;
}

namespace bartizan::session {

struct RelayLimits {
  std::uint32_t statement_bytes = 16 * 1024 * 1024;  ///< longest Query or Parse
  std::size_t pending_replies = 65536;  ///< over that the client is not read
  std::size_t bytes_to_server = 256 * 1024;  ///< made of one reading; the rest is handed in again
};

/// What a relay works with; all outlive it, and the cache is the thread's own.
struct RelayTools {
  sql::AnalysisCache& analyses;
  audit::Log& log;
  const Clock& clock;
  /// The control database is away for too long: every statement is refused.
  const std::atomic<bool>& stale;
  RewriteCache* rewrites = nullptr;  ///< for consumers
  audit::Sealer* values = nullptr;  ///< of bind values in records; null: they are in none
};

/// Of transaction pooling; without shares the session keeps one server connection.
struct Pooling {
  std::uint64_t session = 0;  ///< tells sessions apart; not 0
  std::uint32_t process_id = 0;  ///< as the client was told
  StatementShares* shares = nullptr;  ///< the thread's own; outlives the relay
  bool share_unnamed = true;  ///< statements without a name that come again are shared too, where traits is not null
  /// Of the identity in the depot: one of its sessions has asked for currval or lastval, so all of its own keep
  /// what they may ask for.
  std::atomic<bool>* sequences_matter = nullptr;
  bool temporary_path = false;  ///< started with a search_path in which unqualified objects may be temporary
  DepotTraits* traits = nullptr;  ///< of the depot; outlives the relay. Null: server connections are always reset
  bool always_reset = false;
};

struct ConsumerState;
struct Observer;

struct RelayFigures {
  std::uint64_t statements = 0;
  std::uint64_t rows = 0;
  std::uint64_t refused = 0;
  std::uint64_t failed = 0;
  std::uint64_t observed_denials = 0;  ///< what the policies would have refused, in observe
  std::uint64_t observed_masks = 0;  ///< of what would have been masked
};

enum class Verdict : std::uint8_t {
  Continue,  ///< all that was whole is consumed; more is needed
  Stalled,  ///< client side only: replies have to come first, unless some was consumed; send what is owed to the
  ///< server, hand the rest in again then
  NeedServer,  ///< client side only: attach() a server connection and hand the rest in again
  AwaitDurable,  ///< client side only: awaited() must be durable; hand the rest in again then, be it empty
  Finished,  ///< the client said Terminate, which has been forwarded unless the server connection is to be kept
  Fatal,  ///< the session must end; report() says why
};

struct Step {
  std::size_t consumed = 0;
  Verdict verdict = Verdict::Continue;
};

/// One signed-in session, in the state after the server's first ReadyForQuery. One thread.
/// Invariants: bytes reach `to_server` only by a Forward; a server connection is left by detach()
/// only when nothing is owed on it and no state of the session is known to stand there.
class Relay {
 public:
  /// who: audit members of the session, rendered once (a consumer's class too, append_class()).
  /// consumer: null for one that is passed through; else tools.rewrites is not null.
  /// cells: null where the depot has no encrypted columns.
  Relay(policy::Subject subject, std::string who, RelayTools tools, RelayLimits limits, Pooling pooling = {},
        std::unique_ptr<Consumer> consumer = nullptr, std::unique_ptr<cells::SessionCells> cells = nullptr);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  /// The ParameterStatus messages that the server sent before its first ReadyForQuery.
  void follow_greeting(ByteView messages);
  /// Takes what it can from the front of input; the rest must be handed in again, with more.
  Step on_client(ByteView input, ServerRuns& to_server);
  Step on_server(ByteView input, ByteRuns& to_client);
  /// REQUIRES: the last verdict of on_client() was AwaitDurable.
  [[nodiscard]] audit::Ticket awaited() const noexcept { return awaited_; }
  /// What the last on_server() gave from a byte on must not leave before a ticket is durable.
  struct Hold {
    audit::Ticket until;
    std::size_t from = 0;
  };
  [[nodiscard]] const std::optional<Hold>& hold() const noexcept { return hold_; }
  /// The outcome of something that took effect may not be kept: the session is to end once its client
  /// has been told.
  [[nodiscard]] bool outcome_in_doubt() const noexcept { return outcome_in_doubt_; }
  /// Transaction pooling: works on this connection from here on; server must outlive the stay.
  /// REQUIRES: !attached()
  void attach(ServerState& server, ServerRuns& to_server);
  [[nodiscard]] bool attached() const noexcept { return server_ != nullptr; }
  /// The server connection may serve another session now.
  [[nodiscard]] bool releasable() const noexcept {
    return pooling_.shares != nullptr && server_ != nullptr && !pinned() && idle() && ambiguous_syncs_ == 0 &&
           at_client_boundary() && at_server_boundary() && dropping_from_server_ == 0;
  }
  /// REQUIRES: releasable(), or that the connection is closed and the session ends.
  void detach() noexcept;
  [[nodiscard]] bool pinned() const noexcept { return pin_ != sql::PinReason::None; }
  [[nodiscard]] sql::PinReason pin_reason() const noexcept { return pin_; }

  /// Before a session ends because of its client: asks the server for the replies that are due
  /// already. False when there is nothing to wait for.
  [[nodiscard]] bool ask_for_due_replies(ServerRuns& to_server);
  /// Whether a Sync that COPY has read counted can be known only by what the server says next: makes
  /// it say something. False: it is known.
  [[nodiscard]] bool settle_syncs(ServerRuns& to_server);
  /// Behind on_server(): what has to be sent once more now. False: nothing.
  [[nodiscard]] bool replay(ServerRuns& to_server);
  /// The server's connection has ended: what is still owed gets its outcome.
  void abandon();

  /// REQUIRES: the last verdict was Fatal.
  [[nodiscard]] const pgwire::ErrorReport& report() const { return *report_; }
  /// The client has been told in the stream already.
  [[nodiscard]] bool reported() const noexcept { return reported_; }
  /// A message of ours may be put into the stream to the client here.
  [[nodiscard]] bool at_client_boundary() const noexcept { return relaying_to_client_ == 0; }
  [[nodiscard]] bool at_server_boundary() const noexcept { return relaying_to_server_ == 0; }
  [[nodiscard]] pgwire::TransactionStatus transaction_status() const noexcept { return transaction_; }
  /// Nothing owed and no transaction open, nor one that a Sync has yet to end.
  [[nodiscard]] bool idle() const noexcept {
    return replies_.empty() && transaction_ == pgwire::TransactionStatus::Idle && !discarding_ && !unsynced_;
  }
  [[nodiscard]] bool awaiting_reply() const noexcept { return !replies_.empty(); }
  /// What the server works on now is a command of the gateway's own, or nothing yet of what the client asks for.
  [[nodiscard]] bool cancel_would_miss() noexcept {
    return !replies_.empty() &&
           (replies_.front().hidden || replies_.size() <= unsent_ || replay_.state == Replay::State::Due);
  }
  /// Rises with each message of the client's that is answered to its end.
  [[nodiscard]] std::uint64_t answered() const noexcept { return answered_; }
  /// Messages of the extended protocol await their Sync: a transaction, whatever ReadyForQuery last said.
  [[nodiscard]] bool in_open_group() const noexcept { return unsynced_; }
  [[nodiscard]] const RelayFigures& figures() const noexcept { return figures_; }
  /// A consumer's, from a newer snapshot; null: it may act for nobody.
  void set_acting_rights(std::shared_ptr<const ActingRights> rights);
  /// It acts for a tenant, or would again after a COMMIT or ROLLBACK, that it may not act for.
  [[nodiscard]] bool acts_beyond_rights() const;
  /// What the policies would do is recorded from here on; null: no more. Not of a consumer.
  void observe(Observer* observer) noexcept { observer_ = observer; }
  /// The server has said FATAL: its end is near and explained.
  [[nodiscard]] bool server_said_fatal() const noexcept { return server_said_fatal_; }

 private:
  struct Message {
    pgwire::FrameHeader header;
    ByteView whole;  ///< as much as is there, header included
    bool complete = false;
    [[nodiscard]] ByteView payload() const { return whole.subspan(pgwire::kFrameHeaderBytes); }
  };
  /// Entries of the queue that may give names another meaning.
  struct Renaming {
    std::size_t count = 0;
    std::uint64_t settled_in = 0;  // from this segment on their outcome is on its way
  };
  /// What was sent behind a Parse that was answered for what stands on the server already.
  struct Replay {
    enum class State : std::uint8_t { None, Open, Whole, Due };
    State state = State::None;  // Whole: with its Sync; Due: it has to be sent again
    Bytes bytes;
  };
  /// Enough for the names in front of a Bind whose values stream.
  static constexpr std::size_t kNamePrefixBytes = 64 * 1024;
  enum class Handled : std::uint8_t { Taken, NeedMore, Stall, Await, Fatal };

  // relay_barrier.cpp
  Handled client_message(const Message& message, ServerRuns& to_server);
  [[nodiscard]] bool holding_back() const noexcept { return !held_back_.empty(); }
  [[nodiscard]] Verdict waiting_verdict() const noexcept {
    return holding_back() ? Verdict::AwaitDurable : Verdict::Continue;
  }
  [[nodiscard]] bool release_held_back(ServerRuns& to_server);
  [[nodiscard]] audit::Ticket awaited_by(std::size_t first_entry) noexcept;
  [[nodiscard]] bool answers_unsent(char type) const noexcept;
  void hold_reply(const ByteRuns& to_client);
  void renew_hold() noexcept;

  // relay_client.cpp
  Handled handle_client_message(const Message& message, ServerRuns& to_server);
  Handled dispatch(const Message& message, ServerRuns& to_server);
  Handled on_copy_message(const Message& message, ServerRuns& to_server);
  Handled on_sync(const Message& message, ServerRuns& to_server);
  Handled drop(const Message& message);
  Handled relay_protocol(const Message& message, ServerRuns& to_server);
  void relay_with(const Forward& forward, const Message& message, ServerRuns& to_server);
  Handled end_fatal(pgwire::SqlState sqlstate, std::string text, std::string hint = {});

  // relay_statements.cpp
  Handled on_query(const Message& message, ServerRuns& to_server);
  Handled on_parse(const Message& message, ServerRuns& to_server);
  Handled on_bind(const Message& message, ServerRuns& to_server);
  Handled on_execute(const Message& message, ServerRuns& to_server);
  Handled on_describe(const Message& message, ServerRuns& to_server);
  Handled on_close(const Message& message, ServerRuns& to_server);
  Handled on_function_call(const Message& message, ServerRuns& to_server);
  void relay_refused_parse(PendingReply entry, ServerRuns& to_server);
  [[nodiscard]] std::unique_ptr<pgwire::ErrorReport> refuse_name(std::string_view name, const Prepared& statement,
                                                                 ByteView parameter_types) const;
  Handled end_too_long();
  [[nodiscard]] std::optional<Prepared> statement_of(std::string_view name) const {
    return meaning_of(statements_, renaming_statements_, name);
  }
  [[nodiscard]] std::optional<Prepared> meaning_of(const PreparedNames& names, const Renaming& renaming,
                                                   std::string_view name) const;
  void mark_renaming(PendingReply& entry);

  // relay_pool.cpp
  /// Statements keep the client's names: session pooling, or pinned.
  [[nodiscard]] bool native() const noexcept { return pooling_.shares == nullptr || pinned(); }
  PendingReply& push_hidden(Awaited kind);
  PendingReply& close_hidden(std::string_view server_name, ServerRuns& to_server);
  PendingReply& query_hidden(std::string_view text, ServerRuns& to_server);
  void sync_hidden(ServerRuns& to_server);
  void make_room(const std::shared_ptr<const SharedStatement>& statement, ServerRuns& to_server);
  void ensure_prepared(const Prepared& statement, std::string_view name, ServerRuns& to_server);
  [[nodiscard]] Prepared share(Prepared statement, const pgwire::Parse& parse, ByteView parameter_types);
  [[nodiscard]] bool read_as_now(const Prepared& statement) const noexcept {
    return !statement.shared || (meaning_certain_ && statement.shared->meaning == settings_.meaning());
  }
  [[nodiscard]] Prepared as_read_now(const Prepared& statement);
  [[nodiscard]] std::string meaning_here() const;
  void relay_duplicate_parse(PendingReply entry, const Prepared& before, const pgwire::Parse& parse,
                             ByteView parameter_types, const Forward& forward, ServerRuns& to_server);
  void own_unnamed(bool stands) noexcept;
  void relay_shared_parse(PendingReply entry, const Forward& forward, ServerRuns& to_server);
  Handled relay_bind(const Message& message, const pgwire::BindNames& names, const Prepared& statement,
                     ServerRuns& to_server);
  bool materialise_named(const Prepared& statement, bool in_query, ServerRuns& to_server);
  void end_unfinished_parse(const PendingReply& front);
  [[nodiscard]] static std::optional<std::string> with_own_names(const PendingReply& front, ByteView payload);
  Handled relay_error(const Message& message, const PendingReply& front, ByteRuns& to_client);

  // relay_replay.cpp
  [[nodiscard]] std::uint64_t unnamed_since();
  void open_replay();
  void keep_for_replay(const Message& message, const ServerRuns& to_server, std::size_t from);
  [[nodiscard]] bool replays(const PendingReply& front, std::string_view sqlstate) const noexcept;
  void make_replay();

  // relay_consumer.cpp
  Handled end_reserved_name();
  [[nodiscard]] Prepared rewritten(std::string_view text);
  [[nodiscard]] std::shared_ptr<const ConsumerText> with_settings(const ConsumerText& text) const;
  static void keep_without_text(Prepared& statement);
  [[nodiscard]] policy::Decision decide_for_consumer(const Prepared& statement, WallTime now) const;
  [[nodiscard]] std::unique_ptr<pgwire::ErrorReport> refuse_parse(std::string_view name, const Prepared& statement,
                                                                  ByteView parameter_types) const;
  [[nodiscard]] bool waits_for_settings() const noexcept;
  Handled wait_for_replies(ServerRuns& to_server);
  [[nodiscard]] bool context_stands(WallTime now) const noexcept;
  void send_consumer_query(const Forward& forward, PendingReply& entry, bool context_stood, ServerRuns& to_server);
  void put_context(const Prepared& statement, bool unnamed_portal_is_free, ServerRuns& to_server);
  void follow_consumer_statement(const ConsumerText* text) noexcept;
  [[nodiscard]] bool may_be_tenant(std::string_view name) const;
  [[nodiscard]] bool waits_for_tenant() const noexcept;
  [[nodiscard]] bool changes_tenant(const Prepared& statement) const;
  [[nodiscard]] bool run_is_owed() noexcept;
  void judge_tenant(Prepared& statement) const;
  void doubt_settings(const ConsumerText& text, std::size_t i) noexcept;
  void follow_tenant();
  void name_tenant();
  void follow_consumer_result(const PendingReply& front, std::string_view tag);
  void follow_consumer_ready();
  void take_concealed_result(PendingReply& front) noexcept;
  void reach_next_result(PendingReply& front) noexcept;
  Handled complete_to_consumer(const Message& message, const PendingReply& front, ByteRuns& to_client);
  Handled scrub_to_consumer(const Message& message, const PendingReply* front, ByteRuns& to_client);

  // relay_cells.cpp
  [[nodiscard]] cells::ReadSettings read_settings() const;
  [[nodiscard]] bool cells_wait_for_names(const Prepared& statement) const noexcept;
  Handled wait_for_names(ServerRuns& to_server);
  void read_cells(Prepared& statement, std::string_view text, ByteView parameter_types);
  void record_detokenized(Prepared& statement);
  void recall_statement(Prepared& statement, std::string_view name) const;
  void recall_portal(Prepared& statement, std::string_view name) const;
  Handled bind_cells(const Message& message, const pgwire::BindNames& names, Prepared statement,
                     std::string_view server_name, ServerRuns& to_server);
  Handled refuse_bind(std::string_view portal, const Prepared& statement, pgwire::ErrorReport report,
                      ServerRuns& to_server);
  void refuse_portal(Prepared& statement, std::string_view name) const;
  Handled copy_from_client(const Message& message, ServerRuns& to_server);
  Handled row_with_cells(const Message& message, PendingReply& front, ByteRuns& to_client);
  Handled describe_with_cells(const Message& message, PendingReply& front, ByteRuns& to_client);
  Handled copy_to_client(const Message& message, PendingReply& front, ByteRuns& to_client);
  Handled scrub_cells(const Message& message, const PendingReply* front, ByteRuns& to_client);
  Handled end_for_cell(PendingReply& front, const Error& error, ByteRuns& to_client);
  void follow_cells(const PendingReply& front);
  void follow_cell_names(const PendingReply& front, char type);
  [[nodiscard]] bool begin_cell_copy(PendingReply& front);

  // relay_pins.cpp
  void pin(sql::PinReason reason) noexcept;
  [[nodiscard]] sql::PinReason pin_for(const sql::Statement& statement) const noexcept;
  [[nodiscard]] bool only_own_commands() noexcept;
  [[nodiscard]] bool no_statement(std::string_view name) const noexcept;
  [[nodiscard]] bool no_portal(std::string_view name) const noexcept;
  void follow_planning(const Prepared& statement, ServerRuns& to_server);
  [[nodiscard]] bool names_settled(const Prepared& statement) const;
  void prepare_pin(const Prepared& statement, bool in_query, ServerRuns& to_server);
  void name_as_client(bool quiet, ServerRuns& to_server);
  void follow_state(const sql::Statement& statement);
  void execute_hidden(std::string_view text, bool quiet, bool clears, ServerRuns& to_server);
  [[nodiscard]] bool resets_name(const Prepared& statement) const;
  [[nodiscard]] std::string name_command() const;
  void ask_for_carried(ServerRuns& to_server);
  Handled take_carried(const Message& message);
  void settle_carried(const PendingReply& front);
  Handled tell_own_name(const Message& message, ByteRuns& to_client);
  void release_text(std::string_view name);
  void release_bytes(const SharedStatement& statement) noexcept;
  void settle_attach(ByteRuns& to_client);

  // relay_traces.cpp
  [[nodiscard]] bool needs_reset(const ServerState& server) const noexcept;
  void ask_for_traits(ServerRuns& to_server);
  Handled take_traits(const Message& message, const DepotTraits::Question& question);
  void follow_traces(const sql::Statement& statement) noexcept;
  void begin_definition() noexcept;
  void end_definition() noexcept;

  // relay_server.cpp
  Handled server_message(const Message& message, ByteRuns& to_client);
  void follow(const pgwire::ParameterStatus& status);
  Handled on_parameter_status(const Message& message, ByteRuns& to_client);
  Handled on_command_complete(const Message& message, ByteRuns& to_client);
  Handled on_copy_in_response(const Message& message, ByteRuns& to_client);
  Handled relay_reply(const Message& message, ByteRuns& to_client);
  Handled on_notification(const Message& message, ByteRuns& to_client);
  Handled drop_reply(const Message& message);
  Handled complete_carried_parse(const Message& message, ByteRuns& to_client);
  [[nodiscard]] bool fits_front(char type) noexcept;
  void complete_front_if_done(char type);
  void follow_renaming(std::string_view tag, const Prepared& by);
  Handled mismatch(char type);

  // relay_ending.cpp
  [[nodiscard]] static bool runs_on(const PendingReply& entry) noexcept;
  Handled on_error_response(const Message& message, ByteRuns& to_client);
  Handled on_ready_for_query(const Message& message, ByteRuns& to_client);
  [[nodiscard]] bool sync_follows() noexcept;
  void skip_to_sync();
  void pop_front(audit::Status unfinished);

  // relay_observe.cpp
  [[nodiscard]] std::shared_ptr<const ConsumerText> observed(std::string_view text);
  void count_observed(const ConsumerText& text) noexcept;

  // relay_audit.cpp
  [[nodiscard]] Prepared analyse(std::string_view text);
  /// Decides, and begins the audit of each statement: the Forward, or why not.
  struct Admission {
    std::optional<Forward> forward;
    std::unique_ptr<pgwire::ErrorReport> refusal;
  };
  [[nodiscard]] Admission admit_statements(const Prepared& statement, audit::Event event, PendingReply& entry);
  [[nodiscard]] policy::Decision decide(const Prepared& statement) const;
  /// Whatever is refused leaves its record.
  [[nodiscard]] Admission refused(const Prepared& statement, audit::Event event,
                                  std::unique_ptr<pgwire::ErrorReport> report,
                                  const std::vector<std::string>& reasons = {});
  [[nodiscard]] Admission decide_only(const Prepared& statement);
  [[nodiscard]] Admission admit_function_call(std::uint32_t oid, PendingReply& entry);
  [[nodiscard]] Result<audit::Ticket> begin(audit::Event event, std::string_view statement);
  void record_refusal(const Prepared& statement, audit::Event event, const pgwire::ErrorReport& report,
                      const std::vector<std::string>& reasons);
  void finish_statement(PendingReply& entry, audit::Status status);
  void finish_entry(PendingReply& entry, audit::Status unfinished);

  policy::Subject subject_;
  std::unique_ptr<ConsumerState> consumer_;  // null: passed through
  Observer* observer_ = nullptr;  // null: enforced, or no policies
  std::unique_ptr<cells::SessionCells> cells_;  // null: no encrypted columns here
  bool cell_replies_asked_for_ = false;  // by a Flush of ours, and not all of them are here
  bool reported_ = false;
  std::string who_;
  RelayTools tools_;
  RelayLimits limits_;

  Pooling pooling_;
  std::unique_ptr<ServerState> own_server_;  // session pooling
  ServerState* server_ = nullptr;
  sql::PinReason pin_ = sql::PinReason::None;
  bool meaning_certain_ = true;  // nothing in this transaction may have changed how texts are read
  std::size_t shared_bytes_ = 0;  // of texts kept for this session
  std::uint64_t unnamed_serial_ = 0;  // rises with each change of what the statement without a name is
  ReportedSettings settings_;  // as last told to the client
  std::string own_name_;  // application_name as the client started with it, where RESET leads elsewhere
  CarriedSettings carried_;
  CarriedSettings told_;  // what the server answers, until the transaction is known to have ended
  CarriedSettings::Mask touched_ = 0;  // may have been set, and the server has not been asked yet
  bool told_fits_ = true;
  const ServerState* sequences_on_ = nullptr;  // compared only: where the session may have moved sequences last
  DepotTraits::Verdict verdict_;  // since attach() what ran unseen falls under it, if it is still the same
  bool wrote_ = false;  // since attach()
  bool defining_ = false;  // this transaction may define something
  bool cursors_ = false;  // SQL may have opened some in this transaction
  bool path_set_ = false;  // search_path, for this transaction
  bool hides_shared_ = false;  // what stands there under shared names has to go ahead of the next message
  bool owes_clearing_ = false;  // what others left for currval is there still
  ReplyQueue replies_;
  PreparedNames statements_;
  PreparedNames portals_;
  pgwire::TransactionStatus transaction_ = pgwire::TransactionStatus::Idle;
  bool discarding_ = false;  // an extended-query error: the server skips until Sync
  bool unsynced_ = false;  // messages of the extended protocol have been sent behind the last Sync
  bool opens_group_ = false;  // the message at hand is the first of those
  Replay replay_;
  bool copy_in_ = false;  // the server reads CopyData, and ignores Sync and Flush
  std::size_t ambiguous_syncs_ = 0;  // Syncs sent into a COPY: the server answers none or some
  std::uint64_t segment_ = 0;  // rises with each Sync sent
  Renaming renaming_statements_;
  Renaming renaming_portals_;
  sql::LexOptions lex_;  // follows ParameterStatus
  bool lex_certain_ = true;  // nothing has run that may have changed it untold
  bool server_said_fatal_ = false;
  // Admitted and not yet durable: the bytes, and the entries for them at the end of the queue.
  Bytes held_back_;
  std::size_t unsent_ = 0;
  audit::Ticket awaited_;
  std::optional<Hold> hold_;
  audit::Ticket held_through_;  // what replies have been held for, or did not have to be
  bool outcome_in_doubt_ = false;
  std::uint64_t relaying_to_server_ = 0;  // bytes left of a message that is passed on
  std::uint64_t dropping_from_client_ = 0;
  std::uint64_t relaying_to_client_ = 0;
  std::uint64_t dropping_from_server_ = 0;
  std::uint64_t bytes_to_client_ = 0;
  std::uint64_t answered_ = 0;
  RelayFigures figures_;
  std::optional<pgwire::ErrorReport> report_;
};

}  // namespace bartizan::session
