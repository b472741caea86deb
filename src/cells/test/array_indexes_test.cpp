// Arrays that encrypted columns are compared with, as PostgreSQL reads and sends them.
#include "array_indexes.hpp"

#include <doctest/doctest.h>

#include <string>

namespace bartizan::cells {

namespace {

std::string shown(transform::WireFormat format, ByteView value) {
  const auto elements = array_elements(format, value);
  if (!elements) return "error";
  std::string out;
  for (const auto& element : *elements) {
    if (!out.empty()) out.push_back('|');
    out.append(element ? std::string(element->reveal_chars()) : std::string("<null>"));
  }
  return out + "#" + std::to_string(elements->size());
}

std::string text(std::string_view value) { return shown(transform::WireFormat::Text, as_bytes(value)); }

}  // namespace

TEST_SUITE("array indexes") {
  TEST_CASE("text arrays are read as PostgreSQL reads them") {
    struct Case {
      std::string_view value;
      std::string_view elements;
    };
    const Case cases[] = {
        {"{}", "#0"},
        {" { } ", "#0"},
        {"{a,b}", "a|b#2"},
        {"{ a , b c }", "a|b c#2"},
        {R"({"a,b","c\"d","e\\f"})", R"(a,b|c"d|e\f#3)"},
        {R"({"",NULL,"NULL",null})", "<null>|NULL|<null>#4"},
        {R"({a\,b,n\ull})", "a,b|null#2"},
        {"{a,}", "error"},
        {"{,a}", "error"},
        {"{a", "error"},
        {"a}", "error"},
        {"{{a}}", "error"},
        {"[1:1]={a}", "error"},
        {R"({"a"b})", "error"},
        {R"({a"b"})", "error"},
        {R"({"a)", "error"},
        {R"({a\})", "error"},
        {"", "error"},
    };
    for (const auto& one : cases) {
      CAPTURE(one.value);
      CHECK(text(one.value) == one.elements);
    }
  }

  TEST_CASE("a binary array is read back as it was written, and cut short it is refused") {
    const std::vector<std::optional<Bytes>> elements = {to_bytes("ab"), std::nullopt, Bytes{}};
    Bytes wire;
    append_array(elements, 17, wire);
    CHECK(shown(transform::WireFormat::Binary, wire) == "ab|<null>|#3");
    for (std::size_t size = 0; size < wire.size(); ++size)
      CHECK(shown(transform::WireFormat::Binary, ByteView(wire).first(size)) == "error");
    wire.push_back(std::byte{0});
    CHECK(shown(transform::WireFormat::Binary, wire) == "error");
    Bytes none;
    append_array({}, 17, none);
    CHECK(shown(transform::WireFormat::Binary, none) == "#0");
  }

  TEST_CASE("arrays of indexes as a constant") {
    CHECK(bytea_array_text({to_bytes("ab"), std::nullopt}) == R"({"\\x6162",NULL})");
    CHECK(bytea_array_text({}) == "{}");
  }
}

}  // namespace bartizan::cells
