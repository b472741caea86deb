#include "index_segment.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <tuple>

#include "byte_order.hpp"
#include "crc32c.hpp"
#include "index_lists.hpp"

namespace bartizan::auditlog {
namespace {

constexpr std::string_view kMagic = "BZAUDX1\n";
constexpr std::size_t kHeaderBytes = 128;
constexpr std::size_t kHeaderCrc = 124;
constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kSlotBytes = 24;
constexpr std::uint32_t kPageSlots = 170;
constexpr std::size_t kPageCrc = kPageSlots * kSlotBytes;
constexpr std::uint32_t kTimeBlock = 4096;  ///< leaves
constexpr std::size_t kTimeBlockBytes = 32;

tl::unexpected<Error> harmed() { return fail(Errc::Malformed, "a segment of the audit log's index is damaged"); }

std::uint32_t blocks_of(std::uint32_t count) { return (count + kTimeBlock - 1) / kTimeBlock; }

class InMemory final : public IndexBytes {
 public:
  explicit InMemory(std::shared_ptr<const Bytes> bytes) : bytes_(std::move(bytes)) {}
  Result<Bytes> read(std::uint64_t offset, std::size_t bytes) override {
    if (offset > bytes_->size() || bytes > bytes_->size() - offset) return harmed();
    const auto view = ByteView(*bytes_).subspan(offset, bytes);
    return Bytes(view.begin(), view.end());
  }

 private:
  std::shared_ptr<const Bytes> bytes_;
};

class InFile final : public IndexBytes {
 public:
  InFile(std::unique_ptr<File> file, std::uint64_t size) : file_(std::move(file)), size_(size) {}
  Result<Bytes> read(std::uint64_t offset, std::size_t bytes) override {
    if (offset > size_ || bytes > size_ - offset) return harmed();
    Bytes out(bytes);
    BZ_TRY(const std::size_t read, file_->read_at(offset, out));
    if (read != bytes) return harmed();
    return out;
  }

 private:
  std::unique_ptr<File> file_;
  const std::uint64_t size_;
};

/// The bytes of a segment, terms in rising order.
class Writer {
 public:
  explicit Writer(const IndexSegmentInfo& info) : info_(info) { out_.resize(kHeaderBytes); }
  void add(audit::Term term, std::span<const std::uint32_t> positions) {
    const std::size_t start = out_.size();
    append_positions(out_, positions, info_.count);
    const auto list = ByteView(out_).subspan(start);
    const std::uint32_t bytes = static_cast<std::uint32_t>(list.size());
    const std::uint32_t crc = crc32c(list);
    const std::size_t offset = place_of(list, start, crc);
    const std::size_t at = slot_place();
    store_be64(&dictionary_[at], term);
    store_be64(&dictionary_[at + 8], offset);
    store_be32(&dictionary_[at + 16], bytes);
    store_be32(&dictionary_[at + 20], crc);
  }
  [[nodiscard]] Bytes finish(std::span<const std::int64_t> times) {
    const std::size_t table = add_times(times);
    const std::size_t dictionary = out_.size();
    dictionary_.resize((dictionary_.size() + kPageBytes - 1) / kPageBytes * kPageBytes);
    for (std::size_t page = 0; page < dictionary_.size(); page += kPageBytes)
      store_be32(&dictionary_[page + kPageCrc], crc32c(ByteView(dictionary_).subspan(page, kPageCrc)));
    out_.insert(out_.end(), dictionary_.begin(), dictionary_.end());
    std::memcpy(out_.data(), kMagic.data(), kMagic.size());
    store_be64(&out_[8], info_.first);
    store_be32(&out_[16], info_.count);
    store_be32(&out_[20], terms_);
    store_be64(&out_[24], dictionary);
    store_be64(&out_[32], table);
    store_be64(&out_[40], static_cast<std::uint64_t>(info_.min_ms));
    store_be64(&out_[48], static_cast<std::uint64_t>(info_.max_ms));
    std::copy(info_.last_leaf.begin(), info_.last_leaf.end(), out_.begin() + 56);
    store_be32(&out_[kHeaderCrc], crc32c(ByteView(out_).first(kHeaderCrc)));
    return std::move(out_);
  }

