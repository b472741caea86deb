// One map of a manifest, read key by key: what was not asked for by the end is an error with a
// suggestion. All readers of manifests are written on it, so that no key is ever dropped unseen.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/policy/glob.hpp"
#include "yaml_document.hpp"

namespace bartizan::policy {

/// The errors of one file; keeps the first 50.
class ManifestErrors {
 public:
  explicit ManifestErrors(std::vector<ManifestError>& out) : out_(out) {}
  void add(YamlPosition at, std::string message);

 private:
  std::vector<ManifestError>& out_;
};

/// Views a node that outlives it. Each getter adds an error and gives nullopt (or empty) where the
/// value is not what it should be; an absent optional key is nullopt without an error.
class Fields {
 public:
  /// `what` names the map in messages ("the mask"). An error if the node is no map.
  Fields(const YamlNode& node, std::string what, ManifestErrors& errors);

  [[nodiscard]] YamlPosition at() const noexcept { return node_.at; }
  [[nodiscard]] bool has(std::string_view key) const noexcept { return node_.find(key) != nullptr; }
  void error(std::string message) { errors_.add(node_.at, std::move(message)); }
  ManifestErrors& errors() noexcept { return errors_; }

  /// As it stands, `null` too.
  [[nodiscard]] const YamlNode* raw(std::string_view key);
  [[nodiscard]] const YamlNode* optional(std::string_view key);
  [[nodiscard]] const YamlNode* required(std::string_view key);

  [[nodiscard]] std::optional<std::string> text(std::string_view key);
  [[nodiscard]] std::optional<std::string> required_text(std::string_view key);
  [[nodiscard]] std::optional<bool> boolean(std::string_view key);
  [[nodiscard]] std::optional<std::uint32_t> number(std::string_view key, std::uint32_t least, std::uint32_t most);
  /// One of `words`; an error names the nearest.
  [[nodiscard]] std::optional<std::string_view> word(std::string_view key, std::span<const std::string_view> words);
  [[nodiscard]] std::vector<std::string> texts(std::string_view key);
  [[nodiscard]] std::optional<WallTime> moment(std::string_view key);

  /// Every key that no getter was asked for is an error. Call last.
  void finish();

 private:
  const YamlNode& node_;
  std::string what_;
  ManifestErrors& errors_;
  std::vector<std::string_view> asked_;
};

/// The same for nodes that are not a key's value.
[[nodiscard]] std::optional<std::string> text_of(const YamlNode& node, std::string_view what, ManifestErrors& errors);
[[nodiscard]] std::vector<std::string> texts_of(const YamlNode& node, std::string_view what, ManifestErrors& errors);
[[nodiscard]] std::optional<Glob> glob_of(const YamlNode& node, std::string_view what, ManifestErrors& errors);
[[nodiscard]] std::vector<Glob> globs_of(const YamlNode& node, std::string_view what, ManifestErrors& errors);
[[nodiscard]] std::vector<ObjectPattern> paths_of(const YamlNode& node, std::string_view what, ManifestErrors& errors);
/// A list of texts or of lists of texts: outer OR, inner AND.
[[nodiscard]] std::vector<std::vector<Glob>> tags_of(const YamlNode& node, std::string_view what,
                                                     ManifestErrors& errors);

/// "" or "; did you mean X?".
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace bartizan::policy
