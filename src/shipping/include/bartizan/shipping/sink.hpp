// Where records are shipped to: one receiver, one protocol, one connection at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/shipping/record.hpp"

namespace bartizan::shipping {

class Stopper;

/// Who receives, and how it proves who it is.
struct Peer {
  std::string host;
  std::uint16_t port = 0;
  bool tls = true;
  std::string ca_file;           ///< empty: the system's authorities
  std::string certificate_file;  ///< ours; empty: none
  std::string private_key_file;
};

/// "host:port", "[v6]:port". InvalidArgument.
[[nodiscard]] Result<Peer> parse_address(const std::string& address);

struct Url {
  Peer peer;
  std::string target;  ///< "/v1/logs"
  std::string authority;
};
/// "https://host[:port]/path", and http:// to this machine itself alone.
[[nodiscard]] Result<Url> parse_url(const std::string& url);

/// One thread's.
class Sink {
 public:
  struct Delivered {
    std::uint64_t rejected = 0;  ///< that the receiver will never take
  };

  virtual ~Sink() = default;
  /// Returns when the receiver has said that it has all of them; or, where the protocol has no such word, when its
  /// kernel has. After an error the connection is given up, and the next call makes a new one.
  [[nodiscard]] virtual Result<Delivered> deliver(std::span<const Record> records) = 0;
  /// For how long what was delivered may still have to be sent again: until then a connection that breaks takes it
  /// along. 0 where the receiver answers.
  [[nodiscard]] virtual std::chrono::milliseconds settles_after() const { return std::chrono::milliseconds(0); }
  /// The connection that they went over is still there.
  [[nodiscard]] virtual bool connected() { return true; }
  virtual void disconnect() {}
};

struct SinkOptions {
  Peer peer;
  Body body = Body::Json;
  std::string host;  ///< of the sender, in messages
};
struct HttpOptions {
  Url url;
  std::string host;
  SecretBytes secret;   ///< webhook: signs its bodies
  SecretBytes headers;  ///< OTLP: lines "Name: value"
};

/// The stopper outlives them. Errors are of files that can't be read.
[[nodiscard]] Result<std::unique_ptr<Sink>> syslog_sink(SinkOptions options, const Stopper& stopper);
[[nodiscard]] Result<std::unique_ptr<Sink>> relp_sink(SinkOptions options, const Stopper& stopper);
[[nodiscard]] Result<std::unique_ptr<Sink>> webhook_sink(HttpOptions options, const Stopper& stopper,
                                                         const Clock& clock);
[[nodiscard]] Result<std::unique_ptr<Sink>> otlp_sink(HttpOptions options, const Stopper& stopper, const Clock& clock);

}  // namespace bartizan::shipping
