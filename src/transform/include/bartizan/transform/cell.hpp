// The cell: one encrypted value as PostgreSQL stores it (docs/formats/cell.md). This header knows
// the layout only; column_cipher.hpp seals and opens.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "bartizan/base/bytes.hpp"
#include "bartizan/crypto/hash.hpp"
#include "bartizan/keys/owner.hpp"

namespace bartizan::transform {

inline constexpr std::byte kCellMagic{0xC7};
inline constexpr std::uint8_t kCellVersion = 1;
inline constexpr std::size_t kCellHeaderBytes = 8;
inline constexpr std::size_t kBlindIndexBytes = 16;
inline constexpr std::size_t kCellNonceBytes = 24;
inline constexpr std::size_t kCellTagBytes = 16;
inline constexpr std::size_t kCellOverhead = kCellHeaderBytes + kCellNonceBytes + kCellTagBytes;
inline constexpr std::size_t kIndexedCellOverhead = kCellOverhead + kBlindIndexBytes;
/// Of a plaintext: PostgreSQL's limit for a field, less what cells add.
inline constexpr std::size_t kMaxPlaintextBytes = (std::size_t{1} << 30) - 1024;

using BlindIndexValue = std::array<std::byte, kBlindIndexBytes>;
/// SHA-256 of the primary key of the row that a row-bound cell stands in (row_digest.hpp).
using RowDigest = crypto::Digest256;

/// A cell's parts, as views into it; nothing of it is authenticated yet.
struct CellView {
  ByteView header;  ///< kCellHeaderBytes
  bool row_bound = false;
  keys::KeyId key_id;
  std::uint16_t column_ref = 0;
  ByteView blind_index;  ///< empty or kBlindIndexBytes
  ByteView nonce;        ///< kCellNonceBytes
  ByteView sealed;       ///< ciphertext and tag
};

/// nullopt for whatever is not laid out as a cell of version 1.
[[nodiscard]] std::optional<CellView> parse_cell(ByteView bytes) noexcept;

/// The parts of a cell with blind index from which that index was cut out; its own is empty. nullopt for what
/// is not laid out so, whole cells without index among it. A whole cell with one is taken for a cut one with
/// a ciphertext that is too long, and does not open: readers know from the view which of the two they have.
[[nodiscard]] std::optional<CellView> parse_cut_cell(ByteView bytes) noexcept;

/// What the CHECK of the database's domain looks at too: tells a cell from a value not yet
/// encrypted during a migration. Never valid UTF-8; among other random bytes, 1 of 4096 look so.
[[nodiscard]] bool looks_like_cell(ByteView bytes) noexcept;

}  // namespace bartizan::transform
