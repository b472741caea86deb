// From a column's name and what a sample of its values looks like to a tag, with the evidence: counts and kinds, never a value
// (ADR 0203). Pure.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "value_kinds.hpp"

namespace bartizan::control {

inline constexpr std::size_t kValueKinds = 10;

/// What was seen of one column.
struct ColumnSample {
  std::string name;
  std::string type;  ///< pg_type.typname, of a domain its base's
  std::size_t values = 0;  ///< that were looked at, NULL and the empty text left out
  std::array<std::size_t, kValueKinds> kinds{};  ///< by ValueKind: how many looked so

  void look_at(std::string_view value);
};

enum class Confidence : std::uint8_t { Low, Medium, High };
[[nodiscard]] std::string_view to_string(Confidence confidence) noexcept;

struct TagProposal {
  std::string tag;  ///< "PII.Email"
  Confidence confidence = Confidence::Low;
  std::string evidence;  ///< in words: "its name; 58 of 60 values look like e-mail addresses"
};

/// nullopt: nothing speaks for any tag, which does not say that there is nothing.
[[nodiscard]] std::optional<TagProposal> propose(const ColumnSample& column);

}  // namespace bartizan::control
