#include "bartizan/sql/analysis_cache.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

namespace {
// Counts what operator new hands out in this program, so that a test can say "none".
std::atomic<std::size_t> allocations{0};
}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* const result = std::malloc(size == 0 ? 1 : size)) return result;
  throw std::bad_alloc();
}
void operator delete(void* pointer) noexcept { std::free(pointer); }
void operator delete(void* pointer, std::size_t /*size*/) noexcept { std::free(pointer); }

namespace bartizan::sql {
namespace {

TEST_CASE("texts of one digest share one analysis; a hit allocates nothing") {
  AnalysisCache cache(DigestKey{}, 1 << 20);
  const auto first = cache.analyse("select a from t where b = 1", {});
  CHECK(cache.counters().misses == 1);
  const std::size_t before = allocations;
  const auto second = cache.analyse("SELECT a FROM t WHERE b = 22 -- x", {});
  CHECK(allocations == before);
  CHECK(first.analysis == second.analysis);
  CHECK(first.digest == second.digest);
  CHECK(cache.counters().hits == 1);
  CHECK(cache.counters().misses == 1);
  const auto other = cache.analyse("select a from u where b = 1", {});
  CHECK(other.analysis != first.analysis);
  CHECK(other.analysis->statements[0].relations[0].name == "u");
  CHECK(cache.size() == 2);
}

TEST_CASE("what a constant made unreadable is not shared with its digest") {
  AnalysisCache cache(DigestKey{}, 1 << 20);
  const std::string bad = "select E'\\xff'";
  const std::string good = "select 'x'";
  CHECK_FALSE(cache.analyse(bad, {}).analysis->parsed());
  CHECK(cache.analyse(good, {}).analysis->parsed());
  CHECK(cache.counters().misses == 2);
  // Each is found again. That the bad one now takes the good one's is harmless: the server refuses it.
  CHECK(cache.analyse(good, {}).analysis->parsed());
  CHECK(cache.counters().misses == 2);

  const std::string huge = "insert into t values ('" + std::string(100'000, 'x') + "')";
  CHECK_FALSE(cache.analyse(huge, {}).analysis->parsed());
  CHECK_FALSE(cache.analyse(huge, {}).analysis->parsed());
  CHECK(cache.counters().misses == 3);
  CHECK(cache.analyse("insert into t values ('x')", {}).analysis->parsed());
  CHECK(cache.analyse(huge, {}).analysis->parsed());
}

TEST_CASE("the same text under other lexical settings is another entry") {
  AnalysisCache cache(DigestKey{}, 1 << 20);
  const std::string text = "select 'a\\'; drop table t; --'";
  CHECK(cache.analyse(text, {}).analysis->statements.size() == 2);
  CHECK(cache.analyse(text, {.lex = {.standard_conforming_strings = false}}).analysis->statements.size() == 1);
  CHECK(cache.counters().misses == 2);
}

TEST_CASE("the bound in bytes holds; the least recently used go first") {
  AnalysisCache cache(DigestKey{}, 8192);
  const auto text = [](int i) { return "select a from t" + std::to_string(i); };
  const auto first = cache.analyse(text(0), {});
  for (int i = 1; i < 200; ++i) {
    (void)cache.analyse(text(i), {});
    (void)cache.analyse(text(0), {});
    CHECK(cache.bytes() <= 8192);
  }
  CHECK(cache.counters().evictions > 0);
  CHECK(cache.size() > 2);
  CHECK(cache.counters().misses == 200);
  CHECK(cache.analyse(text(0), {}).analysis == first.analysis);
  (void)cache.analyse(text(1), {});
  CHECK(cache.counters().misses == 201);

  AnalysisCache none(DigestKey{}, 0);
  CHECK(none.analyse("select 1", {}).analysis->parsed());
  CHECK(none.size() == 0);
  CHECK(none.bytes() == 0);
}

}  // namespace
}  // namespace bartizan::sql
