#include "audit_filter.hpp"

#include <algorithm>

namespace bartizan::control {
namespace {

const Document* at(const Document& record, std::initializer_list<std::string_view> path) {
  const Document* found = &record;
  for (const auto name : path) {
    found = found->find(name);
    if (found == nullptr) return nullptr;
  }
  return found;
}

std::string text_at(const Document& record, std::initializer_list<std::string_view> path) {
  const Document* found = at(record, path);
  const auto* text = found == nullptr ? nullptr : found->as<std::string>();
  return text == nullptr ? std::string() : *text;
}

Document value_at(const Document& record, std::initializer_list<std::string_view> path) {
  const Document* found = at(record, path);
  return found == nullptr ? Document() : *found;
}

std::string identity_of(const Document& record) {
  auto name = text_at(record, {"actor", "user", "name"});
  return name.empty() ? text_at(record, {"user", "name"}) : name;
}

/// Each as "schema.name", or "name" where no schema was written.
std::vector<std::string> tables_of(const Document& record) {
  std::vector<std::string> out;
  const Document* relations = at(record, {"unmapped", "bartizan", "relations"});
  const auto* items = relations == nullptr ? nullptr : relations->as<Items>();
  if (items == nullptr) return out;
  for (const Document& item : *items) {
    const auto schema = text_at(item, {"schema"});
    out.push_back(schema.empty() ? text_at(item, {"name"}) : schema + "." + text_at(item, {"name"}));
  }
  return out;
}

/// A name without a schema means that name in any.
bool names_table(const std::string& wanted, const std::string& table) {
  if (wanted == table) return true;
  return wanted.find('.') == std::string::npos && table.ends_with("." + wanted);
}

std::string address_of(const Document& record) {
  const auto ip = text_at(record, {"src_endpoint", "ip"});
  return ip.empty() ? text_at(record, {"src_endpoint", "name"}) : ip;
}

}  // namespace

WallTime begun_at(const Document& record) {
  const Document* micros = at(record, {"unmapped", "bartizan", "time_us"});
  const auto* value = micros == nullptr ? nullptr : micros->as<std::int64_t>();
  return WallTime(WallTime::duration(value == nullptr ? 0 : *value));
}

bool AuditFilter::may_match(std::string_view entry) const {
  if (!entry.starts_with('{')) return false;  // a checkpoint of another tree
  // A name that JSON escapes is looked for by matches() alone.
  const auto plain = [](const std::string& text) {
    return !text.empty() && text.find_first_of("\"\\") == std::string::npos &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  };
  if (plain(identity) && entry.find(identity) == std::string_view::npos) return false;
  if (plain(action) && entry.find("\"" + action + "\"") == std::string_view::npos) return false;
  const auto name = table.substr(table.rfind('.') + 1);
  return !plain(name) || entry.find("\"" + name + "\"") != std::string_view::npos;
}

bool AuditFilter::matches(const Document& record) const {
  if (!identity.empty() && identity_of(record) != identity) return false;
  if (!action.empty() && text_at(record, {"unmapped", "bartizan", "tag"}) != action &&
      text_at(record, {"unmapped", "bartizan", "event"}) != action)
    return false;
  if (!outcome.empty() && text_at(record, {"unmapped", "bartizan", "outcome", "status"}) != outcome) return false;
  const auto begun = begun_at(record);
  if ((from && begun < *from) || (to && begun >= *to)) return false;
  if (table.empty()) return true;
  const auto tables = tables_of(record);
  return std::any_of(tables.begin(), tables.end(), [&](const auto& each) { return names_table(table, each); });
}

Members audit_row(const std::string& tree, std::uint64_t index, const Document& record) {
  std::string tables;
  for (const auto& table : tables_of(record)) tables += (tables.empty() ? "" : ", ") + table;
  return Members{{"record", tree + ":" + std::to_string(index)},
                 {"time", format_time(begun_at(record))},
                 {"identity", identity_of(record)},
                 {"tenant", value_at(record, {"metadata", "tenant_uid"})},
                 {"depot", value_at(record, {"database", "name"})},
                 {"address", address_of(record)},
                 {"event", value_at(record, {"unmapped", "bartizan", "event"})},
                 {"action", value_at(record, {"unmapped", "bartizan", "tag"})},
                 {"tables", tables},
                 {"outcome", value_at(record, {"unmapped", "bartizan", "outcome", "status"})},
                 {"sqlstate", value_at(record, {"status_code"})},
                 {"rows", value_at(record, {"unmapped", "bartizan", "outcome", "rows"})}};
}

}  // namespace bartizan::control
