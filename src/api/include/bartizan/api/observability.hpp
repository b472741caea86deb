// The endpoint that monitoring and orchestrators ask: /metrics (Prometheus), /livez and /readyz.
// Plain HTTP on a port of its own, on the loopback interface unless told otherwise: it answers
// no question about data, needs no sign-in, and must still answer while everything else is busy.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "bartizan/base/result.hpp"

namespace bartizan::api {

struct ObservabilityOptions {
  std::string address = "127.0.0.1";  ///< an IP address
  std::uint16_t port = 0;             ///< 0: a free one
  std::size_t max_connections = 64;   ///< one more, and the connection that has kept us waiting longest goes
  std::chrono::milliseconds request_timeout =
      std::chrono::seconds(10);  ///< a request, from its first byte awaited to its answer's last byte taken
};

/// What it tells. Called on the server's thread: thread-safe, quick, and alive as long as the
/// server. One that throws gives a 500.
struct Sources {
  std::function<std::string()> metrics;                   ///< an Exposition's text
  std::function<std::optional<std::string>()> not_ready;  ///< nullopt: ready; else why not, to be shown to anyone
};

/// Has its own thread, which ends in the destructor along with every connection. Its members
/// may be called from any thread.
class ObservabilityServer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ObservabilityServer>> start(ObservabilityOptions options,
                                                                          Sources sources);
  virtual ~ObservabilityServer() = default;
  ObservabilityServer(const ObservabilityServer&) = delete;
  ObservabilityServer& operator=(const ObservabilityServer&) = delete;

  [[nodiscard]] virtual std::uint16_t port() const = 0;
  [[nodiscard]] virtual std::size_t connections() const = 0;

 protected:
  ObservabilityServer() = default;
};

}  // namespace bartizan::api
