#include "tree_index.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "bartizan/base/log.hpp"
#include "whole_file.hpp"

namespace bartizan::auditlog {
namespace {

constexpr std::uint64_t kMaxSegmentFile = std::uint64_t{1} << 30;
constexpr int kTries = 3;  ///< of a search whose files are merged meanwhile

/// "<first leaf, 16 digits>-<leaves, 8 digits>", hexadecimal.
std::string segment_name(std::uint64_t first, std::uint32_t count) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out(25, '-');
  for (std::size_t i = 16; i-- > 0; first >>= 4) out[i] = kHex[first & 15];
  for (std::size_t i = 25; i-- > 17; count >>= 4) out[i] = kHex[count & 15];
  return out;
}

std::optional<std::pair<std::uint64_t, std::uint32_t>> parse_segment(std::string_view name) {
  std::uint64_t first = 0;
  std::uint32_t count = 0;
  if (name.size() != 25) return std::nullopt;
  std::from_chars(name.data(), name.data() + 16, first, 16);
  std::from_chars(name.data() + 17, name.data() + 25, count, 16);
  if (segment_name(first, count) != name) return std::nullopt;
  return std::pair{first, count};
}

}  // namespace

std::unique_ptr<TreeIndex> TreeIndex::open(FileLayer& files, std::string directory) {
  std::unique_ptr<TreeIndex> index(new TreeIndex(files, std::move(directory)));
  index->load();
  return index;
}

Result<TreeIndex::Segment> TreeIndex::open_segment(const std::string& path) const {
  BZ_TRY(auto bytes, index_file(files_, path));
  BZ_TRY(const auto segment, IndexSegment::open(std::move(bytes)));
  return Segment{segment.info(), path};
}

void TreeIndex::load() {
  const auto names = files_.list(directory_);
  if (!names) return;
  std::map<std::uint64_t, std::uint32_t> largest;
  for (const auto& name : *names)
    if (const auto parsed = parse_segment(name))
      largest[parsed->first] = std::max(largest[parsed->first], parsed->second);
  std::uint64_t next = 0;
  for (auto found = largest.find(0); found != largest.end(); found = largest.find(next)) {
    auto segment = open_segment(directory_ + "/" + segment_name(found->first, found->second));
    if (!segment || segment->info.first != found->first || segment->info.count != found->second) break;
    next += found->second;
    segments_.push_back(std::move(*segment));
  }
  builder_ = std::make_unique<IndexBuilder>(next);
  std::vector<std::string> rest;
  for (const auto& name : *names) {
    const std::string path = directory_ + "/" + name;
    if (std::none_of(segments_.begin(), segments_.end(), [&](const auto& segment) { return segment.path == path; }))
      rest.push_back(path);
  }
  remove_files(rest);
}

void TreeIndex::remove_files(std::span<const std::string> paths) {
  for (const auto& path : paths) [[maybe_unused]]
    const auto removed = files_.remove(path);
}

std::uint64_t TreeIndex::covered() const {
  const std::lock_guard lock(mutex_);
  return builder_->first() + builder_->size();
}

std::optional<std::pair<std::uint64_t, audit::Hash>> TreeIndex::last_sealed() const {
  const std::lock_guard lock(mutex_);
  if (segments_.empty()) return std::nullopt;
  const auto& info = segments_.back().info;
  return std::pair{info.first + info.count - 1, info.last_leaf};
}

std::optional<std::uint64_t> TreeIndex::damaged() const {
  const std::lock_guard lock(mutex_);
  return damaged_;
}

Result<void> TreeIndex::add(ByteView entry) {
  const bool is_record = audit::read_terms(as_chars(entry), terms_);
  return add_leaf(is_record ? &terms_ : nullptr, [entry] { return audit::leaf_hash(entry); });
}

Result<void> TreeIndex::add_pruned(const audit::Hash& leaf) {
  return add_leaf(nullptr, [&leaf] { return leaf; });
}

Result<void> TreeIndex::add_leaf(const audit::RecordTerms* terms, const std::function<audit::Hash()>& hash) {
  const auto add_to = [terms](IndexBuilder& builder) { terms != nullptr ? builder.add(*terms) : builder.add_other(); };
  // Only this thread changes the builder, so it may look at it without the lock.
  if (builder_->size() < kIndexRun - 1) {
    const std::lock_guard lock(mutex_);
    add_to(*builder_);
    open_.reset();
    return {};
  }
  IndexBuilder whole = *builder_;
  add_to(whole);
  BZ_TRY(auto segment, write(whole.encode(hash())));
  {
    const std::lock_guard lock(mutex_);
    builder_ = std::make_unique<IndexBuilder>(segment.info.first + segment.info.count);
    segments_.push_back(std::move(segment));
    open_.reset();
  }
  remove_files(std::exchange(obsolete_, {}));
  // A merge that fails is tried again when the next ones are there.
  [[maybe_unused]] const auto merged = merge_last();
  return {};
}

