// A session's encrypted columns, message by message: what leaves for the server holds no plaintext, and
// what comes back is what the client stored.
#include "bartizan/cells/session_cells.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>

#include "bartizan/pgwire/frame.hpp"
#include "cells_world.hpp"

namespace bartizan::cells {

namespace {

std::string quoted_cell(const std::string& text) {
  const auto at = text.find("E'\\\\x");
  REQUIRE(at != std::string::npos);
  return text.substr(at + 3, text.find('\'', at + 3) - at - 3);
}

Bytes data_row(std::initializer_list<std::optional<std::string_view>> values) {
  std::vector<std::optional<ByteView>> columns;
  for (const auto& value : values) columns.push_back(value ? std::optional(as_bytes(*value)) : std::nullopt);
  Bytes out;
  pgwire::MessageWriter writer(out);
  pgwire::write_data_row(writer, columns);
  return out;
}

std::vector<std::optional<std::string>> values_of(const Bytes& message) {
  const auto row = pgwire::decode_data_row(ByteView(message).subspan(pgwire::kFrameHeaderBytes));
  REQUIRE(row);
  std::vector<std::optional<std::string>> out;
  for (const auto value : row->columns)
    out.push_back(value ? std::optional(std::string(as_chars(*value))) : std::nullopt);
  return out;
}

ByteView payload(const Bytes& message) { return ByteView(message).subspan(pgwire::kFrameHeaderBytes); }

}  // namespace

TEST_SUITE("session cells") {
  TEST_CASE("what touches no cell is passed on") {
    World world;
    CHECK(World::read(world.north, "SELECT id, note FROM people") == nullptr);
    CHECK(World::read(world.north, "SELECT 1") == nullptr);
  }

  TEST_CASE("the catalogs are read after what has been defined, which is waited for once") {
    World world;
    constexpr std::string_view kColumns = "SELECT attname FROM pg_attribute";
    CHECK(World::read(world.north, kColumns)->reads_catalogs);
    CHECK_FALSE(world.north.waits_for_catalog());
    const auto made = analysis(sql::Kind::Ddl);
    world.north.follow(nullptr, 0, &made.statements[0]);
    (void)World::read(world.north, "SELECT id FROM people");
    CHECK_FALSE(world.north.waits_for_catalog());
    (void)World::read(world.north, kColumns);
    CHECK(world.north.waits_for_catalog());
    (void)World::read(world.lake, kColumns);
    CHECK(world.lake.waits_for_catalog());
    world.holder.looked(world.holder.asked());
    (void)world.holder.ask_to_look();  // somebody goes on
    CHECK_FALSE(world.north.waits_for_catalog());
    (void)World::read(world.north, kColumns);
    CHECK_FALSE(world.north.waits_for_catalog());
  }

  TEST_CASE("a constant becomes a cell, and the cell the constant again") {
    World world;
    const auto insert = World::read(world.north, "INSERT INTO people (id, email, ssn) VALUES (1, 'ada@x.org', '12')");
    REQUIRE(insert != nullptr);
    REQUIRE_FALSE(insert->refusal);
    CHECK(insert->edited);
    CHECK(insert->server_text.find("ada@x.org") == std::string::npos);
    CHECK(insert->server_text.find("'12'") == std::string::npos);
    const auto cell = quoted_cell(insert->server_text);
    const auto select = World::read(world.north, "SELECT email, id FROM people");
    REQUIRE(select != nullptr);
    CHECK_FALSE(select->edited);
    Bytes out;
    REQUIRE(world.north.row(*select, 0, nullptr, World::settings(), payload(data_row({cell, "1"})), out));
    CHECK(values_of(out) == std::vector<std::optional<std::string>>{"ada@x.org", "1"});
    out.clear();
    REQUIRE(world.north.row(*select, 0, nullptr, World::settings(), payload(data_row({std::nullopt, "1"})), out));
    CHECK(values_of(out) == std::vector<std::optional<std::string>>{std::nullopt, "1"});
  }

  TEST_CASE("whatever is wrong with a cell, nothing of the row is given out") {
    World world;
    const auto insert = World::read(world.north, "INSERT INTO people (id, email) VALUES (1, 'ada@x.org')");
    REQUIRE(insert != nullptr);
    const auto cell = quoted_cell(insert->server_text);
    const auto select = World::read(world.north, "SELECT email FROM people");
    REQUIRE(select != nullptr);
    std::vector<std::string> wrong = {"", "\\x", "ada@x.org", cell.substr(0, cell.size() - 2)};
    for (std::size_t i = 2; i < cell.size(); ++i) {  // one bit of each digit
      auto changed = cell;
      changed[i] = changed[i] == '0' ? '1' : '0';
      if (changed != cell) wrong.push_back(changed);
    }
    for (const auto& one : wrong) {
      CAPTURE(one);
      Bytes out;
      const auto done = world.north.row(*select, 0, nullptr, World::settings(), payload(data_row({one})), out);
      REQUIRE_FALSE(done);
      CHECK(done.error().detail == transform::kCellDoesNotOpen);
      CHECK(out.empty());
      CHECK(world.north.wrong_column() == "public.people.email");
    }
  }

  TEST_CASE("a tenant's cell opens for that tenant alone") {
    World world;
    const auto insert = World::read(world.north, "INSERT INTO people (id, ssn) VALUES (1, '12')");
    REQUIRE(insert != nullptr);
    const auto cell = quoted_cell(insert->server_text);
    for (auto* session : {&world.north, &world.lake, &world.nobody}) {
      const auto select = World::read(*session, "SELECT ssn FROM people");
      REQUIRE(select != nullptr);
      CHECK(select->refusal.has_value() == (session == &world.nobody));
      if (select->refusal) continue;
      Bytes out;
      CHECK(session->row(*select, 0, nullptr, World::settings(), payload(data_row({cell})), out).has_value() ==
            (session == &world.north));
    }
    const auto refused = World::read(world.nobody, "INSERT INTO people (id, ssn) VALUES (1, '12')");
    REQUIRE(refused != nullptr);
    REQUIRE(refused->refusal);
    CHECK(std::string(refused->refusal->sqlstate.begin(), refused->refusal->sqlstate.end()) == "42501");
  }

  TEST_CASE("keys that are gone are used no more, without a new session") {
    World world;
    const auto insert = World::read(world.north, "INSERT INTO people (id, ssn) VALUES (1, '12')");
    REQUIRE(insert != nullptr);
    const auto cell = quoted_cell(insert->server_text);
    const auto select = World::read(world.north, "SELECT ssn FROM people");
    auto shredded = depot(2);
    shredded->cells[1].keys.erase(kNorth);
    world.holder.publish(kDepot, shredded);
    CHECK(World::read(world.north, "SELECT ssn FROM people")->refusal);
    Bytes out;
    CHECK_FALSE(world.north.row(*select, 0, nullptr, World::settings(), payload(data_row({cell})), out));
  }

  TEST_CASE("a COPY goes on when newer keys are published, and ends when there are none any more") {
    World world;
    const auto text = World::read(world.north, "COPY people (id, ssn) FROM STDIN");
    REQUIRE(text != nullptr);
    REQUIRE_FALSE(text->refusal);
    REQUIRE(world.north.begin_copy(*text, 0, World::settings()));
    Bytes out;
    CHECK(world.north.copy(as_bytes("1\t12\n"), out));
    // Another session of the same worker meets the newer version first: the worker's ciphers are made anew.
    world.holder.publish(kDepot, depot(2));
    CHECK_FALSE(World::read(world.lake, "SELECT ssn FROM people")->refusal);
    CHECK(world.north.copy(as_bytes("2\t34\n"), out));
    auto shredded = depot(3);
    shredded->cells[1].keys.erase(kNorth);
    world.holder.publish(kDepot, shredded);
    const auto refused = world.north.copy(as_bytes("3\t56\n"), out);
    REQUIRE_FALSE(refused);
    CHECK(SessionCells::report_of(refused.error()).sqlstate == pgwire::sqlstate::kInsufficientPrivilege);
    CHECK(world.north.wrong_column() == "public.people.ssn");
  }

  TEST_CASE("the holder knows how many sessions signed in by an older version") {
    DepotHolder holder;
    DepotHolder::Stay none, first, second;
    CHECK(holder.enter(kDepot, none) == nullptr);
    holder.publish(kDepot, depot(5));
    (void)holder.enter(kDepot, first);
    holder.publish(kDepot, depot(7));
    (void)holder.enter(kDepot, second);
    CHECK(holder.entered_before(kDepot, 5) == 1);
    CHECK(holder.entered_before(kDepot, 7) == 2);
    CHECK(holder.entered_before(kDepot, 8) == 3);
    first = std::move(second);
    CHECK(holder.entered_before(kDepot, 7) == 1);
    none = DepotHolder::Stay();
    CHECK(holder.entered_before(kDepot, 7) == 0);
    CHECK(holder.entered_before(kDepot, 8) == 1);
  }

  TEST_CASE("parameters of Bind become cells and indexes, others pass") {
    World world;
    const auto text = World::read(world.north, "UPDATE people SET note = $1, email = $2 WHERE email = $3");
    REQUIRE(text != nullptr);
    REQUIRE_FALSE(text->refusal);
    REQUIRE(text->parameters.size() == 3);
    CHECK(text->parameter_types == std::vector<sql::Oid>{0, 25, 25});
    Bytes message;
    pgwire::MessageWriter writer(message);
    const std::array<std::optional<ByteView>, 3> given{as_bytes("a note"), as_bytes("new@x.org"),
                                                       as_bytes("old@x.org")};
    pgwire::write_bind(writer, "portal", "name", {}, given, {});
    const auto bind = pgwire::decode_bind(payload(message));
    REQUIRE(bind);
    Bytes out;
    REQUIRE(world.north.bind(*text, *bind, "shared", World::settings(), out));
    const auto all = std::string(as_chars(out));
    CHECK(all.find("a note") != std::string::npos);
    CHECK(all.find("x.org") == std::string::npos);
    const auto made = pgwire::decode_bind(payload(out));
    REQUIRE(made);
    CHECK(made->statement == "shared");
    std::vector<std::size_t> sizes;
    for (const auto value : made->parameters) sizes.push_back(value ? value->size() : 0);
    CHECK(sizes == std::vector<std::size_t>{6, transform::kIndexedCellOverhead + 9, transform::kBlindIndexBytes});
  }

  TEST_CASE("integers of another width than their column's are the same numbers") {
    World world;
    auto wide = depot(3);
    wide->cells[0].type = transform::ValueType::Int4;
    std::vector<sql::EncryptedColumnSpec> specs(1);
    specs[0].column = {kTable, 2};
    specs[0].number = 1;
    specs[0].type = {23, 4, -1};
    specs[0].searchable = true;
    specs[0].join_domain = 1;
    wide->columns = *sql::EncryptedColumns::make(catalog(), specs);
    wide->cells.resize(1);
    world.holder.publish(kDepot, wide);
    SessionCells session(wide, world.holder, world.ciphers, {kDepot, Uuid{}, {"public"}, {}, {}});
    const auto index_of = [&](sql::Oid type, std::initializer_list<unsigned> bytes) {
      Bytes types(6);
      store_be16(types.data(), 1);
      store_be32(types.data() + 2, type);
      const auto select = analysis(sql::Kind::Select);
      const auto text = session.read("SELECT id FROM people WHERE email = $1", types, &select, World::settings());
      REQUIRE(text != nullptr);
      REQUIRE_FALSE(text->refusal);
      Bytes field;
      for (const auto byte : bytes) field.push_back(static_cast<std::byte>(byte));
      Bytes message;
      pgwire::MessageWriter writer(message);
      const std::array<std::int16_t, 1> formats{1};
      const std::array<std::optional<ByteView>, 1> given{ByteView(field)};
      pgwire::write_bind(writer, "", "", formats, given, {});
      Bytes out;
      REQUIRE(session.bind(*text, *pgwire::decode_bind(payload(message)), "", World::settings(), out));
      const auto made = pgwire::decode_bind(payload(out));
      REQUIRE(made);
      for (const auto value : made->parameters) return hex_encode(*value);
      return std::string();
    };
    const auto minus_two = index_of(23, {0xff, 0xff, 0xff, 0xfe});
    CHECK(index_of(21, {0xff, 0xfe}) == minus_two);
    CHECK(index_of(20, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe}) == minus_two);
    CHECK(index_of(21, {0, 2}) != minus_two);
    // What the column can't hold equals nothing, itself included.
    const auto wider = index_of(20, {0, 0, 0, 1, 0, 0, 0, 0});
    CHECK(wider.size() == 2 * transform::kBlindIndexBytes);
    CHECK(index_of(20, {0, 0, 0, 1, 0, 0, 0, 0}) != wider);
  }

