#include "bartizan/session/consumer_text.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "bartizan/audit/log.hpp"
#include "bartizan/session/consumer.hpp"

namespace bartizan::session {

namespace {

/// Whether the context that stood before such a statement stands after it for certain. EXECUTE may
/// run what Parse has prepared, RESET ALL, say.
bool keeps_context(sql::Kind kind) noexcept {
  using enum sql::Kind;
  constexpr std::array kKeeping = {Select,  Insert,  Update,     Delete, CopyOut, Show,
                                   Prepare, Declare, Deallocate, Fetch,  Close,   Empty};
  return std::ranges::find(kKeeping, kind) != kKeeping.end();
}

/// `"name":["a","b"]`, nothing where there is none.
void append_columns(std::string& out, std::string_view name, const std::vector<std::string_view>& columns) {
  if (columns.empty()) return;
  out.append(",\"").append(name).append("\":[");
  std::string member;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    member.clear();
    audit::append_member(member, "", columns[i]);
    out.append(i == 0 ? "" : ",").append(member, std::string_view("\"\":").size());
  }
  out.push_back(']');
}

class TextMaker {
 public:
  explicit TextMaker(const ConsumerReading& reading)
      : catalog_(*reading.wall_class->catalog), views_(*reading.wall_class->views) {}

  void add(sql::RewrittenStatement&& rewritten, ConsumerText& text) const {
    sql::Statement seen;
    seen.kind = rewritten.kind;
    seen.effect = rewritten.effect;
    seen.pin = rewritten.pin;
    seen.command_tag = rewritten.command_tag;
    seen.name = std::move(rewritten.name);
    seen.transaction_control = rewritten.transaction_control;
    seen.chain = rewritten.chain;
    seen.parsed = true;
    ConsumerStatement statement;
    statement.needs_context = rewritten.needs_transaction_context;
    statement.drops_context = !keeps_context(rewritten.kind) || rewritten.transaction_control;
    statement.audit = describe(rewritten, seen.relations);
    statement.setting = std::move(rewritten.virtual_setting);
    // RESET ALL alone is the server's too; what the gateway keeps needs no server connection kept.
    if (statement.setting && !statement.setting->name.empty()) seen.pin = sql::PinReason::None;
    statement.server_text = std::move(rewritten.server_text);
    text.needs_context = text.needs_context || statement.needs_context;
    text.drops_context = text.drops_context || statement.drops_context;
    text.plain_parameters = text.plain_parameters || rewritten.plain_parameters;
    text.has_setting = text.has_setting || statement.setting.has_value();
    if (!text.server_text.empty()) text.server_text.append(";");
    text.server_text.append(statement.server_text);
    text.analysis.statements.push_back(std::move(seen));
    text.statements.push_back(std::move(statement));
  }

 private:
  /// `"relations":[…]`: names only.
  std::string describe(const sql::RewrittenStatement& rewritten, std::vector<sql::Relation>& relations) const {
    std::string out;
    for (const auto& use : rewritten.relations) {
      const auto* relation = catalog_.relation(use.relation);
      if (relation == nullptr) continue;
      const bool writes = use.verbs != sql::Verbs::Select;
      relations.push_back({relation->schema, relation->name, writes ? sql::Access::Write : sql::Access::Read});
      out.append(out.empty() ? "\"relations\":[{" : ",{");
      std::string members;
      audit::append_member(members, "schema", relation->schema);
      audit::append_member(members, "name", relation->name);
      audit::append_member(members, "access", writes ? "write" : "read");
      append_columns(members, "read", columns_of(*relation, rewritten.read, false));
      append_columns(members, "masked", columns_of(*relation, rewritten.read, true));
      append_columns(members, "written", columns_of(*relation, rewritten.written, false));
      out.append(members).push_back('}');
    }
    if (!out.empty()) out.push_back(']');
    return out;
  }

  std::vector<std::string_view> columns_of(const sql::CatalogRelation& relation, const std::vector<sql::ColumnId>& ids,
                                           bool masked) const {
    std::vector<std::string_view> names;
    const auto view = views_.relations.find(relation.oid);
    for (const auto& id : ids) {
      if (id.relation != relation.oid) continue;
      const auto* column = relation.column(id.attnum);
      const auto* seen = view == views_.relations.end() ? nullptr : view->second.column(id.attnum);
      if (column != nullptr && (!masked || (seen != nullptr && seen->masked))) names.push_back(column->name);
    }
    return names;
  }

  const sql::Catalog& catalog_;
  const sql::ViewMap& views_;
};

void refuse(ConsumerText& text, sql::Refused&& refused) {
  policy::Refuse refusal;
  if (refused.sqlstate.size() == refusal.sqlstate.size())
    std::copy_n(refused.sqlstate.begin(), refusal.sqlstate.size(), refusal.sqlstate.begin());
  refusal.message = std::move(refused.message);
  refusal.hint = std::move(refused.hint);
  refusal.reasons = {"wall.refused"};
  text.position = static_cast<std::uint32_t>(refused.position);
  text.refusal = std::move(refusal);
  text.analysis.statements.emplace_back();
}

}  // namespace

std::size_t ConsumerText::bytes() const noexcept {
  std::size_t total = sizeof(*this) + analysis.bytes() + server_text.capacity();
  for (const auto& statement : statements) {
    total += sizeof(statement) + statement.server_text.capacity() + statement.audit.capacity();
    if (!statement.setting) continue;
    total += statement.setting->name.capacity();
    for (const auto& value : statement.setting->values) total += sizeof(value) + value.capacity();
  }
  if (refusal) total += refusal->message.capacity() + refusal->hint.capacity();
  return total;
}

ConsumerText ConsumerText::without_texts() const {
  ConsumerText kept;
  kept.analysis = analysis;
  for (const auto& statement : statements)
    kept.statements.push_back(
        {{}, statement.needs_context, statement.drops_context, statement.setting, statement.audit});
  kept.digest = digest;
  kept.needs_context = needs_context;
  kept.drops_context = drops_context;
  kept.has_setting = has_setting;
  kept.plain_parameters = plain_parameters;
  return kept;
}

ConsumerText make_consumer_text(std::string_view text, const ConsumerReading& reading) {
  sql::RewriteRequest request;
  request.text = text;
  request.catalog = reading.wall_class->catalog.get();
  request.views = reading.wall_class->views.get();
  request.search_path = *reading.search_path;
  request.standard_conforming_strings = reading.lex.standard_conforming_strings;
  ConsumerText made;
  auto outcome = sql::rewrite(request);
  if (auto* refused = std::get_if<sql::Refused>(&outcome)) {
    refuse(made, std::move(*refused));
    return made;
  }
  const TextMaker maker(reading);
  for (auto& statement : std::get<sql::Rewritten>(outcome).statements) maker.add(std::move(statement), made);
  return made;
}

bool told_to_consumers(std::string_view setting) noexcept {
  const auto folded = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  constexpr std::array<std::string_view, 13> kTold = {
      "datestyle",
      "intervalstyle",
      "timezone",
      "application_name",
      "client_encoding",
      "in_hot_standby",
      "is_superuser",
      "integer_datetimes",
      "scram_iterations",
      "server_encoding",
      "server_version",
      "standard_conforming_strings",
      "default_transaction_read_only",
  };
  return std::ranges::any_of(kTold,
                             [&](std::string_view told) { return std::ranges::equal(told, setting, {}, {}, folded); });
}

}  // namespace bartizan::session
