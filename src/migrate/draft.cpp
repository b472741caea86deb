#include "draft.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "bartizan/config/parse.hpp"
#include "names.hpp"

namespace bartizan::migrate {
namespace {

/// Passwords, and SQL, which may hold anything.
constexpr std::array kHidden = {std::string_view("password"),           std::string_view("auth_query"),
                                std::string_view("connect_query"),      std::string_view("server_reset_query"),
                                std::string_view("server_check_query"), std::string_view("auth_ldap_options")};

std::string shown(std::string_view key, std::string_view value) {
  if (value.empty()) return {};
  return std::ranges::find(kHidden, key) != kHidden.end() ? "(not shown)" : std::string(value);
}

bool has_entries(std::string_view section) {
  return section == "databases" || section == "users" || section == "peers";
}

/// What the configuration says against the value alone; empty: nothing.
std::string fault_of(const std::string& key, const std::string& text) {
  if (!is_utf8(text)) return key + " is UTF-8";
  config::Input input;
  input.overrides.push_back({key, text});
  const auto parsed = config::parse(input, {});
  return parsed ? std::string() : parsed.error().front().message;
}

}  // namespace

void Draft::note(const IniEntry& entry, Verdict verdict, std::string outcome) {
  const bool named = has_entries(entry.section);
  plan_.findings.push_back({verdict, entry.section, named ? entry.key : std::string(),
                            named ? std::string() : entry.key, named ? std::string() : shown(entry.key, entry.value),
                            entry.place, std::move(outcome)});
}

void Draft::note_pair(const IniEntry& entry, std::string_view key, std::string_view value, Verdict verdict,
                      std::string outcome) {
  plan_.findings.push_back(
      {verdict, entry.section, entry.key, std::string(key), shown(key, value), entry.place, std::move(outcome)});
}

void Draft::set(const IniEntry& entry, std::string key, SettingKind kind, std::string text, Verdict verdict,
                std::string_view remark) {
  if (auto fault = fault_of(key, text); !fault.empty()) return note(entry, Verdict::Refused, std::move(fault));
  set_unchecked(entry, std::move(key), kind, std::move(text), verdict, remark);
}

void Draft::set_unchecked(const IniEntry& entry, std::string key, SettingKind kind, std::string text, Verdict verdict,
                          std::string_view remark) {
  if (!is_utf8(text)) return note(entry, Verdict::Refused, key + " is UTF-8");
  std::string outcome = fmt::format("{} = {}", key, text);
  if (!remark.empty()) outcome += fmt::format("; {}", remark);
  note(entry, verdict, std::move(outcome));
  plan_.settings.push_back({std::move(key), kind, std::move(text)});
}

void Draft::chore(std::string text, std::vector<std::string> commands) {
  plan_.chores.push_back({std::move(text), std::move(commands)});
}

const IniEntry* Draft::global(std::string_view key) const {
  const auto found = globals_.find(key);
  return found == globals_.end() ? nullptr : found->second;
}

std::string Draft::global_text(std::string_view key, std::string_view otherwise) const {
  const IniEntry* entry = global(key);
  return entry == nullptr ? std::string(otherwise) : entry->value;
}

std::optional<std::int64_t> read_count(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text.front() == '0') {
    base = 8;
  }
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<config::Duration> read_seconds(std::string_view text) {
  constexpr double kMost = 1e9;  // three decades
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size() || !(seconds >= 0 && seconds <= kMost))
    return std::nullopt;
  return config::Duration(static_cast<std::int64_t>(std::ceil(seconds * 1000)));
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

}  // namespace bartizan::migrate
