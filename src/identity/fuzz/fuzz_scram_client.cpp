// A hostile server's two messages against our client: lines server-first and server-final.
// What is accepted is within its bounds.
#include <cstdint>

#include "bartizan/identity/scram_client.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  using State = identity::ScramClient::State;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto cut = text.find('\n');
  const auto second = cut == std::string_view::npos ? std::string_view() : text.substr(cut + 1);

  identity::ScramClient client({}, "CLIENTNONCE", {});
  (void)client.client_first();
  const auto first = client.parse_server_first(text.substr(0, cut));
  if (first) {
    BZ_ASSERT(first->iterations >= 4096 && first->iterations <= 100'000);
    BZ_ASSERT(!first->salt.empty() && first->salt.size() <= 256);
    BZ_ASSERT(first->nonce.starts_with("CLIENTNONCE") && first->nonce.size() > 11);
    BZ_ASSERT(client.client_final({SecretBytes(32), SecretBytes(32)}).has_value());
  }
  const auto verified = client.verify_server_final(second);
  BZ_ASSERT(client.state() == (verified ? State::Done : State::Failed));
  BZ_ASSERT(!verified || second.size() == 46);
  return 0;
}
