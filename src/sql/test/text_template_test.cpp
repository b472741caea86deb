// A text filled from another's template must be, byte for byte, the text that rewriting it gives; and what
// rewriting refuses, no template may let through.
#include "bartizan/sql/text_template.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "rewrite_fixture.hpp"

namespace bartizan::sql::testing {

namespace {

struct Shape {
  std::string_view text;
  std::string_view server_text;
};
constexpr Shape kShapes[] = {
#include "rewrite_shapes.inc"
};
struct Attack {
  std::string_view text;
  std::string_view sqlstate;
  std::string_view message;
};
constexpr Attack kAttacks[] = {
#include "rewrite_attacks.inc"
};

// Constants wherever one may stand.
constexpr std::string_view kConstants[] = {
    "SELECT id, name FROM customers WHERE id = 1 AND name = 'x' AND 1.5 < 2",
    "SELECT * FROM customers WHERE id IN (1, 2, 3) OR name LIKE 'a%' ESCAPE '!'",
    "SELECT 'a' || name, -1, - 2, +3, -1.5, 0, (1), 1 - 2, -id FROM customers",
    "SELECT 'a', 'b' AS b, 'c'::text, text 'd', CAST('e' AS varchar(10)), 'f'::bool FROM customers",
    "SELECT CASE 1 WHEN 2 THEN 'x' ELSE 'y' END, coalesce(name, 'z'), nullif(id, 0), greatest(1, id) FROM customers",
    "SELECT name FROM customers ORDER BY id + 1, 2, name || 'x' LIMIT 10 OFFSET 3",
    "SELECT name, count(*) FROM customers GROUP BY 1, id % 2 HAVING count(*) > 5 ORDER BY 2 DESC",
    "SELECT DISTINCT ON (id + 1) id FROM customers WHERE id BETWEEN 1 AND 10 ORDER BY id + 1",
    "SELECT sum(total) FILTER (WHERE status = 'new') OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 2 FOLLOWING) FROM orders",
    "SELECT interval '1 day', interval '3' day, timestamp '2020-01-01', date '2020-01-01', '1 day'::interval(3) FROM orders",
    "SELECT now() - interval '7 days', extract(year FROM placed_at), extract('month' FROM placed_at) FROM orders",
    "SELECT placed_at AT TIME ZONE 'UTC', date_trunc('day', placed_at), to_char(placed_at, 'YYYY') FROM orders",
    "SELECT substring(name FROM 2 FOR 3), overlay(name PLACING 'x' FROM 1), position('a' IN name), trim('x' FROM name) "
    "FROM customers",
    "SELECT ARRAY[1, 2, 3], (ARRAY['a', 'b'])[1], '{1,2}'::int[], ROW(1, 'a') FROM orders",
    "SELECT generate_series FROM generate_series(1, 10, 2)",
    "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v (n, t) WHERE n > 1",
    "INSERT INTO orders (customer_id, total, status) VALUES (1, 9.99, 'new'), (2, 10.50, 'paid') RETURNING id, 'x'",
    "UPDATE orders SET status = 'x', total = total * 1.1 WHERE id = 5 RETURNING 7",
    "DELETE FROM orders WHERE id = 5 AND status <> 'x'",
    "WITH a AS (SELECT 1 AS n, 'x' AS t), b AS MATERIALIZED (SELECT n + 1 FROM a WHERE t = 'y') SELECT * FROM a, b",
    "SELECT 1 UNION ALL SELECT 2 ORDER BY 1 LIMIT 5",
    "SELECT id FROM orders WHERE total::numeric(10, 2) = 1.25 AND status = ANY (ARRAY['a', 'b']) FETCH FIRST 3 ROWS ONLY",
    "SELECT json_build_object('a', 1, 'b', 'x'), '{\"a\": 1}'::jsonb -> 'a' FROM orders",
    "SELECT id FROM orders WHERE (customer_id, status) = (1, 'x') OR (id, 2) IN (SELECT 1, 2)",
    "SELECT id FROM orders WHERE EXISTS (SELECT 1 FROM customers WHERE name = 'x' AND customers.id = 3)",
    "/* a */ SELECT 1 -- b",
    "SELECT 1; SELECT 'a'; SELECT 2.5",
    "DECLARE c CURSOR FOR SELECT id FROM orders WHERE id > 5",
    "EXECUTE p (1, 'a')",
    "SELECT current_setting('timezone')",
    "SELECT regexp_replace(name, 'a', 'b', 'g'), format('%s', name), lpad(name, 10, '0') FROM customers",
    "SELECT count(*) FROM customers WHERE id = 1 AND id = 1 AND name = '1' AND name = ''",
    "COPY (SELECT id FROM orders WHERE id < 100 AND status = 'x') TO STDOUT",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total), string_agg(status, ', ' ORDER BY id) FROM orders",
    "SELECT width_bucket(total, 0.0, 100.0, 10), round(total, 2), total::varchar(20) FROM orders",
    "SELECT name COLLATE \"C\" FROM customers WHERE name ~ '^a' AND name NOT SIMILAR TO 'x' AND name ILIKE 'b'",
    "INSERT INTO orders (id, status) VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET status = 'b' WHERE orders.id > 2",
    "SELECT t, 'f' = 'f', 't'::bool, NOT 'f'::boolean FROM (SELECT 't' AS t) AS q",
};

struct Folded {
  DigestResult result;
  std::vector<FoldedLiteral> literals;
};
Folded folded(std::string_view text) {
  Folded out;
  out.result = digest(text, {}, DigestKey{}, out.literals);
  return out;
}

class Values {
 public:
  std::string of(TokenKind kind) {
    static const std::vector<std::string> integers{"0", "1", "2", "3", "007", "42", "1900000000", "2147483647", "00"};
    static const std::vector<std::string> numerics{"0.0", "1.50", "2147483648", "99999999999999999999", "1e5", ".5",
                                                   "5.",  "0.10", "1.5e-3",     "000123456789012"};
    static const std::vector<std::string> strings{"''",
                                                  "'x'",
                                                  "'it''s'",
                                                  "'t'",
                                                  "'f'",
                                                  "'T'",
                                                  "'true'",
                                                  "'a\\b'",
                                                  "'day'",
                                                  "'1 day'",
                                                  "'2020-01-01'",
                                                  "'{\"a\": 1}'",
                                                  "'\xc3\xa9'",
                                                  "'bartizan literal 1900000000'",
                                                  "E'a\\nb'",
                                                  "$$q$$",
                                                  "$a$it's$a$",
                                                  "'a'\n'b'",
                                                  "'a\nb'",
                                                  "'-- x'",
                                                  "'/* x'",
                                                  "';'",
                                                  "'$1'",
                                                  "'\"'",
                                                  "'select'",
                                                  "'timezone'",
                                                  "'search_path'",
                                                  "'0'",
                                                  "'-1'",
                                                  "'1.5'"};
    if (kind == TokenKind::Integer) return one_of(integers);
    if (kind == TokenKind::Numeric) return one_of(numerics);
    return one_of(strings);
  }

