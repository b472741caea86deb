// Base64, RFC 4648 section 4, strictly: the standard alphabet, padding always, zero bits under
// the padding, no white space or line breaks. So each value has exactly one text, and comparing
// texts is comparing values (SCRAM relies on it). Not constant-time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::crypto {

[[nodiscard]] std::string base64_encode(ByteView bytes);

/// Malformed for anything that base64_encode would not have written; TooLarge when it would
/// decode to more than max_bytes (checked before anything is allocated).
[[nodiscard]] Result<Bytes> base64_decode(std::string_view text, std::size_t max_bytes);

}  // namespace bartizan::crypto
