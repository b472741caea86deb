// A policy class for tests: accounts(id, tenant, email, secret), of which email is masked and
// secret hidden, and notes(id, body), which may be written; secrets(id, value) is granted to nobody.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bartizan/session/consumer.hpp"
#include "bartizan/wall/context.hpp"
#include "relay_world.hpp"
#include "wire.hpp"

namespace bartizan::session::test {

inline sql::CatalogRelation relation(sql::Oid oid, std::string name,
                                     const std::vector<std::pair<std::string, sql::Oid>>& columns,
                                     std::string schema = "public") {
  sql::CatalogRelation made;
  made.oid = oid;
  made.schema = std::move(schema);
  made.name = std::move(name);
  for (const auto& [column_name, type] : columns) {
    sql::CatalogColumn column;
    column.name = column_name;
    column.attnum = static_cast<sql::AttrNumber>(made.columns.size() + 1);
    column.type = type;
    made.columns.push_back(std::move(column));
  }
  return made;
}

inline std::shared_ptr<const policy::WallClass> bank_class(std::uint64_t version = 3, std::uint64_t id = 0xabc) {
  constexpr sql::Oid kInt4 = 23;
  constexpr sql::Oid kText = 25;
  sql::CatalogContents contents;
  contents.epoch = 1;
  contents.server_version = 150004;
  contents.database = "bank";
  contents.schemas = {{2200, "public"}, {3000, "other"}};
  contents.relations = {
      relation(100, "accounts", {{"id", kInt4}, {"tenant", kText}, {"email", kText}, {"secret", kText}}),
      relation(101, "notes", {{"id", kInt4}, {"body", kText}}),
      relation(102, "secrets", {{"id", kInt4}, {"value", kText}}), relation(103, "accounts", {{"id", kInt4}}, "other")};
  auto views = std::make_shared<sql::ViewMap>();
  views->relations[100] = {{"bz_v", id == 0xabc ? "accounts_1" : "accounts_2"},
                           {},
                           sql::Verbs::Select,
                           {{1, true, false, false}, {2, true, false, false}, {3, true, false, true}}};
  views->relations[101] = {{"bz_v", "notes_1"}, {}, sql::Verbs::All, {{1, true, true, false}, {2, true, true, false}}};
  views->relations[103] = {{"bz_v", "other_1"}, {}, sql::Verbs::Select, {{1, true, false, false}}};
  views->user_function = {"bz", "identity_name"};
  auto made = std::make_shared<policy::WallClass>();
  made->version = {policy::ClassId(id), version};
  made->login_role = "bz_1_c_2";
  made->catalog = *sql::Catalog::make(std::move(contents));
  made->views = std::move(views);
  made->ready = true;
  return made;
}

inline std::shared_ptr<const SecretBytes> connection_key(std::string_view seed) {
  std::string bytes(wall::kContextKeySize, 'k');
  bytes.replace(0, seed.size(), seed);
  return std::make_shared<const SecretBytes>(std::string_view(bytes));
}

inline std::unique_ptr<Consumer> consumer_of(std::optional<std::string> tenant, std::string_view key = "own") {
  auto made = std::make_unique<Consumer>();
  made->wall_class = bank_class();
  made->context = {{"tenant", policy::AttributeType::Text, std::move(tenant)}};
  made->policies = 4;
  made->purpose = "billing";
  made->shown_user = "ada";
  made->connection_key = connection_key(key);
  return made;
}

inline std::string context(std::string_view tenant, std::string_view key = "own",
                           WallTime now = WallTime(std::chrono::seconds(1'800'000'000))) {
  wall::Context signed_for;
  signed_for.expires = now + wall::kContextLife;
  signed_for.values = {{"tenant", std::string(tenant)}, {"bz_user", "ada"}};
  return *wall::sign_context(*connection_key(key), signed_for);
}
inline std::string context_sql(std::string_view tenant, std::string_view key = "own") {
  return wall::set_context_sql(context(tenant, key)) + ";";
}

// ---- what the server gets and says for a context of the extended protocol ----
inline constexpr std::string_view kSetter = "bartizan_context";
inline std::string prepare_setter() {
  return close('S', kSetter) + message('P', cstr(kSetter) + cstr(wall::kSetContextSql) + i16(1) + i32(25));
}
inline std::string setter_prepared() { return close_complete() + parse_complete(); }
inline std::string put_context(std::string_view signed_text, std::string_view portal = "") {
  return message('B', cstr(portal) + cstr(kSetter) + i16(0) + i16(1) +
                          i32(static_cast<std::uint32_t>(signed_text.size())) + std::string(signed_text) + i16(0)) +
         execute(portal) + (portal.empty() ? std::string() : close('P', portal));
}
inline std::string context_put(bool named = false) {
  return bind_complete() + data_row("ctx") + complete("SELECT 1") + (named ? close_complete() : std::string());
}
/// To a set_context_sql() in a Query.
inline std::string context_result() { return row_description() + data_row("ctx") + complete("SELECT 1"); }

}  // namespace bartizan::session::test
