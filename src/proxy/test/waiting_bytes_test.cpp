#include "waiting_bytes.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

namespace bartizan::proxy {
namespace {

ByteView bytes_of(const std::string& text) { return as_bytes(text); }

TEST_CASE("what is taken from the front leaves the rest in order") {
  WaitingBytes waiting;
  CHECK(waiting.empty());
  std::string expected;
  std::size_t at = 0;
  for (int lap = 0; lap < 400; ++lap) {
    const std::string piece(1000, static_cast<char>('a' + lap % 26));
    waiting.append(bytes_of(piece));
    expected += piece;
    const std::size_t taken = std::min<std::size_t>(static_cast<std::size_t>(lap) * 7, expected.size() - at);
    waiting.take(taken);
    at += taken;
    const auto left = waiting.left();
    REQUIRE(as_chars(left) == std::string_view(expected).substr(at));
  }
  waiting.take(waiting.left().size());
  CHECK(waiting.empty());
  CHECK(waiting.left().empty());
}

// A slow peer takes a few bytes each time: 64 MiB moved for each of them would be half a terabyte.
TEST_CASE("a large backlog is taken in small pieces in no time") {
  WaitingBytes waiting;
  waiting.append(Bytes(std::size_t{64} << 20));
  const auto begin = std::chrono::steady_clock::now();
  std::size_t pieces = 0;
  for (; !waiting.empty(); ++pieces) waiting.take(std::min<std::size_t>(4096, waiting.left().size()));
  CHECK(pieces == 16384);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
}

}  // namespace
}  // namespace bartizan::proxy
