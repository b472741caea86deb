// Tiles of C2SP tlog-tiles: 256 hashes of one level of the tree a file, and entry bundles beside
// them. Here are names and contents; the files are auditlog's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bartizan/audit/merkle.hpp"

namespace bartizan::audit {

inline constexpr unsigned kTileHeight = 8;
inline constexpr std::uint64_t kTileWidth = 256;
inline constexpr unsigned kMaxTileLevel = 7;      ///< 2^64 leaves need no more
inline constexpr std::size_t kMaxEntryBytes = 65535;

/// level nullopt: a bundle of entries. width 256 is a full tile, 1 to 255 a partial one.
struct TileName {
  std::optional<unsigned> level;
  std::uint64_t index = 0;
  unsigned width = kTileWidth;
  friend bool operator==(const TileName&, const TileName&) = default;
};

/// "tile/0/x001/x234/067.p/17", "tile/entries/000".
[[nodiscard]] std::string to_path(const TileName& name);
/// nullopt for anything that to_path would not have written.
[[nodiscard]] std::optional<TileName> parse_tile_path(std::string_view path);

/// The partial tile at the right edge of a level of a tree of this size; nullopt when the level ends
/// on a full tile or has none.
[[nodiscard]] std::optional<TileName> partial_tile(unsigned level, std::uint64_t size);

/// The hashes of a tile's bytes. Malformed unless it is exactly width hashes.
[[nodiscard]] Result<std::vector<Hash>> decode_tile(ByteView bytes, unsigned width);
void append_hash(Bytes& out, const Hash& hash);

/// Adds a length and the entry. REQUIRES: entry is at most kMaxEntryBytes.
void append_entry(Bytes& out, ByteView entry);
/// Views into bytes. Malformed unless bytes are exactly count entries.
[[nodiscard]] Result<std::vector<ByteView>> decode_entries(ByteView bytes, unsigned count);

/// Where tiles come from. NotFound for a tile that is not held; a full tile may answer for a
/// partial one of the same index, whoever asks takes what they need of it.
class TileSource {
 public:
  virtual ~TileSource() = default;
  [[nodiscard]] virtual Result<Bytes> read(const TileName& name) const = 0;
};

/// SubtreeHashes over tiles of a tree of one size. Reads every tile once; not thread-safe;
/// holds a reference to source.
class TileHashes final : public SubtreeHashes {
 public:
  TileHashes(const TileSource& source, std::uint64_t size) : source_(source), size_(size) {}
  [[nodiscard]] Result<Hash> subtree(unsigned level, std::uint64_t index) const override;

 private:
  [[nodiscard]] Result<const std::vector<Hash>*> tile(unsigned level, std::uint64_t index) const;

  const TileSource& source_;
  std::uint64_t size_;
  mutable std::map<std::pair<unsigned, std::uint64_t>, std::vector<Hash>> tiles_;
};

}  // namespace bartizan::audit
