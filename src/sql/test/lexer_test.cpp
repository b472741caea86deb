#include "bartizan/sql/lexer.hpp"

#include <doctest/doctest.h>
#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <string>
#include <string_view>
#include <vector>

namespace bartizan::sql {
namespace {

using enum TokenKind;
using namespace std::literals;

const std::string kLongOperator(64, '~');

struct Expected {
  TokenKind kind;
  std::string_view text;
};
struct Case {
  std::string text;
  std::vector<Expected> tokens;
};

void check(const Case& c, LexOptions options = {}) {
  CAPTURE(c.text);
  Lexer lexer(c.text, options);
  std::size_t last_end = 0;
  for (const auto& expected : c.tokens) {
    const Token token = lexer.next();
    CHECK(static_cast<int>(token.kind) == static_cast<int>(expected.kind));
    CHECK(token.in(c.text) == expected.text);
    CHECK(token.offset >= last_end);
    last_end = token.offset + token.length;
  }
  CHECK(static_cast<int>(lexer.next().kind) == static_cast<int>(End));
  CHECK(static_cast<int>(lexer.next().kind) == static_cast<int>(End));
}

TEST_CASE("names, numbers and parameters end where PostgreSQL 15 ends them") {
  const std::vector<Case> cases = {
      {"", {}},
      {" \t\r\n\f", {}},
      {"Select a$1_é", {{Identifier, "Select"}, {Identifier, "a$1_é"}}},
      {"a$$b", {{Identifier, "a$$b"}}},
      {R"("a""b" "")", {{QuotedIdentifier, R"("a""b")"}, {QuotedIdentifier, R"("")"}}},
      {R"(U&"d\0061" u&b)",
       {{UnicodeIdentifier, R"(U&"d\0061")"}, {Identifier, "u"}, {Operator, "&"}, {Identifier, "b"}}},
      {"1 2147483647 2147483648 00002147483647",
       {{Integer, "1"}, {Integer, "2147483647"}, {Numeric, "2147483648"}, {Integer, "00002147483647"}}},
      {"1.5 .5 5. 1e5 1.e-5 .5E+1",
       {{Numeric, "1.5"}, {Numeric, ".5"}, {Numeric, "5."}, {Numeric, "1e5"}, {Numeric, "1.e-5"}, {Numeric, ".5E+1"}}},
      {"1..10", {{Integer, "1"}, {DotDot, ".."}, {Integer, "10"}}},
      {"1.5.6", {{Numeric, "1.5"}, {Numeric, ".6"}}},
      {"a.b.*", {{Identifier, "a"}, {Punctuation, "."}, {Identifier, "b"}, {Punctuation, "."}, {Operator, "*"}}},
      {"$1 $22::int", {{Parameter, "$1"}, {Parameter, "$22"}, {TypeCast, "::"}, {Identifier, "int"}}},
      {"x:=1;y:z",
       {{Identifier, "x"},
        {ColonEquals, ":="},
        {Integer, "1"},
        {Punctuation, ";"},
        {Identifier, "y"},
        {Punctuation, ":"},
        {Identifier, "z"}}},
      {"a[1:2]",
       {{Identifier, "a"}, {Punctuation, "["}, {Integer, "1"}, {Punctuation, ":"}, {Integer, "2"}, {Punctuation, "]"}}},
  };
  for (const auto& c : cases) check(c);
}

TEST_CASE("operators: longest run, comment starts and the rule of the trailing sign") {
  const std::vector<Case> cases = {
      {"a=-1", {{Identifier, "a"}, {Operator, "="}, {Operator, "-"}, {Integer, "1"}}},
      {"a@-1", {{Identifier, "a"}, {Operator, "@-"}, {Integer, "1"}}},
      {"?-|", {{Operator, "?-|"}}},
      {"*-", {{Operator, "*"}, {Operator, "-"}}},
      {"+-+", {{Operator, "+"}, {Operator, "-"}, {Operator, "+"}}},
      {"<=+-+", {{Operator, "<="}, {Operator, "+"}, {Operator, "-"}, {Operator, "+"}}},
      {"a<--b\n>c", {{Identifier, "a"}, {Operator, "<"}, {Operator, ">"}, {Identifier, "c"}}},
      {"a+/*x*/b", {{Identifier, "a"}, {Operator, "+"}, {Identifier, "b"}}},
      {"@/*x*/-b", {{Operator, "@"}, {Operator, "-"}, {Identifier, "b"}}},
      {"a->>b#>>c", {{Identifier, "a"}, {Operator, "->>"}, {Identifier, "b"}, {Operator, "#>>"}, {Identifier, "c"}}},
      {"a=>b <> != >=",
       {{Identifier, "a"}, {Operator, "=>"}, {Identifier, "b"}, {Operator, "<>"}, {Operator, "!="}, {Operator, ">="}}},
      {"- -1", {{Operator, "-"}, {Operator, "-"}, {Integer, "1"}}},
      {"1--1", {{Integer, "1"}}},
      {"@>'x'", {{Operator, "@>"}, {String, "'x'"}}},
  };
  for (const auto& c : cases) check(c);
}

TEST_CASE("comments nest and are not tokens") {
  const std::vector<Case> cases = {
      {"/* a /* b */ ; */ x", {{Identifier, "x"}}},
      {"/**/x/***/y", {{Identifier, "x"}, {Identifier, "y"}}},
      {"/*/ */x", {{Identifier, "x"}}},
      {"/*//**/ */x", {{Identifier, "x"}}},
      {"-- ' \" ;\nx --", {{Identifier, "x"}}},
      {"--\rx", {{Identifier, "x"}}},
      {"/* ' */ 'a -- /* ' b", {{String, "'a -- /* '"}, {Identifier, "b"}}},
  };
  for (const auto& c : cases) check(c);
}

TEST_CASE("every kind of string") {
  const std::vector<Case> cases = {
      {"'it''s' ''", {{String, "'it''s'"}, {String, "''"}}},
      {R"('a\' b)", {{String, R"('a\')"}, {Identifier, "b"}}},
      {R"(E'a\'b' e'\\')", {{EscapeString, R"(E'a\'b')"}, {EscapeString, R"(e'\\')"}}},
      {"N'x' B'01' x'fF' U&'d\\0061'",
       {{NationalString, "N'x'"}, {BitString, "B'01'"}, {HexString, "x'fF'"}, {UnicodeString, "U&'d\\0061'"}}},
      {"B'0''1'", {{BitString, "B'0'"}, {String, "'1'"}}},
      {"'a'\n'b'", {{String, "'a'\n'b'"}}},
      {"'a' \t\n -- c\n\r 'b' 'c'", {{String, "'a' \t\n -- c\n\r 'b'"}, {String, "'c'"}}},
      {"'a' -- c\n'b'", {{String, "'a' -- c\n'b'"}}},
      {"'a' 'b'", {{String, "'a'"}, {String, "'b'"}}},
      {"'a' /* \n */ 'b'", {{String, "'a'"}, {String, "'b'"}}},
      {"'a'\n/* c */'b'", {{String, "'a'"}, {String, "'b'"}}},
      {"'a'\n--c", {{String, "'a'"}}},
      {"'a'\nE'b'", {{String, "'a'"}, {EscapeString, "E'b'"}}},
      {"E'a'\n'b\\'c'", {{EscapeString, "E'a'\n'b\\'c'"}}},
      {"$$a'b$$ $x$ $$ $y$ $x$", {{DollarString, "$$a'b$$"}, {DollarString, "$x$ $$ $y$ $x$"}}},
      {"$a$$b$a$", {{DollarString, "$a$$b$a$"}}},
      {"$$$a$$$", {{DollarString, "$$$a$$"}, {Error, "$"}}},
      {"$é$x$é$", {{DollarString, "$é$x$é$"}}},
      {"select'a'", {{Identifier, "select"}, {String, "'a'"}}},
  };
  for (const auto& c : cases) check(c);
}

TEST_CASE("standard_conforming_strings off: backslash escapes in plain strings, and only there") {
  const LexOptions off{.standard_conforming_strings = false};
  check({R"('a\' ; --' N'\'')", {{String, R"('a\' ; --')"}, {NationalString, R"(N'\'')"}}}, off);
  check({R"("a\" $$\$$ B'\')", {{QuotedIdentifier, R"("a\")"}, {DollarString, R"($$\$$)"}, {BitString, R"(B'\')"}}},
        off);
  check({"U&'x'", {{Error, "U&'x'"}}}, off);
  check({"U&\"x\"", {{UnicodeIdentifier, "U&\"x\""}}}, off);
}

TEST_CASE("what can't be read is one Error to the end, with its reason") {
  struct Bad {
    std::string text;
    std::string_view rest;
    LexError error;
  };
  const std::vector<Bad> cases = {
      {"a 'b", "'b", LexError::UnterminatedString},
      {"a E'b\\'", "E'b\\'", LexError::UnterminatedString},
      {"a E'b\\", "E'b\\", LexError::UnterminatedString},
      {"a 'b'\n'", "'b'\n'", LexError::UnterminatedString},
      {"a \"b", "\"b", LexError::UnterminatedQuotedIdentifier},
      {"a \"b\"\"", "\"b\"\"", LexError::UnterminatedQuotedIdentifier},
      {"a $$b$", "$$b$", LexError::UnterminatedDollarString},
      {"a $x$b$y$", "$x$b$y$", LexError::UnterminatedDollarString},
      {"a /* /* */", " /* /* */", LexError::UnterminatedComment},
      {"a /*", " /*", LexError::UnterminatedComment},
      {"a /*/", " /*/", LexError::UnterminatedComment},
      {"a $", "$", LexError::UnexpectedCharacter},
      {"a $b c", "$b c", LexError::UnexpectedCharacter},
      {"a {b}", "{b}", LexError::UnexpectedCharacter},
      {"a \\d", "\\d", LexError::UnexpectedCharacter},
      {"a \v b", "\v b", LexError::UnexpectedCharacter},
      {"a \x01", "\x01", LexError::UnexpectedCharacter},
      {"a \0b"s, "\0b"sv, LexError::UnexpectedCharacter},
      {"a 'x\0y' b"s, "'x\0y' b"sv, LexError::UnexpectedCharacter},
      {"a /*\0*/"s, "\0*/"sv, LexError::UnexpectedCharacter},
      {"a 1b", "1b", LexError::JunkAfterNumber},
      {"a 0xFF", "0xFF", LexError::JunkAfterNumber},
      {"a 1_000", "1_000", LexError::JunkAfterNumber},
      {"a 1e", "1e", LexError::JunkAfterNumber},
      {"a 1.5e+x", "1.5e+x", LexError::JunkAfterNumber},
      {"a 1E'x'", "1E'x'", LexError::JunkAfterNumber},
      {"a $1x", "$1x", LexError::JunkAfterNumber},
      {"a " + kLongOperator, kLongOperator, LexError::OperatorTooLong},
  };
  for (const auto& c : cases) {
    CAPTURE(c.text);
    Lexer lexer(c.text, {});
    CHECK(lexer.next().in(c.text) == "a");
    const Token token = lexer.next();
    CHECK(token.kind == Error);
    CHECK(token.in(c.text) == c.rest);
    CHECK(static_cast<int>(lexer.error()) == static_cast<int>(c.error));
    CHECK(lexer.next().kind == End);
  }
  const auto longest = kLongOperator.substr(1);
  check({longest, {{Operator, longest}}});
}

TEST_CASE("in an encoding whose characters may hold ASCII bytes nothing after the first of them is trusted") {
  // In SJIS the second byte of this character is a backslash: it does not escape the quote.
  const std::string text = "select E'\x95\\' ; drop table t --'";
  Lexer trusting(text, {});
  (void)trusting.next();
  CHECK(trusting.next().length == text.size() - 7);
  Lexer lexer(text, {.ascii_safe_encoding = false});
  (void)lexer.next();
  CHECK(lexer.next().kind == Error);
  CHECK(lexer.error() == LexError::AmbiguousEncoding);

  for (const auto* name :
       {"SJIS", "shift_jis_2004", "Big5", "GBK", "uhc", "GB18030", "JOHAB", "Windows-949", "MSKANJI"}) {
    CAPTURE(name);
    CHECK_FALSE(encoding_is_ascii_safe(name));
  }
  for (const auto* name : {"UTF8", "LATIN1", "WIN1252", "EUC_JP", "SQL_ASCII", "ISO_8859_5", "KOI8R", ""}) {
    CAPTURE(name);
    CHECK(encoding_is_ascii_safe(name));
  }
}

// PostgreSQL's own scanner, by libpg_query, is the judge of boundaries. (It differs from the server
// where it was changed to yield comments as tokens: no string goes on after one. And it cuts U& tokens short.)
TEST_CASE("token boundaries are those of PostgreSQL's scanner") {
  const std::vector<std::string> texts = {
      "SELECT a.b, \"C\".\"d\"\"e\", 'x''y', E'q\\'r', $1, $$z$$, $t$ $$ $t$, 1.5e-3, .5, 10..20, b'01', X'1F' FROM t",
      "select a->>'b', a #>> '{c,d}', a @> b, a <@ b, a ?| c, a ?- b, -1, +-2, a*-b, a=-1, a<=-b, @-1, |/ 4, !~~* x",
      "select 'a'\n 'b', 'c', -- comment\n 'd', x::int[], y := 2, f(a => 1), z <> 1, z != 2, z >= 3",
      "insert into t values (1,2),(3,4) -- end\n; /* a /* b */ c */ update t set x=y+/*q*/1 where z%2=0",
      "select a+++b, a+-+-b, a||-b, a<->b, a&&b, 5.::int, 1.e3, ((((1)))), \xc3\xa9t\xc3\xa9, a$b, _x",
  };
  for (const auto& text : texts) {
    CAPTURE(text);
    const PgQueryScanResult scan = pg_query_scan(text.c_str());
    REQUIRE(scan.error == nullptr);
    auto* const tokens =
        pg_query__scan_result__unpack(nullptr, scan.pbuf.len, reinterpret_cast<const std::uint8_t*>(scan.pbuf.data));
    REQUIRE(tokens != nullptr);
    Lexer lexer(text, {});
    for (std::size_t i = 0; i < tokens->n_tokens; ++i) {
      const auto& expected = *tokens->tokens[i];
      if (expected.token == PG_QUERY__TOKEN__SQL_COMMENT || expected.token == PG_QUERY__TOKEN__C_COMMENT) continue;
      const Token token = lexer.next();
      CHECK(token.offset == static_cast<std::size_t>(expected.start));
      CHECK(token.offset + token.length == static_cast<std::size_t>(expected.end));
    }
    pg_query__scan_result__free_unpacked(tokens, nullptr);
    CHECK(lexer.next().kind == End);
    pg_query_free_scan_result(scan);
  }
}

TEST_CASE("a mebibyte of anything is linear") {
  constexpr std::size_t kSize = std::size_t{1} << 20;
  for (const auto* unit : {"(", "+", "+-", "-+", "/*", "$a", "$a$b", "'a'\n", "'a' \n--x\n", "\"\"", "1.", "@-", "<=+",
                           "*/", "a$", "::", "E'\\'"}) {
    std::string text;
    while (text.size() < kSize) text += unit;
    CAPTURE(unit);
    Lexer lexer(text, {});
    std::size_t tokens = 0;
    while (lexer.next().kind != End) ++tokens;
    CHECK(tokens <= text.size());
  }
}

}  // namespace
}  // namespace bartizan::sql
