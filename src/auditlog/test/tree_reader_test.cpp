#include "bartizan/auditlog/tree_reader.hpp"

#include <doctest/doctest.h>

#include "bartizan/audit/tile.hpp"
#include "log_world.hpp"

namespace bartizan::auditlog {
namespace {

constexpr std::uint64_t kRecords = 600;  // two full bundles and a partial one

struct Written : World {
  Written() {
    auto log = open();
    for (std::uint64_t i = 0; i < kRecords; ++i) {
      const auto ticket = log->begin(intent("acme", "SELECT")).value();
      log->finish(ticket, {});
    }
    REQUIRE(log->publish_now(std::chrono::seconds(20)));
  }
  [[nodiscard]] TreeReader reader() {
    return TreeReader::open(options.directory, options.origin, tree_name("acme"), signer.verifier(), files).value();
  }
};

TEST_CASE("a bundle holds the records that are read one by one") {
  Written world;
  const auto reader = world.reader();
  REQUIRE(reader.checkpoint().size == kRecords);
  std::uint64_t index = 0;
  for (std::uint64_t number = 0; number < 3; ++number) {
    const auto bundle = reader.bundle(number);
    REQUIRE(bundle.has_value());
    CHECK(bundle->size() == std::min<std::uint64_t>(audit::kTileWidth, kRecords - index));
    for (const auto& record : *bundle) {
      const auto one = reader.entry(index++);
      REQUIRE(one.has_value());
      CHECK(record == *one);
    }
  }
  CHECK(index == kRecords);
  CHECK(reader.bundle(3).error().code == Errc::InvalidArgument);
  CHECK(reader.bundle(~std::uint64_t{0}).error().code == Errc::InvalidArgument);
  CHECK(reader.entry(kRecords).error().code == Errc::InvalidArgument);
}

TEST_CASE("a record that was changed is not given out") {
  Written world;
  const std::string path = world.options.directory + "/tree/t-acme/tile/entries/001";
  {
    auto file = world.files.open(path, OpenMode::Read).value();
    Bytes bytes(file->size().value());
    REQUIRE(file->read_at(0, bytes).value() == bytes.size());
    bytes[bytes.size() / 2] ^= std::byte{1};
    auto harmed = world.files.open(path, OpenMode::Replace).value();
    REQUIRE(harmed->write_at(0, bytes));
  }
  const auto reader = world.reader();
  CHECK(reader.bundle(0).has_value());
  CHECK(reader.bundle(1).error().code == Errc::Malformed);
}

}  // namespace
}  // namespace bartizan::auditlog
