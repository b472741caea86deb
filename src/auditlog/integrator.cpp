#include "integrator.hpp"

#include <algorithm>

#include "bartizan/audit/record.hpp"
#include "bartizan/base/log.hpp"
#include "whole_file.hpp"

namespace bartizan::auditlog {
namespace {

constexpr std::size_t kBlockBytes = 1024 * 1024;
constexpr std::size_t kMaxWaitingBytes = 64 * 1024 * 1024;  ///< of leaves in memory, then a round is made early
constexpr std::size_t kMaxSpare = 4096;
constexpr std::chrono::milliseconds kPoll{50};

}  // namespace

Integrator::Integrator(FileLayer& files, const Clock& clock, Segments& segments, IntegratorOptions options,
                       LogKeys keys, State state)
    : files_(files),
      clock_(clock),
      segments_(segments),
      options_(std::move(options)),
      keys_(keys.named(options_.origin)),
      state_(std::move(state)),
      published_sequence_(state_.sequence),
      place_segment_(state_.segment),
      place_offset_(state_.offset) {
  sink_.intent = [this](audit::Ticket ticket, ByteView record) { take_intent(ticket.get(), record); };
  sink_.outcome = [this](const OutcomeRecord& record) { take_outcome(record); };
  for (auto& intent : state_.open) open_.emplace(intent.ticket, std::move(intent.record));
  state_.open.clear();
}

Result<std::unique_ptr<Integrator>> Integrator::open(FileLayer& files, const Clock& clock, Segments& segments,
                                                     IntegratorOptions options, LogKeys keys, State state) {
  std::unique_ptr<Integrator> integrator(
      new Integrator(files, clock, segments, std::move(options), std::move(keys), std::move(state)));
  BZ_CHECK(integrator->open_trees());
  return integrator;
}

Integrator::~Integrator() { stop(); }

std::string Integrator::folder_of(const std::string& name) const { return options_.directory + "/tree/" + name; }

TreeSigner Integrator::signer_of(const std::string& name) const {
  return TreeSigner(keys_.named(options_.origin + "/" + name));
}

void Integrator::rotate(LogKeys keys) {
  const std::lock_guard lock(mutex_);
  next_keys_ = std::move(keys);
  published_sequence_ = 0;
  forced_ = true;
  wake_.notify_all();
}

void Integrator::take_keys() {
  {
    const std::lock_guard lock(mutex_);
    if (!next_keys_) return;
    keys_ = next_keys_->named(options_.origin);
    next_keys_.reset();
  }
  for (const auto& [name, tree] : trees_) tree->use(signer_of(name));
}

Result<void> Integrator::open_trees() {
  BZ_CHECK(files_.make_directory(options_.directory + "/tree"));
  for (const auto& [name, size] : state_.trees) {
    BZ_TRY(auto tree, TreeStore::open(files_, folder_of(name), signer_of(name), size));
    if (tree->dirty()) published_sequence_ = 0;  // the last round got as far as its state, not its checkpoints
    trees_.emplace(name, std::move(tree));
  }
  const std::string system(kSystemTree);
  if (!trees_.contains(system)) trees_.emplace(system, TreeStore::fresh(files_, folder_of(system), signer_of(system)));
  figures_.trees = trees_.size();
  // A tree with a checkpoint that the state does not know of would be begun anew over the old one.
  BZ_TRY(const auto names, files_.list(options_.directory + "/tree"));
  for (const auto& name : names) {
    if (state_.trees.contains(name)) continue;
    const auto checkpoint = files_.open(folder_of(name) + "/checkpoint", OpenMode::Read);
    if (checkpoint) return fail(Errc::Malformed, "the tree in " + folder_of(name) + " is not in the audit log's state");
  }
  return {};
}

void Integrator::start() {
  thread_ = std::thread([this] { run(); });
}

void Integrator::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Integrator::wait_published(std::uint64_t sequence, std::chrono::milliseconds longest) {
  std::unique_lock lock(mutex_);
  const auto until = std::chrono::steady_clock::now() + longest;
  while (published_sequence_ < sequence) {
    forced_ = true;
    wake_.notify_all();
    if (published_cv_.wait_until(lock, until) == std::cv_status::timeout) return published_sequence_ >= sequence;
  }
  return true;
}

Integrator::Figures Integrator::figures() const {
  const std::lock_guard lock(mutex_);
  Figures figures = figures_;
  figures.backlog_bytes = segments_.bytes_after(place_segment_, place_offset_);
  return figures;
}

void Integrator::run() {
  auto last_round = clock_.steady();
  for (;;) {
    bool stopping = false;
    bool forced = false;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, kPoll, [this] { return stopping_ || forced_; });
      stopping = stopping_;
      forced = std::exchange(forced_, false);
    }
    Result<void> outcome;
    for (bool more = true; more && outcome;) {
      auto consumed = consume();
      if (!consumed) {
        outcome = tl::unexpected(std::move(consumed).error());
        break;
      }
      more = *consumed;
      const bool due = stopping || forced || clock_.steady() - last_round >= options_.checkpoint_every;
      if (!more && !due) break;
      if (outcome = publish(); outcome) last_round = clock_.steady();
    }
    report(outcome);
    if (stopping) return;
    if (outcome || forced) continue;
    // The disk refuses: wait for a while instead of trying again at each poll.
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, std::chrono::milliseconds(200), [this] { return stopping_; });
  }
}

