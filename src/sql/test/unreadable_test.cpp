// Texts that can't or must not be parsed: the worst case is assumed, and nothing else happens.
#include <doctest/doctest.h>
#include <pthread.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/sql/analyser.hpp"
#include "bartizan/sql/splitter.hpp"
#include "nesting.hpp"
#include "utf8.hpp"

namespace bartizan::sql {
namespace {

using namespace std::literals;
using P = PinReason;

std::string repeat(std::string_view unit, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += unit;
  return text;
}

TEST_CASE("unparsed statements: kind by leading keyword, effect Write, pinned unless plain data") {
  struct Case {
    std::string text;
    Kind kind;
    P pin;
    bool transaction_control = false;
  };
  for (const auto& c : std::vector<Case>{
           {"select from where", Kind::Select, P::None},
           {"/* x */ -- y\n SELECT from where", Kind::Select, P::None},
           {"insert into t value (1)", Kind::Insert, P::None},
           {"update t st x = 1", Kind::Update, P::None},
           {"delete t", Kind::Delete, P::None},
           {"merge into a using b on true when matched then delete returning *", Kind::Merge, P::None},
           {"with a as (select 1) frobnicate", Kind::Unknown, P::None},
           {"(select 1", Kind::Unknown, P::None},
           {"copy t from", Kind::Unknown, P::None},
           {"select * from json_table(x columns y)", Kind::Select, P::None},
           {"select pg_advisory_lock(1) from where", Kind::Select, P::Unknown},
           {"select \"set_config\"(1) from where", Kind::Select, P::Unknown},
           {"select U&\"x\" from where", Kind::Select, P::Unknown},
           {"select 1 into temp x from where", Kind::Select, P::Unknown},
           {"insert into pg_temp.x value", Kind::Insert, P::Unknown},
           {"insert into \"pg_temp\".x value", Kind::Insert, P::Unknown},
           {"select 'x", Kind::Unknown, P::Unknown, true},
           {"selec 1", Kind::Unknown, P::Unknown},
           {"set", Kind::Unknown, P::Unknown},
           {"begin transactio", Kind::Begin, P::Unknown, true},
           {"commit frob", Kind::Unknown, P::Unknown, true},
           {"rollback frob", Kind::Unknown, P::Unknown, true},
           {"create frob", Kind::Ddl, P::Unknown},
           {"\"select\" 1", Kind::Unknown, P::Unknown},
           {"select 0x1F", Kind::Unknown, P::Unknown, true},
           {"select 1\0"s, Kind::Unknown, P::Unknown, true},
           {"\0"s, Kind::Unknown, P::Unknown, true},
           {"select '\0'"s, Kind::Unknown, P::Unknown, true},
           {"select \xff", Kind::Select, P::None},
           {"select E'\\xff'", Kind::Select, P::None},
           {"return 1", Kind::Unknown, P::Unknown},
       }) {
    CAPTURE(c.text);
    const auto analysis = analyse(c.text, {});
    REQUIRE(analysis.statements.size() == 1);
    const auto& s = analysis.statements[0];
    CHECK_FALSE(s.parsed);
    CHECK_FALSE(analysis.parsed());
    CHECK(to_string(s.kind) == to_string(c.kind));
    CHECK(to_string(s.pin) == to_string(c.pin));
    CHECK(s.effect == Effect::Write);
    CHECK(s.may_return_rows);
    CHECK(s.transaction_control == c.transaction_control);
    CHECK(s.relations.empty());
  }
}

TEST_CASE("one bad statement does not hide the others, nor they it") {
  const auto analysis = analyse("begin; frobnicate; commit", {});
  REQUIRE(analysis.statements.size() == 3);
  CHECK(analysis.statements[0].kind == Kind::Begin);
  CHECK(analysis.statements[1].kind == Kind::Unknown);
  CHECK(analysis.statements[2].kind == Kind::Commit);
  CHECK_FALSE(analysis.parsed());
}

TEST_CASE("more statements than are worth telling apart are one of which nothing is known") {
  const auto many = repeat("begin;", kMaxStatements);
  CHECK(analyse(many, {}).statements.size() == kMaxStatements);
  const auto more = analyse(many + "select 1", {});
  REQUIRE(more.statements.size() == 1);
  CHECK(more.statements[0].kind == Kind::Unknown);
  CHECK(more.statements[0].transaction_control);
  CHECK(more.pin() == P::Unknown);
  REQUIRE(split(many + "select 1", {}).size() == 1);
  CHECK_FALSE(split(many + "select 1", {})[0].complete);
}

TEST_CASE("long statements are classified by the lexer, short ones beside them parsed") {
  const std::string big = "insert into t values ('" + std::string(70'000, 'x') + "')";
  const auto analysis = analyse("begin; " + big + "; commit", {});
  REQUIRE(analysis.statements.size() == 3);
  CHECK(analysis.statements[0].parsed);
  CHECK_FALSE(analysis.statements[1].parsed);
  CHECK(analysis.statements[1].kind == Kind::Insert);
  CHECK(analysis.statements[1].pin == P::None);
  CHECK(analysis.statements[2].parsed);
  CHECK(analysis.statements[2].kind == Kind::Commit);

  // The budget is the text's, not each statement's.
  const auto many = analyse(repeat("select 'xxxxxxxxxxxxxxxxxxxx';", 100), {.max_parse_bytes = 300});
  REQUIRE(many.statements.size() == 100);
  CHECK(many.statements[0].parsed);
  CHECK_FALSE(many.statements[99].parsed);
}

TEST_CASE("standard_conforming_strings off: only strings without a backslash are read") {
  const AnalyseOptions off{.lex = {.standard_conforming_strings = false}};
  CHECK(analyse("select 'a', E'b\\'c' from t", off).parsed());
  CHECK_FALSE(analyse("select 'a\\n' from t", off).parsed());
  // On, this is a string and a DROP; off, it is one string.
  const auto text = "select 'a\\'; drop table t; --'"sv;
  CHECK(analyse(text, {}).statements.size() == 2);
  CHECK(analyse(text, off).statements.size() == 1);
  CHECK(split(text, off.lex).size() == 1);
}

TEST_CASE("other encodings: constants and comments may hold them, names and tags not") {
  CHECK(analyse("select '\xe9', $$\xe9$$, E'\\\xe9' from t -- \xe9\n where /* \xe9 */ a = '\xe9'", {}).parsed());
  CHECK_FALSE(analyse("select \xe9 from t", {}).parsed());
  CHECK_FALSE(analyse("select \"\xe9\" from t", {}).parsed());
  // Written over, the tag of this quote would end it at once.
  CHECK_FALSE(analyse("select $\xe9$ $?$ $x$ $\xe9$", {}).parsed());
  CHECK(analyse("select \xc3\xa9 from \xe2\x82\xac", {}).statements[0].relations.at(0).name == "\xe2\x82\xac");
  CHECK_FALSE(analyse("select '\xc3\xa9'", {.lex = {.ascii_safe_encoding = false}}).parsed());
  CHECK(analyse("select 'e'", {.lex = {.ascii_safe_encoding = false}}).parsed());
}

TEST_CASE("UTF-8 is told from what only looks like it") {
  for (const auto* good : {"", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"})
    CHECK(is_utf8(good));
  for (const auto* bad : {"\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                          "\xf4\x90\x80\x80", "\xff", "\xe2\x82", "a\xc3", "\xc3\xc3"}) {
    CHECK_FALSE(is_utf8(bad));
  }
}

// Runs f on a thread with as much stack as analyse() asks for.
void with_required_stack(const std::function<void()>& f) {
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, std::size_t{4} << 20) == 0);
  pthread_t thread{};
  const auto run = [](void* argument) -> void* {
    (*static_cast<const std::function<void()>*>(argument))();
    return nullptr;
  };
  auto copy = f;
  REQUIRE(pthread_create(&thread, &attributes, run, &copy) == 0);
  REQUIRE(pthread_join(thread, nullptr) == 0);
  pthread_attr_destroy(&attributes);
}

struct Shape {
  std::string_view name;
  std::function<std::string(std::size_t)> make;
};

const std::vector<Shape>& deep_shapes() {
  static const std::vector<Shape> shapes = {
      {"parentheses", [](std::size_t n) { return "select " + repeat("(", n) + "1" + repeat(")", n); }},
      {"row constructors", [](std::size_t n) { return "select " + repeat("(1,", n) + "1" + repeat(")", n); }},
      {"sub-selects", [](std::size_t n) { return repeat("select (", n) + "select 1" + repeat(")", n); }},
      {"exists",
       [](std::size_t n) { return "select 1 where " + repeat("exists(select 1 where ", n) + "true" + repeat(")", n); }},
      {"array sub-selects", [](std::size_t n) { return repeat("select array(", n) + "select 1" + repeat(")", n); }},
      {"from sub-selects", [](std::size_t n) { return repeat("select * from (", n) + "select 1" + repeat(") a", n); }},
      {"table sub-selects", [](std::size_t n) { return repeat("values((", n) + "table a" + repeat("))", n); }},
      {"with", [](std::size_t n) { return repeat("with a as (", n) + "select 1" + repeat(") select 1", n); }},
      {"calls", [](std::size_t n) { return "select " + repeat("f(", n) + "1" + repeat(")", n); }},
      {"casts in calls", [](std::size_t n) { return "select " + repeat("cast(", n) + "1" + repeat(" as int)", n); }},
      {"case", [](std::size_t n) { return "select " + repeat("case when a then ", n) + "1" + repeat(" end", n); }},
      {"case of a.end",
       [](std::size_t n) { return "select " + repeat("case when a.end and ", n) + "b" + repeat(" then 1 end", n); }},
      {"case else",
       [](std::size_t n) { return "select " + repeat("case a when 1 then 2 else ", n) + "1" + repeat(" end", n); }},
      {"arrays", [](std::size_t n) { return "select array" + repeat("[", n) + "1" + repeat("]", n); }},
      {"and or", [](std::size_t n) { return "select " + repeat("a and (b or ", n) + "c" + repeat(")", n); }},
      {"coalesce", [](std::size_t n) { return "select " + repeat("coalesce(a,", n) + "1" + repeat(")", n); }},
      {"joins in parentheses",
       [](std::size_t n) { return "select 1 from " + repeat("(a cross join ", n) + "b" + repeat(")", n); }},
      {"plus", [](std::size_t n) { return "select 1" + repeat("+1", n); }},
      {"minus", [](std::size_t n) { return "select " + repeat("- ", n) + "a"; }},
      {"not", [](std::size_t n) { return "select " + repeat("not ", n) + "true"; }},
      {"not between", [](std::size_t n) { return "select " + repeat("not a between b and ", n) + "true"; }},
      {"minus not between",
       [](std::size_t n) { return "select " + repeat("- - - - not a between b and ", n) + "true"; }},
      {"minus case and",
       [](std::size_t n) {
         return "select " + repeat("- - - - case when a and ", n) + "true" + repeat(" then 1 end", n);
       }},
      {"is distinct from not", [](std::size_t n) { return "select " + repeat("a is distinct from not ", n) + "true"; }},
      {"casts", [](std::size_t n) { return "select 1" + repeat("::a", n); }},
      {"subscripts", [](std::size_t n) { return "select a" + repeat("[1]", n); }},
      {"fields", [](std::size_t n) { return "select (a)" + repeat(".b", n); }},
      {"unions", [](std::size_t n) { return "select 1" + repeat(" union select 1", n); }},
      {"unions of lists", [](std::size_t n) { return "select 1, 2" + repeat(" union select 1, 2 where a and b", n); }},
      {"joins", [](std::size_t n) { return "select 1 from a" + repeat(" cross join a", n); }},
      {"joins on", [](std::size_t n) { return "select 1 from a" + repeat(" join a on b and c", n); }},
      {"nested joins",
       [](std::size_t n) { return "select 1 from a" + repeat(" join a", n) + repeat(" on b and c", n); }},
      {"is null", [](std::size_t n) { return "select a" + repeat(" is null", n); }},
      {"collate", [](std::size_t n) { return "select a" + repeat(" collate c", n); }},
      {"at time zone", [](std::size_t n) { return "select a" + repeat(" at time zone b", n); }},
      {"operators", [](std::size_t n) { return "select 1" + repeat(" operator(pg_catalog.+) 1", n); }},
      {"and", [](std::size_t n) { return "select a" + repeat(" and a", n); }},
      {"in list", [](std::size_t n) { return "select a in (1" + repeat(",1", n) + ")"; }},
      {"rows", [](std::size_t n) { return "values (1)" + repeat(",(1)", n); }},
  };
  return shapes;
}

TEST_CASE("the deepest text of each shape that is still parsed fits the stack") {
  for (const auto& shape : deep_shapes()) {
    CAPTURE(shape.name);
    // The largest n that passes the check of nesting and the limit of bytes.
    const AnalyseOptions options;
    std::size_t low = 1;
    std::size_t high = 70'000;
    while (low + 1 < high) {
      const std::size_t middle = (low + high) / 2;
      const auto text = shape.make(middle);
      const bool passes = text.size() <= options.max_parse_bytes && !nests_deeply(text, {}, options.max_nesting);
      (passes ? low : high) = middle;
    }
    const auto text = shape.make(low);
    with_required_stack([&] { CHECK_MESSAGE(analyse(text, options).parsed(), shape.name); });
  }
}

TEST_CASE("far deeper texts are not parsed, and quickly so") {
  for (const auto& shape : deep_shapes()) {
    CAPTURE(shape.name);
    const bool flat =
        shape.name == "and"sv || shape.name == "in list"sv || shape.name == "rows"sv || shape.name == "subscripts"sv;
    const auto text = shape.make(flat ? 10'000 : 30'000);
    with_required_stack([&] {
      const auto analysis = analyse(text, {.max_parse_bytes = std::size_t{64} << 20});
      CHECK_MESSAGE(analysis.parsed() == flat, shape.name);
    });
  }
}

TEST_CASE("everyday statements are far from the limit of nesting") {
  std::string wide = "select ";
  for (int i = 0; i < 500; ++i) wide += "coalesce(a.x + 1, b.y * (c.z - 2)) as c" + std::to_string(i) + ", ";
  wide += "1 from a";
  for (int i = 0; i < 30; ++i) wide += " left join b" + std::to_string(i) + " on a.x = b.y";
  wide += " where true";
  for (int i = 0; i < 500; ++i) wide += " and (a.x = 1 or b.y in (1,2,3))";
  CHECK_FALSE(nests_deeply(wide, {}, 1000));
  CHECK(analyse(wide, {}).parsed());
}

TEST_CASE("a mebibyte of one thing ends, with the worst case") {
  constexpr std::size_t kSize = std::size_t{1} << 20;
  for (const auto* unit : {"(",
                           "/*",
                           ")",
                           "[",
                           "'",
                           "\"",
                           "$",
                           "$$",
                           "$a$",
                           ";",
                           "\\",
                           "case ",
                           "not ",
                           "begin;",
                           "select 1;",
                           "a.",
                           "\xff",
                           "\xc3\xa9 ",
                           "create function begin atomic ",
                           "E'\\"}) {
    CAPTURE(unit);
    const auto text = repeat(unit, kSize / std::string_view(unit).size());
    with_required_stack([&] {
      const auto analysis = analyse(text, {});
      CHECK_FALSE(analysis.statements.empty());
      if (unit != ";"sv) CHECK(analysis.effect() == Effect::Write);
    });
  }
}

}  // namespace
}  // namespace bartizan::sql
