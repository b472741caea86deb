// YAML as far as manifests need it: scalars, lists and maps with string keys, each with its
// position. Bounded in bytes, depth and nodes; anchors, aliases, explicit types, merge keys and
// duplicate keys are refused, so a document means what it shows. The parser (yaml-cpp) is seen by
// yaml_document.cpp alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/policy/manifest.hpp"

namespace bartizan::policy {

inline constexpr std::size_t kMaxYamlBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxYamlDepth = 24;
inline constexpr std::size_t kMaxYamlNodes = 100'000;
inline constexpr std::size_t kMaxYamlKeys = 2'000;  ///< of one map; PostgreSQL's tables have at most 1600 columns

struct YamlPosition {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

struct YamlMember;

struct YamlNode {
  enum class Kind : std::uint8_t { Null, Scalar, List, Map } kind = Kind::Null;
  YamlPosition at;
  bool plain = false;  ///< a scalar without quotes: `true`, `12`
  std::string text;    ///< of a scalar
  std::vector<YamlNode> items;                              ///< of a list
  std::vector<YamlMember> members;       ///< of a map, in its order; keys are scalars

  [[nodiscard]] const YamlNode* find(std::string_view key) const noexcept;
};

struct YamlMember {
  YamlNode key;  ///< a scalar, or the word `null`
  YamlNode value;
};

struct YamlParse {
  std::vector<YamlNode> documents;  ///< empty documents are left out
  std::vector<ManifestError> errors;  ///< at most one: reading ends there
};

[[nodiscard]] YamlParse parse_yaml(std::string_view text);

}  // namespace bartizan::policy