Result<TreeIndex::Segment> TreeIndex::write(ByteView bytes) {
  if (!folder_made_) BZ_CHECK(files_.make_directory(directory_));
  folder_made_ = true;
  BZ_TRY(const auto segment, IndexSegment::open(index_bytes(std::make_shared<Bytes>(bytes.begin(), bytes.end()))));
  const auto& info = segment.info();
  const std::string name = segment_name(info.first, info.count);
  const std::string path = directory_ + "/" + name;
  {
    // Not synced: that would be in the way of the log's own syncs, and what a crash takes is made again.
    BZ_TRY(const auto file, files_.open(path + ".new", OpenMode::Replace));
    BZ_CHECK(file->write_at(0, bytes));
  }
  BZ_CHECK(files_.rename(path + ".new", path));
  return Segment{info, path};
}

/// As often as the last segments make a larger one.
Result<void> TreeIndex::merge_last() {
  for (std::uint32_t size = kIndexRun; size < kIndexLargest; size *= kIndexFanOut) {
    // Only this thread changes the segments.
    if (segments_.size() < kIndexFanOut) return {};
    const std::span<const Segment> last(segments_.end() - kIndexFanOut, segments_.end());
    if (last.front().info.first % (std::uint64_t{size} * kIndexFanOut) != 0 ||
        std::any_of(last.begin(), last.end(), [&](const Segment& part) { return part.info.count != size; }))
      return {};
    std::vector<IndexSegment> parts;
    std::vector<std::string> paths;
    for (const Segment& part : last) {
      BZ_TRY(auto bytes, read_whole(files_, part.path, kMaxSegmentFile));
      BZ_TRY(auto opened, IndexSegment::open(index_bytes(std::make_shared<const Bytes>(std::move(bytes)))));
      parts.push_back(std::move(opened));
      paths.push_back(part.path);
    }
    BZ_TRY(const Bytes merged, merge_segments(parts));
    BZ_TRY(auto whole, write(merged));
    const std::lock_guard lock(mutex_);
    segments_.resize(segments_.size() - kIndexFanOut);
    segments_.push_back(std::move(whole));
    obsolete_.insert(obsolete_.end(), paths.begin(), paths.end());
  }
  return {};
}

void TreeIndex::mark_damaged(std::uint64_t leaf) const {
  const std::lock_guard lock(mutex_);
  damaged_ = std::min(damaged_.value_or(leaf), leaf);
}

void TreeIndex::drop_from(std::uint64_t leaf) {
  std::vector<std::string> gone;
  {
    const std::lock_guard lock(mutex_);
    damaged_.reset();
    open_.reset();
    while (!segments_.empty() && segments_.back().info.first + segments_.back().info.count > leaf) {
      gone.push_back(segments_.back().path);
      segments_.pop_back();
    }
    const std::uint64_t next = segments_.empty() ? 0 : segments_.back().info.first + segments_.back().info.count;
    builder_ = std::make_unique<IndexBuilder>(next);
  }
  remove_files(gone);
}

TreeIndex::Parts TreeIndex::parts() const {
  const std::lock_guard lock(mutex_);
  if (!open_ && builder_->size() > 0) open_ = std::make_shared<const Bytes>(builder_->encode({}));
  return {segments_, open_};
}

bool TreeIndex::holds(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(segments_.begin(), segments_.end(), [&](const Segment& segment) { return segment.path == path; });
}

Result<IndexFound> TreeIndex::find(const IndexQuery& query, std::uint64_t end, std::size_t most,
                                   std::chrono::steady_clock::time_point until) const {
  for (int tries = 1;; ++tries) {
    auto found = find_in(parts(), query, end, most, until);
    if (found || found.error().code != Errc::NotFound || tries == kTries) return found;
  }
}

Result<IndexFound> TreeIndex::find_in(const Parts& parts, const IndexQuery& query, std::uint64_t end, std::size_t most,
                                      std::chrono::steady_clock::time_point until) const {
  IndexFound out;
  out.searched_from = end;
  const auto search = [&](std::unique_ptr<IndexBytes> bytes) -> Result<void> {
    BZ_TRY(auto segment, IndexSegment::open(std::move(bytes)));
    const auto& info = segment.info();
    if (info.first >= end) return {};
    const auto last = static_cast<std::uint32_t>(std::min<std::uint64_t>(end - info.first, info.count));
    BZ_TRY(const auto positions, segment.find(query, last));
    out.searched_from = info.first;
    for (auto at = positions.rbegin(); at != positions.rend(); ++at) {
      if (out.leaves.size() == most) {
        out.searched_from = out.leaves.back();
        return {};
      }
      out.leaves.push_back(info.first + *at);
    }
    return {};
  };
  if (parts.open) BZ_CHECK(search(index_bytes(parts.open)));
  for (auto at = parts.segments.rbegin(); at != parts.segments.rend(); ++at) {
    if (out.leaves.size() == most || std::chrono::steady_clock::now() > until) return out;
    if (at->info.first >= end) continue;
    auto file = index_file(files_, at->path);
    const auto done = file ? search(std::move(*file)) : Result<void>(tl::unexpected(std::move(file).error()));
    if (done) continue;
    if (done.error().code == Errc::Malformed || (done.error().code == Errc::NotFound && holds(at->path))) {
      BZ_LOG(Error, "audit.index_damaged", {"file", at->path});
      mark_damaged(at->info.first);
      return fail(Errc::Malformed, "the audit log's index is damaged and being made again");
    }
    return tl::unexpected(done.error());
  }
  return out;
}

}  // namespace bartizan::auditlog
