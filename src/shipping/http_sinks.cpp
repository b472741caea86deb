// Webhook and OTLP/HTTP: a batch is one POST, delivered when the receiver answers 2xx.
#include <fmt/format.h>

#include "bartizan/shipping/http_post.hpp"
#include "bartizan/shipping/sink.hpp"

namespace bartizan::shipping {
namespace {

constexpr std::chrono::seconds kLongest{30};

class HttpSink : public Sink {
 public:
  HttpSink(HttpOptions options, std::unique_ptr<TlsContext> tls, const Stopper& stopper, const Clock& clock)
      : options_(std::move(options)), clock_(clock), tls_(std::move(tls)), stopper_(stopper) {}

 protected:
  /// Whatever the receiver's reason for another status: the records stay, and are sent again.
  Result<HttpAnswer> post(std::string_view headers, std::string_view body) const {
    BZ_TRY(auto answer, http_post(options_.url, tls_.get(), headers, body, stopper_, kLongest));
    if (answer.status < 200 || answer.status > 299)
      return fail(Errc::Unavailable, fmt::format("the receiver answers with status {}", answer.status));
    return answer;
  }

  const HttpOptions options_;
  const Clock& clock_;

 private:
  const std::unique_ptr<TlsContext> tls_;  // null: plain
  const Stopper& stopper_;
};

class WebhookSink final : public HttpSink {
 public:
  using HttpSink::HttpSink;
  Result<Delivered> deliver(std::span<const Record> records) override {
    std::string body;
    for (const Record& record : records) body.append(record.json).append("\n");
    const std::string headers = fmt::format("Content-Type: application/x-ndjson\r\nX-Bartizan-Signature: {}\r\n",
                                            webhook_signature(options_.secret.reveal(), clock_.wall(), body));
    BZ_CHECK(post(headers, body));
    return Delivered{};
  }
};

class OtlpSink final : public HttpSink {
 public:
  using HttpSink::HttpSink;
  Result<Delivered> deliver(std::span<const Record> records) override {
    BZ_TRY(const std::string given, header_lines(options_.headers.reveal_chars()));
    BZ_TRY(const auto answer,
           post("Content-Type: application/json\r\n" + given, otlp_request(records, options_.host, clock_.wall())));
    return Delivered{std::min<std::uint64_t>(otlp_rejected(answer.body), records.size())};
  }
};

Result<std::unique_ptr<TlsContext>> context_of(const HttpOptions& options) {
  if (!options.url.peer.tls) return nullptr;
  BZ_TRY(auto context, TlsContext::open(options.url.peer));
  return std::make_unique<TlsContext>(std::move(context));
}

}  // namespace

Result<std::unique_ptr<Sink>> webhook_sink(HttpOptions options, const Stopper& stopper, const Clock& clock) {
  if (options.secret.size() < 16) return fail(Errc::InvalidArgument, "a webhook's secret has 16 bytes at least");
  BZ_TRY(auto tls, context_of(options));
  return std::make_unique<WebhookSink>(std::move(options), std::move(tls), stopper, clock);
}

Result<std::unique_ptr<Sink>> otlp_sink(HttpOptions options, const Stopper& stopper, const Clock& clock) {
  BZ_CHECK(header_lines(options.headers.reveal_chars()));
  BZ_TRY(auto tls, context_of(options));
  return std::make_unique<OtlpSink>(std::move(options), std::move(tls), stopper, clock);
}

}  // namespace bartizan::shipping
