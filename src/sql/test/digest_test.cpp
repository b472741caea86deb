#include "bartizan/sql/digest.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/clock.hpp"
#include "sip_hash.hpp"
#include "word.hpp"

namespace bartizan::sql {
namespace {

DigestKey counting_key() {
  DigestKey key;
  for (std::size_t i = 0; i < key.bytes.size(); ++i) key.bytes[i] = static_cast<std::byte>(i);
  return key;
}

Digest of(std::string_view text, LexOptions options = {}) { return digest(text, options, counting_key()).digest; }

// Reference outputs of SipHash-2-4-128 for 0, 8 and 16 bytes 00 01 02 …, made with OpenSSL's SIPHASH MAC.
TEST_CASE("SipHash-2-4-128 gives OpenSSL's values") {
  struct Vector {
    std::size_t size;
    std::string_view hex;
  };
  for (const auto& [size, hex] :
       {Vector{0, "a3817f04ba25a8e66df67214c7550293"}, Vector{8, "3b62a9ba6258f5610f83e264f31497b4"},
        Vector{16, "6ee2a4ca67b054bbfd3315bf85230577"}}) {
    std::string message;
    for (std::size_t i = 0; i < size; ++i) message.push_back(static_cast<char>(i));
    SipHash128 hash(counting_key());
    hash.bytes(message.data(), message.size());
    const Digest digest = hash.finish();
    Bytes bytes(16);
    std::memcpy(bytes.data(), &digest.hi, 8);
    std::memcpy(bytes.data() + 8, &digest.lo, 8);
    CHECK(hex_encode(bytes) == hex);
  }
}

TEST_CASE("folding of eight bytes at once is folding of each") {
  for (unsigned c = 0; c < 256; ++c) {
    for (std::size_t position = 0; position < 8; ++position) {
      std::string text(8, 'Q');
      text[position] = static_cast<char>(c);
      const auto folded = fold_word(load_word(text.data(), 8));
      char bytes[8];
      std::memcpy(bytes, &folded, 8);
      for (std::size_t i = 0; i < 8; ++i) CHECK(bytes[i] == ascii_lower(text[i]));
    }
  }
}

TEST_CASE("equal but for constants, white space, comments and case") {
  struct Pair {
    std::string_view a, b;
  };
  const std::vector<Pair> pairs = {
      {"SELECT abalance FROM pgbench_accounts WHERE aid = 12345;",
       "select abalance\n from pgbench_accounts where aid=7"},
      {"select 'a', \"B\"", "SELECT 'it''s ; -- x', \"B\" -- c"},
      {"select 'a'", "select E'\\'' /* c */"},
      {"select 'a'", "select $x$ ' $x$"},
      {"select 'a'", "select 'b'\n 'c'"},
      {"select 1.5", "select 99999999999"},
      {"select x where a in (1, 2)", "select x where a in (30, 40)"},
      {"insert into t(a,b) values (1,'x'),(2,'y')", "INSERT INTO T (a, b) VALUES (3,'z'), (4,'')"},
      {"update t set a = 1 where b = 'x'", "update t set a = 2 where b = 'y';"},
      {"delete from t where a = b'01' and c = x'ff'", "delete from t where a = b'1' and c = x'0'"},
      {"(select 1)", "(select 2)"},
      {"with a as materialized (select 1) select f(2) as n", "with a as materialized (select 3) select f(4) as n"},
      {"select a as n from t where x in (1,2)", "select a as n from t where x in (3,4)"},
      {"select a::text in ('a','b')", "select a::text in ('c','d')"},
      {"select * from t order by a, b + 1", "select * from t order by a, b + 2"},
      {"select interval '1 day'", "select interval '2 days'"},
      {"execute p(1,'a')", "execute p(2,'b')"},
      {"select 1;", ";;select 2;;"},
      {"select 1; delete from t where a = 1", "select 2 ; -- x\n delete from t where a = 2;"},
      {"declare c cursor for select 1", "declare c cursor for select 2"},
      {"", " -- nothing\n;"},
  };
  for (const auto& [a, b] : pairs) {
    CAPTURE(a);
    CAPTURE(b);
    CHECK(of(a) == of(b));
  }
}

TEST_CASE("different for anything else") {
  // All pairs within a group differ.
  const std::vector<std::vector<std::string_view>> groups = {
      // the collisions of libpg_query's fingerprint
      {"select 1 where login='a'", "select 1 where login='a' or email='a'", "select 1 where login='a' or login='a'",
       "select 1 where email='a' or login='a'", "select 1 where login='a' and email='a'",
       "select 1 where login='a' or email='a' or login='a'"},
      {"select f('a')", "select f('a','b')", "select f('a','b','c')", "select f()"},
      {"select a", "select a, a", "select a, b", "select b, a"},
      {"do $$begin end$$", "do $$begin perform 1; end$$", "do $$begin perform 2; end$$"},
      {"set role a", "set role postgres", "set role 'a'", "set role 'b'", "reset role"},
      {"set search_path = a", "set search_path = b", "set search_path = 'a'"},
      {"execute a", "execute b", "execute a(1)"},
      {"create function f() returns int as 'select 1' language sql",
       "create function f() returns int as 'select 2' language sql"},
      {"select 1 limit 10", "select 1 limit 20", "select 1 limit all", "select 1 limit (10)", "select 1 limit (20)",
       "select 1 offset 10", "select 1 limit 10 offset 5", "select 1 limit 10 offset 6",
       "select 1 fetch first 5 rows only", "select 1 fetch next 6 rows only"},
      // ordinals and modifiers
      {"select a, b from t order by 1 nulls first, 1", "select a, b from t order by 1 nulls first, 2",
       "select a, b from t order by 1", "select a, b from t order by 2", "select a, b from t order by 1, 2",
       "select a, b from t order by 2, 1"},
      {"select a, b from t group by 1", "select a, b from t group by 2", "select a, b from t group by (1)",
       "select a, b from t group by (2)"},
      {"select a from t group by rollup (1, 2)", "select a from t group by rollup (1, 3)",
       "select a from t group by grouping sets ((1), (2))", "select a from t group by grouping sets ((1), (3))"},
      {"select distinct on (1) a, b from t", "select distinct on (2) a, b from t"},
      {"select x::varchar(10)", "select x::varchar(20)", "select x::mytype(1)", "select x::mytype(2)",
       "select x::s.mytype(1)", "select x::s.mytype(2)"},
      {"select cast(x as numeric(10,2))", "select cast(x as numeric(10,3))", "select cast(x as my(1))",
       "select cast(x as my(2))"},
      {"select interval '1' second(1)", "select interval '1' second(2)", "select interval '1' day"},
      // classes of constants
      {"select 1", "select 1.0", "select '1'", "select b'1'", "select x'1'", "select n'1'", "select u&'1'",
       "select null", "select true", "select $1", "select $2", "select -1", "select 3000000000::int"},
      // names
      {"select a", "select \"a\"", "select \"A\"", "select u&\"a\"", "select ab", "select a b", "select a.b",
       "select a$"},
      {"select \xc3\x84", "select \xc3\xa4"},
      {"select a from t1", "select a from t2", "select a from s.t1"},
      // structure
      {"select 1", "select 1; select 1", "select 1 select 1", "(select 1)", "select (1)", "select 1, 1"},
      {"select a+b", "select a-b", "select a + + b", "select a<b", "select a<=b"},
      {"select a in (1)", "select a in (1,1)", "select a in (1,1,1)"},
      {"values (1,2)", "values (1),(2)", "values (1,2),(3,4)"},
      {"explain select 1", "explain (analyze) select 1", "explain (analyze 0) select 1",
       "explain (analyze 1) select 1"},
      {"copy t to '/a'", "copy t to '/b'", "copy t to stdout"},
      // the unreadable
      {"select 'a", "select 'b", "select $$a", "select 1a", "select 1b"},
  };
  for (const auto& group : groups) {
    for (std::size_t i = 0; i < group.size(); ++i) {
      for (std::size_t k = 0; k < i; ++k) {
        CAPTURE(group[i]);
        CAPTURE(group[k]);
        CHECK_FALSE(of(group[i]) == of(group[k]));
      }
    }
  }
}

TEST_CASE("the key, the options and exactness are part of it") {
  DigestKey other = counting_key();
  other.bytes[15] ^= std::byte{1};
  CHECK_FALSE(digest("select 1", {}, counting_key()).digest == digest("select 1", {}, other).digest);
  CHECK_FALSE(of("select 1") == of("select 1", {.standard_conforming_strings = false}));
  CHECK_FALSE(of("select 1") == of("select 1", {.ascii_safe_encoding = false}));
  CHECK_FALSE(exact_digest("select 1", {}, other) == exact_digest("select 2", {}, other));
  CHECK_FALSE(exact_digest("", {}, other) == exact_digest(std::string_view("\0", 1), {}, other));
  CHECK_FALSE(exact_digest("", {}, other) == digest("", {}, other).digest);
  CHECK_FALSE(DigestKey::random(system_random()).bytes == DigestKey::random(system_random()).bytes);
}

TEST_CASE("constants are kept where parentheses get too deep to follow") {
  const auto nested = [](std::size_t depth, std::string_view value) {
    return "select " + std::string(depth, '(') + std::string(value) + std::string(depth, ')');
  };
  CHECK(of(nested(62, "1")) == of(nested(62, "2")));
  CHECK_FALSE(of(nested(63, "1")) == of(nested(63, "2")));
  CHECK_FALSE(of(nested(1000, "1")) == of(nested(1000, "2")));
  CHECK(of("select " + std::string(100, '(') + std::string(100, ')') + " + 1") ==
        of("select " + std::string(100, '(') + std::string(100, ')') + " + 2"));
}

TEST_CASE("it counts statements and tells of comments and unreadable rests") {
  struct Case {
    std::string_view text;
    std::uint32_t statements;
    bool complete, comments;
  };
  for (const auto& c : std::vector<Case>{{"", 0, true, false},
                                         {" ; -- x", 0, true, true},
                                         {"select 1;", 1, true, false},
                                         {"select 1; select /* */ 2", 2, true, true},
                                         {"select ';'", 1, true, false},
                                         {"create rule r as on insert to t do (a; b)", 1, true, false},
                                         {"create function f() begin atomic a; b; end; x", 2, true, false},
                                         {"select 1; select 'x", 2, false, false},
                                         {"select 1 /* ", 1, false, true}}) {
    CAPTURE(c.text);
    const auto result = digest(c.text, {}, counting_key());
    CHECK(result.statements == c.statements);
    CHECK(result.complete == c.complete);
    CHECK(result.comments == c.comments);
  }
}

}  // namespace
}  // namespace bartizan::sql