/// True when there is more than fits into memory: publish first, then go on.
Result<bool> Integrator::consume() {
  while (waiting_bytes() < kMaxWaitingBytes) {
    const auto segment = segments_.at_or_after(state_.segment);
    if (!segment) return false;
    if (segment->number != state_.segment) {
      state_.segment = segment->number;
      state_.offset = kSegmentHeaderBytes;
    }
    if (state_.offset >= segment->durable_end) {
      if (!segment->closed || !segments_.at_or_after(segment->number + 1)) return false;
      ++state_.segment;
      state_.offset = kSegmentHeaderBytes;
      continue;
    }
    BZ_TRY(const bool went_on, consume_block(*segment));
    if (!went_on) return false;
  }
  return true;
}

Result<bool> Integrator::consume_block(const Segment& segment) {
  const std::string path = segment_path(options_.directory + "/journal", segment.number);
  if (!file_ || file_number_ != segment.number) {
    BZ_TRY(file_, files_.open(path, OpenMode::Read));
    file_number_ = segment.number;
  }
  const std::uint64_t left = segment.durable_end - state_.offset;
  block_.resize(std::min<std::uint64_t>(left, kBlockBytes));
  BZ_TRY(std::size_t read, file_->read_at(state_.offset, block_));
  const auto header = decode_group_header(ByteView(block_).first(read), state_.log_id);
  if (header && kGroupHeaderBytes + header->payload_bytes > block_.size()) {
    if (kGroupHeaderBytes + header->payload_bytes > left) return fail(Errc::Malformed, path + " changed under us");
    block_.resize(kGroupHeaderBytes + header->payload_bytes);
    BZ_TRY(read, file_->read_at(state_.offset, block_));
  }
  bool went_on = false;
  for (ByteView rest = ByteView(block_).first(read); !rest.empty();) {
    const auto group = decode_group(rest, state_.log_id);
    if (!group) break;  // cut by the block's end, or harmed: the next block tells
    BZ_CHECK(apply(*group));
    const std::size_t bytes = kGroupHeaderBytes + group->payload.size();
    rest = rest.subspan(bytes);
    state_.offset += bytes;
    went_on = true;
  }
  if (!went_on)
    return fail(Errc::Malformed,
                "the audit journal changed under us: " + path + " at byte " + std::to_string(state_.offset));
  const std::lock_guard lock(mutex_);
  place_segment_ = state_.segment;
  place_offset_ = state_.offset;
  figures_.leaves += std::exchange(unpublished_leaves_, 0);
  return true;
}

Result<void> Integrator::apply(const Group& group) {
  if (group.sequence <= state_.sequence) return {};
  if (group.sequence != state_.sequence + 1) return fail(Errc::Malformed, "a group of the audit journal is missing");
  if (!for_each_record(group, sink_)) return fail(Errc::Malformed, "a group of the audit journal does not add up");
  state_.sequence = group.sequence;
  moved_ = true;
  return {};
}

