// What an exchange shows of a verifier before any proof, and how the known verifiers are spread
// over it: so that a mock exchange looks like one of theirs, also where some were imported with
// another iteration count than the gateway's own.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string_view>

#include "bartizan/identity/scram_verifier.hpp"

namespace bartizan::identity {

/// Not thread-safe; values.
class ScramShapes {
 public:
  /// What is no verifier is passed over. Reads its front only: cheap enough for 100,000 in a row.
  void add(std::string_view verifier);

  /// A shape of those added, each as likely as it is frequent; fallback when there is none. The
  /// same name gets the same one as long as the spread stays, and few names another when it
  /// changes a little. mock_secret as of ScramVerifier::mock.
  [[nodiscard]] ScramShape draw(std::string_view user_name, ByteView mock_secret, ScramShape fallback) const;

 private:
  std::map<ScramShape, std::uint64_t> counts_;
  std::uint64_t total_ = 0;
};

}  // namespace bartizan::identity
