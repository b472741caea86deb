// A provable log in a temporary folder, with as many records as a test asks for.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>

#include "bartizan/auditlog/tree_log.hpp"
#include "bartizan/shipping/follower.hpp"

namespace bartizan::shipping {

class LogFixture {
 public:
  LogFixture() {
    std::string pattern = (std::filesystem::temp_directory_path() / "bartizan-shipping-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    folder = pattern;
    auditlog::TreeLogOptions options;
    options.directory = folder + "/log";
    options.origin = "log.example";
    options.checkpoint_every = std::chrono::hours(1);
    options.outcome_delay = std::chrono::milliseconds(1);
    options.free_floor_bytes = 0;
    options.segment_bytes = 1 << 20;
    log = auditlog::TreeLog::open(options, signer).value();
  }
  ~LogFixture() {
    log.reset();
    std::error_code error;
    std::filesystem::remove_all(folder, error);
  }
  LogFixture(const LogFixture&) = delete;
  LogFixture& operator=(const LogFixture&) = delete;

  void write(std::string_view tenant, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      std::string who;
      audit::append_member(who, "identity", "mia");
      if (!tenant.empty()) audit::append_member(who, "tenant", tenant);
      const auto ticket =
          log->begin({audit::Event::Statement, WallTime(std::chrono::microseconds(1'700'000'000'000'000)), who,
                      "\"tag\":\"SELECT\""});
      REQUIRE(ticket);
      log->finish(*ticket, {});
      ++written;
    }
  }
  void publish() const { REQUIRE(log->publish_now(std::chrono::seconds(20))); }
  [[nodiscard]] LogPlace place() const {
    return {folder + "/log", "log.example", signer.verifier().named("log.example")};
  }

  std::string folder;
  audit::NoteSigner signer =
      audit::NoteSigner::generate(audit::KeyType::Ed25519, "log.example", system_random()).value();
  std::unique_ptr<auditlog::TreeLog> log;
  unsigned written = 0;
};

/// The record's ticket.
inline std::uint64_t uid_of(const std::string& json) {
  const auto at = json.find("\"uid\":\"");
  REQUIRE(at != std::string::npos);
  return std::stoull(json.substr(at + 7));
}

}  // namespace bartizan::shipping
