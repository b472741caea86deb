// RFC 5424 messages over TLS with octet counting (RFC 5425). The protocol has no acknowledgement: what the
// receiver's kernel has is taken for delivered once the connection has lived on for a while, and sent again when
// it has not.
#include <fmt/format.h>

#include "bartizan/shipping/sink.hpp"
#include "bartizan/shipping/transport.hpp"

namespace bartizan::shipping {
namespace {

constexpr std::chrono::seconds kLongest{20};
constexpr std::chrono::seconds kSettles{5};

class SyslogSink final : public Sink {
 public:
  SyslogSink(SinkOptions options, TlsContext tls, const Stopper& stopper)
      : options_(std::move(options)), tls_(std::move(tls)), stopper_(stopper) {}

  Result<Delivered> deliver(std::span<const Record> records) override {
    auto done = try_to(records);
    if (!done) transport_.reset();
    return done;
  }
  std::chrono::milliseconds settles_after() const override { return kSettles; }
  bool connected() override { return transport_ && !transport_->peer_gone(); }
  void disconnect() override { transport_.reset(); }

 private:
  Result<Delivered> try_to(std::span<const Record> records) {
    const auto deadline = std::chrono::steady_clock::now() + kLongest;
    if (!transport_) {
      BZ_TRY(transport_, Transport::connect(options_.peer, &tls_, stopper_, deadline));
    }
    if (transport_->peer_gone()) return fail(Errc::Unavailable, "the receiver has hung up");
    std::string frames;
    for (const Record& record : records) {
      const std::string message = syslog_message(record, options_.host, options_.body);
      fmt::format_to(std::back_inserter(frames), "{} {}", message.size(), message);
    }
    BZ_CHECK(transport_->write(frames, deadline));
    BZ_CHECK(transport_->drained(deadline));
    return Delivered{};
  }

  const SinkOptions options_;
  const TlsContext tls_;
  const Stopper& stopper_;
  std::unique_ptr<Transport> transport_;
};

}  // namespace

Result<std::unique_ptr<Sink>> syslog_sink(SinkOptions options, const Stopper& stopper) {
  BZ_TRY(auto tls, TlsContext::open(options.peer));
  return std::make_unique<SyslogSink>(std::move(options), std::move(tls), stopper);
}

}  // namespace bartizan::shipping