  TEST_CASE("a value that its column can't hold is refused, and named by its column alone") {
    World world;
    const auto text = World::read(world.north, "UPDATE people SET ssn = $1");
    REQUIRE(text != nullptr);
    Bytes message;
    pgwire::MessageWriter writer(message);
    const std::string canary = "canary-longer-than-twenty";
    const std::array<std::optional<ByteView>, 1> given{as_bytes(canary)};
    pgwire::write_bind(writer, "", "", {}, given, {});
    Bytes out;
    const auto done = world.north.bind(*text, *pgwire::decode_bind(payload(message)), "", World::settings(), out);
    REQUIRE_FALSE(done);
    CHECK(out.empty());
    const auto report = SessionCells::report_of(done.error());
    CHECK(report.sqlstate.view() == "22001");
    CHECK(report.message.find("public.people.ssn") != std::string::npos);
    CHECK(report.message.find("canary") == std::string::npos);
  }

  TEST_CASE("RowDescription says the logical types") {
    World world;
    const auto text = World::read(world.north, "SELECT id, ssn FROM people");
    REQUIRE(text != nullptr);
    Bytes message;
    pgwire::MessageWriter writer(message);
    const std::array fields{pgwire::FieldDescription{"id", kTable, 1, 23, 4, -1, 0},
                            pgwire::FieldDescription{"ssn", kTable, 3, 17, -1, -1, 0}};
    pgwire::write_row_description(writer, fields);
    Bytes out;
    REQUIRE(world.north.describe_row(*text, 0, payload(message), out));
    const auto told = pgwire::decode_row_description(payload(out));
    REQUIRE(told);
    auto field = told->begin();
    CHECK((*field).type_oid == 23);
    ++field;
    CHECK((*field).type_oid == 1043);
    CHECK((*field).type_modifier == 24);
    Bytes shorter;
    pgwire::MessageWriter other(shorter);
    pgwire::write_row_description(other, std::span(fields).first(1));
    out.clear();
    CHECK_FALSE(world.north.describe_row(*text, 0, payload(shorter), out));
    CHECK(out.empty());
  }

