#include "bartizan/auditlog/audit_index.hpp"

#include <doctest/doctest.h>

#include "bartizan/auditlog/tree_reader.hpp"
#include "log_world.hpp"

namespace bartizan::auditlog {
namespace {

struct IndexedWorld : World {
  void write(TreeLog& log, std::string_view tenant, std::string_view tag, int count) {
    for (int i = 0; i < count; ++i) log.finish(log.begin(intent(tenant, tag)).value(), {});
    REQUIRE(log.publish_now(std::chrono::seconds(20)));
  }
  [[nodiscard]] std::unique_ptr<AuditIndex> start() {
    AuditIndexOptions index;
    index.directory = options.directory;
    index.origin = options.origin;
    index.follow_every = std::chrono::milliseconds(2);
    return AuditIndex::start(index, signer.verifier(), files);
  }
  [[nodiscard]] std::vector<std::uint64_t> find(const AuditIndex& index, const std::string& tree,
                                                std::string_view tag) {
    const IndexQuery query{{{audit::term_of(audit::SearchField::Action, tag)}}, {}, {}};
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    return index.find(tree, query, index.covered(tree), 100000, until).value().leaves;
  }
};

TEST_CASE("the index follows every tree of a log, those that come later too") {
  IndexedWorld world;
  auto log = world.open();
  world.write(*log, "acme", "SELECT", 300);
  const auto index = world.start();
  REQUIRE(eventually([&] { return index->covered("t-acme") == 300; }));
  world.write(*log, "acme", "INSERT", 2);
  world.write(*log, "other", "SELECT", 5);
  world.write(*log, "", "DELETE", 1);
  REQUIRE(eventually([&] { return index->covered("t-acme") == 302 && index->covered("t-other") == 5; }));
  CHECK(world.find(*index, "t-acme", "SELECT").size() == 300);
  CHECK(world.find(*index, "t-acme", "INSERT") == std::vector<std::uint64_t>{301, 300});
  CHECK(world.find(*index, "t-other", "SELECT").size() == 5);
  REQUIRE(eventually([&] { return world.find(*index, "system", "DELETE").size() == 1; }));
  CHECK(index->covered("t-nobody") == 0);
  CHECK(index->figures().healthy);
}

TEST_CASE("an index that is lost is made again") {
  IndexedWorld world;
  auto log = world.open();
  world.write(*log, "acme", "SELECT", 5000);
  {
    const auto index = world.start();
    REQUIRE(eventually([&] { return index->covered("t-acme") == 5000; }));
  }
  const std::string folder = world.options.directory + "/index/t-acme";
  const auto names = world.files.list(folder).value();
  REQUIRE(names.size() == 1);
  REQUIRE(world.files.remove(folder + "/" + names.front()));
  const auto index = world.start();
  REQUIRE(eventually([&] { return index->covered("t-acme") == 5000; }));
  CHECK(world.find(*index, "t-acme", "SELECT").size() == 5000);
}

TEST_CASE("the index of another tree in its place is not believed") {
  IndexedWorld world;
  auto log = world.open();
  world.write(*log, "acme", "SELECT", 5000);
  world.write(*log, "other", "INSERT", 5000);
  {
    const auto index = world.start();
    REQUIRE(eventually([&] { return index->covered("t-acme") == 5000 && index->covered("t-other") == 5000; }));
  }
  const std::string folder = world.options.directory + "/index/";
  const auto name = world.files.list(folder + "t-other").value().at(0);
  REQUIRE(world.files.rename(folder + "t-other/" + name, folder + "t-acme/" + name));
  const auto index = world.start();
  REQUIRE(eventually([&] { return index->covered("t-acme") == 5000; }));
  CHECK(world.find(*index, "t-acme", "SELECT").size() == 5000);
  CHECK(world.find(*index, "t-acme", "INSERT").empty());
}

TEST_CASE("a full disk stops the index, and nothing else") {
  IndexedWorld world;
  auto log = world.open();
  world.write(*log, "acme", "SELECT", 10);
  world.files.disk_full = true;
  AuditIndexOptions options;
  options.directory = world.options.directory;
  options.origin = world.options.origin;
  options.follow_every = std::chrono::milliseconds(2);
  options.free_floor_bytes = 1;
  const auto index = AuditIndex::start(options, world.signer.verifier(), world.files);
  REQUIRE(eventually([&] { return !index->figures().healthy; }));
  CHECK(index->covered("t-acme") == 0);
  world.files.disk_full = false;
  REQUIRE(eventually([&] { return index->covered("t-acme") == 10 && index->figures().healthy; }));
}

}  // namespace
}  // namespace bartizan::auditlog
