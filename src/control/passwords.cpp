#include "passwords.hpp"

#include <array>
#include <charconv>
#include <string>

#include "bartizan/crypto/base64.hpp"
#include "setting_specs.hpp"

namespace bartizan::control {

Result<SecretBytes> make_verifier(const ServiceContext& context, const SecretBytes& password) {
  auto iterations = static_cast<std::uint32_t>(context.scram_iterations);
  if (const auto snapshot = context.snapshots.current()) {
    if (const auto* set = snapshot->find_setting(kScramIterations)) {
      std::from_chars(set->data(), set->data() + set->size(), iterations);
    }
  }
  std::array<std::byte, identity::kScramSaltSize> salt{};
  context.random.fill(salt);
  BZ_TRY(const auto verifier, identity::ScramVerifier::from_password(password.reveal_chars(), salt, iterations));
  return verifier.to_string();
}

SecretBytes random_password(Random& random) {
  SecretBytes octets(18);
  random.fill(octets.reveal_mutable());
  auto text = crypto::base64_encode(octets.reveal());
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;  // RFC 4648 section 5: safe in files and shells
  SecretBytes password{std::string_view(text)};
  secure_wipe(text.data(), text.size());
  return password;
}

}  // namespace bartizan::control
