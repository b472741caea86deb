// Two sessions of one depot and worker, of which one may detokenize: what each is told, by the same texts.
#include <doctest/doctest.h>

#include <string>

#include "cells_world.hpp"

namespace bartizan::cells {

namespace {

constexpr std::uint32_t kNumber = 7;
const Uuid kNote = *Uuid::parse("c01d0000-0000-4000-8000-00000000e3a7");

/// people.note holds tokens over digits; no other column is protected.
std::shared_ptr<EncryptedDepot> tokenised(std::uint64_t version = 1) {
  auto out = std::make_shared<EncryptedDepot>();
  out->version = version;
  out->generation = 1;
  sql::EncryptedColumnSpec spec;
  spec.column = {kTable, 4};
  spec.number = kNumber;
  spec.type = {25, -1, -1};
  spec.searchable = true;
  spec.tokens = sql::TokenUse::Shown;
  auto columns = sql::EncryptedColumns::make(catalog(), {spec});
  REQUIRE(columns);
  out->columns = *columns;
  CellColumn note;
  note.number = kNumber;
  note.id = kNote;
  note.name = "public.people.note";
  note.tokens = transform::TokenShape{"digits", "-"};
  note.keys.emplace(Uuid{}, keys(kNote, keys::KeyringOwner::of_depot(kDepot.get()), 40, true));
  out->cells = {note};
  return out;
}

struct Tokens {
  DepotHolder holder;
  CellCiphers ciphers{sql::DigestKey{}, system_random()};
  std::shared_ptr<EncryptedDepot> state = tokenised();
  SessionCells may{state, holder, ciphers, {kDepot, Uuid{}, {"public"}, {}, {kNumber}}};
  SessionCells may_not{state, holder, ciphers, {kDepot, Uuid{}, {"public"}, {}, {}}};

  Tokens() { holder.publish(kDepot, state); }
};

std::string token_in(const std::string& text) {
  const auto from = text.find("E'");
  REQUIRE(from != std::string::npos);
  return text.substr(from + 2, text.find('\'', from + 2) - from - 2);
}

}  // namespace

TEST_SUITE("columns of tokens") {
  TEST_CASE("what one session may is not found by another with the same text") {
    for (const bool first_may : {true, false}) {
      CAPTURE(first_may);
      Tokens tokens;
      constexpr std::string_view kText = "SELECT note FROM people WHERE note = $1";
      auto& first = first_may ? tokens.may : tokens.may_not;
      auto& second = first_may ? tokens.may_not : tokens.may;
      CHECK((World::read(first, kText) != nullptr) == first_may);
      CHECK((World::read(second, kText) != nullptr) == !first_may);
      CHECK((World::read(first, kText) != nullptr) == first_may);
    }
  }

  TEST_CASE("constants are exchanged for who may, and refused from who may not") {
    Tokens tokens;
    const auto planned = World::read(tokens.may, "INSERT INTO people (id, note) VALUES (1, '4111-1111')");
    REQUIRE(planned);
    REQUIRE_FALSE(planned->refusal);
    CHECK(planned->server_text.find("4111-1111") == std::string::npos);
    CHECK(token_in(planned->server_text).size() == std::string_view("4111-1111").size());
    CHECK(tokens.may.first_detokenized(*planned) == std::vector<std::string>{"public.people.note"});
    CHECK(tokens.may.first_detokenized(*planned).empty());
    const auto compared = World::read(tokens.may, "SELECT id FROM people WHERE note = '4111-1111'");
    REQUIRE(compared);
    CHECK(token_in(compared->server_text) == token_in(planned->server_text));
    const auto refused = World::read(tokens.may_not, "INSERT INTO people (id, note) VALUES (1, '4111-1111')");
    REQUIRE(refused);
    REQUIRE(refused->refusal);
    CHECK(std::string_view(refused->refusal->sqlstate.data(), 5) == "42501");
  }

  TEST_CASE(
      "a value that can have no token is refused by its column's name; one that is compared is equal to nothing") {
    Tokens tokens;
    const auto refused = World::read(tokens.may, "UPDATE people SET note = '123'");
    REQUIRE(refused);
    REQUIRE(refused->refusal);
    CHECK(refused->refusal->message.find("public.people.note") != std::string::npos);
    CHECK(refused->refusal->message.find("123") == std::string::npos);
    const auto compared = World::read(tokens.may, "SELECT id FROM people WHERE note IN ('123', 'no number')");
    REQUIRE(compared);
    CHECK_FALSE(compared->refusal);
    CHECK(compared->server_text.find("123") == std::string::npos);
  }

  TEST_CASE("without keys nobody is told anything") {
    Tokens tokens;
    auto shredded = tokenised(2);
    shredded->cells[0].keys.clear();
    tokens.holder.publish(kDepot, shredded);
    const auto refused = World::read(tokens.may, "SELECT note FROM people");
    REQUIRE(refused);
    REQUIRE(refused->refusal);
    CHECK(World::read(tokens.may_not, "SELECT note FROM people") == nullptr);
  }
}

}  // namespace bartizan::cells
