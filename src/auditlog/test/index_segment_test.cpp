// Segments against a model: the same leaves in a plain list, searched by looking at each.
#include "index_segment.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "index_lists.hpp"

namespace bartizan::auditlog {
namespace {

struct Leaf {
  audit::RecordTerms record;
  bool other = false;
};

/// Terms of every frequency from "all leaves" to "one of them"; times that mostly rise.
std::vector<Leaf> leaves(std::mt19937_64& random, std::uint32_t count) {
  std::vector<Leaf> out(count);
  std::int64_t ms = 1'700'000'000'000;
  for (std::uint32_t i = 0; i < count; ++i) {
    out[i].other = random() % 50 == 0;
    ms += static_cast<std::int64_t>(random() % 20);
    out[i].record.time_ms = random() % 30 == 0 ? ms - static_cast<std::int64_t>(random() % 100000) : ms;
    if (out[i].other) {
      out[i].record.time_ms = i == 0 ? 0 : out[i - 1].record.time_ms;
      continue;
    }
    for (audit::Term term = 1; term <= 12; ++term)
      if (random() % (std::uint64_t{1} << (term - 1)) == 0) out[i].record.terms.push_back(term);
    if (i % 1000 == 7) out[i].record.terms.push_back(1000 + i);
  }
  return out;
}

bool matches(const Leaf& leaf, const IndexQuery& query) {
  if (query.from_ms && leaf.record.time_ms < *query.from_ms) return false;
  if (query.to_ms && leaf.record.time_ms > *query.to_ms) return false;
  return std::all_of(query.groups.begin(), query.groups.end(), [&](const auto& group) {
    return std::any_of(group.begin(), group.end(), [&](audit::Term term) {
      return std::binary_search(leaf.record.terms.begin(), leaf.record.terms.end(), term);
    });
  });
}

IndexQuery query(std::mt19937_64& random, std::int64_t from, std::int64_t to) {
  IndexQuery out;
  for (std::size_t groups = random() % 4; groups > 0; --groups) {
    auto& group = out.groups.emplace_back();
    for (std::size_t terms = 1 + random() % 3; terms > 0; --terms) group.push_back(1 + random() % 14);
  }
  const auto time = [&] {
    return from + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(to - from + 1));
  };
  if (random() % 3 == 0) out.from_ms = time();
  if (random() % 3 == 0) out.to_ms = time();
  return out;
}

Bytes built(std::span<const Leaf> leaves, std::uint64_t first) {
  IndexBuilder builder(first);
  for (const Leaf& leaf : leaves) leaf.other ? builder.add_other() : builder.add(leaf.record);
  return builder.encode({});
}

IndexSegment opened(Bytes bytes) {
  return std::move(IndexSegment::open(index_bytes(std::make_shared<const Bytes>(std::move(bytes)))).value());
}

void check_against(std::span<const Leaf> leaves, IndexSegment& segment, std::mt19937_64& random) {
  for (int round = 0; round < 60; ++round) {
    const auto asked = query(random, segment.info().min_ms, segment.info().max_ms);
    const auto end = static_cast<std::uint32_t>(random() % (leaves.size() + 1));
    std::vector<std::uint32_t> expected;
    for (std::uint32_t i = 0; i < end; ++i)
      if (matches(leaves[i], asked)) expected.push_back(i);
    const auto found = segment.find(asked, end);
    REQUIRE(found.has_value());
    REQUIRE(*found == expected);
  }
}

TEST_CASE("a segment finds what a look at every leaf finds") {
  std::mt19937_64 random(14);
  for (const std::uint32_t count : {1u, 2u, 100u, 4096u, 10000u}) {
    const auto all = leaves(random, count);
    auto segment = opened(built(all, 77));
    CHECK(segment.info().first == 77);
    CHECK(segment.info().count == count);
    check_against(all, segment, random);
  }
}

TEST_CASE("neighbours that were merged find the same") {
  std::mt19937_64 random(15);
  const auto all = leaves(random, 9000);
  std::vector<IndexSegment> parts;
  for (std::size_t at = 0; at < all.size(); at += 1500)
    parts.push_back(opened(built(std::span(all).subspan(at, 1500), 500 + at)));
  auto merged = opened(merge_segments(parts).value());
  CHECK(merged.info().first == 500);
  CHECK(merged.info().count == 9000);
  check_against(all, merged, random);
}

TEST_CASE("lists are as short as gaps or bits can be, and read back") {
  std::vector<std::uint32_t> every(4096);
  for (std::uint32_t i = 0; i < every.size(); ++i) every[i] = i;
  const std::vector<std::uint32_t> few = {0, 5, 4095};
  Bytes bits;
  append_positions(bits, every, 4096);
  CHECK(bits.size() == 1 + 4096 / 8);
  CHECK(decode_positions(bits, 4096) == every);
  Bytes gaps;
  append_positions(gaps, few, 4096);
  CHECK(gaps.size() == 5);
  CHECK(decode_positions(gaps, 4096) == few);
  CHECK_FALSE(decode_positions(gaps, 4095).has_value());
  CHECK_FALSE(decode_positions(bits, 4095).has_value());
}

TEST_CASE("damage is an error or has no effect, never another answer") {
  std::mt19937_64 random(16);
  const auto all = leaves(random, 3000);
  const Bytes whole = built(all, 0);
  const std::vector<IndexQuery> queries = {
      {{{1}}, {}, {}}, {{{5}, {2, 3}}, {}, {}}, {{{11}}, {}, {}}, {{}, 1'700'000'010'000, 1'700'000'012'000}};
  std::vector<std::vector<std::uint32_t>> answers;
  auto sound = opened(whole);
  for (const auto& asked : queries) answers.push_back(sound.find(asked, 3000).value());
  for (int round = 0; round < 3000; ++round) {
    Bytes harmed = whole;
    harmed[random() % harmed.size()] ^= static_cast<std::byte>(1u << (random() % 8));
    if (round % 10 == 0) harmed.resize(random() % harmed.size());
    auto segment = IndexSegment::open(index_bytes(std::make_shared<const Bytes>(std::move(harmed))));
    if (!segment) continue;
    for (std::size_t i = 0; i < queries.size(); ++i) {
      const auto found = segment->find(queries[i], 3000);
      if (found) REQUIRE(*found == answers[i]);
      if (!found) REQUIRE(found.error().code == Errc::Malformed);
    }
  }
}

}  // namespace
}  // namespace bartizan::auditlog
