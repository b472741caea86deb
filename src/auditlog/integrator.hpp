// Turns the journal into trees: follows what is durable, makes one leaf of each finished intent in
// the tree of its tenant, and publishes tiles and checkpoints in rounds. Each tenant's checkpoint
// becomes a leaf of the system tree. A thread of its own; the journal is its only input, so that
// recovery is nothing but going on from the state file.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "bartizan/auditlog/file_layer.hpp"
#include "bartizan/auditlog/log_keys.hpp"
#include "bartizan/base/clock.hpp"
#include "journal.hpp"
#include "journal_format.hpp"
#include "state_file.hpp"
#include "tree_store.hpp"

namespace bartizan::auditlog {

struct IntegratorOptions {
  std::string directory;  ///< of the log
  std::string origin;
  std::chrono::milliseconds checkpoint_every{1000};
};

class Integrator {
 public:
  /// Opens and checks the trees that state names. The segments outlive it.
  [[nodiscard]] static Result<std::unique_ptr<Integrator>> open(FileLayer& files, const Clock& clock,
                                                                Segments& segments, IntegratorOptions options,
                                                                LogKeys keys, State state);
  ~Integrator();
  Integrator(const Integrator&) = delete;
  Integrator& operator=(const Integrator&) = delete;

  void start();
  /// Goes on until all that is durable is published, or the disk refuses.
  void stop();
  /// Waits until the group of that sequence is published; a round is made at once.
  [[nodiscard]] bool wait_published(std::uint64_t sequence, std::chrono::milliseconds longest);

  /// From the next round on, in which every tree's checkpoint is signed again.
  void rotate(LogKeys keys);

  struct Figures {
    std::uint64_t leaves = 0;
    std::uint64_t published = 0;
    std::uint64_t trees = 0;
    std::uint64_t backlog_bytes = 0;
    bool publishing = true;
  };
  [[nodiscard]] Figures figures() const;

 private:
  Integrator(FileLayer& files, const Clock& clock, Segments& segments, IntegratorOptions options, LogKeys keys,
             State state);
  [[nodiscard]] Result<void> open_trees();
  void run();
  [[nodiscard]] Result<bool> consume();
  [[nodiscard]] Result<bool> consume_block(const Segment& segment);
  [[nodiscard]] Result<void> apply(const Group& group);
  void take_intent(std::uint64_t ticket, ByteView record);
  void take_outcome(const OutcomeRecord& record);
  [[nodiscard]] TreeStore& tree_of(std::string_view tenant);
  [[nodiscard]] TreeSigner signer_of(const std::string& name) const;
  void take_keys();
  [[nodiscard]] std::string folder_of(const std::string& name) const;
  [[nodiscard]] std::size_t waiting_bytes() const;
  [[nodiscard]] Result<void> publish();
  [[nodiscard]] Result<void> save_state();
  void remove_integrated();
  void report(const Result<void>& outcome);

  FileLayer& files_;
  const Clock& clock_;
  Segments& segments_;
  const IntegratorOptions options_;
  LogKeys keys_;  ///< the thread's, once it runs
  State state_;  ///< log_id, place, sequence and next ticket; trees and open are filled when it is saved

  std::map<std::string, std::unique_ptr<TreeStore>> trees_;        // by tree name
  std::map<std::string, TreeStore*, std::less<>> tenants_;         // by tenant
  std::map<std::string, std::uint64_t> noted_;  ///< size of each tree that the system tree has a checkpoint of
  std::unordered_map<std::uint64_t, Bytes> open_;                  // intents by ticket
  std::vector<std::unordered_map<std::uint64_t, Bytes>::node_type> spare_;  // so that no intent allocates
  RecordSink sink_;
  std::unique_ptr<File> file_;
  std::uint64_t file_number_ = 0;
  Bytes block_;
  std::string record_;
  bool moved_ = false;  ///< consumed something since the state was saved
  std::uint64_t unpublished_leaves_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable published_cv_;
  bool stopping_ = false;               // guarded by mutex_
  bool forced_ = false;                 // guarded by mutex_
  std::optional<LogKeys> next_keys_;    // guarded by mutex_
  std::uint64_t published_sequence_;    // guarded by mutex_
  Figures figures_;                     // guarded by mutex_
  std::uint64_t place_segment_ = 0;     // guarded by mutex_, for the backlog
  std::uint64_t place_offset_ = 0;      // likewise
  std::thread thread_;
};

}  // namespace bartizan::auditlog
