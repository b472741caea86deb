#include "bartizan/auditlog/pruning.hpp"

#include <doctest/doctest.h>

#include "bartizan/auditlog/audit_index.hpp"
#include "bartizan/auditlog/tree_reader.hpp"
#include "log_world.hpp"

namespace bartizan::auditlog {
namespace {

constexpr std::uint64_t kRecords = 1000;
constexpr WallTime kWritten{std::chrono::microseconds(1'700'000'000'000'001)};  // as log_world's intents

struct PrunedWorld : World {
  PrunedWorld() {
    log = open();
    for (std::uint64_t i = 0; i < kRecords; ++i) log->finish(log->begin(intent("acme", "SELECT")).value(), {});
    REQUIRE(log->publish_now(std::chrono::seconds(20)));
  }
  [[nodiscard]] std::string folder() const { return options.directory + "/tree/t-acme"; }
  [[nodiscard]] audit::NoteSigner tree_signer() const { return signer.named("log.example/t-acme"); }
  [[nodiscard]] std::uint64_t prunable(WallTime before) {
    return prunable_below(files, folder(), tree_signer().verifier(), kRecords, before).value();
  }
  [[nodiscard]] std::uint64_t pruned() { return pruned_below(files, folder(), tree_signer().verifier()).value(); }
  [[nodiscard]] TreeReader reader() {
    return TreeReader::open(options.directory, options.origin, "t-acme", signer.verifier(), files).value();
  }
  std::unique_ptr<TreeLog> log;
};

TEST_CASE("whole bundles of old records go, and nothing else") {
  PrunedWorld world;
  CHECK(world.prunable(kWritten) == 0);
  CHECK(world.prunable(kWritten + std::chrono::seconds(1)) == 768);
  CHECK(world.pruned() == 0);
  REQUIRE(prune_tree(world.files, world.folder(), world.tree_signer(), 512, kWritten));
  CHECK(world.pruned() == 512);
  CHECK(world.prunable(kWritten + std::chrono::seconds(1)) == 768);
  const auto reader = world.reader();
  CHECK(reader.entry(0).error().code == Errc::NotFound);
  CHECK(reader.entry(511).error().code == Errc::NotFound);
  CHECK(reader.entry(512).has_value());
  // Proofs need hashes alone.
  CHECK(reader.prove(3).has_value());
  CHECK(reader.prove_growth(300).has_value());
  // Once more is nothing, further is what is new; the log opens and goes on.
  REQUIRE(prune_tree(world.files, world.folder(), world.tree_signer(), 512, kWritten));
  REQUIRE(prune_tree(world.files, world.folder(), world.tree_signer(), 768, kWritten));
  CHECK(world.reader().entry(767).error().code == Errc::NotFound);
  CHECK(world.reader().entry(768).has_value());
  world.log.reset();
  world.log = world.open();
  world.log->finish(world.log->begin(intent("acme", "SELECT")).value(), {});
  REQUIRE(world.log->publish_now(std::chrono::seconds(20)));
  CHECK(world.reader().checkpoint().size == kRecords + 1);
}

TEST_CASE("a statement of another key, or another tree's, is not the log's word") {
  PrunedWorld world;
  const auto other =
      audit::NoteSigner::generate(audit::KeyType::Ed25519, "log.example/t-acme", system_random()).value();
  REQUIRE(prune_tree(world.files, world.folder(), world.tree_signer(), 256, kWritten));
  CHECK(pruned_below(world.files, world.folder(), other.verifier()).error().code == Errc::Crypto);
  CHECK(pruned_below(world.files, world.folder(), world.signer.verifier().named("log.example/t-b")).error().code ==
        Errc::Crypto);
}

TEST_CASE("an index made again over a pruned tree knows what is left") {
  PrunedWorld world;
  AuditIndexOptions options;
  options.directory = world.options.directory;
  options.origin = world.options.origin;
  options.follow_every = std::chrono::milliseconds(2);
  const auto index = AuditIndex::start(options, world.signer.verifier(), world.files);
  REQUIRE(eventually([&] { return index->covered("t-acme") == kRecords; }));
  const IndexQuery query{{{audit::term_of(audit::SearchField::Action, "SELECT")}}, {}, {}};
  const auto found = [&] {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    const auto page = index->find("t-acme", query, kRecords, 10000, until);
    return page ? page->leaves.size() : 0;
  };
  CHECK(found() == kRecords);
  REQUIRE(prune_tree(world.files, world.folder(), world.tree_signer(), 512, kWritten));
  index->remake("t-acme");
  REQUIRE(eventually([&] { return index->covered("t-acme") == kRecords && found() == kRecords - 512; }));
  CHECK(index->figures().healthy);
}

}  // namespace
}  // namespace bartizan::auditlog
