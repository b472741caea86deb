// The elements of an array that a client compares an encrypted column with (`= ANY ($1)`), in text
// (PostgreSQL manual, "Array Input and Output Syntax") or binary (array_send). One dimension.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/transform/value.hpp"

namespace bartizan::cells {

inline constexpr std::size_t kMaxElements = 65536;

/// nullopt: NULL. InvalidArgument: not an array that is read here; TooLarge.
[[nodiscard]] Result<std::vector<std::optional<SecretBytes>>> array_elements(transform::WireFormat format,
                                                                             ByteView value);
/// Appends an array in binary.
void append_array(const std::vector<std::optional<Bytes>>& elements, std::uint32_t element_type, Bytes& out);
/// As the inside of a text literal: {"\\x…",NULL}
[[nodiscard]] std::string bytea_array_text(const std::vector<std::optional<Bytes>>& elements);
/// The same of text: {"one",NULL}
[[nodiscard]] std::string text_array_text(const std::vector<std::optional<Bytes>>& elements);

}  // namespace bartizan::cells
