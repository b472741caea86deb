// A client's two messages against one server: a choice byte, then lines client-first and
// client-final. Whatever comes, a mock never signs in, and a failed exchange stays failed.
#include <cstdint>

#include "bartizan/identity/scram_server.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  using State = identity::ScramServer::State;
  if (size == 0) return 0;
  const bool plus = (data[0] & 1) != 0;
  const bool genuine = (data[0] & 2) != 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto cut = text.find('\n');
  const auto second = cut == std::string_view::npos ? std::string_view() : text.substr(cut + 1);

  static const auto verifier = identity::ScramVerifier::mock("name", as_bytes("a secret of 24 bytes ..."), {4096});
  std::optional<Bytes> binding;
  if (plus) binding = Bytes(32);
  identity::ScramServer server(verifier.clone(), genuine, binding, "SERVERNONCE");
  const auto first =
      server.client_first(plus ? identity::kScramSha256Plus : identity::kScramSha256, text.substr(0, cut));
  BZ_ASSERT((server.state() == State::FirstSent) == first.has_value());
  const auto final = server.client_final(second);
  BZ_ASSERT(!final || (genuine && server.state() == State::Done));
  BZ_ASSERT(final || server.state() == State::Failed);
  BZ_ASSERT(!server.client_final(second) && server.state() == State::Failed);
  return 0;
}
