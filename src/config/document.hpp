// TOML text as positions and plain values, without toml++'s types: what the schema is held
// against. Values come from the environment and the command line in the same form.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "bartizan/config/issue.hpp"

namespace bartizan::config {

struct Origin {
  std::string source;
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  [[nodiscard]] Issue issue(std::string message) const { return {source, line, column, std::move(message)}; }
};

struct RawValue;

/// A date, a float or a table: no key takes one, so only its name is kept, "a table".
struct OtherType {
  std::string_view name;
};

struct RawValue {
  std::variant<OtherType, bool, std::int64_t, std::string, std::vector<RawValue>> value;
  Origin origin;
};

struct RawKey {
  std::string section;
  std::string name;
  Origin origin;  ///< of the name; the value has its own
  RawValue value;
};

struct RawSection {
  std::string name;
  Origin origin;
};

struct Document {
  std::vector<RawSection> sections;  ///< top-level tables, in any order
  std::vector<RawKey> keys;          ///< of the sections; top-level keys have section ""
};

/// The one issue is the first fault of syntax. REQUIRES: text within kMaxTextBytes.
[[nodiscard]] tl::expected<Document, Issue> read_document(std::string_view text, const std::string& file_name);

}  // namespace bartizan::config
