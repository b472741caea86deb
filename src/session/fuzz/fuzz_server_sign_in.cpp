// First byte: whether a password is held, and the size of the pieces; the rest: what a server says
// to the gateway's sign-in. It can't know the keys, so with a password it must not get anywhere.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "bartizan/session/server_sign_in.hpp"

namespace {
using namespace bartizan;
using namespace bartizan::session;
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  ServerSignInRequest facts;
  facts.user = "login";
  facts.database = "shop";
  facts.password_available = data[0] % 2 != 0;
  facts.scram_nonce = "Y2xpZW50LW5vbmNlLWZvci1h";
  if (data[0] % 4 >= 2) facts.end_point_hash = to_bytes("hash");
  const bool password = facts.password_available;
  const std::size_t piece = 1 + std::size_t{data[0]} / 4 * 4;
  ServerSignIn steps(std::move(facts));
  Bytes out;
  Bytes input;
  ByteView rest(reinterpret_cast<const std::byte*>(data + 1), size - 1);
  for (;;) {
    auto step = steps.on_bytes(input, out);
    if (step.consumed > input.size()) std::abort();
    input.erase(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(step.consumed));
    if (step.action == ServerSignIn::Action::DeriveKeys) {
      if (!password || steps.server_first().iterations > 100'000) std::abort();
      identity::ScramClientKeys keys{SecretBytes(32), SecretBytes(32)};
      std::ranges::fill(keys.server_key.reveal_mutable(), std::byte{0x5a});
      step = steps.keys_derived(keys, out);
    }
    if (!out.empty() && (!password || out.front() != std::byte{'p'})) std::abort();
    if (steps.greeting().size() > ServerSignIn::kMaxGreetingBytes) std::abort();
    switch (step.action) {
      case ServerSignIn::Action::Ready:
        if (password) std::abort();
        return 0;
      case ServerSignIn::Action::Failed:
        if (!out.empty() && steps.report().message.empty() && steps.server_error().empty()) std::abort();
        return 0;
      case ServerSignIn::Action::Send: out.clear(); continue;
      case ServerSignIn::Action::DeriveKeys:
      case ServerSignIn::Action::NeedMore: break;
    }
    if (rest.empty()) return 0;
    const auto part = rest.first(std::min(piece, rest.size()));
    input.insert(input.end(), part.begin(), part.end());
    rest = rest.subspan(part.size());
  }
}
