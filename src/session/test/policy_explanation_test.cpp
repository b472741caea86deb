#include "../policy_explanation.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "consumer_world.hpp"

namespace bartizan::session::test {
namespace {

policy::Resolution resolution() {
  policy::Resolution made;
  policy::TableOutcome accounts;
  accounts.schema = "public";
  accounts.name = "accounts";
  for (const std::string_view name : {"id", "tenant", "email"}) {
    policy::ColumnOutcome column;
    column.name = name;
    column.visibility = policy::Clear{};
    accounts.columns.push_back(std::move(column));
  }
  made.outcome.tables.push_back(std::move(accounts));
  using Effect = policy::Reason::Effect;
  policy::Reason of_table;
  of_table.effect = Effect::Allowed;
  of_table.schema = "public";
  of_table.table = "accounts";
  of_table.policy = "people's";
  of_table.text = "read is allowed";
  policy::Reason of_email = of_table;
  of_email.column = "email";
  of_email.text = "shown in clear";
  policy::Reason of_secret = of_table;
  of_secret.column = "secret";
  of_secret.text = "nobody classified it";
  made.reasons = {of_table, of_email, of_secret};
  return made;
}

std::string explain(std::string_view statement) {
  static const auto wall_class = bank_class();
  static const std::vector<std::string> path{"public"};
  return explain_policy(statement, {wall_class.get(), &path, {}}, resolution()).server_text;
}

}  // namespace

TEST_CASE("EXPLAIN POLICY is told by its words") {
  CHECK(explained_by_policy("EXPLAIN POLICY select 1", {}) == " select 1");
  CHECK(explained_by_policy(" /* x */ explain\npolicy(select 1)", {}) == "(select 1)");
  for (const std::string_view text :
       {"explain select 1", "policy select 1", "\"explain\" policy select 1", "explain", ""})
    CHECK_FALSE(explained_by_policy(text, {}));
}

TEST_CASE("tables, columns, rules and reasons of what the statement uses, and of nothing else") {
  const auto text = explain("select email from accounts where id = 7");
  CHECK(text.find("E'public.accounts', E'read', E'all rows', E'people''s: read is allowed'") != std::string::npos);
  CHECK(text.find("E'public.accounts.email', E'read', E'clear', E'people''s: shown in clear'") != std::string::npos);
  CHECK(text.find("public.accounts.id") != std::string::npos);
  CHECK(text.find("accounts.tenant") == std::string::npos);
  CHECK(text.find("secret") == std::string::npos);
  CHECK(text.find("'7'") == std::string::npos);
  CHECK(text.find("bz_v") == std::string::npos);
}

TEST_CASE("of what is refused it tells the refusal, which is what running it would tell") {
  CHECK(explain("select secret from accounts").find("E'refused with 42703', E'column \"secret\" does not exist") !=
        std::string::npos);
  CHECK(explain("select * from secrets").find("refused with 42P01") != std::string::npos);
  CHECK(explain("").find("E'statement'") != std::string::npos);
  CHECK(explain("select it's").find("refused with 42601") != std::string::npos);
}

}  // namespace bartizan::session::test