  TEST_CASE("errors of the server lose what may hold cells") {
    Bytes message;
    pgwire::MessageWriter writer(message);
    pgwire::ErrorReport report;
    report.message = "duplicate key";
    report.detail = "Key (substr(email, 9, 16))=(\\x00) already exists.";
    report.where = "COPY people, line 1";
    report.constraint_name = "people_email";
    report.position = 7;
    pgwire::write_error_response(writer, report);
    Bytes out;
    SessionCells::scrub('E', payload(message), true, out);
    const auto fields = pgwire::decode_report(payload(out));
    REQUIRE(fields);
    CHECK(fields->message() == "duplicate key");
    CHECK(fields->get(pgwire::ReportField::ConstraintName) == "people_email");
    CHECK(fields->get(pgwire::ReportField::Detail).empty());
    CHECK(fields->get(pgwire::ReportField::Where).empty());
    CHECK(fields->get(pgwire::ReportField::Position).empty());
  }

  TEST_CASE("a session of another generation keeps what it began with; the holder counts it") {
    DepotHolder holder;
    DepotHolder::Stay none;
    CHECK(holder.enter(kDepot, none) == nullptr);
    holder.publish(kDepot, depot());
    DepotHolder::Stay one;
    CHECK(holder.enter(kDepot, one) != nullptr);
    CHECK(holder.others_than(kDepot, 1) == 1);
    none = {};
    CHECK(holder.others_than(kDepot, 1) == 0);
    DepotHolder::Stay moved = std::move(one);
    CHECK(holder.others_than(kDepot, 2) == 1);
    moved = {};
    CHECK(holder.others_than(kDepot, 2) == 0);
  }
}

}  // namespace bartizan::cells
