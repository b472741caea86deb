#include "bartizan/shipping/shipper.hpp"

#include <algorithm>

#include "bartizan/base/log.hpp"
#include "bartizan/shipping/transport.hpp"

namespace bartizan::shipping {
namespace {

constexpr std::chrono::seconds kSaveEvery{1};
constexpr std::size_t kMostUnsettled = 4096;  ///< batches; only their cursors are kept

}  // namespace

Shipper::Shipper(ShipperOptions options, const Clock& clock, auditlog::FileLayer& files)
    : options_(std::move(options)),
      clock_(clock),
      file_(options_.log.directory, "shipping-" + options_.name + ".cursor", files),
      follower_(options_.log, files),
      stopper_(std::make_unique<Stopper>()) {}

Result<std::unique_ptr<Shipper>> Shipper::start(ShipperOptions options, const MakeSink& make, const Clock& clock,
                                                auditlog::FileLayer& files) {
  std::unique_ptr<Shipper> shipper(new Shipper(std::move(options), clock, files));
  BZ_TRY(shipper->sink_, make(*shipper->stopper_));
  BZ_TRY(const std::string text, shipper->file_.read());
  if (!text.empty()) {
    BZ_TRY(shipper->settled_, Cursor::parse(text, shipper->options_.log.origin));
  }
  shipper->sent_ = shipper->saved_ = shipper->settled_;
  shipper->thread_ = std::thread([raw = shipper.get()] { raw->run(); });
  return shipper;
}

Shipper::~Shipper() {
  stopper_->stop();
  if (thread_.joinable()) thread_.join();
}

Shipper::Figures Shipper::figures() const {
  const std::lock_guard lock(mutex_);
  Figures out = figures_;
  if (behind_ != WallTime{})
    out.lag = std::max(std::chrono::milliseconds(0),
                       std::chrono::duration_cast<std::chrono::milliseconds>(clock_.wall() - behind_));
  return out;
}

void Shipper::run() {
  auto pause = options_.first_pause;
  for (;;) {
    const auto done = step();
    report(done);
    if (done) {
      pause = options_.first_pause;
      if (!stopper_->sleep(*done ? std::chrono::milliseconds(0) : options_.poll)) break;
      continue;
    }
    go_back();
    if (!stopper_->sleep(pause)) break;
    pause = std::min(pause * 2, options_.longest_pause);
  }
  sink_->disconnect();
  if (const auto saved = save(); !saved)
    BZ_LOG(Warn, "shipping.cursor_not_saved", {"sink", options_.name}, {"reason", saved.error().detail});
}

/// One batch, or a look at how the last ones have fared. True when there may be more at once.
Result<bool> Shipper::step() {
  BZ_CHECK(settle());
  BZ_TRY(auto read, follower_.read(sent_, options_.batch_records, options_.batch_bytes));
  std::vector<Record> records;
  std::uint64_t unreadable = 0;
  for (auto& json : read.records) {
    if (auto record = read_record(std::move(json)))
      records.push_back(std::move(*record));
    else
      ++unreadable;
  }
  const bool moved = !(read.after == sent_);
  Sink::Delivered delivered;
  if (!records.empty()) {
    {
      const std::lock_guard lock(mutex_);
      behind_ = std::ranges::min_element(records, {}, &Record::at)->at;
    }
    BZ_TRY(delivered, sink_->deliver(records));
  }
  sent_ = std::move(read.after);
  if (moved) unsettled_.push_back({std::chrono::steady_clock::now(), sent_, records.size()});
  const std::lock_guard lock(mutex_);
  behind_ = {};
  figures_.delivered += records.size();
  figures_.dropped += delivered.rejected + read.missing + unreadable;
  return moved;
}

/// Moves the cursor past what needs no repetition any more.
Result<void> Shipper::settle() {
  const auto wait = sink_->settles_after();
  if (!unsettled_.empty() && wait.count() > 0 && !sink_->connected())
    return fail(Errc::Unavailable, "the connection broke before what was sent over it had settled");
  const auto now = std::chrono::steady_clock::now();
  while (!unsettled_.empty() && (now - unsettled_.front().at >= wait || unsettled_.size() > kMostUnsettled)) {
    settled_ = std::move(unsettled_.front().through);
    unsettled_.pop_front();
  }
  if (now - last_save_ < kSaveEvery) return {};
  last_save_ = now;
  return save();
}

Result<void> Shipper::save() {
  if (settled_ == saved_) return {};
  BZ_CHECK(file_.write(settled_.to_text(options_.log.origin)));
  saved_ = settled_;
  return {};
}

/// To what the receiver has for certain.
void Shipper::go_back() {
  sink_->disconnect();
  std::uint64_t again = 0;
  for (const auto& each : unsettled_) again += each.records;
  unsettled_.clear();
  sent_ = settled_;
  const std::lock_guard lock(mutex_);
  figures_.repeated += again;
}

void Shipper::report(const Result<bool>& step) {
  const std::lock_guard lock(mutex_);
  const bool worked = step.has_value();
  if (!worked && figures_.error.empty())
    BZ_LOG(Warn, "shipping.failed", {"sink", options_.name}, {"reason", step.error().detail});
  if (worked && !figures_.error.empty()) BZ_LOG(Info, "shipping.recovered", {"sink", options_.name});
  figures_.connected = worked;
  if (!worked) ++figures_.failures;
  figures_.error = worked ? std::string() : step.error().detail;
}

}  // namespace bartizan::shipping
