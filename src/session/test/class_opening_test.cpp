#include "bartizan/session/class_opening.hpp"

#include <doctest/doctest.h>

#include "wire.hpp"

namespace bartizan::session::test {
namespace {

using Action = ClassOpening::Action;

std::string ready(char status) { return message('Z', std::string(1, status)); }
std::string tag(std::string_view text) { return message('C', cstr(text)); }
std::string row(std::string_view value) {
  return message('D', i16(1) + i32(static_cast<std::uint32_t>(value.size())) + std::string(value));
}
std::string error(std::string_view sqlstate) {
  return message('E', "SERROR" + cstr("") + "C" + cstr(sqlstate) + "M" + cstr("no") + std::string(1, '\0'));
}

TEST_CASE("the nonce of a new server connection") {
  Bytes out;
  ClassOpening::begin("SELECT 1", out);
  CHECK(as_chars(out) == query("SELECT 1"));
  const auto script =
      message('S', cstr("a") + cstr("b")) + row_description() + row("n0nce") + tag("SELECT 1") + ready('I');
  ClassOpening whole;
  const auto step = whole.on_bytes(as_bytes(script));
  CHECK(step.action == Action::Ready);
  CHECK(step.consumed == script.size());
  CHECK(whole.nonce() == "n0nce");

  // A byte at a time.
  ClassOpening slow;
  std::string input;
  Action last = Action::NeedMore;
  for (const char byte : script) {
    CHECK(last == Action::NeedMore);
    input += byte;
    const auto next = slow.on_bytes(as_bytes(input));
    input.erase(0, next.consumed);
    last = next.action;
  }
  CHECK(last == Action::Ready);
  CHECK(slow.nonce() == "n0nce");
}

TEST_CASE("whatever else the server says ends it") {
  const std::string two = message('D', i16(2) + i32(1) + "a" + i32(1) + "b");
  const std::string null = message('D', i16(1) + i32(0xffffffff));
  const std::string scripts[] = {
      error("42883"),
      row("n"),
      row_description() + error("42501"),
      row_description() + tag("SELECT 0"),
      row_description() + row(""),
      row_description() + row(std::string(65, 'n')),
      row_description() + two,
      row_description() + null,
      row_description() + row("n") + row("m"),
      row_description() + row("n") + ready('I'),
      row_description() + row("n") + tag("SELECT 1") + ready('T'),
      row_description() + row("n") + tag("SELECT 1") + tag("SELECT 1"),
      row_description() + message('A', i32(1) + cstr("c") + cstr("p")),
      header('D', 1 << 20),
      std::string(5, '\0'),
  };
  for (const auto& script : scripts) {
    ClassOpening opening;
    CHECK(opening.on_bytes(as_bytes(script)).action == Action::Failed);
  }
  ClassOpening refused;
  CHECK(refused.on_bytes(as_bytes(error("42883"))).action == Action::Failed);
  CHECK(refused.sqlstate() == "42883");
}

}  // namespace
}  // namespace bartizan::session::test
