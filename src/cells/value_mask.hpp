// The masks of policies over decrypted values (policy/mask.hpp says what each yields; wall/mask_expression.cpp
// says it in SQL, and the end-to-end tests hold one against the other). Over canonical forms: the mask of a
// value does not hang on a session's settings. Where PostgreSQL's expression ends in an error (a date cut to
// one before the first there is), NULL is seen.
#pragma once

#include <cstdint>
#include <memory>

#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/policy/mask.hpp"
#include "bartizan/transform/value.hpp"
#include "bartizan/transform/value_mask.hpp"

namespace bartizan::cells {

/// typmod: the column's, by logical type. key: the class's, for tokens.
/// Unsupported: not for this type, or not without PostgreSQL. InvalidArgument: its arguments are no values of the type.
[[nodiscard]] Result<std::unique_ptr<transform::ValueMask>> value_mask(const policy::Mask& mask,
                                                                       transform::ValueType type, std::int32_t typmod,
                                                                       const SecretBytes& key);

}  // namespace bartizan::cells