void Integrator::take_intent(std::uint64_t ticket, ByteView record) {
  state_.next_ticket = std::max(state_.next_ticket, ticket + 1);
  if (spare_.empty()) {
    open_.emplace(ticket, Bytes(record.begin(), record.end()));
    return;
  }
  auto node = std::move(spare_.back());
  spare_.pop_back();
  node.key() = ticket;
  node.mapped().assign(record.begin(), record.end());
  open_.insert(std::move(node));
}

void Integrator::take_outcome(const OutcomeRecord& outcome) {
  auto node = open_.extract(outcome.ticket.get());
  if (node.empty()) return;  // a second outcome changes nothing
  const auto intent = decode_intent(node.mapped());
  BZ_ASSERT(intent.has_value());  // for_each_record looked
  record_.clear();
  audit::append_record(record_, outcome.ticket, *intent, outcome.outcome);
  tree_of(audit::member_text(intent->session, "tenant")).append(as_bytes(record_));
  ++unpublished_leaves_;
  if (spare_.size() < kMaxSpare) spare_.push_back(std::move(node));
}

TreeStore& Integrator::tree_of(std::string_view tenant) {
  const auto known = tenants_.find(tenant);
  if (known != tenants_.end()) return *known->second;
  const std::string name = tenant.empty() ? std::string(kSystemTree) : tree_name(tenant);
  auto& tree = trees_[name];
  if (!tree) tree = TreeStore::fresh(files_, folder_of(name), signer_of(name));
  tenants_.emplace(tenant, tree.get());
  const std::lock_guard lock(mutex_);
  figures_.trees = trees_.size();
  return *tree;
}

std::size_t Integrator::waiting_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [name, tree] : trees_) bytes += tree->waiting_bytes();
  return bytes;
}

/// The order is what makes a crash harmless: tiles, then the state, then checkpoints. Whatever the
/// state does not cover is made again from the journal, and no checkpoint has spoken of it.
Result<void> Integrator::publish() {
  take_keys();
  TreeStore& system = *trees_.at(std::string(kSystemTree));
  std::vector<std::pair<TreeStore*, std::string>> rounds;
  for (const auto& [name, tree] : trees_) {
    if (tree.get() == &system || !tree->dirty()) continue;
    BZ_CHECK(tree->write_tiles());
    rounds.emplace_back(tree.get(), tree->checkpoint());
    if (std::exchange(noted_[name], tree->size()) != tree->size()) system.append(as_bytes(rounds.back().second));
  }
  if (system.dirty()) {
    BZ_CHECK(system.write_tiles());
    rounds.emplace_back(&system, system.checkpoint());
  }
  if (moved_ || !rounds.empty()) BZ_CHECK(save_state());
  std::uint64_t published = 0;
  for (const auto& [tree, checkpoint] : rounds) {
    const std::uint64_t before = tree->published();
    BZ_CHECK(tree->publish(checkpoint));
    published += tree->published() - before;
  }
  remove_integrated();
  const std::lock_guard lock(mutex_);
  published_sequence_ = state_.sequence;
  figures_.published += published;
  published_cv_.notify_all();
  return {};
}

Result<void> Integrator::save_state() {
  state_.trees.clear();
  for (const auto& [name, tree] : trees_)
    if (tree->size() > 0) state_.trees[name] = tree->size();
  state_.open.clear();
  for (const auto& [ticket, record] : open_) state_.open.push_back({ticket, record});
  const auto saved = replace_whole(files_, options_.directory, "state", encode_state(state_));
  state_.open.clear();
  if (saved) moved_ = false;
  return saved;
}

/// Segments wholly below the saved place are no longer needed.
void Integrator::remove_integrated() {
  for (auto segment = segments_.at_or_after(0); segment && segment->closed && segment->number < state_.segment;
       segment = segments_.at_or_after(0)) {
    segments_.drop(segment->number);
    [[maybe_unused]] const auto removed = files_.remove(segment_path(options_.directory + "/journal", segment->number));
  }
}

void Integrator::report(const Result<void>& outcome) {
  const std::lock_guard lock(mutex_);
  if (!outcome && figures_.publishing) BZ_LOG(Error, "audit.publish_failed", {"reason", outcome.error().detail});
  if (outcome && !figures_.publishing) BZ_LOG(Info, "audit.publish_recovered");
  figures_.publishing = outcome.has_value();
}

}  // namespace bartizan::auditlog
