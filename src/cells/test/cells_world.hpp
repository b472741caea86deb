// A depot with encrypted columns and three sessions on it, for the tests of this module.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "bartizan/cells/session_cells.hpp"

namespace bartizan::cells {
namespace {

constexpr sql::Oid kTable = 16400;
constexpr sql::Oid kDomain = 16399;
const Uuid kEmail = *Uuid::parse("c01d0000-0000-4000-8000-00000000e3a1");
const Uuid kSsn = *Uuid::parse("c01d0000-0000-4000-8000-00000000e3a2");
const policy::DepotId kDepot{*Uuid::parse("de900000-0000-4000-8000-000000000001")};
const Uuid kNorth = *Uuid::parse("7e9a1c52-0000-4000-8000-00000000000a");
const Uuid kLake = *Uuid::parse("7e9a1c52-0000-4000-8000-00000000000b");

std::shared_ptr<const sql::Catalog> catalog() {
  sql::CatalogContents contents;
  contents.epoch = 1;
  contents.server_version = 150000;
  contents.schemas = {{2200, "public"}, {16398, "bartizan_cells"}};
  sql::CatalogRelation people;
  people.oid = kTable;
  people.schema = "public";
  people.name = "people";
  const auto column = [](const char* name, sql::AttrNumber number, sql::Oid type) {
    sql::CatalogColumn out;
    out.name = name;
    out.attnum = number;
    out.type = type;
    return out;
  };
  people.columns = {column("id", 1, 23), column("email", 2, kDomain), column("ssn", 3, kDomain), column("note", 4, 25)};
  contents.relations.push_back(people);
  sql::CatalogType domain;
  domain.oid = kDomain;
  domain.schema = "bartizan_cells";
  domain.name = "cell";
  domain.kind = sql::TypeKind::Domain;
  domain.base = 17;
  contents.types.push_back(domain);
  auto made = sql::Catalog::make(std::move(contents));
  REQUIRE(made);
  return *made;
}

std::shared_ptr<const transform::ColumnKeySet> keys(const Uuid& column, const keys::KeyringOwner& owner,
                                                    std::uint32_t id, bool searchable) {
  const auto secret = [&](std::uint32_t fill) { return SecretBytes(Bytes(32, static_cast<std::byte>(fill))); };
  const auto data = keys::KeyringRoot::make(keys::KeyId(id), keys::KeyPurpose::Data, owner, secret(id));
  const auto index = keys::KeyringRoot::make(keys::KeyId(id + 1), keys::KeyPurpose::Index, owner, secret(id + 1));
  REQUIRE(data);
  REQUIRE(index);
  auto out = std::make_shared<transform::ColumnKeySet>();
  auto derived = keys::derive_column_keys(*data, column);
  REQUIRE(derived);
  out->active = derived->id;
  out->readable.push_back(std::move(*derived));
  auto of_index = keys::derive_index_key(*index, column);
  REQUIRE(of_index);
  if (searchable) out->index.push_back(std::move(*of_index));
  return out;
}

sql::Analysis analysis(sql::Kind kind, std::string_view name = {}) {
  sql::Statement statement;
  statement.kind = kind;
  statement.name = name;
  statement.parsed = true;
  return {{statement}};
}

/// email is searchable; ssn is varchar(20) under the keys of tenants.
std::shared_ptr<EncryptedDepot> depot(std::uint64_t version = 1) {
  auto out = std::make_shared<EncryptedDepot>();
  out->version = version;
  out->generation = 1;
  std::vector<sql::EncryptedColumnSpec> specs(2);
  specs[0].column = {kTable, 2};
  specs[0].number = 1;
  specs[0].type = {25, -1, -1};
  specs[0].searchable = true;
  specs[0].join_domain = 1;
  specs[1].column = {kTable, 3};
  specs[1].number = 2;
  specs[1].type = {1043, -1, 24};
  auto columns = sql::EncryptedColumns::make(catalog(), specs);
  REQUIRE(columns);
  out->columns = *columns;
  CellColumn email;
  email.number = 1;
  email.id = kEmail;
  email.name = "public.people.email";
  email.keys.emplace(Uuid{}, keys(kEmail, keys::KeyringOwner::of_depot(kDepot.get()), 10, true));
  CellColumn ssn;
  ssn.number = 2;
  ssn.id = kSsn;
  ssn.type = transform::ValueType::Varchar;
  ssn.typmod = 24;
  ssn.name = "public.people.ssn";
  ssn.per_tenant = true;
  ssn.keys.emplace(kNorth, keys(kSsn, keys::KeyringOwner::of_tenant(kNorth), 20, false));
  ssn.keys.emplace(kLake, keys(kSsn, keys::KeyringOwner::of_tenant(kLake), 30, false));
  out->cells = {email, ssn};
  return out;
}

struct World {
  DepotHolder holder;
  CellCiphers ciphers{sql::DigestKey{}, system_random()};
  std::shared_ptr<EncryptedDepot> state = depot();
  SessionCells north{state, holder, ciphers, {kDepot, kNorth, {"public"}, {}, {}}};
  SessionCells lake{state, holder, ciphers, {kDepot, kLake, {"public"}, {}, {}}};
  SessionCells nobody{state, holder, ciphers, {kDepot, Uuid{}, {"public"}, {}, {}}};

  World() { holder.publish(kDepot, state); }
  static ReadSettings settings() {
    ReadSettings out;
    out.client_encoding = "UTF8";
    out.date_style = "ISO, MDY";
    out.time_zone = "UTC";
    return out;
  }
  static std::shared_ptr<const CellText> read(SessionCells& session, std::string_view text) {
    static const sql::Analysis none = analysis(sql::Kind::Select);
    return session.read(text, {}, &none, settings());
  }
};

}  // namespace
}  // namespace bartizan::cells
