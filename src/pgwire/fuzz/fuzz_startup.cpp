// A startup-phase packet: whatever is accepted can be asked for everything it offers.
#include <cstdint>
#include <cstdlib>

#include "bartizan/pgwire/startup.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  const auto packet = pgwire::decode_startup(std::as_bytes(std::span(data, size)));
  if (!packet) return 0;
  if (const auto* message = std::get_if<pgwire::StartupMessage>(&*packet)) {
    const auto count = message->settings().size() + message->protocol_options().size();
    if (count > message->parameters.size() || message->parameters.size() > pgwire::kMaxStartupParameters) std::abort();
    if (message->database().empty() && !message->user().empty()) std::abort();
    static_cast<void>(pgwire::parse_replication(message->options()));
  }
  return 0;
}
