#include "bartizan/audit/tile.hpp"

#include <algorithm>
#include <charconv>

namespace bartizan::audit {
namespace {

constexpr std::size_t kHashBytes = crypto::kSha256Size;

void append_decimal(std::string& out, std::uint64_t value, std::size_t digits = 1) {
  const std::string text = std::to_string(value);
  if (text.size() < digits) out.append(digits - text.size(), '0');
  out.append(text);
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// A decimal number without leading zeros, up to the first other character.
std::optional<std::uint64_t> take_decimal(std::string_view& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto length = static_cast<std::size_t>(end - text.data());
  if (error != std::errc{} || (text.front() == '0' && length != 1)) return std::nullopt;
  text.remove_prefix(length);
  return value;
}

}  // namespace

std::string to_path(const TileName& name) {
  std::string out = "tile/";
  if (name.level)
    append_decimal(out, *name.level);
  else
    out.append("entries");
  std::uint64_t groups[7];
  std::size_t count = 0;
  std::uint64_t rest = name.index;
  do {
    groups[count++] = rest % 1000;
    rest /= 1000;
  } while (rest != 0);
  while (count-- > 0) {
    out.append(count > 0 ? "/x" : "/");
    append_decimal(out, groups[count], 3);
  }
  if (name.width != kTileWidth) {
    out.append(".p/");
    append_decimal(out, name.width);
  }
  return out;
}

std::optional<TileName> parse_tile_path(std::string_view path) {
  TileName name;
  const std::string_view whole = path;
  if (!take(path, "tile/")) return std::nullopt;
  if (!take(path, "entries/")) {
    const auto level = take_decimal(path);
    if (!level || *level > 63 || !take(path, "/")) return std::nullopt;
    name.level = static_cast<unsigned>(*level);
  }
  for (unsigned groups = 0;; ++groups) {
    const bool more = take(path, "x");
    std::uint64_t group = 0;
    if (groups == 6 || path.size() < 3) return std::nullopt;
    const auto [end, error] = std::from_chars(path.data(), path.data() + 3, group);
    if (error != std::errc{} || end != path.data() + 3) return std::nullopt;
    path.remove_prefix(3);
    name.index = name.index * 1000 + group;
    if (!more) break;
    if (!take(path, "/")) return std::nullopt;
  }
  if (take(path, ".p/")) {
    const auto width = take_decimal(path);
    if (!width || *width == 0 || *width >= kTileWidth) return std::nullopt;
    name.width = static_cast<unsigned>(*width);
  }
  // One name, one path: this refuses what is left over, and leading "x000" groups.
  if (to_path(name) != whole) return std::nullopt;
  return name;
}

std::optional<TileName> partial_tile(unsigned level, std::uint64_t size) {
  const std::uint64_t hashes = size >> (level * kTileHeight);
  const auto width = static_cast<unsigned>(hashes % kTileWidth);
  if (width == 0) return std::nullopt;
  return TileName{level, hashes / kTileWidth, width};
}

Result<std::vector<Hash>> decode_tile(ByteView bytes, unsigned width) {
  if (bytes.size() != width * kHashBytes) return fail(Errc::Malformed, "a tile of the wrong length");
  std::vector<Hash> hashes(width);
  for (unsigned i = 0; i < width; ++i) std::copy_n(bytes.begin() + i * kHashBytes, kHashBytes, hashes[i].begin());
  return hashes;
}

void append_hash(Bytes& out, const Hash& hash) { out.insert(out.end(), hash.begin(), hash.end()); }

void append_entry(Bytes& out, ByteView entry) {
  BZ_ASSERT(entry.size() <= kMaxEntryBytes);
  std::byte length[2];
  store_be16(length, static_cast<std::uint16_t>(entry.size()));
  out.insert(out.end(), length, length + 2);
  out.insert(out.end(), entry.begin(), entry.end());
}

Result<std::vector<ByteView>> decode_entries(ByteView bytes, unsigned count) {
  std::vector<ByteView> entries;
  entries.reserve(std::min<std::size_t>(count, kTileWidth));
  ByteReaderView reader(bytes);
  for (unsigned i = 0; i < count; ++i) {
    const auto length = reader.be16();
    const auto entry = length ? reader.bytes(*length) : std::nullopt;
    if (!entry) return fail(Errc::Malformed, "an entry bundle that ends early");
    entries.push_back(*entry);
  }
  if (!reader.at_end()) return fail(Errc::Malformed, "an entry bundle with bytes left over");
  return entries;
}

Result<const std::vector<Hash>*> TileHashes::tile(unsigned level, std::uint64_t index) const {
  const auto known = tiles_.find({level, index});
  if (known != tiles_.end()) return &known->second;
  const std::uint64_t hashes = level > kMaxTileLevel ? 0 : size_ >> (level * kTileHeight);
  if (index >= hashes / kTileWidth + (hashes % kTileWidth == 0 ? 0 : 1))
    return fail(Errc::NotFound, "a tile beyond the tree's size");
  const bool full = index < hashes / kTileWidth;
  const TileName name{level, index,
                      full ? static_cast<unsigned>(kTileWidth) : static_cast<unsigned>(hashes % kTileWidth)};
  BZ_TRY(const Bytes bytes, source_.read(name));
  const bool wider = bytes.size() == kTileWidth * kHashBytes;
  BZ_TRY(auto decoded, decode_tile(ByteView(bytes).first(wider ? name.width * kHashBytes : bytes.size()), name.width));
  return &tiles_.emplace(std::pair{level, index}, std::move(decoded)).first->second;
}

Result<Hash> TileHashes::subtree(unsigned level, std::uint64_t index) const {
  if (level > 63 || index > (size_ >> level)) return fail(Errc::NotFound, "a subtree beyond the tree's size");
  const unsigned height = level % kTileHeight;
  const std::uint64_t first = index << height;
  BZ_TRY(const auto* hashes, tile(level / kTileHeight, first / kTileWidth));
  const std::size_t offset = first % kTileWidth;
  const std::size_t count = std::size_t{1} << height;
  if (offset + count > hashes->size()) return fail(Errc::NotFound, "a subtree beyond the tree's size");
  std::vector<Hash> row(hashes->begin() + static_cast<std::ptrdiff_t>(offset),
                        hashes->begin() + static_cast<std::ptrdiff_t>(offset + count));
  while (row.size() > 1) {
    for (std::size_t i = 0; i < row.size() / 2; ++i) row[i] = node_hash(row[2 * i], row[2 * i + 1]);
    row.resize(row.size() / 2);
  }
  return row.front();
}

}  // namespace bartizan::audit
