// One client connection from accept to end: drives the sans-I/O phases of module session over
// two streams. client_startup.cpp gets it signed in, client_relay.cpp carries its traffic.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>

#include "bartizan/cells/session_cells.hpp"
#include "bartizan/policy/decision.hpp"
#include "bartizan/session/client_startup.hpp"
#include "bartizan/session/consumer.hpp"
#include "bartizan/session/observed.hpp"
#include "bartizan/session/relay.hpp"
#include "server_pool.hpp"
#include "waiting_bytes.hpp"
#include "worker.hpp"

namespace bartizan::proxy {

/// Held by its worker and by its running coroutines, all on the worker's thread. Ends when the
/// coroutines have ended; close() makes them.
class ClientSession : public std::enable_shared_from_this<ClientSession> {
 public:
  ClientSession(Worker& worker, std::uint64_t id, net::Accepted accepted);
  ~ClientSession();
  ClientSession(const ClientSession&) = delete;
  ClientSession& operator=(const ClientSession&) = delete;

  /// Spawns the session. Called once.
  void run();

  /// The tick: time-outs, changed grants, draining. snapshot: the newest; null before the first.
  /// wall_changed: who belongs to which class may be another since the last tick.
  void check(SteadyTime now, const policy::Snapshot* snapshot, bool wall_changed);
  /// FATAL to the client where the stream's state allows it, then the end.
  void end_with(pgwire::SqlState sqlstate, std::string message, std::string hint = {});
  void close();

  // Called by the server connection that it uses.
  [[nodiscard]] session::Step feed_server(ByteView input);
  [[nodiscard]] bool must_flush() const noexcept { return !to_client_.empty() || !held_.empty(); }
  net::Task<bool> flush_to_client();
  /// What must_flush() speaks of is a whole reply that waits for the audit log: it is sent without
  /// anybody's help, and the server connection need not be kept for it.
  [[nodiscard]] bool waits_apart(const session::Step& step);
  void after_server(const session::Step& step);
  void server_gone();

  [[nodiscard]] bool signed_in() const noexcept { return relay_ != nullptr; }
  [[nodiscard]] bool works_on(policy::DepotId depot) const noexcept { return relay_ && subject_.depot == depot; }
  /// In the midst of a statement or of a transaction.
  [[nodiscard]] bool running() const noexcept { return relay_ && (!relay_->idle() || !held_.empty()); }
  /// It keeps a server connection, and its depot does not let it begin a transaction.
  [[nodiscard]] bool held_between_transactions() const noexcept { return paused_; }
  [[nodiscard]] SteadyTime begun() const noexcept { return begun_; }
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  [[nodiscard]] SessionInfo info() const;

 private:
  struct Granted;

  // client_startup.cpp
  net::Task<void> main();
  net::Task<bool> start_up();
  net::Task<bool> read_proxy_header();
  net::Task<bool> negotiate(session::ClientStartup& startup);
  net::Task<bool> become_tls();
  net::Task<bool> sign_in();
  net::Task<bool> prove(std::unique_ptr<Granted>& granted);
  net::Task<void> refuse(pgwire::ErrorReport report);
  /// What was recorded, or nullopt when the log did not take it.
  std::optional<audit::Ticket> record_sign_in(const policy::Identity* identity, audit::Status status,
                                              std::string_view sqlstate);
  net::Task<void> refuse_sign_in(SignInRefusal reason, pgwire::ErrorReport report);
  [[nodiscard]] net::Task<bool> may_sign_in();
  void record_refusal(SignInRefusal reason, std::string_view sqlstate);
  void record_sign_out();

  // client_connect.cpp
  net::Task<bool> connect(std::unique_ptr<Granted> granted);
  [[nodiscard]] bool renew(Granted& granted) const;
  [[nodiscard]] Result<void> resolve(Granted& granted);
  net::Task<bool> refuse_grant(const policy::Identity& identity, Errc reason);
  void become(const Granted& granted);
  net::Task<bool> join_pool(const Granted& granted);
  [[nodiscard]] Bytes greeting() const;
  [[nodiscard]] session::CancelKey register_cancel_key();

  // client_wall.cpp
  struct Walled {
    std::shared_ptr<const policy::WallState> state;
    const policy::WallAssignment* assignment = nullptr;  ///< lives as long as `state`
    std::optional<std::string> purpose;
    std::vector<std::string> search_path;
    std::shared_ptr<const session::ActingRights> acting;  ///< null: for nobody but itself
    std::optional<SteadyTime> unsure_since;  ///< the wall has not followed the snapshot yet
    std::optional<SteadyTime> over_since;    ///< the class is another one now
  };
  net::Task<void> refuse_class(const policy::Identity& identity, bool later);
  net::Task<bool> enter_wall(Granted& granted);
  net::Task<bool> ask_as_class(const Granted& granted, LinkRequest& request);
  [[nodiscard]] std::unique_ptr<session::Consumer> consumer() const;
  void follow_wall(SteadyTime now);
  void check_wall(SteadyTime now, bool news);
  void end_with_class(bool at_once);

  // client_observe.cpp
  void follow_observed(const policy::Snapshot& snapshot);
  void begin_observing(const policy::Snapshot& snapshot);
  [[nodiscard]] bool fits_enforcement(const policy::Snapshot& snapshot, const policy::Depot& depot,
                                      const policy::GrantedLogin& grant);

