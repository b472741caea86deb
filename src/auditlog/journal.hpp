// The journal's writing side: segments, one sync a group, and which bytes of which segment are
// durable. After a failed write or sync the segment is given up and the group goes into a new one,
// since nothing may be assumed about a file whose sync failed.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "bartizan/auditlog/file_layer.hpp"

namespace bartizan::auditlog {

struct Segment {
  std::uint64_t number = 0;
  std::uint64_t durable_end = 0;
  bool closed = false;  ///< it grows no more
};

/// What the writer has made durable and the integrator may read. Thread-safe.
class Segments {
 public:
  void add(const Segment& segment);
  void advance(std::uint64_t number, std::uint64_t durable_end);
  void close(std::uint64_t number);
  void drop(std::uint64_t number);
  /// The first segment of that number or a higher one.
  [[nodiscard]] std::optional<Segment> at_or_after(std::uint64_t number) const;
  /// Bytes durable beyond a position.
  [[nodiscard]] std::uint64_t bytes_after(std::uint64_t number, std::uint64_t offset) const;

 private:
  mutable std::mutex mutex_;
  std::deque<Segment> segments_;  // guarded by mutex_, numbers rise
};

[[nodiscard]] std::string segment_path(const std::string& directory, std::uint64_t number);
[[nodiscard]] std::optional<std::uint64_t> parse_segment_name(std::string_view name);

struct JournalOptions {
  std::string directory;
  std::uint64_t log_id = 0;
  std::uint64_t segment_bytes = 0;
  std::uint64_t free_floor_bytes = 0;
  std::uint64_t first_number = 1;  ///< of the first segment it makes; numbers are never used again
};

/// One thread. Invariant: what Segments says is durable was synced in a file whose name is durable.
class Journal {
 public:
  Journal(FileLayer& files, Segments& segments, JournalOptions options);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Durable when it succeeds. After an error the same group may be handed in again.
  [[nodiscard]] Result<void> append(ByteView group);

 private:
  [[nodiscard]] Result<void> open_segment();
  [[nodiscard]] Result<void> write_zeros_behind(std::uint64_t end);
  void abandon_segment();
  void close_segment();

  FileLayer& files_;
  Segments& segments_;
  const JournalOptions options_;
  std::unique_ptr<File> file_;
  std::uint64_t number_ = 0;
  std::uint64_t next_number_;
  std::uint64_t end_ = 0;
  std::uint64_t written_ = 0;  // up to here the file's blocks hold bytes of ours, zeros behind end_
};

}  // namespace bartizan::auditlog
