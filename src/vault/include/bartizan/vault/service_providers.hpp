// Root keys in key services of customers: the transit engine of HashiCorp Vault and OpenBao, and AWS KMS,
// by their wire interfaces. A refusal of theirs is the customer's word: the data goes dark.
#pragma once

#include <memory>

#include "bartizan/base/clock.hpp"
#include "bartizan/keys/key_provider.hpp"
#include "bartizan/vault/provider_address.hpp"

namespace bartizan::vault {

/// Any kind. clock (it dates AWS's signatures) and random outlive it. A PKCS #11 token without a root key gets its
/// first if may_make says so.
[[nodiscard]] Result<std::unique_ptr<keys::KeyProvider>> open_provider(const ProviderAddress& address, bool may_make,
                                                                       const Clock& clock, Random& random);

}  // namespace bartizan::vault
