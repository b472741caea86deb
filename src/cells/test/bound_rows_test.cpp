// Row-bound columns in a session: what a client writes opens in its own row, and nowhere else; the keys that
// were added for it are not the client's.
#include <doctest/doctest.h>

#include "cells_world.hpp"

namespace bartizan::cells {
namespace {

/// The table of cells_world.hpp with email bound by id, and note by nothing.
std::shared_ptr<EncryptedDepot> bound_depot(bool is_bound = true) {
  auto out = depot();
  std::vector<sql::EncryptedColumnSpec> specs(1);
  specs[0].column = {kTable, 2};
  specs[0].number = 1;
  specs[0].type = {25, -1, -1};
  specs[0].searchable = true;
  specs[0].join_domain = 1;
  if (is_bound) specs[0].row_key = {1};
  auto columns = sql::EncryptedColumns::make(catalog(), specs);
  REQUIRE(columns);
  out->columns = *columns;
  out->cells[0].row_bound = is_bound;
  return out;
}

struct BoundWorld {
  DepotHolder holder;
  CellCiphers ciphers{sql::DigestKey{}, system_random()};
  std::shared_ptr<EncryptedDepot> state = bound_depot();
  SessionCells session{state, holder, ciphers, {kDepot, Uuid{}, {"public"}, {}, {}}};

