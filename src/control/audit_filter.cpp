#include "audit_filter.hpp"

#include <algorithm>

#include "record_members.hpp"

namespace bartizan::control {
namespace {

Document value_at(const Document& record, std::initializer_list<std::string_view> path) {
  const Document* found = member_at(record, path);
  return found == nullptr ? Document() : *found;
}

std::string identity_of(const Document& record) {
  auto name = text_at(record, {"actor", "user", "name"});
  return name.empty() ? text_at(record, {"user", "name"}) : name;
}

/// A table that a record names, with the columns it says were used.
struct UsedTable {
  std::string schema;
  std::string name;
  std::vector<std::string> columns;
  std::vector<std::string> masked;
  [[nodiscard]] std::string whole() const { return schema.empty() ? name : schema + "." + name; }
};

std::vector<std::string> texts_at(const Document& item, std::string_view name) {
  std::vector<std::string> out;
  const Document* list = item.find(name);
  const auto* items = list == nullptr ? nullptr : list->as<Items>();
  if (items == nullptr) return out;
  for (const Document& each : *items)
    if (const auto* text = each.as<std::string>()) out.push_back(*text);
  return out;
}

std::vector<UsedTable> tables_of(const Document& record) {
  std::vector<UsedTable> out;
  const Document* relations = member_at(record, {"unmapped", "bartizan", "relations"});
  const auto* items = relations == nullptr ? nullptr : relations->as<Items>();
  if (items == nullptr) return out;
  for (const Document& item : *items) {
    UsedTable table{text_at(item, {"schema"}), text_at(item, {"name"}), texts_at(item, "read"),
                    texts_at(item, "masked")};
    for (auto& written : texts_at(item, "written"))
      if (std::find(table.columns.begin(), table.columns.end(), written) == table.columns.end())
        table.columns.push_back(std::move(written));
    out.push_back(std::move(table));
  }
  return out;
}

/// Members were left out for their length, or could not be read: it may name any table.
bool may_hide_tables(const Document& record) {
  const Document* extension = member_at(record, {"unmapped", "bartizan"});
  return extension != nullptr &&
         (extension->find("omitted_bytes") != nullptr || extension->find("unparsed_statement") != nullptr ||
          extension->find("unparsed_session") != nullptr);
}

/// The gateway knows the columns of identities under a policy alone.
bool says_columns(const Document& record) { return member_at(record, {"unmapped", "bartizan", "class"}) != nullptr; }

/// A name without a schema means that name in any.
bool names_table(const std::string& wanted, const UsedTable& table) {
  return wanted == table.name || wanted == table.whole();
}

struct NamedColumn {
  std::string table;
  std::string column;
};
NamedColumn parse_column(const std::string& text) {
  const auto dot = text.rfind('.');
  return {text.substr(0, dot == std::string::npos ? 0 : dot), text.substr(dot + 1)};
}

/// Whether it used the column, or may have: nobody is to be told "no" of what is not known.
bool may_use_column(const Document& record, const std::string& wanted) {
  if (may_hide_tables(record)) return true;
  const auto column = parse_column(wanted);
  const bool known = says_columns(record);
  for (const auto& table : tables_of(record)) {
    if (!names_table(column.table, table)) continue;
    if (!known || std::find(table.columns.begin(), table.columns.end(), column.column) != table.columns.end())
      return true;
  }
  return false;
}

/// "clinic.customers.name, clinic.customers.ssn (masked)"; "unknown" where the record does not say.
std::string columns_of(const Document& record) {
  const auto tables = tables_of(record);
  if (tables.empty()) return may_hide_tables(record) ? "unknown" : "";
  if (!says_columns(record)) return "unknown";
  std::string out;
  for (const auto& table : tables)
    for (const auto& column : table.columns) {
      const bool masked = std::find(table.masked.begin(), table.masked.end(), column) != table.masked.end();
      out += (out.empty() ? "" : ", ") + table.whole() + "." + column + (masked ? " (masked)" : "");
    }
  return out;
}

std::string address_of(const Document& record) {
  const auto ip = text_at(record, {"src_endpoint", "ip"});
  return ip.empty() ? text_at(record, {"src_endpoint", "name"}) : ip;
}

}  // namespace

Result<AuditFilter> take_filter(Args& args) {
  AuditFilter filter;
  const auto take = [&](std::string_view key, std::size_t most, std::string& into) -> Result<void> {
    BZ_TRY(const auto text, args.text_or_none(key, most));
    into = text.value_or("");
    return {};
  };
  BZ_CHECK(take("identity", 256, filter.identity));
  BZ_CHECK(take("table", 256, filter.table));
  BZ_CHECK(take("column", 256, filter.column));
  BZ_CHECK(take("action", 64, filter.action));
  BZ_CHECK(take("outcome", 16, filter.outcome));
  BZ_CHECK(take("address", 64, filter.address));
  BZ_CHECK(take("depot", 256, filter.depot));
  BZ_CHECK(take("fingerprint", 64, filter.fingerprint));
  BZ_TRY(filter.from, args.time_or_none("from"));
  BZ_TRY(filter.to, args.time_or_none("to"));
  if (!filter.column.empty() && filter.column.find('.') == std::string::npos)
    return fail(Errc::InvalidArgument, "a column is named TABLE.COLUMN or SCHEMA.TABLE.COLUMN");
  return filter;
}

std::string about(const AuditFilter& filter, const std::optional<std::string>& tenant) {
  std::string out;
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) out.append(out.empty() ? "" : ", ").append(name).append(" ").append(value);
  };
  add("tenant", tenant.value_or(""));
  add("identity", filter.identity);
  add("table", filter.table);
  add("column", filter.column);
  add("action", filter.action);
  add("outcome", filter.outcome);
  add("address", filter.address);
  add("depot", filter.depot);
  add("fingerprint", filter.fingerprint);
  return out;
}