 private:
  /// A table's two names have the same leaves, and so have columns that are always read together: one list for all.
  std::size_t place_of(ByteView list, std::size_t start, std::uint32_t crc) {
    const std::uint64_t key = std::uint64_t{crc} << 32 | static_cast<std::uint32_t>(list.size());
    const auto [known, is_new] = lists_.try_emplace(key, start);
    if (is_new || !std::equal(list.begin(), list.end(), out_.begin() + static_cast<std::ptrdiff_t>(known->second)))
      return start;
    out_.resize(start);
    return known->second;
  }
  std::size_t slot_place() {
    const std::size_t at =
        std::size_t{terms_ / kPageSlots} * kPageBytes + std::size_t{terms_ % kPageSlots} * kSlotBytes;
    ++terms_;
    dictionary_.resize(at + kSlotBytes);
    return at;
  }
  /// The offset of the table.
  std::size_t add_times(std::span<const std::int64_t> times) {
    Bytes table;
    for (; !times.empty(); times = times.subspan(std::min<std::size_t>(times.size(), kTimeBlock))) {
      const auto block = times.first(std::min<std::size_t>(times.size(), kTimeBlock));
      const auto [min, max] = std::minmax_element(block.begin(), block.end());
      const std::size_t start = out_.size();
      append_times(out_, block, *min);
      const auto bytes = ByteView(out_).subspan(start);
      std::array<std::byte, kTimeBlockBytes> entry{};
      store_be64(&entry[0], start);
      store_be32(&entry[8], static_cast<std::uint32_t>(bytes.size()));
      store_be32(&entry[12], crc32c(bytes));
      store_be64(&entry[16], static_cast<std::uint64_t>(*min));
      store_be64(&entry[24], static_cast<std::uint64_t>(*max));
      table.insert(table.end(), entry.begin(), entry.end());
    }
    std::byte crc[4];
    store_be32(crc, crc32c(table));
    const std::size_t at = out_.size();
    out_.insert(out_.end(), table.begin(), table.end());
    out_.insert(out_.end(), crc, crc + sizeof crc);
    return at;
  }

