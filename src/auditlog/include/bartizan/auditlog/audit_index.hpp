// The index of a whole audit log beside its trees: follows what is published in a thread of its own, and
// answers where records with given terms stand. Derived: a lost or damaged part is made again, no proof
// rests on it, and who searches compares the records themselves (docs/formats/audit-index.md).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "bartizan/audit/note.hpp"
#include "bartizan/auditlog/file_layer.hpp"
#include "bartizan/auditlog/index_query.hpp"

namespace bartizan::auditlog {

class TreeIndex;

struct AuditIndexOptions {
  std::string directory;  ///< of the log
  std::string origin;
  std::chrono::milliseconds follow_every{500};
  std::uint64_t free_floor_bytes = 0;  ///< an index never takes the space that the log needs
};

/// Thread-safe. Ends its thread when it ends.
class AuditIndex {
 public:
  struct Found {
    std::vector<std::uint64_t> leaves;  ///< falling
    std::uint64_t searched_from = 0;    ///< from here up to where the search was to begin nothing else is found
  };
  struct Figures {
    std::uint64_t trees = 0;
    std::uint64_t leaves = 0;  ///< indexed
    bool healthy = true;       ///< false while the index can't be written
  };

  [[nodiscard]] static std::unique_ptr<AuditIndex> start(AuditIndexOptions options, const audit::NoteVerifier& key,
                                                         FileLayer& files);
  ~AuditIndex();
  AuditIndex(const AuditIndex&) = delete;
  AuditIndex& operator=(const AuditIndex&) = delete;

  /// Leaves of the tree that are indexed, from 0 on.
  [[nodiscard]] std::uint64_t covered(const std::string& tree) const;
  /// The newest `most` of them below end. Malformed: damage, which is being repaired; scan meanwhile.
  [[nodiscard]] Result<Found> find(const std::string& tree, const IndexQuery& query, std::uint64_t end,
                                   std::size_t most, std::chrono::steady_clock::time_point until) const;
  [[nodiscard]] Figures figures() const;
  /// Makes a tree's index again, after records of it were pruned: what it knew of them goes.
  void remake(const std::string& tree);

 private:
  AuditIndex(AuditIndexOptions options, const audit::NoteVerifier& key, FileLayer& files);
  void run();
  [[nodiscard]] Result<void> follow();
  [[nodiscard]] Result<void> open_all();
  [[nodiscard]] Result<void> catch_up(const std::string& tree, std::set<std::string>* grown);
  [[nodiscard]] Result<void> add_pruned(const std::string& tree, TreeIndex& index, std::uint64_t end,
                                        std::uint64_t size);
  [[nodiscard]] Result<void> add_bundle(const std::string& tree, TreeIndex& index, std::uint64_t size,
                                        std::set<std::string>* grown);
  void check(const std::string& tree, TreeIndex& index, std::uint64_t size);
  [[nodiscard]] TreeIndex& index_of(const std::string& tree);
  [[nodiscard]] std::shared_ptr<const TreeIndex> known(const std::string& tree) const;
  [[nodiscard]] bool stopping() const;

  const AuditIndexOptions options_;
  const audit::NoteVerifier& key_;
  FileLayer& files_;
  bool opened_ = false;             // the thread's
  std::set<std::string> grown_;     // likewise: trees to look at

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, std::shared_ptr<TreeIndex>> trees_;  // guarded by mutex_
  bool stopping_ = false;                                    // guarded by mutex_
  bool healthy_ = true;                                      // guarded by mutex_
  std::thread thread_;
};

}  // namespace bartizan::auditlog
