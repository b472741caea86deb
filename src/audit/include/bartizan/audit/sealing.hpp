// Personal data in a record: sealed under a key that can be destroyed, so that the leaf, its hash and every proof
// stay while the value is gone (docs/formats/audit-log.md, "Sealed values"). Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/crypto/aead.hpp"

namespace bartizan::audit {

/// Where a value's key is: a tree, the month of its making in UTC, and a place in that month's slots.
struct Slot {
  std::string tree;   ///< as its folder is named
  std::string month;  ///< "2026-11"
  std::uint64_t index = 0;

  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] static std::optional<Slot> parse(std::string_view text);
};
/// "2026-11".
[[nodiscard]] std::string month_of(WallTime at);
[[nodiscard]] bool is_month(std::string_view text) noexcept;

inline constexpr std::size_t kSlotBytes = 48;
using SlotBytes = std::array<std::byte, kSlotBytes>;
/// The value's key under its month's key. All zeros where the value was erased.
[[nodiscard]] Result<SlotBytes> wrap_slot(const crypto::SealingKey& month_key, const crypto::SealingKey& key);
/// NotFound when it was erased, Crypto when it is another month's or harmed.
[[nodiscard]] Result<crypto::SealingKey> unwrap_slot(const crypto::SealingKey& month_key, const SlotBytes& slot);

/// `"sealed":{"slot":"…","box":"…"}` for JSON members of personal data.
[[nodiscard]] Result<std::string> sealed_member(const Slot& slot, const crypto::SealingKey& key,
                                                std::string_view members, Random& random);
struct Sealed {
  Slot slot;
  Bytes box;
};
/// Of the object that sealed_member wrote. Malformed.
[[nodiscard]] Result<Sealed> parse_sealed(std::string_view slot, std::string_view box);
/// The members again.
[[nodiscard]] Result<std::string> open_sealed(const Sealed& sealed, const crypto::SealingKey& key);

/// Thread-safe; outlives every session.
class Sealer {
 public:
  virtual ~Sealer() = default;
  /// What stands in a record in place of these members. tenant: empty for the system's tree.
  [[nodiscard]] virtual Result<std::string> seal(std::string_view tenant, std::string_view members, WallTime at) = 0;
};

/// Appends the client's address to members about a session: sealed where there is a sealer. When that fails, the
/// record says so and has no address: never the clear one.
void append_address(std::string& who, Sealer* sealer, std::string_view tenant, std::string_view address, WallTime at);

}  // namespace bartizan::audit
