#include "bartizan/identity/scram_shapes.hpp"

#include <doctest/doctest.h>

#include <string>

namespace bartizan::identity {
namespace {

const Bytes kSecret = to_bytes("a mock secret of some length");

std::string verifier(std::uint32_t iterations, std::size_t salt_bytes) {
  const Bytes salt(salt_bytes, std::byte{7});
  return std::string(ScramVerifier::from_password("p", salt, iterations)->to_string().reveal_chars());
}

TEST_CASE("without verifiers a mock has the gateway's own shape") {
  const ScramShapes none;
  CHECK(none.draw("nobody", kSecret, {5000, 16}) == ScramShape{5000, 16});
}

TEST_CASE("unknown names are spread as the known verifiers are") {
  ScramShapes shapes;
  for (int i = 0; i < 3; ++i) shapes.add(verifier(4096, 16));
  shapes.add(verifier(9000, 24));
  int imported = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto name = "name" + std::to_string(i);
    const auto shape = shapes.draw(name, kSecret, {});
    CHECK(shape == shapes.draw(name, kSecret, {}));
    const bool known = shape == ScramShape{4096, 16} || shape == ScramShape{9000, 24};
    CHECK(known);
    if (shape.iterations == 9000) ++imported;
  }
  CHECK(imported > 400);  // a quarter of 2,000 is 500, with a deviation of 19
  CHECK(imported < 600);
}

TEST_CASE("a few verifiers more move few names") {
  ScramShapes before;
  ScramShapes after;
  for (int i = 0; i < 100; ++i) {
    before.add(i % 2 == 0 ? verifier(1, 16) : verifier(2, 16));
    after.add(i % 2 == 0 ? verifier(1, 16) : verifier(2, 16));
  }
  after.add(verifier(1, 16));
  int moved = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto name = "name" + std::to_string(i);
    if (before.draw(name, kSecret, {}) != after.draw(name, kSecret, {})) ++moved;
  }
  CHECK(moved < 40);
}

TEST_CASE("what is no verifier is passed over") {
  ScramShapes shapes;
  for (const char* text :
       {"", "md5abc", "SCRAM-SHA-256$", "SCRAM-SHA-256$4096", "SCRAM-SHA-256$4096:", "SCRAM-SHA-256$0:AAAA$x:y",
        "SCRAM-SHA-256$4096:$x:y", "SCRAM-SHA-256$4096:AAA$x:y", "SCRAM-SHA-256$99999999999:AAAA$x:y"})
    shapes.add(text);
  CHECK(shapes.draw("nobody", kSecret, {7, 8}) == ScramShape{7, 8});
}

TEST_CASE("a mock takes the shape that it is given, with another salt for each") {
  const auto plain = ScramVerifier::mock("alice", kSecret, {4096, 16});
  const auto longer = ScramVerifier::mock("alice", kSecret, {4096, 100});
  const auto slower = ScramVerifier::mock("alice", kSecret, {8192, 16});
  CHECK(longer.salt().size() == 100);
  CHECK(slower.iterations() == 8192);
  // A known name whose password was set anew shows another salt as well.
  CHECK(hex_encode(plain.salt()) != hex_encode(slower.salt()));
  CHECK(hex_encode(plain.salt()) != hex_encode(longer.salt().first(16)));
}

}  // namespace
}  // namespace bartizan::identity
