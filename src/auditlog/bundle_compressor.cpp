#include "bartizan/auditlog/bundle_compressor.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "bartizan/audit/checkpoint.hpp"
#include "bartizan/auditlog/pruning.hpp"
#include "bartizan/base/log.hpp"
#include "bundle_codec.hpp"
#include "tree_store.hpp"
#include "whole_file.hpp"

namespace bartizan::auditlog {
namespace {

constexpr int kNiceness = 19;  ///< everything else comes first
constexpr std::string_view kFiguresFile = "compressed";
constexpr std::size_t kMaxFiguresFile = 256;
constexpr std::uint64_t kMaxBundle = audit::kTileWidth * (2 + audit::kMaxEntryBytes);

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

/// The size that a checkpoint names; its signature is looked at once there is something to do.
std::uint64_t unverified_size(std::string_view note) {
  const auto line = note.find('\n');
  std::uint64_t size = 0;
  if (line != std::string_view::npos) std::from_chars(note.data() + line + 1, note.data() + note.size(), size);
  return size;
}

}  // namespace

BundleCompressor::BundleCompressor(BundleCompressorOptions options, const audit::NoteVerifier& key, FileLayer& files)
    : options_(std::move(options)), key_(key), files_(files) {
  load_figures();
}

std::unique_ptr<BundleCompressor> BundleCompressor::start(BundleCompressorOptions options,
                                                          const audit::NoteVerifier& key, FileLayer& files) {
  std::unique_ptr<BundleCompressor> compressor(new BundleCompressor(std::move(options), key, files));
  compressor->thread_ = std::thread([raw = compressor.get()] { raw->run(); });
  return compressor;
}

BundleCompressor::~BundleCompressor() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

BundleCompressor::Figures BundleCompressor::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

bool BundleCompressor::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void BundleCompressor::run() {
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kNiceness);
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, options_.every, [this] { return stopping_; })) {
    lock.unlock();
    const auto done = run_now();
    lock.lock();
    if (!done && figures_.healthy) BZ_LOG(Warn, "audit.compression_failed", {"reason", done.error().detail});
    figures_.healthy = done.has_value();
  }
}

Result<void> BundleCompressor::run_now() {
  const auto before = figures().records;
  auto done = round();
  if (figures().records != before) save_figures();
  return done;
}

/// One tree that can't be read does not keep the others from being compressed.
Result<void> BundleCompressor::round() {
  const auto names = files_.list(options_.directory + "/tree");
  if (!names && names.error().code == Errc::NotFound) return {};
  if (!names) return tl::unexpected(names.error());
  Result<void> outcome;
  for (const auto& name : *names) {
    if (stopping()) break;
    if (auto done = compress_tree(name); !done) outcome = std::move(done);
  }
  return outcome;
}

Result<void> BundleCompressor::compress_tree(const std::string& tree) {
  const std::string folder = options_.directory + "/tree/" + tree;
  const auto note = read_whole(files_, folder + "/checkpoint", audit::kMaxNoteBytes);
  if (!note && note.error().code == Errc::NotFound) return {};
  if (!note) return tl::unexpected(note.error());
  const std::uint64_t end = unverified_size(as_chars(*note)) / audit::kTileWidth;
  {
    const auto still = hold_still();
    const auto known = next_.find(tree);
    if (known != next_.end() && known->second >= end) return {};
    const auto tree_key = key_.named(options_.origin + "/" + tree);
    BZ_CHECK(audit::open_checkpoint(as_chars(*note), tree_key));
    if (known == next_.end()) {
      BZ_TRY(const std::uint64_t pruned, pruned_below(files_, folder, tree_key));
      BZ_TRY(next_[tree], first_plain(folder, pruned / audit::kTileWidth, end));
    }
  }
  while (!stopping()) {
    const auto still = hold_still();  // one bundle at a time, so that pruning never waits long
    std::uint64_t& next = next_[tree];
    if (next >= end) return {};
    BZ_TRY(const std::uint64_t free, files_.free_bytes(options_.directory));
    if (free < options_.free_floor_bytes) return fail(Errc::ResourceExhausted, "compression leaves the log its space");
    BZ_CHECK(compress(folder, next));
    ++next;
  }
  return {};
}

/// Bundles are compressed in order, so those that are form a run. Where a crash came between the two files'
/// exchange, both stand there: hence one earlier.
Result<std::uint64_t> BundleCompressor::first_plain(const std::string& folder, std::uint64_t from, std::uint64_t end) {
  std::uint64_t low = from;
  while (low < end) {
    const std::uint64_t middle = low + (end - low) / 2;
    const auto file = files_.open(folder + "/" + compressed_path(middle), OpenMode::Read);
    if (!file && file.error().code != Errc::NotFound) return tl::unexpected(file.error());
    if (file)
      low = middle + 1;
    else
      end = middle;
  }
  return low > from ? low - 1 : low;
}

Result<void> BundleCompressor::compress(const std::string& folder, std::uint64_t bundle) {
  const std::string plain_path = folder + "/" + audit::to_path({std::nullopt, bundle});
  const std::string path = folder + "/" + compressed_path(bundle);
  const std::string beside = path + std::string(kHalfMade);
  const auto plain = read_whole(files_, plain_path, kMaxBundle);
  if (!plain && plain.error().code == Errc::NotFound) return {};  // done, or pruned
  if (!plain) return tl::unexpected(plain.error());
  BZ_TRY(const Bytes frame, compress_bundle(*plain));
  BZ_CHECK(write_whole(files_, beside, frame));
  BZ_TRY(const Bytes written, read_whole(files_, beside, kMaxBundle));
  const auto again = decompress_bundle(written, kMaxBundle);
  if (!again || *again != *plain) return fail(Errc::Io, beside + " does not hold what was written");
  BZ_CHECK(files_.rename(beside, path));
  BZ_CHECK(files_.sync_directory(folder_of(path)));
  BZ_CHECK(files_.remove(plain_path));
  const std::lock_guard lock(mutex_);
  figures_.records += audit::kTileWidth;
  figures_.plain_bytes += plain->size();
  figures_.stored_bytes += frame.size();
  return {};
}

void BundleCompressor::load_figures() {
  const auto bytes = read_whole(files_, options_.directory + "/" + std::string(kFiguresFile), kMaxFiguresFile);
  if (!bytes) return;
  const char* at = as_chars(*bytes).data();
  const char* const end = at + bytes->size();
  for (std::uint64_t* const value : {&figures_.records, &figures_.plain_bytes, &figures_.stored_bytes}) {
    const auto parsed = std::from_chars(at, end, *value);
    at = parsed.ptr == end ? end : parsed.ptr + 1;
  }
}

void BundleCompressor::save_figures() {
  const Figures now = figures();
  const std::string text = std::to_string(now.records) + " " + std::to_string(now.plain_bytes) + " " +
                           std::to_string(now.stored_bytes) + "\n";
  [[maybe_unused]] const auto saved =
      replace_whole(files_, options_.directory, std::string(kFiguresFile), as_bytes(text));
}

}  // namespace bartizan::auditlog
