// Replaces full entry bundles below the published checkpoints by compressed ones, in a thread of its own, long after
// anybody waited for them (docs/formats/audit-log.md, "Cold bundles"). Hashes, proofs and readers don't notice.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "bartizan/audit/note.hpp"
#include "bartizan/auditlog/file_layer.hpp"

namespace bartizan::auditlog {

struct BundleCompressorOptions {
  std::string directory;  ///< of the log
  std::string origin;
  std::chrono::milliseconds every{60'000};
  std::uint64_t free_floor_bytes = 0;  ///< below it nothing is written
};

/// Thread-safe. Ends its thread when it ends. Invariants: at every moment one of the two files of a bundle is whole
/// and on disk; bundles of a tree are compressed in their order, from what was pruned on.
class BundleCompressor {
 public:
  /// Since the log began, as far as the file `compressed` remembers: it is a figure, not a fact that anything rests on.
  struct Figures {
    std::uint64_t records = 0;
    std::uint64_t plain_bytes = 0;
    std::uint64_t stored_bytes = 0;
    bool healthy = true;
  };

  [[nodiscard]] static std::unique_ptr<BundleCompressor> start(BundleCompressorOptions options,
                                                               const audit::NoteVerifier& key, FileLayer& files);
  ~BundleCompressor();
  BundleCompressor(const BundleCompressor&) = delete;
  BundleCompressor& operator=(const BundleCompressor&) = delete;

  [[nodiscard]] Figures figures() const;
  /// While held no bundle is being replaced. Pruning holds it, or what it removes could come back.
  [[nodiscard]] std::unique_lock<std::mutex> hold_still() { return std::unique_lock(working_); }
  /// All that can be compressed now, in the caller's thread.
  [[nodiscard]] Result<void> run_now();

 private:
  BundleCompressor(BundleCompressorOptions options, const audit::NoteVerifier& key, FileLayer& files);
  void run();
  [[nodiscard]] Result<void> round();
  [[nodiscard]] Result<void> compress_tree(const std::string& tree);
  [[nodiscard]] Result<std::uint64_t> first_plain(const std::string& folder, std::uint64_t from, std::uint64_t end);
  [[nodiscard]] Result<void> compress(const std::string& folder, std::uint64_t bundle);
  void load_figures();
  void save_figures();
  [[nodiscard]] bool stopping() const;

  const BundleCompressorOptions options_;
  const audit::NoteVerifier& key_;
  FileLayer& files_;

  std::mutex working_;  // taken before mutex_
  std::map<std::string, std::uint64_t> next_;  // guarded by working_: of each tree, the first bundle to look at

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Figures figures_;  // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace bartizan::auditlog
