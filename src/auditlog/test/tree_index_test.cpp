#include "tree_index.hpp"

#include <doctest/doctest.h>

#include "bartizan/audit/log.hpp"
#include "bartizan/audit/record.hpp"
#include "crash_files.hpp"

namespace bartizan::auditlog {
namespace {

constexpr std::string_view kFolder = "/parent/index/t-acme";

std::string record(std::uint64_t leaf) {
  std::string who = R"("session":1,"address":"192.0.2.1:99")";
  audit::append_member(who, "identity", "user" + std::to_string(leaf % 1000));
  std::string out;
  audit::append_record(out, audit::Ticket(leaf + 1),
                       {audit::Event::Statement,
                        WallTime(std::chrono::milliseconds(1'700'000'000'000 + static_cast<std::int64_t>(leaf))), who,
                        R"("tag":"SELECT","digest":"00")"},
                       {});
  return out;
}

struct World {
  void add(std::uint64_t until) {
    for (std::uint64_t leaf = index->covered(); leaf < until; ++leaf) REQUIRE(index->add(as_bytes(record(leaf))));
  }
  void open_again() { index = TreeIndex::open(files, std::string(kFolder)); }
  [[nodiscard]] std::vector<std::string> names() { return files.list(std::string(kFolder)).value(); }
  [[nodiscard]] static IndexQuery user(int number) {
    return {{{audit::term_of(audit::SearchField::Identity, "user" + std::to_string(number))}}, {}, {}};
  }
  [[nodiscard]] static std::chrono::steady_clock::time_point late() {
    return std::chrono::steady_clock::now() + std::chrono::minutes(1);
  }
  /// All of them, page by page.
  [[nodiscard]] std::vector<std::uint64_t> all(const IndexQuery& query, std::uint64_t end, std::size_t page) {
    std::vector<std::uint64_t> out;
    while (end > 0) {
      const auto found = index->find(query, end, page, late()).value();
      REQUIRE(found.leaves.size() <= page);
      REQUIRE(found.searched_from < end);
      out.insert(out.end(), found.leaves.begin(), found.leaves.end());
      end = found.searched_from;
    }
    return out;
  }
  void check(std::uint64_t until) {
    for (const int number : {7, 999}) {
      std::vector<std::uint64_t> expected;
      for (std::uint64_t leaf = until; leaf-- > 0;)
        if (leaf % 1000 == static_cast<std::uint64_t>(number)) expected.push_back(leaf);
      CHECK(all(user(number), until, 1000) == expected);
      CHECK(all(user(number), until, 3) == expected);
    }
  }

  CrashFiles files;
  std::unique_ptr<TreeIndex> index = TreeIndex::open(files, std::string(kFolder));
};

TEST_CASE("sixteen runs become one segment, and a search sees them and the newest leaves") {
  World world;
  const std::uint64_t until = 17 * std::uint64_t{kIndexRun} + 100;
  world.add(until);
  CHECK(world.index->covered() == until);
  CHECK(world.index->last_sealed()->first == 17 * std::uint64_t{kIndexRun} - 1);
  CHECK(world.index->last_sealed()->second == audit::leaf_hash(as_bytes(record(17 * std::uint64_t{kIndexRun} - 1))));
  world.check(until);
  // A run that was merged is gone when the next one is there.
  CHECK(world.names().size() == 2);
  SUBCASE("opened again it holds what was in files") {
    world.open_again();
    CHECK(world.index->covered() == 17 * std::uint64_t{kIndexRun});
    world.check(17 * std::uint64_t{kIndexRun});
    world.add(until);
    world.check(until);
  }
  SUBCASE("a segment that is gone is found missing, and what follows it is made again") {
    REQUIRE(world.files.remove(std::string(kFolder) + "/" + world.names().front()));
    const auto found = world.index->find(World::user(7), until, 1000, World::late());
    CHECK(found.error().code == Errc::Malformed);
    REQUIRE(world.index->damaged().has_value());
    world.index->drop_from(*world.index->damaged());
    CHECK_FALSE(world.index->damaged().has_value());
    world.add(until);
    world.check(until);
  }
  SUBCASE("a segment that rotted likewise, when it is searched or opened") {
    const auto path = std::string(kFolder) + "/" + world.names().front();
    auto file = world.files.open(path, OpenMode::Read).value();
    Bytes bytes(file->size().value());
    REQUIRE(file->read_at(0, bytes).value() == bytes.size());
    for (std::size_t at = 0; at < bytes.size(); at += 50) bytes[at] ^= std::byte{4};
    auto harmed = world.files.open(path, OpenMode::Replace).value();
    REQUIRE(harmed->write_at(0, bytes));
    CHECK(world.index->find(World::user(7), until, 1000, World::late()).error().code == Errc::Malformed);
    CHECK(world.index->damaged() == 0);
    world.open_again();
    CHECK(world.index->covered() == 0);
    CHECK(world.names().empty());
  }
}

TEST_CASE("a search goes on over segments that are merged under it") {
  World world;
  world.add(15 * std::uint64_t{kIndexRun} + 10);
  const auto first = world.index->find(World::user(7), world.index->covered(), 5, World::late()).value();
  world.add(16 * std::uint64_t{kIndexRun} + 10);
  const auto rest = world.index->find(World::user(7), first.searched_from, 1000, World::late()).value();
  CHECK(rest.leaves.front() == first.leaves.back() - 1000);
  CHECK(rest.leaves.size() + first.leaves.size() == (15 * std::uint64_t{kIndexRun} + 10 + 992) / 1000);
}

TEST_CASE("a deadline ends a search with where to go on, never with a gap") {
  World world;
  world.add(3 * std::uint64_t{kIndexRun});
  const auto found = world.index->find(World::user(7), 3 * std::uint64_t{kIndexRun}, 1000, {}).value();
  CHECK(found.leaves.empty());
  CHECK(found.searched_from == 3 * std::uint64_t{kIndexRun});
}

}  // namespace
}  // namespace bartizan::auditlog