  const IndexSegmentInfo info_;
  Bytes out_;
  Bytes dictionary_;
  std::unordered_map<std::uint64_t, std::size_t> lists_;  ///< offsets by CRC and length
  std::uint32_t terms_ = 0;
};

}  // namespace

std::unique_ptr<IndexBytes> index_bytes(std::shared_ptr<const Bytes> bytes) {
  return std::make_unique<InMemory>(std::move(bytes));
}

Result<std::unique_ptr<IndexBytes>> index_file(FileLayer& files, const std::string& path) {
  BZ_TRY(auto file, files.open(path, OpenMode::Read));
  BZ_TRY(const std::uint64_t size, file->size());
  return std::unique_ptr<IndexBytes>(std::make_unique<InFile>(std::move(file), size));
}

void IndexBuilder::add_time(std::int64_t ms) {
  info_.min_ms = info_.count == 0 ? ms : std::min(info_.min_ms, ms);
  info_.max_ms = info_.count == 0 ? ms : std::max(info_.max_ms, ms);
  ++info_.count;
  times_.push_back(ms);
}

void IndexBuilder::add(const audit::RecordTerms& record) {
  for (const audit::Term term : record.terms) positions_[term].push_back(info_.count);
  add_time(record.time_ms);
}

void IndexBuilder::add_other() { add_time(times_.empty() ? 0 : times_.back()); }

Bytes IndexBuilder::encode(const audit::Hash& last_leaf) const {
  std::vector<audit::Term> terms;
  terms.reserve(positions_.size());
  for (const auto& [term, positions] : positions_) terms.push_back(term);
  std::sort(terms.begin(), terms.end());
  IndexSegmentInfo info = info_;
  info.last_leaf = last_leaf;
  Writer writer(info);
  for (const audit::Term term : terms) writer.add(term, positions_.at(term));
  return writer.finish(times_);
}

Result<IndexSegment> IndexSegment::open(std::unique_ptr<IndexBytes> bytes) {
  IndexSegment out;
  out.bytes_ = std::move(bytes);
  BZ_TRY(const Bytes header, out.bytes_->read(0, kHeaderBytes));
  if (as_chars(ByteView(header).first(kMagic.size())) != kMagic ||
      load_be32(&header[kHeaderCrc]) != crc32c(ByteView(header).first(kHeaderCrc)))
    return harmed();
  out.info_.first = load_be64(&header[8]);
  out.info_.count = load_be32(&header[16]);
  out.terms_ = load_be32(&header[20]);
  out.dictionary_ = load_be64(&header[24]);
  out.time_table_ = load_be64(&header[32]);
  out.info_.min_ms = static_cast<std::int64_t>(load_be64(&header[40]));
  out.info_.max_ms = static_cast<std::int64_t>(load_be64(&header[48]));
  std::copy_n(header.begin() + 56, out.info_.last_leaf.size(), out.info_.last_leaf.begin());
  if (out.info_.count == 0 || out.info_.count > kIndexLargest) return harmed();
  return out;
}

Result<Bytes> IndexSegment::checked(std::uint64_t offset, std::uint32_t bytes, std::uint32_t crc) {
  BZ_TRY(auto read, bytes_->read(offset, bytes));
  if (crc32c(read) != crc) return harmed();
  return read;
}

Result<std::vector<IndexSegment::Slot>> IndexSegment::page(std::uint32_t number) {
  BZ_TRY(const Bytes bytes, bytes_->read(dictionary_ + std::uint64_t{number} * kPageBytes, kPageBytes));
  if (load_be32(&bytes[kPageCrc]) != crc32c(ByteView(bytes).first(kPageCrc))) return harmed();
  std::vector<Slot> slots(std::min(kPageSlots, terms_ - number * kPageSlots));
  const std::byte* at = bytes.data();
  for (Slot& slot : slots) {
    slot = {load_be64(at), load_be64(at + 8), load_be32(at + 16), load_be32(at + 20)};
    at += kSlotBytes;
  }
  return slots;
}

Result<std::optional<IndexSegment::Slot>> IndexSegment::slot_of(audit::Term term) {
  std::uint32_t low = 0;
  for (std::uint32_t high = (terms_ + kPageSlots - 1) / kPageSlots; low < high;) {
    const std::uint32_t middle = low + (high - low) / 2;
    BZ_TRY(const auto slots, page(middle));
    if (term < slots.front().term) {
      high = middle;
    } else if (term > slots.back().term) {
      low = middle + 1;
    } else {
      const auto at = std::lower_bound(slots.begin(), slots.end(), term,
                                       [](const Slot& slot, audit::Term wanted) { return slot.term < wanted; });
      return at->term == term ? std::optional(*at) : std::nullopt;
    }
  }
  return std::optional<Slot>();
}

Result<std::vector<std::uint32_t>> IndexSegment::positions(const Slot& slot) {
  BZ_TRY(const Bytes bytes, checked(slot.offset, slot.bytes, slot.crc));
  auto decoded = decode_positions(bytes, info_.count);
  if (!decoded) return harmed();
  return std::move(*decoded);
}

Result<std::vector<std::uint32_t>> IndexSegment::positions(const Group& group) {
  if (group.slots.size() == 1) return positions(group.slots.front());
  std::vector<std::uint32_t> out;
  for (const Slot& slot : group.slots) {
    BZ_TRY(const auto more, positions(slot));
    std::vector<std::uint32_t> both;
    std::set_union(out.begin(), out.end(), more.begin(), more.end(), std::back_inserter(both));
    out = std::move(both);
  }
  return out;
}

Result<void> IndexSegment::keep(const Group& group, std::vector<std::uint32_t>& found) {
  std::vector<std::uint64_t> bits((std::size_t{info_.count} + 63) / 64);
  for (const Slot& slot : group.slots) {
    BZ_TRY(const Bytes bytes, checked(slot.offset, slot.bytes, slot.crc));
    if (!mark_positions(bytes, info_.count, bits)) return harmed();
  }
  std::erase_if(found, [&](std::uint32_t position) { return (bits[position / 64] >> (position % 64) & 1) == 0; });
  return {};
}

Result<std::vector<IndexSegment::TimeBlock>> IndexSegment::time_blocks() {
  const std::size_t bytes = blocks_of(info_.count) * kTimeBlockBytes;
  BZ_TRY(const Bytes table, bytes_->read(time_table_, bytes + 4));
  if (load_be32(&table[bytes]) != crc32c(ByteView(table).first(bytes))) return harmed();
  std::vector<TimeBlock> out;
  for (const std::byte* at = table.data(); at != table.data() + bytes; at += kTimeBlockBytes)
    out.push_back({load_be64(at), load_be32(at + 8), load_be32(at + 12), static_cast<std::int64_t>(load_be64(at + 16)),
                   static_cast<std::int64_t>(load_be64(at + 24))});
  return out;
}

Result<std::vector<std::int64_t>> IndexSegment::times(const TimeBlock& block, std::uint32_t count) {
  BZ_TRY(const Bytes bytes, checked(block.offset, block.bytes, block.crc));
  auto decoded = decode_times(bytes, count, block.min_ms);
  if (!decoded) return harmed();
  return std::move(*decoded);
}

Result<void> IndexSegment::keep_in_time(const IndexQuery& query, std::vector<std::uint32_t>& found) {
  const std::int64_t from = query.from_ms.value_or(INT64_MIN);
  const std::int64_t to = query.to_ms.value_or(INT64_MAX);
  if (from <= info_.min_ms && info_.max_ms <= to) return {};
  BZ_TRY(const auto blocks, time_blocks());
  std::vector<std::uint32_t> kept;
  for (auto at = found.begin(); at != found.end();) {
    const std::uint32_t number = *at / kTimeBlock;
    const auto end = std::lower_bound(at, found.end(), (number + 1) * kTimeBlock);
    const TimeBlock& block = blocks[number];
    if (from <= block.min_ms && block.max_ms <= to) {
      kept.insert(kept.end(), at, end);
    } else if (block.min_ms <= to && from <= block.max_ms) {
      BZ_TRY(const auto begun, times(block, std::min(kTimeBlock, info_.count - number * kTimeBlock)));
      std::copy_if(at, end, std::back_inserter(kept), [&](std::uint32_t position) {
        const std::int64_t ms = begun[position % kTimeBlock];
        return from <= ms && ms <= to;
      });
    }
    at = end;
  }
  found = std::move(kept);
  return {};
}

Result<std::vector<std::uint32_t>> IndexSegment::find(const IndexQuery& query, std::uint32_t end) {
  std::vector<std::uint32_t> found;
  if ((query.from_ms && *query.from_ms > info_.max_ms) || (query.to_ms && *query.to_ms < info_.min_ms)) return found;
  std::vector<Group> groups;
  for (const auto& terms : query.groups) {
    Group group;
    for (const audit::Term term : terms) {
      BZ_TRY(const auto slot, slot_of(term));
      if (!slot) continue;
      group.slots.push_back(*slot);
      group.bytes += slot->bytes;
    }
    if (group.slots.empty()) return found;
    groups.push_back(std::move(group));
  }
  // The rarest first; the others only filter it.
  std::sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) { return a.bytes < b.bytes; });
  if (groups.empty()) {
    found.resize(info_.count);
    std::iota(found.begin(), found.end(), 0u);
  } else {
    BZ_TRY(found, positions(groups.front()));
  }
  found.erase(std::lower_bound(found.begin(), found.end(), end), found.end());
  for (std::size_t i = 1; i < groups.size() && !found.empty(); ++i) BZ_CHECK(keep(groups[i], found));
  if (!found.empty()) BZ_CHECK(keep_in_time(query, found));
  return found;
}

