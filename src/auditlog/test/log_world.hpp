// A log in memory and what its tests keep asking of it.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "bartizan/audit/proof.hpp"
#include "bartizan/auditlog/tree_log.hpp"
#include "crash_files.hpp"
#include "read_log.hpp"

namespace bartizan::auditlog {

inline audit::Intent intent(std::string_view tenant, std::string_view tag) {
  thread_local std::string who;
  thread_local std::string what;
  who = "\"session\":7";
  audit::append_member(who, "identity", "mia");
  if (!tenant.empty()) audit::append_member(who, "tenant", tenant);
  what.clear();
  audit::append_member(what, "tag", tag);
  audit::append_member(what, "digest", "0123456789abcdef0123456789abcdef");
  return {audit::Event::Statement, WallTime(std::chrono::microseconds(1'700'000'000'000'001)), who, what};
}

inline bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 2000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

struct World {
  World() {
    options.directory = "/log-parent/log";
    options.origin = "log.example";
    options.checkpoint_every = std::chrono::hours(1);  // rounds when a test asks for them
    options.outcome_delay = std::chrono::milliseconds(1);
    options.retry_every = std::chrono::milliseconds(2);
    options.segment_bytes = 64 * 1024;
    options.free_floor_bytes = 0;
  }
  [[nodiscard]] std::unique_ptr<TreeLog> open() { return TreeLog::open(options, signer, files).value(); }
  [[nodiscard]] ReadTree tree(const std::string& name) { return tree(files, name); }
  [[nodiscard]] ReadTree tree(FileLayer& in, const std::string& name) {
    return read_tree(in, options.directory + "/tree/" + name, signer.verifier().named("log.example/" + name));
  }
  /// The tree now starts with the tree of an older checkpoint.
  void check_grew_from(const audit::Checkpoint& before, const std::string& name) {
    if (before.size == 0) return;
    check_grew_from(files, before, name);
  }
  void check_grew_from(FileLayer& in, const audit::Checkpoint& before, const std::string& name) {
    const auto now = tree(in, name).checkpoint;
    REQUIRE(now.size >= before.size);
    const FolderTiles tiles(in, options.directory + "/tree/" + name);
    const audit::TileHashes hashes(tiles, now.size);
    const auto proof = audit::prove_consistency(before.size, now.size, hashes).value();
    REQUIRE(audit::verify_consistency(before.size, before.root, now.size, now.root, proof));
  }

  CrashFiles files;
  TreeLogOptions options;
  audit::NoteSigner signer =
      audit::NoteSigner::generate(audit::KeyType::Ed25519, "log.example", system_random()).value();
};

}  // namespace bartizan::auditlog