WallTime begun_at(const Document& record) {
  const Document* micros = member_at(record, {"unmapped", "bartizan", "time_us"});
  const auto* value = micros == nullptr ? nullptr : micros->as<std::int64_t>();
  return WallTime(WallTime::duration(value == nullptr ? 0 : *value));
}

bool AuditFilter::may_match(std::string_view entry) const {
  if (!entry.starts_with('{')) return false;  // a checkpoint of another tree
  if (entry.find("\"omitted_bytes\"") != std::string_view::npos || entry.find("\"unparsed_") != std::string_view::npos)
    return true;
  // A name that JSON escapes is looked for by matches() alone.
  const auto plain = [](const std::string& text) {
    return !text.empty() && text.find_first_of("\"\\") == std::string::npos &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  };
  for (const auto* text : {&identity, &address, &depot, &fingerprint})
    if (plain(*text) && entry.find(*text) == std::string_view::npos) return false;
  if (plain(action) && entry.find("\"" + action + "\"") == std::string_view::npos) return false;
  for (const auto& name : {table, parse_column(column).table}) {
    const auto last = name.substr(name.rfind('.') + 1);
    if (plain(last) && entry.find("\"" + last + "\"") == std::string_view::npos) return false;
  }
  return true;
}

bool AuditFilter::matches(const Document& record) const {
  const auto is = [&](const std::string& wanted, std::initializer_list<std::string_view> path) {
    return wanted.empty() || text_at(record, path) == wanted;
  };
  if (!identity.empty() && identity_of(record) != identity) return false;
  if (!address.empty() && address_of(record) != address) return false;
  if (!depot.empty() && !is(depot, {"database", "name"}) && !is(depot, {"service", "name"})) return false;
  if (!is(fingerprint, {"query_info", "uid"})) return false;
  if (!is(action, {"unmapped", "bartizan", "tag"}) && !is(action, {"unmapped", "bartizan", "event"}) &&
      !is(action, {"unmapped", "bartizan", "effect"}))
    return false;
  if (!is(outcome, {"unmapped", "bartizan", "outcome", "status"})) return false;
  const auto begun = begun_at(record);
  if ((from && begun < *from) || (to && begun >= *to)) return false;
  if (!column.empty() && !may_use_column(record, column)) return false;
  if (table.empty() || may_hide_tables(record)) return true;
  const auto tables = tables_of(record);
  return std::any_of(tables.begin(), tables.end(), [&](const auto& each) { return names_table(table, each); });
}