Result<Bytes> merge_segments(std::span<IndexSegment> parts) {
  BZ_ASSERT(!parts.empty());
  IndexSegmentInfo info = parts.front().info();
  info.count = 0;
  struct Part {
    audit::Term term = 0;
    std::uint32_t base = 0;
    IndexSegment* segment = nullptr;
    IndexSegment::Slot slot;
  };
  std::vector<Part> lists;
  std::vector<std::int64_t> times;
  for (IndexSegment& part : parts) {
    BZ_ASSERT(part.info().first == info.first + info.count && part.info().count <= kIndexLargest - info.count);
    for (std::uint32_t number = 0; number * kPageSlots < part.terms_; ++number) {
      BZ_TRY(const auto slots, part.page(number));
      for (const auto& slot : slots) lists.push_back({slot.term, info.count, &part, slot});
    }
    BZ_TRY(const auto blocks, part.time_blocks());
    for (std::uint32_t i = 0; i < blocks.size(); ++i) {
      BZ_TRY(const auto block, part.times(blocks[i], std::min(kTimeBlock, part.info().count - i * kTimeBlock)));
      times.insert(times.end(), block.begin(), block.end());
    }
    info.count += part.info().count;
    info.min_ms = std::min(info.min_ms, part.info().min_ms);
    info.max_ms = std::max(info.max_ms, part.info().max_ms);
    info.last_leaf = part.info().last_leaf;
  }
  std::sort(lists.begin(), lists.end(),
            [](const Part& a, const Part& b) { return std::tie(a.term, a.base) < std::tie(b.term, b.base); });
  Writer writer(info);
  std::vector<std::uint32_t> positions;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    BZ_TRY(const auto more, lists[i].segment->positions(lists[i].slot));
    for (const std::uint32_t position : more) positions.push_back(lists[i].base + position);
    if (i + 1 < lists.size() && lists[i + 1].term == lists[i].term) continue;
    writer.add(lists[i].term, positions);
    positions.clear();
  }
  return writer.finish(times);
}

}  // namespace bartizan::auditlog