  // client_cells.cpp
  net::Task<bool> enter_cells(const Granted& granted);
  [[nodiscard]] net::Task<bool> settle_cells(const Granted& granted, LinkRequest& request);
  [[nodiscard]] std::unique_ptr<cells::SessionCells> session_cells();
  void check_cells(SteadyTime now, bool news);
  [[nodiscard]] std::vector<std::uint32_t> detokenized(const policy::Snapshot& snapshot) const;
  void end_with_cells(bool at_once);

  // client_cancel.cpp
  net::Task<void> cancel(session::CancelKey key);
  static net::Task<bool> cancel_at_owner(std::shared_ptr<const CancelTarget> target);
  static net::Task<bool> cancel_running(std::shared_ptr<ClientSession> session);
  void send_query_cancel();

  // client_barrier.cpp
  net::Task<bool> until_durable(audit::Ticket ticket);
  net::Task<bool> may_forward();
  net::Task<bool> flush_held();
  [[nodiscard]] bool send_unheld(const session::ByteRuns& runs);
  [[nodiscard]] bool send_held();
  void on_held_durable();
  net::Task<bool> write_waiting();
  void withhold();
  void end_in_doubt();

  // client_traffic.cpp
  [[nodiscard]] bool must_pause(ByteView input) const noexcept;
  net::Task<void> until_resumed();
  [[nodiscard]] bool check_traffic(SteadyTime now);

  // client_relay.cpp
  net::Task<void> pump_client();
  net::Task<void> end_for_client_fault();
  net::Task<bool> acquire_server();

  [[nodiscard]] session::Step feed_client(ByteView input);
  void keep_unread(ByteView input, std::size_t consumed);
  void use_server(std::shared_ptr<ServerConnection> server);
  void release_server();
  void publish_figures();
  void count_pin();

  Worker& worker_;
  Shared& shared_;
  const std::uint64_t id_;
  net::Address peer_;
  std::string counted_host_;  // as entered in AddressCounts, empty when it is not
  bool has_place_ = false;    // of ClientPlaces
  bool name_on_certificate_ = false;  // the client's certificate has to name the identity
  net::Stream client_;
  std::shared_ptr<ServerPool> pool_;
  std::shared_ptr<ServerConnection> server_;        // in use now
  const ServerConnection* last_server_ = nullptr;   // compared only, it may be gone
  const std::shared_ptr<bool> abandoned_ = std::make_shared<bool>(false);  // closing, for those who wait for it
  const SteadyTime begun_;
  const WallTime since_;
  SteadyTime client_spoke_;       // last bytes of the client
  SteadyTime reply_awaited_since_;
  SteadyTime sign_in_from_;       // its time-out counts from here: later than begun_ where a paused depot held it
  SteadyTime idle_since_{};       // nothing was owed any more
  std::uint64_t answered_ = 0;    // as the relay counted it then
  bool ends_itself_ = false;      // by the gateway, not by its client
  bool queued_ = false;           // waits for a server connection
  bool paused_ = false;           // has one, and waits for its depot to be resumed
  bool cancel_waits_ = false;     // for what waits for a server connection
  bool closing_ = false;
  bool finished_ = false;         // the client said Terminate
  bool cancel_sent_ = false;      // for statement_timeout, once a statement
  std::optional<Bytes> end_point_hash_;
  std::unique_ptr<session::StartupRequest> request_;
  std::unique_ptr<Walled> walled_;  ///< null: passed through
  std::unique_ptr<session::Observer> observed_;  ///< of a depot in observe; null: of another one
  std::optional<std::string> observed_purpose_;
  std::shared_ptr<const cells::EncryptedDepot> cells_;  ///< as it was at sign-in; null: none
  cells::DepotHolder::Stay cells_stay_;
  std::uint64_t cells_seen_ = 0;
  std::uint64_t cells_looked_ = 0;
  std::vector<std::string> cells_path_;
  std::vector<std::uint32_t> detokenizes_;  ///< columns of tokens whose values it may have, by number
  std::optional<WallTime> detokenizes_until_;  ///< the first moment at which these may be others
  std::optional<SteadyTime> cells_over_since_;  ///< other columns are encrypted now
  std::unique_ptr<session::Relay> relay_;
  std::optional<session::CancelKey> cancel_key_;
  policy::Subject subject_;
  std::int64_t checked_epoch_ = 0;  // of the snapshot by which the grant was last found
  std::string who_;
  std::string identity_name_;
  std::string depot_name_;
  std::string application_name_;
  Bytes from_client_;  // the part of a message that is not whole yet
  WaitingBytes to_client_;  // what a slow peer has not taken yet
  static constexpr std::size_t kKeptHeld = 16 * 1024;
  Bytes held_;                // what comes behind it once held_until_ is durable
  audit::Ticket held_until_;
  DurableWaits::Notice held_notice_;  // waits while held_ is nobody's to flush
  SteadyTime held_since_{};
  bool writing_waiting_ = false;  // by write_waiting()
  sql::PinReason counted_pin_ = sql::PinReason::None;
  bool stalled_ = false;  // the client pump waits for replies to come
  net::asio::steady_timer progress_;  // the client pump waits on it while stalled
  session::RelayFigures published_;
};

}  // namespace bartizan::proxy
