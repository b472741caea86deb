#include "args.hpp"

#include <doctest/doctest.h>

namespace bartizan::control {
namespace {

Args args(const char* json) {
  auto document = Document::parse(json);
  REQUIRE(document.has_value());
  auto made = Args::of(std::move(*document));
  REQUIRE(made.has_value());
  return std::move(*made);
}

template <class T>
bool refused(const Result<T>& result) {
  return !result && result.error().code == Errc::InvalidArgument;
}

TEST_CASE("arguments are an object, or nothing at all") {
  CHECK(Args::of(Document())->finish().has_value());
  for (const char* json : {"[]", "1", "\"x\"", "true"}) CHECK(refused(Args::of(*Document::parse(json))));
}

TEST_CASE("each by its type, and nothing is left over") {
  auto a = args(
      R"({"name":"demo","flag":true,"number":3,"time":"2099-01-01T00:00:00Z","texts":{"a":"b"},"list":[{"x":"y"}],"none":null})");
  CHECK(a.name("name", NameKind::Resource) == "demo");
  CHECK(a.flag("flag") == true);
  CHECK(a.flag("none") == false);
  CHECK(*a.integer_or_none("number", 1, 3) == 3);
  CHECK(a.time_or_none("time")->has_value());
  CHECK(a.texts("texts")->at("a") == "b");
  auto list = a.list("list");
  REQUIRE(list->size() == 1);
  CHECK(refused(a.text("absent", 9)));
  CHECK(refused(list->front().finish()));
  CHECK(list->front().text("x", 9) == "y");
  CHECK(list->front().finish().has_value());
  CHECK(a.finish().has_value());
}

TEST_CASE("what is of another type, out of bounds or unknown is refused") {
  CHECK(refused(args(R"({"a":1})").text("a", 9)));
  CHECK(refused(args(R"({"a":"0123456789"})").text("a", 9)));
  CHECK(refused(args(R"({"a":"b\u0000c"})").text("a", 9)));
  CHECK(refused(args(R"({"a":""})").name("a", NameKind::Resource)));
  CHECK(refused(args(R"({"a":"x y"})").name("a", NameKind::Resource)));
  CHECK(refused(args(R"({"a":""})").secret_or_none("a")));
  CHECK(refused(args(R"({"a":"yes"})").flag("a")));
  CHECK(refused(args(R"({"a":4})").integer_or_none("a", 1, 3)));
  CHECK(refused(args(R"({"a":0})").integer_or_none("a", 1, 3)));
  CHECK(refused(args(R"({"a":1.0})").integer_or_none("a", 1, 3)));
  CHECK(refused(args(R"({"a":"tomorrow"})").time_or_none("a")));
  CHECK(refused(args(R"({"a":{"b":1}})").texts("a")));
  CHECK(refused(args(R"({"a":{"b c":"d"}})").texts("a")));
  CHECK(refused(args(R"({"a":{"b":"\u0007"}})").texts("a")));
  CHECK(refused(args(R"({"a":["b"]})").list("a")));
  CHECK(refused(args(R"({"a":{}})").list("a")));
  CHECK(refused(args(R"({"pasword":"x"})").finish()));
  CHECK(args(R"({"pasword":"hunter2"})").finish().error().detail == "unknown argument 'pasword'");
  CHECK(args(R"({"a\u001bb":1})").finish().error().detail == "an unknown argument");
}

TEST_CASE("errors name the argument, never its value") {
  CHECK(args(R"({"password":["hunter2"]})").secret_or_none("password").error().detail == "'password' is a text");
  CHECK(args(R"({"a":"bad name!"})").name("a", NameKind::Resource).error().detail.find("bad name!") ==
        std::string::npos);
}

TEST_CASE("texts are wiped wherever they stand") {
  auto document = *Document::parse(R"({"a":"secret","b":["secret",{"c":"secret"}]})");
  wipe_texts(document);
  CHECK(document.to_json().find("secret") == std::string::npos);
}

}  // namespace
}  // namespace bartizan::control
