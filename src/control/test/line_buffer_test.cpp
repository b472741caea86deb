#include "line_buffer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace bartizan::control {
namespace {

/// Feeds text in pieces of one size; the lines that come out.
Result<std::vector<std::string>> feed(LineBuffer& buffer, const std::string& text, std::size_t piece) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto space = buffer.prepare();
    const auto count = std::min({piece, space.size(), text.size() - at});
    std::memcpy(space.data(), text.data() + at, count);
    buffer.commit(count);
    at += count;
    while (true) {
      BZ_TRY(const auto line, buffer.next());
      if (!line) break;
      out.emplace_back(*line);
    }
  }
  return out;
}

TEST_CASE("the same lines however the bytes are cut") {
  const auto text = std::string("one\n\ntwo\n") + std::string(9000, 'x') + "\nthree\nrest";
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{4096}, std::size_t{100'000}}) {
    CAPTURE(piece);
    LineBuffer buffer(10'000);
    const auto lines = feed(buffer, text, piece);
    REQUIRE(lines.has_value());
    CHECK(*lines == std::vector<std::string>{"one", "", "two", std::string(9000, 'x'), "three"});
    CHECK(buffer.pending() == 4);
  }
}

TEST_CASE("a line has a greatest length, with or without its end") {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{64}, std::size_t{4096}}) {
    LineBuffer whole(100);
    CHECK(feed(whole, std::string(100, 'a') + "\n", piece)->size() == 1);
    LineBuffer ended(100);
    CHECK(feed(ended, std::string(101, 'a') + "\n", piece).error().code == Errc::TooLarge);
    LineBuffer endless(100);
    CHECK(feed(endless, std::string(101, 'a'), piece).error().code == Errc::TooLarge);
    LineBuffer second(100);
    CHECK(feed(second, "ok\n" + std::string(101, 'a'), piece).error().code == Errc::TooLarge);
  }
}

TEST_CASE("a line that was used is wiped") {
  LineBuffer buffer(100);
  const auto space = buffer.prepare();
  std::memcpy(space.data(), "hunter2\nx", 9);
  buffer.commit(9);
  const auto line = *buffer.next();
  REQUIRE(line == "hunter2");
  const char* where = line->data();
  REQUIRE_FALSE(buffer.next()->has_value());
  CHECK(std::string_view(where, 7) == std::string_view("\0\0\0\0\0\0\0", 7));
}

}  // namespace
}  // namespace bartizan::control