 private:
  std::string one_of(const std::vector<std::string>& list) { return list[random_() % list.size()]; }
  std::mt19937 random_{7};
};

/// The text with other constants in the places of those that the digest folds.
std::string varied(std::string_view text, const std::vector<FoldedLiteral>& literals, Values& values) {
  std::string out;
  std::size_t done = 0;
  for (const auto& literal : literals) {
    out.append(text.substr(done, literal.token.offset - done));
    const auto kind = literal.token.kind;
    const bool known = kind == TokenKind::Integer || kind == TokenKind::Numeric || kind == TokenKind::String ||
                       kind == TokenKind::EscapeString || kind == TokenKind::DollarString;
    out += known ? values.of(kind) : std::string(literal.token.in(text));
    done = literal.token.offset + literal.token.length;
  }
  return out.append(text.substr(done));
}

struct Learned {
  std::vector<TextTemplate> statements;
};
/// As the cache does it.
std::optional<Learned> learn(const Shop& shop, std::string_view text) {
  const auto found = folded(text);
  const auto marked = mark_literals(text, found.literals);
  if (!found.result.complete || !marked) return std::nullopt;
  const auto outcome = shop.rewrite(marked->text);
  const auto* rewritten = std::get_if<Rewritten>(&outcome);
  if (rewritten == nullptr) return std::nullopt;
  Learned out;
  std::vector<std::uint32_t> seen;
  for (const auto& statement : rewritten->statements) {
    if (statement.virtual_setting) return std::nullopt;
    out.statements.push_back(TextTemplate::make(statement.server_text, marked->markers, seen));
  }
  for (const auto times : seen)
    if (times != 1) return std::nullopt;
  return out;
}

std::optional<std::string> fill(const Learned& learned, std::string_view text) {
  const auto found = folded(text);
  std::vector<std::string> written;
  for (const auto& literal : found.literals)
    if (!write_literal(text, literal, written.emplace_back())) return std::nullopt;
  const std::vector<std::string_view> values(written.begin(), written.end());
  std::string out;
  for (const auto& statement : learned.statements) out += (out.empty() ? "" : "; ") + statement.fill(values);
  return out;
}

struct Tally {
  std::size_t learned = 0;
  std::size_t filled = 0;
};

void hold(const Shop& shop, std::string_view text, Values& values, Tally& tally) {
  CAPTURE(text);
  const auto found = folded(text);
  const auto learned = learn(shop, text);
  if (!learned) return;
  ++tally.learned;
  for (int i = 0; i < 40; ++i) {
    const std::string other = varied(text, found.literals, values);
    if (folded(other).result.digest != found.result.digest) continue;
    CAPTURE(other);
    const auto filled = fill(*learned, other);
    if (!filled) continue;
    ++tally.filled;
    REQUIRE(*filled == shown(shop.rewrite(other)));
  }
}

}  // namespace

