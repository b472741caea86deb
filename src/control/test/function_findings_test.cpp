#include "function_findings.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>

namespace bartizan::control {
namespace {

using Facts = postgres::FunctionFacts;

/// An immutable function of language SQL that names nothing.
Facts harmless() {
  Facts out;
  out.signature = "public.f(text)";
  out.language = "sql";
  out.trusted = true;
  out.owner = "app";
  out.volatility = sql::Volatility::Immutable;
  out.body = "SELECT upper($1)";
  return out;
}

struct Case {
  std::string what;
  std::set<std::string> warnings;
  std::set<std::string> notes;
  std::function<void(Facts&)> make;
};

std::set<std::string> codes(const std::vector<FunctionFinding>& findings, bool warning) {
  std::set<std::string> out;
  for (const auto& finding : findings)
    if (finding.warning == warning) out.insert(finding.code);
  return out;
}

const std::vector<std::string> kRelations = {"public.customers", "clinic.visits", "clinic.set"};
const std::vector<std::string> kEncrypted = {"clinic.visits"};

}  // namespace

TEST_SUITE("function_findings") {
  TEST_CASE("what a function would reveal or do is told") {
    const Case cases[] = {
        {"nothing", {}, {}, [](auto&) {}},
        {"a table, as the caller", {}, {"tables"}, [](auto& f) { f.body = "SELECT name FROM Customers"; }},
        {"a quoted table", {}, {"tables"}, [](auto& f) { f.body = "SELECT name FROM \"customers\""; }},
        {"a table in a string", {}, {"tables"}, [](auto& f) { f.body = "SELECT 'TABLE customers'"; }},
        {"a table behind what can't be read", {}, {"tables"}, [](auto& f) { f.body = "SELECT 1 \x01 customers"; }},
        {"part of a table's name", {}, {}, [](auto& f) { f.body = "SELECT customers_of(1)"; }},
        {"its owner's rights", {"security-definer", "search-path"}, {}, [](auto& f) { f.security_definer = true; }},
        {"its owner's rights over a table",
         {"security-definer", "tables"},
         {},
         [](auto& f) {
           f.security_definer = f.pins_search_path = true;
           f.body = "SELECT name FROM public.customers";
         }},
        {"encrypted columns", {"encrypted"}, {"tables"}, [](auto& f) { f.body = "SELECT note FROM clinic.visits"; }},
        {"effects", {"volatile"}, {}, [](auto& f) { f.volatility = sql::Volatility::Volatile; }},
        {"texts of its own",
         {"dynamic-sql"},
         {},
         [](auto& f) {
           f.language = "plpgsql";
           f.body = "BEGIN EXECUTE $1; END";
         }},
        {"a text run by PostgreSQL's",
         {"dynamic-sql"},
         {},
         [](auto& f) { f.body = "SELECT query_to_xml($1, 1, 1, '')"; }},
        {"settings", {"settings"}, {}, [](auto& f) { f.body = "SELECT set_config('role', $1, false)"; }},
        {"another language",
         {"language"},
         {},
         [](auto& f) {
           f.language = "plpython3u";
           f.trusted = false;
         }},
        {"an extension's in C",
         {},
         {"extension"},
         [](auto& f) {
           f.language = "c";
           f.extension = "pg_trgm";
           f.takes_text = true;
         }},
        {"an extension's in C that may run its text",
         {"runs-text", "volatile"},
         {"extension"},
         [](auto& f) {
           f.language = "c";
           f.extension = "tablefunc";
           f.takes_text = true;
           f.volatility = sql::Volatility::Volatile;
         }},
        {"a trigger's",
         {"trigger"},
         {},
         [](auto& f) {
           f.language = "plpgsql";
           f.is_trigger = true;
           f.volatility = sql::Volatility::Volatile;
           f.body = "BEGIN NEW.at := now(); RETURN NEW; END";
         }},
    };
    for (const auto& one : cases) {
      CAPTURE(one.what);
      auto facts = harmless();
      one.make(facts);
      const auto findings = review(facts, kRelations, kEncrypted);
      CHECK(codes(findings, true) == one.warnings);
      CHECK(codes(findings, false) == one.notes);
      for (const auto& finding : findings)
        CHECK(std::ranges::count(function_finding_codes(), std::string_view(finding.code)) == 1);
    }
  }

  TEST_CASE("a superuser's rights are called that") {
    auto facts = harmless();
    facts.security_definer = facts.owner_is_superuser = true;
    CHECK(review(facts, {}, {}).front().message.find("app, a superuser") != std::string::npos);
  }

  TEST_CASE("of many tables a few are named") {
    auto facts = harmless();
    std::vector<std::string> relations;
    facts.body = "SELECT ";
    for (int i = 0; i < 20; ++i) {
      relations.push_back("public.t" + std::to_string(i));
      facts.body += "t" + std::to_string(i) + ", ";
    }
    CHECK(review(facts, relations, {}).front().message.find("and 12 more") != std::string::npos);
  }
}

}  // namespace bartizan::control
