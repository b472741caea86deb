#include "bind.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "bartizan/config/suggestion.hpp"
#include "in_quotes.hpp"
#include "schema.hpp"

namespace bartizan::config {
namespace {

constexpr std::string_view kPrefix = "BARTIZAN_";

/// A name from outside as it may stand in a message: bare if it could be a key, else quoted.
std::string shown(std::string_view name) {
  const bool bare = !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  return bare ? std::string(name) : in_quotes(name);
}

void bind_one(const Key& key, const RawValue& raw, const Places& places, Draft& draft) {
  const std::string name = key.full_name();
  if (assign(key, key.slot(draft.configuration), raw, places, draft.issues)) {
    draft.origins.insert_or_assign(name, raw.origin);
    if (name == "listen.addresses") draft.configuration.listen.addresses_defaulted = false;
  } else {
    draft.faulty.insert(name);
  }
}

/// "; did you mean …?", or nothing. The name may belong to this section, misspelt, or to another.
std::string key_hint(std::string_view section, std::string_view name) {
  std::vector<std::string_view> names;
  for (const Key& key : keys()) {
    if (key.section == section) names.push_back(key.name);
  }
  if (const auto near = closest(name, names)) return fmt::format("; did you mean {}?", *near);
  for (const Key& key : keys()) {
    if (key.name == name) return fmt::format("; did you mean {} of [{}]?", key.name, key.section);
  }
  return {};
}

std::string section_hint(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Section& section : sections()) names.push_back(section.name);
  const auto near = closest(name, names);
  return near ? fmt::format("; did you mean [{}]?", *near) : std::string();
}

bool is_section(std::string_view name) {
  return std::ranges::any_of(sections(), [&](const Section& section) { return section.name == name; });
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

/// The key whose variable was meant, if section and key are both near to what is there.
const Key* meant_by(std::string_view section, std::string_view name) {
  std::vector<std::string_view> section_names;
  for (const Section& known : sections()) section_names.push_back(known.name);
  const auto near_section = closest(section, section_names);
  if (!near_section) return nullptr;
  std::vector<std::string_view> names;
  for (const Key& key : keys()) {
    if (key.section == *near_section) names.push_back(key.name);
  }
  const auto near_name = closest(name, names);
  return near_name ? find_key(*near_section, *near_name) : nullptr;
}

/// Silent about variables that only share our prefix; see parse().
void complain_about_variable(const std::string& variable, Draft& draft) {
  const std::string tail = lower(std::string_view(variable).substr(kPrefix.size()));
  const auto underscore = tail.find('_');
  if (underscore == std::string::npos) return;
  const std::string_view section = std::string_view(tail).substr(0, underscore);
  const Key* meant = meant_by(section, std::string_view(tail).substr(underscore + 1));
  if (meant == nullptr && !is_section(section)) return;
  const std::string hint = meant != nullptr ? fmt::format("; did you mean {}?", variable_of(*meant)) : std::string();
  draft.issues.push_back({shown(variable), 0, 0, "no such key" + hint});
}

}  // namespace

Origin Draft::origin_of(std::string_view full_name) const {
  const auto found = origins.find(full_name);
  return found == origins.end() ? Origin{file_name, 0, 0} : found->second;
}

std::string variable_of(const Key& key) { return fmt::format("{}{}_{}", kPrefix, upper(key.section), upper(key.name)); }

void bind_document(const Document& document, const Places& places, Draft& draft) {
  for (const RawSection& section : document.sections) {
    if (is_section(section.name)) continue;
    draft.issues.push_back(
        section.origin.issue(fmt::format("unknown section [{}]{}", shown(section.name), section_hint(section.name))));
  }
  for (const RawKey& raw : document.keys) {
    if (raw.section.empty() && is_section(raw.name)) {
      draft.issues.push_back(
          raw.value.origin.issue(fmt::format("{} is a section: write [{}] and its keys below", raw.name, raw.name)));
    } else if (raw.section.empty()) {
      draft.issues.push_back(
          raw.origin.issue(fmt::format("{} stands outside of any section{}", shown(raw.name), key_hint("", raw.name))));
    } else if (const Key* key = find_key(raw.section, raw.name)) {
      bind_one(*key, raw.value, places, draft);
    } else if (is_section(raw.section)) {
      draft.issues.push_back(raw.origin.issue(
          fmt::format("unknown key {} in [{}]{}", shown(raw.name), raw.section, key_hint(raw.section, raw.name))));
    }
  }
}

void bind_environment(const Environment& environment, const Places& places, Draft& draft) {
  for (auto it = environment.lower_bound(kPrefix); it != environment.end() && it->first.starts_with(kPrefix); ++it) {
    const auto& [variable, text] = *it;
    const auto found = std::ranges::find_if(keys(), [&](const Key& key) { return variable_of(key) == variable; });
    if (found == keys().end()) {
      complain_about_variable(variable, draft);
    } else {
      bind_one(*found, from_text(found->slot(draft.configuration), text, {variable, 0, 0}), places, draft);
    }
  }
}

void bind_overrides(const std::vector<Override>& overrides, const Places& places, Draft& draft) {
  const Origin origin{"command line", 0, 0};
  for (const Override& given : overrides) {
    const auto dot = given.key.find('.');
    const Key* key = dot == std::string::npos ? nullptr
                                              : find_key(std::string_view(given.key).substr(0, dot),
                                                         std::string_view(given.key).substr(dot + 1));
    if (key == nullptr) {
      draft.issues.push_back(origin.issue(fmt::format("no such key: {}", in_quotes(given.key))));
    } else {
      bind_one(*key, from_text(key->slot(draft.configuration), given.value, origin), places, draft);
    }
  }
}

}  // namespace bartizan::config