auditlog::IndexQuery AuditFilter::query() const {
  using audit::SearchField;
  auditlog::IndexQuery out;
  const auto term = [](SearchField field, const std::string& text) {
    return audit::term_of(field, audit::json_text(text));
  };
  const auto one = [&](SearchField field, const std::string& text) {
    if (!text.empty()) out.groups.push_back({term(field, text)});
  };
  one(SearchField::Identity, identity);
  one(SearchField::Action, action);
  one(SearchField::Outcome, outcome);
  one(SearchField::Address, address);
  one(SearchField::Depot, depot);
  one(SearchField::Fingerprint, fingerprint);
  const auto hidden = term(SearchField::ColumnsUnknown, "");
  if (!table.empty()) out.groups.push_back({term(SearchField::Table, table), hidden});
  if (!column.empty())
    out.groups.push_back(
        {term(SearchField::Column, column), term(SearchField::ColumnsUnknown, parse_column(column).table), hidden});
  const auto milliseconds = [](WallTime time) { return time.time_since_epoch().count() / 1000; };
  if (from) out.from_ms = milliseconds(*from);
  if (to) out.to_ms = milliseconds(*to);
  return out;
}

Members audit_row(const std::string& tree, std::uint64_t index, const Document& record) {
  std::string tables;
  for (const auto& table : tables_of(record)) tables += (tables.empty() ? "" : ", ") + table.whole();
  const auto depot = value_at(record, {"database", "name"});
  return Members{{"record", tree + ":" + std::to_string(index)},
                 {"time", format_time(begun_at(record))},
                 {"identity", identity_of(record)},
                 {"tenant", value_at(record, {"metadata", "tenant_uid"})},
                 {"depot", depot.as<std::string>() == nullptr ? value_at(record, {"service", "name"}) : depot},
                 {"address", address_of(record)},
                 {"event", value_at(record, {"unmapped", "bartizan", "event"})},
                 {"action", value_at(record, {"unmapped", "bartizan", "tag"})},
                 {"tables", tables},
                 {"columns", columns_of(record)},
                 {"outcome", value_at(record, {"unmapped", "bartizan", "outcome", "status"})},
                 {"sqlstate", value_at(record, {"status_code"})},
                 {"rows", value_at(record, {"unmapped", "bartizan", "outcome", "rows"})},
                 {"fingerprint", value_at(record, {"query_info", "uid"})}};
}

namespace {

std::vector<std::string> used_names(SummaryBy by, const Document& record) {
  std::vector<std::string> out;
  if (may_hide_tables(record)) out.emplace_back("?");
  const bool known = says_columns(record);
  for (const auto& table : tables_of(record)) {
    if (by == SummaryBy::Table || !known) out.push_back(table.whole() + (by == SummaryBy::Table ? "" : ".?"));
    if (by == SummaryBy::Table || !known) continue;
    for (const auto& column : table.columns) out.push_back(table.whole() + "." + column);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out.empty() ? std::vector<std::string>{""} : out;
}

}  // namespace

std::vector<std::string> keys_of(SummaryBy by, const Document& record) {
  switch (by) {
    case SummaryBy::Identity: return {identity_of(record)};
    case SummaryBy::Tenant: return {text_at(record, {"metadata", "tenant_uid"})};
    case SummaryBy::Table:
    case SummaryBy::Column: return used_names(by, record);
    case SummaryBy::Action: {
      auto tag = text_at(record, {"unmapped", "bartizan", "tag"});
      return {tag.empty() ? text_at(record, {"unmapped", "bartizan", "event"}) : std::move(tag)};
    }
    case SummaryBy::Event: return {text_at(record, {"unmapped", "bartizan", "event"})};
    case SummaryBy::Outcome: return {text_at(record, {"unmapped", "bartizan", "outcome", "status"})};
    case SummaryBy::Depot: {
      auto depot = text_at(record, {"database", "name"});
      return {depot.empty() ? text_at(record, {"service", "name"}) : std::move(depot)};
    }
    case SummaryBy::Address: return {address_of(record)};
    case SummaryBy::Fingerprint: return {text_at(record, {"query_info", "uid"})};
  }
  return {};
}

}  // namespace bartizan::control
