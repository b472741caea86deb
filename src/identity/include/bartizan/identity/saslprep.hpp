// SASLprep (RFC 4013, over stringprep, RFC 3454) of passwords as PostgreSQL applies it, quirks
// included: pure ASCII passes as it is; prohibited, unassigned and bidirectional checks look at
// the mapped text before normalisation. A verifier made by PostgreSQL and one made here must
// come from the same bytes, so following the RFC better than PostgreSQL would be a fault.
#pragma once

#include <cstddef>
#include <string_view>

#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"

namespace bartizan::identity {

inline constexpr std::size_t kMaxPasswordBytes = 4096;

/// Malformed: not UTF-8. InvalidArgument: prohibited by the profile. TooLarge.
[[nodiscard]] Result<SecretBytes> saslprep(std::string_view password);

/// As PostgreSQL and libpq do: the prepared password, or its raw bytes where it can't be
/// prepared. TooLarge over kMaxPasswordBytes is the only error.
[[nodiscard]] Result<SecretBytes> prepare_password(std::string_view password);

}  // namespace bartizan::identity
