#include "record.hpp"

#include <doctest/doctest.h>

using namespace bartizan;
using namespace bartizan::atrest;

namespace {
// docs/formats/at-rest.md
constexpr std::string_view kExample =
    "bartizan files at rest 1\nmethod image\nstorage 7e9a1c52-0000-4000-8000-00000000000d\nkey 7\n";
}  // namespace

TEST_CASE("a record is written and read as the format says") {
  const Record record{Method::Image, *Uuid::parse("7e9a1c52-0000-4000-8000-00000000000d"), 7};
  CHECK(write_record(record) == kExample);
  for (const auto method : {Method::Fscrypt, Method::Image, Method::Gocryptfs}) {
    auto other = record;
    other.method = method;
    other.key = 4294967295;
    const auto read = read_record(write_record(other));
    REQUIRE(read);
    CHECK(*read == other);
  }
}

TEST_CASE("what is not a record is refused") {
  const std::string good(kExample);
  const auto with = [&](std::string_view old, std::string_view fresh) {
    auto text = good;
    const auto at = text.find(old);
    REQUIRE(at != std::string::npos);
    return text.replace(at, old.size(), fresh);
  };
  const std::string bad[] = {"",
                             good + "\n",
                             good + "x",
                             good.substr(0, good.size() - 1),
                             with("rest 1", "rest 2"),
                             with("image", "none"),
                             with("image", "zip"),
                             with("image", " image"),
                             with("key 7", "key 0"),
                             with("key 7", "key 07"),
                             with("key 7", "key +7"),
                             with("key 7", "key 7 "),
                             with("key 7", "key 4294967296"),
                             with("key 7\n", ""),
                             with("7e9a", "7E9A"),
                             with("7e9a1c52-0000-4000-8000-00000000000d", "00000000-0000-0000-0000-000000000000"),
                             with("\n", "\r\n")};
  for (const auto& text : bad) {
    CAPTURE(text);
    const auto read = read_record(text);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == Errc::Malformed);
  }
}
