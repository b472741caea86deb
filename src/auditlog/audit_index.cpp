#include "bartizan/auditlog/audit_index.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "bartizan/audit/tile.hpp"
#include "bartizan/auditlog/pruning.hpp"
#include "bartizan/auditlog/tree_reader.hpp"
#include "bartizan/base/log.hpp"
#include "tree_index.hpp"
#include "tree_store.hpp"

namespace bartizan::auditlog {
namespace {

constexpr int kNiceness = 10;  ///< sessions come first

std::string tree_folder(const std::string& directory, const std::string& tree) { return directory + "/tree/" + tree; }

bool is_tree_name(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.find('/') == std::string_view::npos;
}

/// The tree that an entry of the system tree is a checkpoint of.
std::optional<std::string> checkpoint_of(std::string_view entry, const std::string& origin) {
  if (entry.starts_with('{') || !entry.starts_with(origin) || entry.size() <= origin.size() ||
      entry[origin.size()] != '/')
    return std::nullopt;
  const auto line = entry.substr(0, entry.find('\n')).substr(origin.size() + 1);
  return is_tree_name(line) ? std::optional(std::string(line)) : std::nullopt;
}

}  // namespace

AuditIndex::AuditIndex(AuditIndexOptions options, const audit::NoteVerifier& key, FileLayer& files)
    : options_(std::move(options)), key_(key), files_(files) {}

std::unique_ptr<AuditIndex> AuditIndex::start(AuditIndexOptions options, const audit::NoteVerifier& key,
                                              FileLayer& files) {
  std::unique_ptr<AuditIndex> index(new AuditIndex(std::move(options), key, files));
  index->thread_ = std::thread([raw = index.get()] { raw->run(); });
  return index;
}

AuditIndex::~AuditIndex() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool AuditIndex::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

std::shared_ptr<const TreeIndex> AuditIndex::known(const std::string& tree) const {
  const std::lock_guard lock(mutex_);
  const auto found = trees_.find(tree);
  return found == trees_.end() ? nullptr : found->second;
}

std::uint64_t AuditIndex::covered(const std::string& tree) const {
  const auto index = known(tree);
  return index ? index->covered() : 0;
}

Result<AuditIndex::Found> AuditIndex::find(const std::string& tree, const IndexQuery& query, std::uint64_t end,
                                           std::size_t most, std::chrono::steady_clock::time_point until) const {
  const auto index = known(tree);
  if (!index) return Found{{}, end};
  BZ_TRY(auto found, index->find(query, end, most, until));
  return Found{std::move(found.leaves), found.searched_from};
}

AuditIndex::Figures AuditIndex::figures() const {
  const std::lock_guard lock(mutex_);
  Figures figures;
  figures.trees = trees_.size();
  figures.healthy = healthy_;
  for (const auto& [name, index] : trees_) figures.leaves += index->covered();
  return figures;
}

void AuditIndex::remake(const std::string& tree) {
  if (const auto index = known(tree)) index->mark_damaged(0);
}

void AuditIndex::run() {
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kNiceness);
  for (;;) {
    const auto done = follow();
    std::unique_lock lock(mutex_);
    if (!done && healthy_) BZ_LOG(Error, "audit.index_failed", {"reason", done.error().detail});
    if (done && !healthy_) BZ_LOG(Info, "audit.index_recovered");
    healthy_ = done.has_value();
    const auto pause = done ? options_.follow_every : 10 * options_.follow_every;
    wake_.wait_for(lock, pause, [this] { return stopping_; });
    if (stopping_) return;
  }
}

/// The system tree holds a checkpoint of every tree that grew, so that nobody looks at those that did not.
Result<void> AuditIndex::follow() {
  if (!opened_) BZ_CHECK(open_all());
  opened_ = true;
  auto outcome = catch_up(std::string(kSystemTree), &grown_);
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, index] : trees_)
      if (index->damaged()) grown_.insert(name);
  }
  // One tree that can't be read does not keep the others from being indexed.
  for (const auto& tree : std::exchange(grown_, {})) {
    if (stopping()) return outcome;
    auto done = catch_up(tree, nullptr);
    if (done) continue;
    grown_.insert(tree);
    outcome = std::move(done);
  }
  return outcome;
}

