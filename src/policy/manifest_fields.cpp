#include "manifest_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "moment.hpp"
#include "names.hpp"
#include "quoting.hpp"

namespace bartizan::policy {
namespace {

constexpr std::size_t kMaxErrors = 50;
constexpr std::size_t kMaxListItems = 2'000;

bool is_list(const YamlNode& node, std::string_view what, ManifestErrors& errors) {
  if (node.kind == YamlNode::Kind::List && node.items.size() <= kMaxListItems) return true;
  errors.add(node.at,
             fmt::format("{} must be a list{}", what,
                         node.kind == YamlNode::Kind::List ? fmt::format(" of at most {}", kMaxListItems) : ""));
  return false;
}

}  // namespace

void ManifestErrors::add(YamlPosition at, std::string message) {
  if (out_.size() < kMaxErrors) out_.push_back({at.line, at.column, std::move(message)});
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  const auto meant = nearest(word, candidates);
  return meant ? fmt::format("; did you mean {}?", *meant) : std::string();
}

Fields::Fields(const YamlNode& node, std::string what, ManifestErrors& errors)
    : node_(node), what_(std::move(what)), errors_(errors) {
  if (node.kind != YamlNode::Kind::Map) errors_.add(node.at, what_ + " must be a map of keys and values");
}

const YamlNode* Fields::raw(std::string_view key) {
  asked_.push_back(key);
  return node_.find(key);
}

const YamlNode* Fields::optional(std::string_view key) {
  const YamlNode* found = raw(key);
  return found == nullptr || found->kind == YamlNode::Kind::Null ? nullptr : found;
}

const YamlNode* Fields::required(std::string_view key) {
  const YamlNode* found = optional(key);
  if (found == nullptr && node_.kind == YamlNode::Kind::Map) error(fmt::format("{} needs {}", what_, key));
  return found;
}

std::optional<std::string> Fields::text(std::string_view key) {
  const YamlNode* node = optional(key);
  return node == nullptr ? std::nullopt : text_of(*node, key, errors_);
}

std::optional<std::string> Fields::required_text(std::string_view key) {
  const YamlNode* node = required(key);
  return node == nullptr ? std::nullopt : text_of(*node, key, errors_);
}

std::optional<bool> Fields::boolean(std::string_view key) {
  const YamlNode* node = optional(key);
  if (node == nullptr) return std::nullopt;
  if (node->kind == YamlNode::Kind::Scalar && node->plain) {
    if (node->text == "true") return true;
    if (node->text == "false") return false;
  }
  errors_.add(node->at, fmt::format("{} must be true or false", key));
  return std::nullopt;
}

std::optional<std::uint32_t> Fields::number(std::string_view key, std::uint32_t least, std::uint32_t most) {
  const YamlNode* node = optional(key);
  if (node == nullptr) return std::nullopt;
  std::uint32_t value = 0;
  const char* end = node->text.data() + node->text.size();
  const auto read = std::from_chars(node->text.data(), end, value);
  const bool whole = node->kind == YamlNode::Kind::Scalar && read.ec == std::errc() && read.ptr == end;
  if (whole && value >= least && value <= most) return value;
  errors_.add(node->at, fmt::format("{} must be a whole number from {} to {}", key, least, most));
  return std::nullopt;
}

std::optional<std::string_view> Fields::word(std::string_view key, std::span<const std::string_view> words) {
  const YamlNode* node = optional(key);
  if (node == nullptr) return std::nullopt;
  const auto found = std::ranges::find(words, node->text);
  if (node->kind == YamlNode::Kind::Scalar && found != words.end()) return *found;
  errors_.add(node->at,
              fmt::format("{} must be one of {}{}", key, fmt::join(words, ", "), did_you_mean(node->text, words)));
  return std::nullopt;
}

std::vector<std::string> Fields::texts(std::string_view key) {
  const YamlNode* node = optional(key);
  return node == nullptr ? std::vector<std::string>() : texts_of(*node, key, errors_);
}

std::optional<WallTime> Fields::moment(std::string_view key) {
  const YamlNode* node = optional(key);
  if (node == nullptr) return std::nullopt;
  const auto value = node->kind == YamlNode::Kind::Scalar ? parse_moment(node->text) : std::nullopt;
  if (!value) errors_.add(node->at, fmt::format("{} must be a date or a moment such as 2027-01-31T17:00:00Z", key));
  return value;
}

void Fields::finish() {
  for (const auto& [key, value] : node_.members) {
    if (std::ranges::find(asked_, key.text) != asked_.end()) continue;
    errors_.add(key.at,
                fmt::format("{} has no key {}{}", what_, in_double_quotes(key.text), did_you_mean(key.text, asked_)));
  }
}

std::optional<std::string> text_of(const YamlNode& node, std::string_view what, ManifestErrors& errors) {
  if (node.kind == YamlNode::Kind::Scalar) return node.text;
  errors.add(node.at, fmt::format("{} must be a text", what));
  return std::nullopt;
}

std::vector<std::string> texts_of(const YamlNode& node, std::string_view what, ManifestErrors& errors) {
  std::vector<std::string> out;
  if (!is_list(node, what, errors)) return out;
  for (const YamlNode& item : node.items) {
    if (auto text = text_of(item, what, errors)) out.push_back(std::move(*text));
  }
  return out;
}

std::optional<Glob> glob_of(const YamlNode& node, std::string_view what, ManifestErrors& errors) {
  const auto text = text_of(node, what, errors);
  if (!text) return std::nullopt;
  auto glob = Glob::parse(*text, ":");
  if (glob && !text->empty()) return std::move(*glob);
  errors.add(node.at, fmt::format("{}: {}", what, glob ? "an empty pattern" : glob.error().detail));
  return std::nullopt;
}

std::vector<Glob> globs_of(const YamlNode& node, std::string_view what, ManifestErrors& errors) {
  std::vector<Glob> out;
  if (!is_list(node, what, errors)) return out;
  for (const YamlNode& item : node.items) {
    if (auto glob = glob_of(item, what, errors)) out.push_back(std::move(*glob));
  }
  return out;
}

std::vector<ObjectPattern> paths_of(const YamlNode& node, std::string_view what, ManifestErrors& errors) {
  std::vector<ObjectPattern> out;
  if (!is_list(node, what, errors)) return out;
  for (const YamlNode& item : node.items) {
    const auto text = text_of(item, what, errors);
    if (!text) continue;
    auto pattern = ObjectPattern::parse(*text);
    if (pattern) {
      out.push_back(std::move(*pattern));
    } else {
      errors.add(item.at, fmt::format("{}: {}", what, pattern.error().detail));
    }
  }
  return out;
}

std::vector<std::vector<Glob>> tags_of(const YamlNode& node, std::string_view what, ManifestErrors& errors) {
  std::vector<std::vector<Glob>> out;
  if (!is_list(node, what, errors)) return out;
  if (node.items.empty()) errors.add(node.at, fmt::format("{} must not be empty: it would match nobody", what));
  for (const YamlNode& item : node.items) {
    std::vector<Glob> all_of;
    if (item.kind == YamlNode::Kind::List) {
      all_of = globs_of(item, what, errors);
      if (item.items.empty())
        errors.add(item.at, fmt::format("{} holds an empty list: it would match everybody", what));
    } else if (auto glob = glob_of(item, what, errors)) {
      all_of.push_back(std::move(*glob));
    }
    if (!all_of.empty()) out.push_back(std::move(all_of));
  }
  return out;
}

}  // namespace bartizan::policy