  BoundWorld() { holder.publish(kDepot, state); }
};

Bytes be16(std::size_t value) { return {static_cast<std::byte>(value >> 8), static_cast<std::byte>(value & 0xff)}; }

void append(Bytes& out, ByteView more) { out.insert(out.end(), more.begin(), more.end()); }

void append_value(Bytes& out, std::optional<ByteView> value) {
  Bytes length(4);
  store_be32(length.data(), value ? static_cast<std::uint32_t>(value->size()) : 0xffffffff);
  append(out, length);
  if (value) append(out, *value);
}

/// Bind's payload.
Bytes bind_of(const std::vector<std::optional<ByteView>>& values, std::vector<std::size_t> formats = {},
              std::vector<std::size_t> results = {}) {
  Bytes out = {std::byte{0}, std::byte{0}};
  append(out, be16(formats.size()));
  for (const auto one : formats) append(out, be16(one));
  append(out, be16(values.size()));
  for (const auto& one : values) append_value(out, one);
  append(out, be16(results.size()));
  for (const auto one : results) append(out, be16(one));
  return out;
}

/// What the server would get: the parameters, and the formats of the results.
struct Bound {
  std::vector<Bytes> values;
  std::vector<std::int16_t> results;
};
Result<Bound> bound_by(BoundWorld& world, const CellText& text, const Bytes& payload) {
  Bytes out;
  const auto read = pgwire::decode_bind(payload);
  REQUIRE(read);
  BZ_CHECK(world.session.bind(text, *read, "s", World::settings(), out));
  const auto made = pgwire::decode_bind(ByteView(out).subspan(5));
  REQUIRE(made);
  Bound bound;
  for (const auto value : made->parameters)
    bound.values.push_back(value ? Bytes(value->begin(), value->end()) : Bytes());
  for (std::size_t i = 0; i < made->result_formats.size(); ++i) bound.results.push_back(made->result_formats[i]);
  return bound;
}

Bytes data_row(const std::vector<std::optional<ByteView>>& values) {
  Bytes out = be16(values.size());
  for (const auto& one : values) append_value(out, one);
  return out;
}

/// The values of a row as the client gets it; or how it failed.
std::string seen(BoundWorld& world, const CellText& text, const Bytes& payload, Formats formats = nullptr) {
  Bytes out;
  const auto done = world.session.row(text, 0, formats, World::settings(), payload, out);
  if (!done) {
    CHECK(out.empty());
    CHECK(world.session.wrong_column() == "public.people.email");
    return done.error().code == Errc::Crypto ? done.error().detail : "another error";
  }
  const auto row = pgwire::decode_data_row(ByteView(out).subspan(5));
  REQUIRE(row);
  std::string all;
  for (const auto value : row->columns)
    all += (all.empty() ? "" : "|") + (value ? std::string(as_chars(*value)) : "NULL");
  return all;
}

std::string hex_of(ByteView cell) { return "\\x" + hex_encode(cell); }

TEST_CASE("a value opens in the row that it was written to, by whichever of its forms the key came") {
  BoundWorld world;
  const auto insert = World::read(world.session, "INSERT INTO people (id, email) VALUES ($1, $2)");
  REQUIRE(insert != nullptr);
  REQUIRE_FALSE(insert->refusal);
  const auto select = World::read(world.session, "SELECT email FROM people");
  REQUIRE(select != nullptr);
  CHECK(select->statements[0].hidden == 1);
  const Bytes four = {std::byte{0}, std::byte{0}, std::byte{0}, std::byte{7}};
  for (const bool binary : {false, true}) {
    const auto made = bound_by(world, *insert,
                               binary ? bind_of({four, as_bytes("ada@example.org")}, {1, 0})
                                      : bind_of({as_bytes("7"), as_bytes("ada@example.org")}));
    REQUIRE(made);
    const Bytes& cell = made->values.at(1);
    CHECK((std::to_integer<unsigned>(cell.at(1)) & 2U) == 2U);
    const std::string text = hex_of(cell);
    CHECK(seen(world, *select, data_row({as_bytes(text), as_bytes("7")})) == "ada@example.org");
    CHECK(seen(world, *select, data_row({cell, four}), std::make_shared<std::vector<std::int16_t>>(1, 1)) ==
          "ada@example.org");
    for (const char* other : {"8", "-7", "70", "x", ""})
      CHECK(seen(world, *select, data_row({as_bytes(text), as_bytes(std::string_view(other))})) ==
            transform::kCellDoesNotOpen);
    CHECK(seen(world, *select, data_row({as_bytes(text), std::nullopt})) == transform::kCellDoesNotOpen);
    CHECK(seen(world, *select, data_row({std::nullopt, std::nullopt})) == "NULL");  // of an outer join
  }
}

TEST_CASE("each bit of a bound cell, and a cell that is not bound, do not open") {
  BoundWorld world;
  const auto insert = World::read(world.session, "INSERT INTO people (id, email) VALUES ($1, $2)");
  const auto select = World::read(world.session, "SELECT id, email FROM people");
  const auto made = bound_by(world, *insert, bind_of({as_bytes("7"), as_bytes("ada")}));
  REQUIRE(made);
  Bytes cell = made->values.at(1);
  const auto read = [&](const Bytes& one) {
    const std::string text = hex_of(one);
    return seen(world, *select, data_row({as_bytes("7"), as_bytes(text)}));
  };
  CHECK(read(cell) == "7|ada");
  for (std::size_t bit = 0; bit < cell.size() * 8; ++bit) {
    cell[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    CHECK_MESSAGE(read(cell) == transform::kCellDoesNotOpen, bit);
    cell[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
  }
  // The same keys and the same column, as it would be had it never been bound.
  DepotHolder holder;
  CellCiphers ciphers{sql::DigestKey{}, system_random()};
  SessionCells unbound(bound_depot(false), holder, ciphers, {kDepot, Uuid{}, {"public"}, {}, {}});
  const auto text = World::read(unbound, "INSERT INTO people (id, email) VALUES (7, 'ada')");
  REQUIRE(text != nullptr);
  const auto from = text->server_text.find("c7");
  const auto free = hex_decode(text->server_text.substr(from, text->server_text.find('\'', from) - from));
  REQUIRE(free);
  CHECK(read(*free) == transform::kCellDoesNotOpen);
  Bytes flagged = *free;
  flagged[1] |= std::byte{2};
  CHECK(read(flagged) == transform::kCellDoesNotOpen);
}

TEST_CASE("what the client described and asked for is what it gets") {
  BoundWorld world;
  const auto select = World::read(world.session, "SELECT note, email FROM people WHERE id = $1");
  REQUIRE(select != nullptr);
  CHECK(select->rewrites_bind());
  const auto formats = [&](std::vector<std::size_t> asked) {
    const auto made = bound_by(world, *select, bind_of({as_bytes("7")}, {}, std::move(asked)));
    REQUIRE(made);
    CHECK(as_chars(made->values.at(0)) == "7");
    return made->results;
  };
  CHECK(formats({}).empty());
  CHECK(formats({1}) == std::vector<std::int16_t>{1});
  CHECK(formats({1, 0}) == std::vector<std::int16_t>{1, 0, 0});
}

TEST_CASE("a key that is no value of its type is the client's error, and nothing is sent") {
  BoundWorld world;
  const auto insert = World::read(world.session, "INSERT INTO people (id, email) VALUES ($1, $2)");
  for (const auto& key : {std::optional<ByteView>(), std::optional(as_bytes(std::string_view("seven"))),
                          std::optional(as_bytes(std::string_view("3000000000")))}) {
    const auto made = bound_by(world, *insert, bind_of({key, as_bytes("ada")}));
    REQUIRE_FALSE(made);
    CHECK(made.error().code == Errc::InvalidArgument);
  }
  CHECK(bound_by(world, *insert, bind_of({std::nullopt, std::nullopt})));  // nothing is sealed: the server's to refuse
  const auto constant = World::read(world.session, "INSERT INTO people (id, email) VALUES ('seven', 'ada')");
  REQUIRE(constant != nullptr);
  REQUIRE(constant->refusal);
  CHECK(std::string_view(constant->refusal->sqlstate.data(), 5) == "22P02");
}

}  // namespace
}  // namespace bartizan::cells
