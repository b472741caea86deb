#include "server_connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "bartizan/base/log.hpp"
#include "bartizan/net/connect.hpp"
#include "bartizan/pgwire/frame.hpp"
#include "client_session.hpp"
#include "server_pool.hpp"

namespace bartizan::proxy {

namespace asio = net::asio;

namespace {
constexpr auto use_result = asio::as_tuple(asio::use_awaitable);
/// Reads in a row before other connections of the worker get their turn.
constexpr int kBurst = 16;
}  // namespace

ServerConnection::ServerConnection(Worker& worker, std::shared_ptr<ServerPool> pool, ServerLink link)
    : worker_(worker),
      pool_(std::move(pool)),
      stream_(std::move(link.stream)),
      process_id_(link.process_id),
      cancel_secret_(link.cancel_secret),
      from_server_(std::move(link.first_bytes)) {
  state_.process_id = link.process_id;
  state_.context_key = std::move(link.context_key);
  pgwire::FrameHeader header;
  ByteView rest = link.greeting;
  while (pgwire::peek_frame(rest, header) == pgwire::FrameStatus::Ok && rest.size() >= header.total_bytes()) {
    const auto payload = rest.first(header.total_bytes()).subspan(pgwire::kFrameHeaderBytes);
    if (header.type == pgwire::backend::kParameterStatus)
      if (const auto status = pgwire::decode_parameter_status(payload))
        state_.settings.put(status->name, status->value);
    rest = rest.subspan(header.total_bytes());
  }
  state_.defaults = state_.settings;
}

ServerConnection::~ServerConnection() { close(); }

void ServerConnection::run() {
  asio::co_spawn(worker_.context(), read(), [self = shared_from_this()](std::exception_ptr fault) {
    if (fault) BZ_LOG(Error, "server.fault");
    self->gone();
  });
}

void ServerConnection::close() {
  if (closed_) return;
  closed_ = true;
  stream_->close();
  pool_->depot().on_closed(*this);
}

bool ServerConnection::send(const session::ByteRuns& runs) { return !closed_ && send_now(*stream_, runs, to_server_); }

net::Task<bool> ServerConnection::flush() {
  const auto self = shared_from_this();
  const bool written = co_await flush_waiting(*stream_, to_server_);
  co_return written && !closed_;
}

net::Task<bool> ServerConnection::cancel() {
  const auto self = shared_from_this();
  if (closed_) co_return false;
  if (cancels_ > 1) co_return true;  // one is under way, and one stands behind it
  ++cancels_;
  auto address = pool_->request().address;
  auto connected = co_await connect_server(worker_.context(), std::move(address));
  bool done = false;
  if (connected) {
    const net::CloseAfter deadline(**connected, kServerPatience);
    Bytes out;
    std::array<std::byte, 4> secret{};
    store_be32(secret.data(), cancel_secret_);
    pgwire::MessageWriter writer(out);
    pgwire::write_cancel_request(writer, process_id_, secret);
    auto sent = co_await (*connected)->write_all(out);
    if (sent) {
      // The server closes once the signal is sent.
      std::array<std::byte, 1> end{};
      auto ended = co_await (*connected)->read_some(end);
      done = !ended && ended.error().code == Errc::Unavailable;
    }
  }
  --cancels_;
  // Whether it was sent is not known: it may still come.
  if (!done && connected) expires_at = SteadyTime::min();
  if (ending_) close();
  if (user_ == nullptr && cancels_ == 0 && !closed_) pool_->depot().put_back(self);
  co_return done;
}

void ServerConnection::cancel_and_close() {
  ending_ = true;
  asio::co_spawn(
      worker_.context(),
      [](std::shared_ptr<ServerConnection> self) -> net::Task<void> {
        [[maybe_unused]] const bool sent = co_await self->cancel();
      }(shared_from_this()),
      asio::detached);
}

bool ServerConnection::check(SteadyTime now) {
  asked_ = true;
  asked_at_ = now;
  // A Sync changes nothing, and drops no statement that stands there.
  Bytes out;
  pgwire::MessageWriter writer(out);
  pgwire::write_sync(writer);
  const auto step = stream_->try_write(out);
  return step.status == net::IoStatus::Ok && step.bytes == out.size();
}

/// Between two uses a server has nothing to say but that a setting has changed, its sign of life
/// when it was asked for one, or its end.
bool ServerConnection::on_idle_bytes(ByteView input) {
  pgwire::FrameHeader header;
  while (!input.empty()) {
    const auto status = pgwire::peek_frame(input, header);
    if (status != pgwire::FrameStatus::Ok || input.size() < header.total_bytes()) return false;
    const auto payload = input.first(header.total_bytes()).subspan(pgwire::kFrameHeaderBytes);
    if (header.type == pgwire::backend::kParameterStatus) {
      const auto parameter = pgwire::decode_parameter_status(payload);
      if (!parameter) return false;
      state_.settings.put(parameter->name, parameter->value);
    } else if (header.type == pgwire::backend::kReadyForQuery && asked_) {
      const auto ready = pgwire::decode_ready_for_query(payload);
      if (!ready || ready->status != pgwire::TransactionStatus::Idle) return false;
      asked_ = false;
    } else if (header.type != pgwire::backend::kNoticeResponse) {
      return false;
    }
    input = input.subspan(header.total_bytes());
  }
  return true;
}

void ServerConnection::gone() {
  close();
  if (user_ == nullptr) {
    pool_->depot().forget_idle(*this);
    return;
  }
  user_->server_gone();
}

net::Task<void> ServerConnection::read() {
  int burst = 0;
  while (!closed_) {
    const auto scratch = worker_.scratch();
    const auto read = stream_->try_read(scratch);
    if (read.status == net::IoStatus::WouldBlock) {
      burst = 0;
      const bool ready = co_await stream_->wait_readable();
      if (!ready) co_return;
      continue;
    }
    if (read.status != net::IoStatus::Ok) {
      if (user_ != nullptr) {
        const auto user = user_->shared_from_this();
        [[maybe_unused]] const bool flushed = co_await user->flush_to_client();
      }
      co_return;
    }
    ByteView input = scratch.first(read.bytes);
    if (!from_server_.empty()) {
      from_server_.insert(from_server_.end(), input.begin(), input.end());
      input = from_server_;
    }
    if (user_ == nullptr && ending_) {
      from_server_.clear();
      // The cancel that ends it has to get its turn.
      co_await asio::post(worker_.context(), use_result);
      continue;
    }
    if (user_ == nullptr) {
      const bool was_asked = asked_;
      if (!on_idle_bytes(input)) co_return;
      from_server_.clear();
      if (was_asked && !asked_) pool_->depot().checked(shared_from_this());
      continue;
    }
    const auto user = user_->shared_from_this();
    const auto step = user->feed_server(input);
    if (input.data() == from_server_.data()) {
      from_server_.erase(from_server_.begin(), from_server_.begin() + static_cast<std::ptrdiff_t>(step.consumed));
      if (from_server_.empty() && from_server_.capacity() > 4096) from_server_ = Bytes();
    } else {
      from_server_.assign(input.begin() + static_cast<std::ptrdiff_t>(step.consumed), input.end());
    }
    if (user->must_flush() && !user->waits_apart(step)) {
      // Go on reading only once it is written, so that memory stays bounded.
      const bool flushed = co_await user->flush_to_client();
      if (!flushed) user->close();
    }
    if (user_ == user.get()) user->after_server(step);
    if (++burst >= kBurst) {
      burst = 0;
      co_await asio::post(worker_.context(), use_result);
    }
  }
}

}  // namespace bartizan::proxy
