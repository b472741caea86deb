#include "bartizan/audit/key_chain.hpp"

#include <doctest/doctest.h>

using namespace bartizan;
using namespace bartizan::audit;

namespace {

const std::string kOrigin = "log.example/prod";
const WallTime kAt{std::chrono::seconds(1'700'000'000)};
const WallTime kUntil{std::chrono::seconds(1'700'086'400)};

NoteSigner key(const std::string& name = kOrigin) {
  return NoteSigner::generate(KeyType::Ed25519, name, system_random()).value();
}

}  // namespace

TEST_CASE("a key is introduced by a note that it and the one before it have signed") {
  const auto first = key();
  const auto second = key();
  const auto note = introduce_key(2, first, second, kAt, kUntil);
  const auto read = open_introduction(note, kOrigin).value();
  CHECK(read.number == 2);
  CHECK(read.before.to_string() == first.verifier().to_string());
  CHECK(read.after.to_string() == second.verifier().to_string());
  CHECK(read.at == kAt);
  CHECK(read.until == kUntil);
  CHECK_FALSE(open_introduction(note, "log.example/other"));
  SUBCASE("any byte of it counts") {
    for (std::size_t i = 0; i < note.size(); ++i) {
      auto harmed = note;
      harmed[i] = static_cast<char>(harmed[i] ^ 1);
      CHECK_MESSAGE(!open_introduction(harmed, kOrigin), i);
    }
  }
  SUBCASE("one signature is not enough, nor that of a third key") {
    const auto text = note.substr(0, note.find("\n\n") + 1);
    for (const auto* signer : {&first, &second})
      CHECK_FALSE(open_introduction(text + "\n" + signer->sign(text, kAt), kOrigin));
    const auto third = key();
    CHECK_FALSE(open_introduction(text + "\n" + first.sign(text, kAt) + third.sign(text, kAt), kOrigin));
    CHECK_FALSE(open_introduction(text + "\n" + third.sign(text, kAt) + second.sign(text, kAt), kOrigin));
  }
  SUBCASE("a witness's key can't be introduced") {
    const auto witness = NoteSigner::generate(KeyType::Cosignature, kOrigin, system_random()).value();
    CHECK_FALSE(open_introduction(introduce_key(2, first, witness, kAt, kUntil), kOrigin));
  }
  SUBCASE("the first key needs no introduction") {
    CHECK_FALSE(open_introduction(introduce_key(1, first, second, kAt, kUntil), kOrigin));
  }
}

TEST_CASE("introductions make a chain, each where the one before it ends") {
  const NoteSigner keys[] = {key(), key(), key(), key()};
  const std::vector<std::string> notes = {introduce_key(2, keys[0], keys[1], kAt, kUntil),
                                          introduce_key(3, keys[1], keys[2], kAt, kUntil)};
  const auto chain = KeyChain::read(notes, kOrigin).value();
  REQUIRE(chain.keys().size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(chain.keys()[i].to_string() == keys[i].verifier().to_string());
  CHECK(chain.holds(keys[0].verifier().named("log.example/prod/t-acme")));
  CHECK_FALSE(chain.holds(keys[3].verifier()));
  CHECK(KeyChain::read({}, kOrigin).value().empty());
  CHECK(KeyChain::read({notes[1]}, kOrigin));  // who joins late
  CHECK_FALSE(KeyChain::read({notes[1], notes[0]}, kOrigin));
  CHECK_FALSE(KeyChain::read({notes[0], notes[0]}, kOrigin));
  CHECK_FALSE(KeyChain::read({notes[0], introduce_key(3, keys[0], keys[3], kAt, kUntil)}, kOrigin));
  CHECK_FALSE(KeyChain::read({notes[0], introduce_key(4, keys[1], keys[2], kAt, kUntil)}, kOrigin));
}
