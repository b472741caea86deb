#include "bartizan/auditlog/witness_keeper.hpp"

#include <doctest/doctest.h>

#include <deque>

#include "bartizan/auditlog/tree_reader.hpp"
#include "log_world.hpp"

namespace bartizan::auditlog {
namespace {

/// Answers what it was told to, and keeps what it was asked.
struct Scripted final : WitnessChannel {
  Result<WitnessReply> add_checkpoint(std::string_view request) override {
    const std::lock_guard lock(mutex);
    asked.emplace_back(request);
    if (answer) return answer(request);
    return fail(Errc::Unavailable, "the witness can't be reached");
  }
  [[nodiscard]] std::size_t count() {
    const std::lock_guard lock(mutex);
    return asked.size();
  }
  [[nodiscard]] std::string last() {
    const std::lock_guard lock(mutex);
    return asked.empty() ? std::string() : asked.back();
  }
  std::mutex mutex;
  std::vector<std::string> asked;                                      // guarded by mutex
  std::function<Result<WitnessReply>(std::string_view)> answer;        // guarded by mutex
};

/// So that the test keeps the script while the keeper owns its channel.
struct Shared final : WitnessChannel {
  explicit Shared(Scripted& to) : script(to) {}
  Result<WitnessReply> add_checkpoint(std::string_view request) override { return script.add_checkpoint(request); }
  Scripted& script;
};

struct WitnessWorld : World {
  void write(TreeLog& log, int count) {
    for (int i = 0; i < count; ++i) log.finish(log.begin(intent("", "SELECT")).value(), {});
    REQUIRE(log.publish_now(std::chrono::seconds(20)));
  }
  [[nodiscard]] std::unique_ptr<WitnessKeeper> start() {
    WitnessOptions witness;
    witness.directory = options.directory;
    witness.origin = options.origin;
    witness.every = std::chrono::milliseconds(2);
    return WitnessKeeper::start(witness, signer.verifier(), key.verifier(), std::make_unique<Shared>(script), files,
                                system_clock());
  }
  void answer(std::function<Result<WitnessReply>(std::string_view)> with) {
    const std::lock_guard lock(script.mutex);
    script.answer = std::move(with);
  }
  [[nodiscard]] Result<WitnessReply> cosign(std::string_view request) const {
    const auto note = request.substr(request.find("\n\n") + 2);
    const auto text = note.substr(0, note.find("\n\n") + 1);
    return WitnessReply{200, key.sign(text, WallTime(std::chrono::seconds(1'800'000'000)))};
  }
  [[nodiscard]] std::uint64_t system_size() { return tree("system").checkpoint.size; }

  Scripted script;
  audit::NoteSigner key =
      audit::NoteSigner::generate(audit::KeyType::Cosignature, "witness.example/w", system_random()).value();
};

TEST_CASE("what the witness signed is kept beside the tree and is there after a restart") {
  WitnessWorld world;
  auto log = world.open();
  world.write(*log, 3);
  world.answer([&](std::string_view request) { return world.cosign(request); });
  {
    const auto keeper = world.start();
    REQUIRE(eventually([&] { return keeper->figures().size == world.system_size(); }));
    CHECK(keeper->figures().error.empty());
    CHECK(keeper->figures().alarm.empty());
    CHECK(keeper->figures().cosigned_at == WallTime(std::chrono::seconds(1'800'000'000)));
  }
  world.answer({});
  const auto keeper = world.start();
  CHECK(keeper->figures().size == world.system_size());
  REQUIRE(eventually([&] { return keeper->figures().error == "the witness can't be reached"; }));
  CHECK(keeper->figures().alarm.empty());
  CHECK(world.script.last().starts_with("old " + std::to_string(world.system_size()) + "\n\n"));
}

TEST_CASE("a witness that has come further is asked from where it is; one beyond this log raises the alarm") {
  WitnessWorld world;
  auto log = world.open();
  world.write(*log, 3);
  std::uint64_t knows = 2;
  world.answer([&](std::string_view request) -> Result<WitnessReply> {
    if (!request.starts_with("old " + std::to_string(knows) + "\n"))
      return WitnessReply{409, std::to_string(knows) + "\n"};
    return world.cosign(request);
  });
  {
    const auto keeper = world.start();
    REQUIRE(eventually([&] { return keeper->figures().size == world.system_size(); }));
  }
  knows = 1000;
  const auto keeper = world.start();
  REQUIRE(eventually([&] { return !keeper->figures().alarm.empty(); }));
  CHECK(keeper->figures().alarm.find("from index " + std::to_string(world.system_size()) + " on was dropped") !=
        std::string::npos);
}

TEST_CASE("another tree of the same size, and one that did not grow from it, raise the alarm") {
  WitnessWorld world;
  auto log = world.open();
  world.write(*log, 5);
  for (const WitnessReply& reply : {WitnessReply{422, "no\n"}, WitnessReply{409, "0\n"}}) {
    world.answer([&](std::string_view) -> Result<WitnessReply> { return reply; });
    const auto keeper = world.start();
    REQUIRE(eventually([&] { return !keeper->figures().alarm.empty(); }));
    CHECK(keeper->figures().alarm.find("rewritten or forked before index 0") != std::string::npos);
  }
}

TEST_CASE("an answer that is no cosignature of what was asked counts for nothing") {
  WitnessWorld world;
  auto log = world.open();
  world.write(*log, 2);
  const auto other =
      audit::NoteSigner::generate(audit::KeyType::Cosignature, "witness.example/w", system_random()).value();
  const std::vector<std::string> bodies = {"", "\n", "nonsense", world.key.sign("another text\n", WallTime{}),
                                           other.sign("log.example/system\n", WallTime{})};
  for (const auto& body : bodies) {
    world.answer([&](std::string_view) -> Result<WitnessReply> { return WitnessReply{200, body}; });
    const auto before = world.script.count();
    const auto keeper = world.start();
    REQUIRE(eventually([&] {
      return world.script.count() > before && !keeper->figures().error.empty() &&
             keeper->figures().error != "not asked yet";
    }));
    CHECK(keeper->figures().size == 0);
    CHECK_FALSE(keeper->figures().cosigned_at.has_value());
  }
}

TEST_CASE("where a witness is") {
  for (const char* url :
       {"http://witness.example", "http://127.0.0.1:9000", "http://[::1]:9000/prefix/", "http://w/a/b"})
    CHECK(http_witness(url).has_value());
  for (const char* url : {"", "https://w", "http://", "http://w:", "http://w:99999999", "http://w:80a", "http://u@w/",
                          "http://w/a?b", "http://w /", "ftp://w", "http://w\r\nX: y"})
    CHECK_FALSE(http_witness(url).has_value());
}

}  // namespace
}  // namespace bartizan::auditlog
