// RELP: each message is answered by the receiver once it has it. A batch is delivered when all of its answers are
// there, and is at most as long as the window that receivers expect.
#include <algorithm>
#include <array>
#include <set>

#include "bartizan/shipping/sink.hpp"
#include "bartizan/shipping/transport.hpp"
#include "relp_frame.hpp"

namespace bartizan::shipping {
namespace {

constexpr std::chrono::seconds kLongest{20};
constexpr std::size_t kWindow = 128;
constexpr std::size_t kMostUnread = 256 * 1024;
constexpr unsigned kOk = 200;

class RelpSink final : public Sink {
 public:
  RelpSink(SinkOptions options, std::unique_ptr<TlsContext> tls, const Stopper& stopper)
      : options_(std::move(options)), tls_(std::move(tls)), stopper_(stopper) {}
  ~RelpSink() override { close_session(); }

  Result<Delivered> deliver(std::span<const Record> records) override {
    while (!records.empty()) {
      const auto window = records.first(std::min(records.size(), kWindow));
      if (auto done = window_of(window); !done) {
        disconnect();
        return tl::unexpected(std::move(done).error());
      }
      records = records.subspan(window.size());
    }
    return Delivered{};
  }
  void disconnect() override {
    transport_.reset();
    unread_.clear();
  }

 private:
  using Deadline = Transport::Deadline;

  Result<void> window_of(std::span<const Record> records) {
    const auto deadline = std::chrono::steady_clock::now() + kLongest;
    if (!transport_) BZ_CHECK(open_session(deadline));
    std::string frames;
    std::set<std::uint32_t> awaited;
    for (const Record& record : records) {
      transaction_ = next_transaction(transaction_);
      append_relp(frames, transaction_, "syslog", syslog_message(record, options_.host, options_.body));
      awaited.insert(transaction_);
    }
    BZ_CHECK(transport_->write(frames, deadline));
    while (!awaited.empty()) {
      BZ_TRY(const RelpFrame answer, next_frame(deadline));
      if (answer.command == "serverclose") return fail(Errc::Unavailable, "the receiver closes");
      if (answer.command != "rsp" || awaited.erase(answer.transaction) == 0)
        return fail(Errc::Malformed, "the receiver answers what it was not asked");
      if (relp_status(answer) != kOk) return fail(Errc::Unavailable, "the receiver refuses a record");
    }
    return {};
  }

  Result<void> open_session(Deadline deadline) {
    unread_.clear();
    transaction_ = 0;
    BZ_TRY(transport_, Transport::connect(options_.peer, tls_.get(), stopper_, deadline));
    std::string open;
    transaction_ = next_transaction(transaction_);
    append_relp(open, transaction_, "open", "relp_version=0\nrelp_software=bartizan,1\ncommands=syslog");
    BZ_CHECK(transport_->write(open, deadline));
    BZ_TRY(const RelpFrame answer, next_frame(deadline));
    if (answer.command != "rsp" || answer.transaction != transaction_ || relp_status(answer) != kOk)
      return fail(Errc::Unavailable, "the receiver does not open a RELP session");
    return {};
  }

  void close_session() {
    if (!transport_) return;
    std::string close;
    append_relp(close, next_transaction(transaction_), "close", {});
    [[maybe_unused]] const auto sent =
        transport_->write(close, std::chrono::steady_clock::now() + std::chrono::milliseconds(200));
  }

  Result<RelpFrame> next_frame(Deadline deadline) {
    for (;;) {
      BZ_TRY(auto frame, parse_relp(unread_));
      if (frame) {
        unread_.erase(0, frame->bytes);
        return std::move(*frame);
      }
      if (unread_.size() > kMostUnread) return fail(Errc::TooLarge, "the receiver's answer is too long");
      std::array<char, 8192> chunk{};
      BZ_TRY(const std::size_t got, transport_->read(chunk, deadline));
      if (got == 0) return fail(Errc::Unavailable, "the receiver has hung up");
      unread_.append(chunk.data(), got);
    }
  }

  const SinkOptions options_;
  const std::unique_ptr<TlsContext> tls_;  // null: plain
  const Stopper& stopper_;
  std::unique_ptr<Transport> transport_;
  std::uint32_t transaction_ = 0;
  std::string unread_;
};

}  // namespace

Result<std::unique_ptr<Sink>> relp_sink(SinkOptions options, const Stopper& stopper) {
  std::unique_ptr<TlsContext> tls;
  if (options.peer.tls) {
    BZ_TRY(auto context, TlsContext::open(options.peer));
    tls = std::make_unique<TlsContext>(std::move(context));
  }
  return std::make_unique<RelpSink>(std::move(options), std::move(tls), stopper);
}

}  // namespace bartizan::shipping