TEST_CASE("a filled template is what rewriting gives") {
  const Shop shop;
  Values values;
  Tally tally;
  for (const auto text : kConstants) hold(shop, text, values, tally);
  CHECK(tally.learned >= std::size(kConstants) - 8);
  CHECK(tally.filled > 300);
  for (const auto& shape : kShapes) hold(shop, shape.text, values, tally);
  MESSAGE("templates " << tally.learned << ", filled " << tally.filled);
  CHECK(tally.filled > 2000);
}

TEST_CASE("what is refused is not let through by a neighbour's template") {
  const Shop shop;
  Values values;
  Tally tally;
  for (const auto& attack : kAttacks) {
    const auto found = folded(attack.text);
    for (int i = 0; i < 20; ++i) hold(shop, varied(attack.text, found.literals, values), values, tally);
  }
}

TEST_CASE("constants that the rewriting may look at are left to it") {
  struct Case {
    std::string_view text;
    std::string_view written;  ///< empty: none
  };
  constexpr Case kCases[] = {
      {"SELECT 007", "7"},     {"SELECT 'it''s'", "'it''s'"},
      {"SELECT 1.50", "1.50"}, {"SELECT 't'", ""},
      {"SELECT 'f'", ""},      {"SELECT 'a\\b'", ""},
      {"SELECT E'a'", ""},     {"SELECT $$a$$", ""},
      {"SELECT 1e5", ""},      {"SELECT .5", ""},
      {"SELECT 5.", ""},       {"SELECT -0", ""},
      {"SELECT -((0))", ""},   {"SELECT -1", "1"},
      {"SELECT 'a'\n'b'", ""}, {"SELECT B'1'", ""},
      {"SELECT X'1'", ""},     {"SELECT U&'\\0061'", ""},
      {"SELECT N'a'", ""},
  };
  for (const auto& one : kCases) {
    CAPTURE(one.text);
    const auto found = folded(one.text);
    REQUIRE(found.literals.size() == 1);
    std::string out;
    CHECK(write_literal(one.text, found.literals.front(), out) == !one.written.empty());
    if (!one.written.empty()) CHECK(out == one.written);
  }
  CHECK_FALSE(may_have_template("SELECT '\xff'"));
  CHECK_FALSE(may_have_template(std::string(70'000, ' ')));
}

}  // namespace bartizan::sql::testing
