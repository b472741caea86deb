#include "tree_store.hpp"

#include <algorithm>
#include <utility>

#include "bartizan/auditlog/pruning.hpp"
#include "bundle_codec.hpp"
#include "whole_file.hpp"

namespace bartizan::auditlog {
namespace {

constexpr std::size_t kHashBytes = crypto::kSha256Size;
constexpr std::uint64_t kMaxTileFile = 256 * (2 + audit::kMaxEntryBytes);
constexpr std::size_t kMaxFolderName = 100;

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

Result<Bytes> FolderTiles::read(const audit::TileName& name) const {
  auto bytes = read_whole(files_, directory_ + "/" + to_path(name), kMaxTileFile);
  if (bytes || bytes.error().code != Errc::NotFound) return bytes;
  if (name.width != audit::kTileWidth) {
    audit::TileName full = name;
    full.width = audit::kTileWidth;
    bytes = read_whole(files_, directory_ + "/" + to_path(full), kMaxTileFile);
    if (bytes || bytes.error().code != Errc::NotFound) return bytes;
  }
  if (name.level) return bytes;
  BZ_TRY(const Bytes frame, read_whole(files_, directory_ + "/" + compressed_path(name.index), kMaxTileFile));
  return decompress_bundle(frame, kMaxTileFile);
}

TreeStore::TreeStore(FileLayer& files, std::string directory, TreeSigner signer)
    : files_(files), directory_(std::move(directory)), signer_(std::move(signer)), edge_(audit::kMaxTileLevel + 1) {}

std::unique_ptr<TreeStore> TreeStore::fresh(FileLayer& files, std::string directory, TreeSigner signer) {
  return std::unique_ptr<TreeStore>(new TreeStore(files, std::move(directory), std::move(signer)));
}

Result<std::unique_ptr<TreeStore>> TreeStore::open(FileLayer& files, std::string directory, TreeSigner signer,
                                                   std::uint64_t size) {
  auto store = fresh(files, std::move(directory), std::move(signer));
  auto sound = store->load(size);
  if (sound) sound = store->check_published();
  if (sound) sound = store->renew_pruned();
  if (sound) return store;
  // A file that should be there and is not is damage as well.
  const Errc code = sound.error().code == Errc::NotFound ? Errc::Malformed : sound.error().code;
  return fail(code, "the tree in " + store->directory_ + ": " + sound.error().detail);
}

Result<void> TreeStore::load(std::uint64_t size) {
  const FolderTiles tiles(files_, directory_);
  const audit::TileHashes hashes(tiles, size);
  std::vector<audit::Hash> peaks;
  for (const auto& [level, index] : audit::complete_subtrees(size)) {
    BZ_TRY(const audit::Hash hash, hashes.subtree(level, index));
    peaks.push_back(hash);
  }
  frontier_ = audit::Frontier(size, std::move(peaks));
  for (unsigned level = 0; level <= audit::kMaxTileLevel; ++level) {
    Bytes& edge = edge_[level];
    const auto name = audit::partial_tile(level, size);
    if (!name) continue;
    BZ_TRY(edge, tiles.read(*name));
    if (edge.size() < name->width * kHashBytes) return fail(Errc::Malformed, to_path(*name) + " is too short");
    edge.resize(name->width * kHashBytes);
  }
  if (const auto width = static_cast<unsigned>(size % audit::kTileWidth); width != 0) {
    BZ_TRY(bundle_, tiles.read({std::nullopt, size / audit::kTileWidth, width}));
    BZ_TRY(const auto leaves, audit::decode_tile(edge_[0], width));
    BZ_TRY(const auto entries, audit::decode_entries(bundle_, width));
    for (unsigned i = 0; i < width; ++i)
      if (audit::leaf_hash(entries[i]) != leaves[i]) return fail(Errc::Malformed, "an entry is not what its hash says");
  }
  edge_written_ = edge_names();
  return {};
}

/// The checkpoint on disk must be ours and a beginning of what the tiles hold.
Result<void> TreeStore::check_published() {
  const auto note = read_whole(files_, directory_ + "/checkpoint", audit::kMaxNoteBytes);
  if (!note && note.error().code == Errc::NotFound) return {};
  if (!note) return tl::unexpected(note.error());
  BZ_TRY(const auto opened, signer_.open(as_chars(*note)));
  const auto& checkpoint = opened.checkpoint;
  if (checkpoint.size > size())
    return fail(Errc::Malformed, "its checkpoint of " + std::to_string(checkpoint.size) +
                                     " leaves goes beyond the state's " + std::to_string(size()));
  const FolderTiles tiles(files_, directory_);
  BZ_TRY(const audit::Hash root, audit::root_of(checkpoint.size, audit::TileHashes(tiles, checkpoint.size)));
  if (root != checkpoint.root) return fail(Errc::Malformed, "its tiles do not lead to its checkpoint's root");
  published_ = checkpoint.size;
  sign_again_ = !opened.complete;
  return {};
}

/// What was pruned under a key that was replaced since is said again under the present one.
Result<void> TreeStore::renew_pruned() {
  const auto note = read_whole(files_, directory_ + "/" + std::string(kPrunedFile), audit::kMaxNoteBytes);
  if (!note && note.error().code == Errc::NotFound) return {};
  if (!note) return tl::unexpected(note.error());
  const auto renewed = signer_.renewed(as_chars(*note));
  return renewed ? replace_whole(files_, directory_, std::string(kPrunedFile), as_bytes(*renewed)) : Result<void>{};
}

void TreeStore::append(ByteView entry) {
  audit::append_entry(bundle_, entry);
  waiting_bytes_ += entry.size();
  frontier_.append(audit::leaf_hash(entry), [this](unsigned level, std::uint64_t index, const audit::Hash& hash) {
    if (level % audit::kTileHeight == 0) completed(level / audit::kTileHeight, index, hash);
  });
}

void TreeStore::completed(unsigned level, std::uint64_t index, const audit::Hash& hash) {
  Bytes& edge = edge_[level];
  audit::append_hash(edge, hash);
  if (edge.size() < audit::kTileWidth * kHashBytes) return;
  waiting_.push_back({{level, index / audit::kTileWidth}, std::exchange(edge, {})});
  if (level == 0) waiting_.push_back({{std::nullopt, index / audit::kTileWidth}, std::exchange(bundle_, {})});
}

std::vector<audit::TileName> TreeStore::edge_names() const {
  std::vector<audit::TileName> names;
  for (unsigned level = 0; level <= audit::kMaxTileLevel; ++level)
    if (const auto name = audit::partial_tile(level, size())) names.push_back(*name);
  if (const auto width = static_cast<unsigned>(size() % audit::kTileWidth); width != 0)
    names.push_back({std::nullopt, size() / audit::kTileWidth, width});
  return names;
}

Result<void> TreeStore::write(const audit::TileName& name, ByteView bytes, std::set<std::string>& folders) {
  const std::string path = directory_ + "/" + to_path(name);
  const std::string folder = folder_of(path);
  if (!made_folders_.contains(folder)) {
    BZ_CHECK(files_.make_directory(folder));
    made_folders_.insert(folder);
  }
  BZ_CHECK(write_whole(files_, path, bytes));
  folders.insert(folder);
  return {};
}

Result<void> TreeStore::write_tiles() {
  std::set<std::string> folders;
  for (const auto& file : waiting_) BZ_CHECK(write(file.name, file.bytes, folders));
  auto names = edge_names();
  for (const auto& name : names) {
    // A published checkpoint may rest on it already; and while it was written anew it would be torn.
    if (std::find(edge_written_.begin(), edge_written_.end(), name) != edge_written_.end()) continue;
    BZ_CHECK(write(name, name.level ? edge_[*name.level] : bundle_, folders));
  }
  for (const auto& folder : folders) BZ_CHECK(files_.sync_directory(folder));
  for (const auto& file : waiting_) full_.push_back(file.name);
  waiting_.clear();
  waiting_bytes_ = 0;
  edge_written_ = std::move(names);
  if (made_folders_.size() > 64) made_folders_.clear();
  return {};
}

std::string TreeStore::checkpoint() const {
  return signer_.sign({signer_.verifier().name(), size(), frontier_.root()});
}

Result<void> TreeStore::publish(const std::string& checkpoint) {
  BZ_CHECK(replace_whole(files_, directory_, "checkpoint", as_bytes(checkpoint)));
  published_ = size();
  sign_again_ = false;
  for (const auto& name : full_) remove_partial(name);
  full_.clear();
  return {};
}

/// tlog-tiles lets a partial tile go once the full one is there. A failure costs space, nothing else.
void TreeStore::remove_partial(const audit::TileName& full) {
  const std::string folder = directory_ + "/" + to_path(full) + ".p";
  const auto names = files_.list(folder);
  if (!names) return;
  for (const auto& name : *names) [[maybe_unused]]
    const auto removed = files_.remove(folder + "/" + name);
  [[maybe_unused]] const auto removed = files_.remove(folder);
  made_folders_.erase(folder);
}

std::string tree_name(std::string_view tenant) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string name = "t-";
  for (const char c : tenant) {
    const auto octet = static_cast<unsigned char>(c);
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (plain) {
      name.push_back(c);
      continue;
    }
    name.push_back('%');
    name.push_back(kHex[octet >> 4]);
    name.push_back(kHex[octet & 15]);
  }
  return name.size() <= kMaxFolderName ? name : "h-" + hex_encode(crypto::sha256(as_bytes(tenant)));
}

}  // namespace bartizan::auditlog
