#include "journal.hpp"

#include <algorithm>
#include <charconv>

#include "bartizan/base/log.hpp"
#include "journal_format.hpp"

namespace bartizan::auditlog {
namespace {

constexpr std::string_view kSuffix = ".segment";
constexpr std::size_t kDigits = 16;
/// A sync of blocks that have been written before costs half of one that has the file system note that
/// they hold something now (ADR 0116).
constexpr std::size_t kZerosAhead = 256 * 1024;

}  // namespace

void Segments::add(const Segment& segment) {
  const std::lock_guard lock(mutex_);
  BZ_ASSERT(segments_.empty() || segments_.back().number < segment.number);
  segments_.push_back(segment);
}

void Segments::advance(std::uint64_t number, std::uint64_t durable_end) {
  const std::lock_guard lock(mutex_);
  BZ_ASSERT(!segments_.empty() && segments_.back().number == number);
  segments_.back().durable_end = durable_end;
}

void Segments::close(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  for (auto& segment : segments_)
    if (segment.number == number) segment.closed = true;
}

void Segments::drop(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  std::erase_if(segments_, [number](const Segment& segment) { return segment.number == number; });
}

std::optional<Segment> Segments::at_or_after(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  for (const auto& segment : segments_)
    if (segment.number >= number) return segment;
  return std::nullopt;
}

std::uint64_t Segments::bytes_after(std::uint64_t number, std::uint64_t offset) const {
  const std::lock_guard lock(mutex_);
  std::uint64_t bytes = 0;
  for (const auto& segment : segments_) {
    const std::uint64_t from = segment.number == number ? offset : segment.number < number ? segment.durable_end : 0;
    bytes += segment.durable_end - std::min(from, segment.durable_end);
  }
  return bytes;
}

std::string segment_path(const std::string& directory, std::uint64_t number) {
  std::string digits(kDigits, '0');
  for (std::size_t i = kDigits; i-- > 0; number >>= 4) digits[i] = "0123456789abcdef"[number & 15];
  return directory + "/" + digits + std::string(kSuffix);
}

std::optional<std::uint64_t> parse_segment_name(std::string_view name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, number, 16);
  if (error != std::errc{} || end != name.data() + kDigits) return std::nullopt;
  return number;
}

Journal::Journal(FileLayer& files, Segments& segments, JournalOptions options)
    : files_(files), segments_(segments), options_(std::move(options)), next_number_(options_.first_number) {}

Journal::~Journal() {
  if (file_) close_segment();
}

Result<void> Journal::append(ByteView group) {
  if (file_ && end_ > kSegmentHeaderBytes && end_ + group.size() > options_.segment_bytes) close_segment();
  if (!file_) BZ_CHECK(open_segment());
  auto written = write_zeros_behind(end_ + group.size());
  if (written) written = file_->write_at(end_, group);
  if (written) written = file_->sync();
  if (!written) {
    abandon_segment();
    return written;
  }
  end_ += group.size();
  segments_.advance(number_, end_);
  return {};
}

/// What is read behind the last group stays zeros, as where nothing was written.
Result<void> Journal::write_zeros_behind(std::uint64_t end) {
  if (end <= written_) return {};
  written_ = std::max(end, std::min<std::uint64_t>(end + kZerosAhead, options_.segment_bytes));
  static const Bytes zeros(kZerosAhead);
  return file_->write_at(end, ByteView(zeros).first(written_ - end));
}

Result<void> Journal::open_segment() {
  BZ_TRY(const std::uint64_t free, files_.free_bytes(options_.directory));
  if (free < options_.free_floor_bytes + options_.segment_bytes)
    return fail(Errc::ResourceExhausted, "less space is free than the audit log's floor");
  const std::uint64_t number = next_number_++;
  const std::string path = segment_path(options_.directory, number);
  BZ_TRY(auto file, files_.open(path, OpenMode::CreateNew));
  auto ready = file->allocate(options_.segment_bytes);
  if (ready) ready = file->write_at(0, segment_header(options_.log_id, number));
  if (ready) ready = file->sync();
  if (ready) ready = files_.sync_directory(options_.directory);
  if (!ready) {
    file.reset();
    [[maybe_unused]] const auto removed = files_.remove(path);
    return ready;
  }
  file_ = std::move(file);
  number_ = number;
  end_ = kSegmentHeaderBytes;
  written_ = end_;
  segments_.add({number_, end_, false});
  return {};
}

/// What was synced before stays; the rest is cut off as far as the file still lets us. Recovery
/// does not depend on that.
void Journal::abandon_segment() {
  BZ_LOG(Warn, "audit.segment_abandoned", {"segment", number_}, {"bytes", end_});
  const bool holds_groups = end_ > kSegmentHeaderBytes;
  close_segment();
  if (holds_groups) return;
  segments_.drop(number_);
  [[maybe_unused]] const auto removed = files_.remove(segment_path(options_.directory, number_));
}

void Journal::close_segment() {
  [[maybe_unused]] const auto cut = file_->truncate(end_);
  file_.reset();
  segments_.close(number_);
}

}  // namespace bartizan::auditlog
