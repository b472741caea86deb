#include "bartizan/auditlog/log_keys.hpp"

#include <doctest/doctest.h>

#include "bartizan/auditlog/pruning.hpp"
#include "log_world.hpp"

using namespace bartizan;
using namespace bartizan::auditlog;
using namespace std::chrono_literals;

namespace {

const KeyPlaces kPlaces{"/log-parent/log", "/log-parent/audit.key"};
const WallTime kNow{std::chrono::seconds(1'700'000'000)};

void put(FileLayer& files, const audit::NoteSigner& signer) {
  REQUIRE(files.make_directory("/log-parent"));
  REQUIRE(replace_whole(files, "/log-parent", "audit.key", signer.to_text().reveal()));
}

audit::NoteSigner in_file(FileLayer& files) {
  return audit::NoteSigner::parse(as_chars(read_whole(files, kPlaces.key_file, 1024).value())).value();
}

std::string key_text(const audit::NoteVerifier& key) { return key.named("log.example").to_string(); }

bool there(FileLayer& files, const std::string& path) { return files.open(path, OpenMode::Read).has_value(); }

void work(TreeLog& log, int count) {
  for (int i = 0; i < count; ++i) log.finish(log.begin(intent(i % 2 == 0 ? "acme" : "", "SELECT")).value(), {});
  REQUIRE(log.publish_now(20s));
}

/// Whether that key has signed each tree's checkpoint.
bool signs_all(World& world, FileLayer& files, const audit::NoteVerifier& key) {
  bool all = true;
  for (const char* name : {"system", "t-acme"}) {
    const auto note = read_whole(files, world.options.directory + "/tree/" + name + "/checkpoint", 65536).value();
    all = all && audit::open_checkpoint(as_chars(note), key.named(std::string("log.example/") + name)).has_value();
  }
  return all;
}

}  // namespace

TEST_CASE("a rotation in a running log: both keys sign, every tree again, until the grace is over") {
  World world;
  put(world.files, world.signer);
  const auto first = world.signer.verifier();
  auto log = world.open();
  work(*log, 10);
  const auto introduced = rotate_key(world.files, kPlaces, world.signer, system_random(), kNow, 1h).value();
  CHECK(key_text(in_file(world.files).verifier()) == key_text(introduced.after));
  LogKeys next{in_file(world.files), {}, {first}};
  next.along.push_back(world.signer.named("log.example"));
  log->rotate(std::move(next));
  REQUIRE(log->publish_now(20s));
  CHECK(signs_all(world, world.files, first));
  CHECK(signs_all(world, world.files, introduced.after));
  work(*log, 4);
  log.reset();
  SUBCASE("within the grace a restart goes on so") {
    auto settled = settle_keys(world.files, kPlaces, in_file(world.files), kNow + 59min).value();
    CHECK_FALSE(settled.finished);
    REQUIRE(settled.keys.along.size() == 1);
    log = TreeLog::open(world.options, std::move(settled.keys), world.files).value();
    work(*log, 2);
    CHECK(signs_all(world, world.files, first));
    CHECK(signs_all(world, world.files, introduced.after));
  }
  SUBCASE("after it the new one alone signs, trees at rest as well") {
    auto settled = settle_keys(world.files, kPlaces, in_file(world.files), kNow + 61min).value();
    CHECK(settled.keys.along.empty());
    CHECK_FALSE(there(world.files, kPlaces.key_file + ".before"));
    log = TreeLog::open(world.options, std::move(settled.keys), world.files).value();
    log->finish(log->begin(intent("", "SELECT")).value(), {});  // of the system tree alone
    REQUIRE(log->publish_now(20s));
    CHECK(signs_all(world, world.files, introduced.after));
    const auto system = read_whole(world.files, world.options.directory + "/tree/system/checkpoint", 65536).value();
    CHECK_FALSE(audit::open_checkpoint(as_chars(system), first.named("log.example/system")));
  }
  SUBCASE("a key that the notes don't lead to opens nothing") {
    CHECK(settle_keys(world.files, kPlaces, world.signer.named("log.example"), kNow).error().code ==
          Errc::FailedPrecondition);
    const auto other = audit::NoteSigner::generate(audit::KeyType::Ed25519, "log.example", system_random()).value();
    CHECK_FALSE(TreeLog::open(world.options, other, world.files));
    CHECK_FALSE(rotate_key(world.files, kPlaces, world.signer, system_random(), kNow, 1h));
  }
}

TEST_CASE("what was pruned under the key before is said again under the new one") {
  World world;
  put(world.files, world.signer);
  auto log = world.open();
  for (int i = 0; i < 300; ++i) log->finish(log->begin(intent("acme", "SELECT")).value(), {});
  REQUIRE(log->publish_now(20s));
  log.reset();
  const std::string folder = world.options.directory + "/tree/t-acme";
  REQUIRE(prune_tree(world.files, folder, world.signer.named("log.example/t-acme"), 256, kNow));
  const auto introduced = rotate_key(world.files, kPlaces, world.signer, system_random(), kNow, 0s).value();
  auto settled = settle_keys(world.files, kPlaces, in_file(world.files), kNow).value();
  log = TreeLog::open(world.options, std::move(settled.keys), world.files).value();
  CHECK(pruned_below(world.files, folder, introduced.after.named("log.example/t-acme")).value() == 256);
}

TEST_CASE("a power cut at any step of a rotation leaves the old key or the new one, and a log that opens with it") {
  bool finished = false;
  for (std::uint64_t operation = 1; !finished; ++operation) {
    World world;
    put(world.files, world.signer);
    {
      auto log = world.open();
      work(*log, 6);
    }
    const auto before = world.files.operations.load();
    world.files.dead_from = before + operation;
    const bool done = rotate_key(world.files, kPlaces, world.signer, system_random(), kNow, 1h).has_value();
    finished = world.files.operations < before + operation;
    for (const auto left : {CrashFiles::Left::Some, CrashFiles::Left::Nothing, CrashFiles::Left::Names}) {
      const auto [image, folders] = world.files.power_cut(static_cast<unsigned>(operation), left);
      CrashFiles disk(image, folders);
      CAPTURE(operation);
      CAPTURE(static_cast<int>(left));
      for (int again = 0; again < 2; ++again) {
        auto settled = settle_keys(disk, kPlaces, in_file(disk), kNow + 1min);
        REQUIRE(settled);
        const auto introductions = read_introductions(disk, kPlaces.directory).value();
        const auto chain = audit::KeyChain::read(introductions, "log.example").value();
        const auto current = settled->keys.current.verifier();
        const auto expected = chain.empty() ? world.signer.verifier() : chain.last().after;
        CHECK(key_text(current) == key_text(expected));
        CHECK(key_text(in_file(disk).verifier()) == key_text(current));
        CHECK((!done || !chain.empty()));
        CHECK_FALSE(there(disk, kPlaces.key_file + ".new"));
        CHECK(settled->keys.along.size() == (chain.empty() ? 0 : 1));
        CHECK((again == 0 || !settled->finished));
        auto log = TreeLog::open(world.options, std::move(settled->keys), disk);
        REQUIRE(log);
        work(**log, 2);
        CHECK(signs_all(world, disk, current));
      }
    }
  }
}
