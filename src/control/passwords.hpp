// From passwords to what is kept of them, and fresh ones.
#pragma once

#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/control/verbs.hpp"
#include "bartizan/identity/scram_verifier.hpp"

namespace bartizan::control {

/// The verifier's text, with a fresh salt and the environment's iteration count (the setting
/// scram.iterations, else the context's). Slow on purpose.
[[nodiscard]] Result<SecretBytes> make_verifier(const ServiceContext& context, const SecretBytes& password);

/// 24 letters, digits, '-' and '_': 144 bits.
[[nodiscard]] SecretBytes random_password(Random& random);

}  // namespace bartizan::control