Result<void> AuditIndex::open_all() {
  const auto names = files_.list(options_.directory + "/tree");
  if (!names && names.error().code == Errc::NotFound) return {};
  if (!names) return tl::unexpected(names.error());
  for (const auto& name : *names)
    if (is_tree_name(name)) grown_.insert(name);
  return {};
}

TreeIndex& AuditIndex::index_of(const std::string& tree) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = trees_.find(tree); found != trees_.end()) return *found->second;
  }
  std::shared_ptr<TreeIndex> opened = TreeIndex::open(files_, options_.directory + "/index/" + tree);
  const std::lock_guard lock(mutex_);
  return *trees_.emplace(tree, std::move(opened)).first->second;
}

/// That the index is of this tree, not of one that stood here before.
void AuditIndex::check(const std::string& tree, TreeIndex& index, std::uint64_t size) {
  if (const auto damaged = index.damaged()) index.drop_from(*damaged);
  const auto last = index.last_sealed();
  if (!last) {
    if (index.covered() > size) index.drop_from(0);
    return;
  }
  const FolderTiles tiles(files_, tree_folder(options_.directory, tree));
  const auto leaf = audit::TileHashes(tiles, size).subtree(0, last->first);
  if (index.covered() <= size && leaf && *leaf == last->second) return;
  BZ_LOG(Warn, "audit.index_of_another_tree", {"tree", tree});
  index.drop_from(0);
}

Result<void> AuditIndex::catch_up(const std::string& tree, std::set<std::string>* grown) {
  const auto reader = TreeReader::open(options_.directory, options_.origin, tree, key_, files_);
  if (!reader && reader.error().code == Errc::NotFound) return {};
  if (!reader) return tl::unexpected(reader.error());
  const std::uint64_t size = reader->checkpoint().size;
  const bool fresh = known(tree) == nullptr;
  TreeIndex& index = index_of(tree);
  if (fresh || index.damaged()) check(tree, index, size);
  while (index.covered() < size && !stopping()) {
    BZ_TRY(const std::uint64_t free, files_.free_bytes(options_.directory));
    if (free < options_.free_floor_bytes) return fail(Errc::ResourceExhausted, "the index leaves the log its space");
    BZ_CHECK(add_bundle(tree, index, size, grown));
  }
  return {};
}

/// Leaves without records, where the log says that it has pruned them.
Result<void> AuditIndex::add_pruned(const std::string& tree, TreeIndex& index, std::uint64_t end, std::uint64_t size) {
  const std::string folder = tree_folder(options_.directory, tree);
  BZ_TRY(const auto kept, pruned_below(files_, folder, key_.named(options_.origin + "/" + tree)));
  if (kept < end) return fail(Errc::NotFound, "a bundle of records is missing from the tree " + tree);
  const FolderTiles tiles(files_, folder);
  const audit::TileHashes hashes(tiles, size);
  while (index.covered() < end) {
    BZ_TRY(const auto leaf, hashes.subtree(0, index.covered()));
    BZ_CHECK(index.add_pruned(leaf));
  }
  return {};
}

Result<void> AuditIndex::add_bundle(const std::string& tree, TreeIndex& index, std::uint64_t size,
                                    std::set<std::string>* grown) {
  const FolderTiles tiles(files_, tree_folder(options_.directory, tree));
  const std::uint64_t number = index.covered() / audit::kTileWidth;
  const std::uint64_t first = number * audit::kTileWidth;
  const auto width = static_cast<unsigned>(std::min(audit::kTileWidth, size - first));
  const auto read = tiles.read({std::nullopt, number, width});
  if (!read && read.error().code == Errc::NotFound) return add_pruned(tree, index, first + width, size);
  if (!read) return tl::unexpected(read.error());
  const Bytes& bundle = *read;
  auto entries = audit::decode_entries(bundle, width);
  if (!entries) entries = audit::decode_entries(bundle, audit::kTileWidth);  // the full one stood in
  if (!entries) return tl::unexpected(entries.error());
  for (std::uint64_t leaf = index.covered(); leaf < first + width; ++leaf) {
    const ByteView entry = (*entries)[leaf - first];
    BZ_CHECK(index.add(entry));
    if (grown == nullptr) continue;
    if (auto name = checkpoint_of(as_chars(entry), options_.origin)) grown->insert(std::move(*name));
  }
  return {};
}

}  // namespace bartizan::auditlog
