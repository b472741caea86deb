// One segment of a tree's index: which of a run of leaves have which term, and when each began
// (docs/formats/audit-index.md). Built in memory, written whole, read in places; everything that is
// read back is checked by CRC and bounds, for the file may have rotted.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "bartizan/audit/merkle.hpp"
#include "bartizan/auditlog/file_layer.hpp"
#include "bartizan/auditlog/index_query.hpp"

namespace bartizan::auditlog {

inline constexpr std::uint32_t kIndexRun = 4096;                 ///< leaves of the smallest segment
inline constexpr unsigned kIndexFanOut = 16;                     ///< that many of one level become one of the next
inline constexpr std::uint32_t kIndexLargest = kIndexRun * 256;  ///< leaves of the largest: two levels up

struct IndexSegmentInfo {
  std::uint64_t first = 0;  ///< leaf
  std::uint32_t count = 0;
  std::int64_t min_ms = 0;
  std::int64_t max_ms = 0;
  audit::Hash last_leaf{};  ///< whose it is: a tree put back or forked has another one there
};

/// Bytes of a segment, in memory or in a file. One thread at a time.
class IndexBytes {
 public:
  virtual ~IndexBytes() = default;
  /// Malformed when it ends earlier.
  [[nodiscard]] virtual Result<Bytes> read(std::uint64_t offset, std::size_t bytes) = 0;
};
[[nodiscard]] std::unique_ptr<IndexBytes> index_bytes(std::shared_ptr<const Bytes> bytes);
[[nodiscard]] Result<std::unique_ptr<IndexBytes>> index_file(FileLayer& files, const std::string& path);

/// The leaves of a run, as they come.
class IndexBuilder {
 public:
  explicit IndexBuilder(std::uint64_t first) { info_.first = first; }
  void add(const audit::RecordTerms& record);
  /// What is no record has no terms and the time of the leaf before it.
  void add_other();
  [[nodiscard]] std::uint32_t size() const noexcept { return info_.count; }
  [[nodiscard]] std::uint64_t first() const noexcept { return info_.first; }
  [[nodiscard]] Bytes encode(const audit::Hash& last_leaf) const;

 private:
  void add_time(std::int64_t ms);
  IndexSegmentInfo info_;
  std::unordered_map<audit::Term, std::vector<std::uint32_t>> positions_;
  std::vector<std::int64_t> times_;
};

class IndexSegment {
 public:
  /// Reads the header.
  [[nodiscard]] static Result<IndexSegment> open(std::unique_ptr<IndexBytes> bytes);
  [[nodiscard]] const IndexSegmentInfo& info() const noexcept { return info_; }
  /// Positions from first on that the query finds below end, rising.
  [[nodiscard]] Result<std::vector<std::uint32_t>> find(const IndexQuery& query, std::uint32_t end);

 private:
  friend Result<Bytes> merge_segments(std::span<IndexSegment> parts);
  struct Slot {
    audit::Term term = 0;
    std::uint64_t offset = 0;
    std::uint32_t bytes = 0;
    std::uint32_t crc = 0;
  };
  struct TimeBlock {
    std::uint64_t offset = 0;
    std::uint32_t bytes = 0;
    std::uint32_t crc = 0;
    std::int64_t min_ms = 0;
    std::int64_t max_ms = 0;
  };
  /// Those terms of one of the query's groups that are here.
  struct Group {
    std::vector<Slot> slots;
    std::uint64_t bytes = 0;
  };
  [[nodiscard]] Result<std::vector<Slot>> page(std::uint32_t number);
  [[nodiscard]] Result<std::optional<Slot>> slot_of(audit::Term term);
  [[nodiscard]] Result<std::vector<std::uint32_t>> positions(const Slot& slot);
  [[nodiscard]] Result<std::vector<std::uint32_t>> positions(const Group& group);
  [[nodiscard]] Result<void> keep(const Group& group, std::vector<std::uint32_t>& found);
  [[nodiscard]] Result<std::vector<TimeBlock>> time_blocks();
  [[nodiscard]] Result<std::vector<std::int64_t>> times(const TimeBlock& block, std::uint32_t count);
  [[nodiscard]] Result<void> keep_in_time(const IndexQuery& query, std::vector<std::uint32_t>& found);
  [[nodiscard]] Result<Bytes> checked(std::uint64_t offset, std::uint32_t bytes, std::uint32_t crc);

  std::unique_ptr<IndexBytes> bytes_;
  IndexSegmentInfo info_;
  std::uint32_t terms_ = 0;
  std::uint64_t dictionary_ = 0;  ///< offset
  std::uint64_t time_table_ = 0;  ///< offset
};

/// One segment over neighbours in order. REQUIRES: each begins where the one before it ends.
[[nodiscard]] Result<Bytes> merge_segments(std::span<IndexSegment> parts);

}  // namespace bartizan::auditlog
