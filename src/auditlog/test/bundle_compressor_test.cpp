#include "bartizan/auditlog/bundle_compressor.hpp"

#include <doctest/doctest.h>

#include "bartizan/auditlog/audit_index.hpp"
#include "bartizan/auditlog/pruning.hpp"
#include "bartizan/auditlog/tree_reader.hpp"
#include "bundle_codec.hpp"
#include "log_world.hpp"

namespace bartizan::auditlog {
namespace {

constexpr std::uint64_t kRecords = 1000;
constexpr WallTime kWritten{std::chrono::microseconds(1'700'000'000'000'001)};  // as log_world's intents

struct CompressedWorld : World {
  explicit CompressedWorld(std::uint64_t records = kRecords) {
    log = open();
    add(records);
  }
  void add(std::uint64_t records) {
    for (std::uint64_t i = 0; i < records; ++i) log->finish(log->begin(intent("acme", "SELECT")).value(), {});
    REQUIRE(log->publish_now(std::chrono::seconds(20)));
  }
  [[nodiscard]] std::unique_ptr<BundleCompressor> compressor(FileLayer& in) {
    BundleCompressorOptions compression;
    compression.directory = options.directory;
    compression.origin = options.origin;
    compression.every = std::chrono::hours(1);  // rounds when a test asks for them
    return BundleCompressor::start(compression, key, in);
  }
  [[nodiscard]] std::string folder() const { return options.directory + "/tree/t-acme"; }
  [[nodiscard]] std::string plain(std::uint64_t bundle) const {
    return folder() + "/" + audit::to_path({std::nullopt, bundle});
  }
  [[nodiscard]] std::string compressed(std::uint64_t bundle) const { return folder() + "/" + compressed_path(bundle); }
  [[nodiscard]] static bool there(FileLayer& in, const std::string& path) {
    return in.open(path, OpenMode::Read).has_value();
  }
  [[nodiscard]] TreeReader reader() {
    return TreeReader::open(options.directory, options.origin, "t-acme", key, files).value();
  }
  audit::NoteVerifier key = signer.verifier();
  std::unique_ptr<TreeLog> log;
};

TEST_CASE("full bundles are replaced, and everybody reads on") {
  CompressedWorld world;
  const auto before = world.tree("t-acme").entries;
  const auto old_reader = world.reader();
  const auto compressor = world.compressor(world.files);
  REQUIRE(compressor->run_now());
  for (std::uint64_t bundle = 0; bundle < 3; ++bundle) {
    CHECK_FALSE(world.there(world.files, world.plain(bundle)));
    CHECK(world.there(world.files, world.compressed(bundle)));
  }
  CHECK_FALSE(world.there(world.files, world.compressed(3)));  // still growing
  CHECK(world.tree("t-acme").entries == before);
  CHECK(old_reader.entry(5).value() == before[5]);
  CHECK(old_reader.bundle(2).value().size() == 256);
  CHECK(old_reader.prove(700).has_value());
  const auto figures = compressor->figures();
  CHECK(figures.records == 768);
  CHECK(figures.stored_bytes * 4 < figures.plain_bytes);

  SUBCASE("the log grows and opens again, a new process goes on where this one was") {
    world.add(300);
    world.log.reset();
    world.log = world.open();
    const auto next = world.compressor(world.files);
    CHECK(next->figures().records == 768);
    REQUIRE(next->run_now());
    CHECK(next->figures().records == 1280);
    CHECK(world.there(world.files, world.compressed(4)));
    CHECK(world.tree("t-acme").entries.size() == 1300);
  }
  SUBCASE("a reader of a smaller tree finds in the compressed bundle what its partial one held") {
    const auto reader = world.reader();  // 1000: the last bundle is partial
    world.add(24 + 256);
    REQUIRE(compressor->run_now());
    CHECK_FALSE(world.there(world.files, world.plain(3)));
    CHECK(reader.entry(999).value() == before[999]);
    CHECK(reader.bundle(3).value().size() == 232);
  }
  SUBCASE("an index is made from it") {
    AuditIndexOptions indexing;
    indexing.directory = world.options.directory;
    indexing.origin = world.options.origin;
    indexing.follow_every = std::chrono::milliseconds(2);
    const auto index = AuditIndex::start(indexing, world.key, world.files);
    CHECK(eventually([&] { return index->covered("t-acme") == kRecords; }));
  }
  SUBCASE("pruning takes compressed bundles, and halves of them") {
    REQUIRE(write_whole(world.files, world.compressed(1) + std::string(kHalfMade), as_bytes("half")));
    const auto tree_signer = world.signer.named("log.example/t-acme");
    CHECK(prunable_below(world.files, world.folder(), tree_signer.verifier(), kRecords,
                         kWritten + std::chrono::seconds(1))
              .value() == 768);
    {
      const auto still = compressor->hold_still();
      REQUIRE(prune_tree(world.files, world.folder(), tree_signer, 512, kWritten));
    }
    for (const auto& path : {world.compressed(0), world.compressed(1), world.compressed(1) + std::string(kHalfMade)})
      CHECK_FALSE(world.there(world.files, path));
    CHECK(world.reader().entry(0).error().code == Errc::NotFound);
    CHECK(world.reader().entry(512).value() == before[512]);
    REQUIRE(world.compressor(world.files)->run_now());
    CHECK(world.reader().prove(3).has_value());
  }
  SUBCASE("a harmed frame is damage, not other records") {
    for (const std::size_t at : {std::size_t{0}, std::size_t{9}, std::size_t{100}}) {
      Bytes kept;
      world.files.change(world.compressed(1), [&](Bytes& bytes) {
        kept = bytes;
        bytes[at % bytes.size()] ^= std::byte{4};
      });
      CHECK(world.reader().entry(256).error().code == Errc::Malformed);
      world.files.change(world.compressed(1), [&](Bytes& bytes) { bytes = kept; });
    }
    CHECK(world.reader().entry(256).has_value());
  }
}

TEST_CASE("a frame holds what it says, alone, and within bounds") {
  const std::string text(10'000, 'x');
  const Bytes frame = compress_bundle(as_bytes(text)).value();
  CHECK(as_chars(decompress_bundle(frame, 10'000).value()) == text);
  CHECK(decompress_bundle(frame, 9'999).error().code == Errc::Malformed);
  CHECK(decompress_bundle({}, 100).error().code == Errc::Malformed);
  Bytes longer = frame;
  longer.push_back(std::byte{0});
  CHECK(decompress_bundle(longer, 10'000).error().code == Errc::Malformed);
  longer = frame;
  longer.insert(longer.end(), frame.begin(), frame.end());
  CHECK(decompress_bundle(longer, 100'000).error().code == Errc::Malformed);
  for (std::size_t cut = 0; cut < frame.size(); ++cut)
    CHECK(decompress_bundle(ByteView(frame).first(cut), 10'000).error().code == Errc::Malformed);
}

TEST_CASE("no record is lost wherever the power goes while bundles are compressed") {
  std::uint64_t operation = 1;
  for (bool died = true; died && operation < 500; ++operation) {
    CompressedWorld world(600);
    const auto before = world.tree("t-acme").entries;
    world.log.reset();
    world.files.dead_from = world.files.operations + operation;
    died = !world.compressor(world.files)->run_now();
    for (const auto left : {CrashFiles::Left::Some, CrashFiles::Left::Nothing, CrashFiles::Left::Names}) {
      const auto [image, folders] = world.files.power_cut(static_cast<unsigned>(operation), left);
      CrashFiles disk(image, folders);
      REQUIRE_MESSAGE(world.tree(disk, "t-acme").entries == before, operation);
      // The next life finishes, and leaves one file a bundle.
      REQUIRE(world.compressor(disk)->run_now());
      REQUIRE_MESSAGE(world.tree(disk, "t-acme").entries == before, operation);
      for (std::uint64_t bundle = 0; bundle < 2; ++bundle) {
        REQUIRE_MESSAGE(!world.there(disk, world.plain(bundle)), operation, " ", bundle);
        REQUIRE_MESSAGE(world.there(disk, world.compressed(bundle)), operation, " ", bundle);
        REQUIRE_MESSAGE(!world.there(disk, world.compressed(bundle) + std::string(kHalfMade)), operation, " ", bundle);
      }
    }
  }
  CHECK(operation > 15);  // it did go through the points of a whole run
  CHECK(operation < 500);
}

}  // namespace
}  // namespace bartizan::auditlog
