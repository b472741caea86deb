#include "count_book.hpp"

#include <algorithm>

namespace bartizan::auditlog {
namespace {

constexpr std::array<audit::Status, kStatuses> kAll = {audit::Status::Ok, audit::Status::Failed, audit::Status::Refused,
                                                       audit::Status::NotRun, audit::Status::Unknown};

std::string stretch(std::uint64_t first, std::uint64_t last, std::int64_t from_s, std::int64_t to_s) {
  std::string out = "\"operation\":\"log.counts\",\"first_ticket\":" + std::to_string(first);
  out += ",\"last_ticket\":" + std::to_string(last) + ",\"from_s\":" + std::to_string(from_s);
  return out + ",\"to_s\":" + std::to_string(to_s);
}

void add(Tally& to, Tally& from) {
  to.intents += from.intents;
  for (std::size_t i = 0; i < kStatuses; ++i) to.ended[i] += from.ended[i];
  from = {};
}

}  // namespace

CountBook::CountBook(std::uint64_t next_ticket, std::int64_t from_s)
    : slots_(kSlots),
      highest_(next_ticket - 1),
      cut_(highest_),
      through_(highest_),
      told_(highest_),
      resumed_at_(highest_),
      from_s_(from_s) {
  [[maybe_unused]] const auto system = tree_of({});
}

CountBook::CountBook(std::uint64_t next_ticket, const SavedCounts& saved) : CountBook(next_ticket, saved.from_s) {
  told_ = saved.told;
  through_ = std::min(saved.through, resumed_at_);
  cut_ = through_;
  for (const auto& tree : saved.trees) trees_[tree_of(tree.tenant)].counted = tree.tally;
}

std::uint32_t CountBook::tree_of(std::string_view tenant) {
  const auto known = numbers_.find(tenant);
  if (known != numbers_.end()) return known->second;
  const auto number = static_cast<std::uint32_t>(trees_.size());
  trees_.push_back({std::string(tenant), {}, {}, {}});
  numbers_.emplace(tenant, number);
  return number;
}

Tally* CountBook::tally_of(Tree& tree, std::uint64_t ticket) {
  if (ticket > cut_) return &tree.running;
  if (ticket > through_) return &tree.closing;
  return ticket > told_ ? &tree.counted : nullptr;
}

void CountBook::note(std::uint64_t ticket, std::string_view tenant) {
  const auto number = tree_of(tenant);
  Tally* const tally = tally_of(trees_[number], ticket);
  if (tally == nullptr) return;
  ++tally->intents;
  ++(ticket > cut_ ? running_noted_ : closing_noted_);
  highest_ = std::max(highest_, ticket);
  Slot& slot = slots_[ticket % kSlots];
  if (slot.ticket != 0) long_.emplace(slot.ticket, slot.tree);
  slot = {ticket, number};
}

void CountBook::end(std::uint64_t ticket, audit::Status status) {
  Slot& slot = slots_[ticket % kSlots];
  std::uint32_t number = slot.tree;
  if (slot.ticket == ticket) {
    slot.ticket = 0;
  } else {
    const auto found = long_.find(ticket);
    if (found == long_.end()) return;
    number = found->second;
    long_.erase(found);
  }
  if (Tally* const tally = tally_of(trees_[number], ticket)) ++tally->ended[static_cast<std::size_t>(status)];
}

void CountBook::close() {
  for (auto& tree : trees_) add(tree.closing, tree.running);
  closing_noted_ = std::exchange(running_noted_, 0);
  cut_ = highest_;
}

void CountBook::join() {
  for (auto& tree : trees_) add(tree.counted, tree.closing);
  closing_noted_ = 0;
  through_ = cut_;
}

SavedCounts CountBook::saved() const {
  SavedCounts out{told_, through_, from_s_, {}};
  for (const auto& tree : trees_)
    if (tree.counted.intents > 0) out.trees.push_back({tree.tenant, tree.counted});
  return out;
}

/// Up to through_, by tree, rising.
std::vector<std::vector<std::uint64_t>> CountBook::open_tickets() const {
  std::vector<std::vector<std::uint64_t>> out(trees_.size());
  for (const auto& slot : slots_)
    if (slot.ticket != 0 && slot.ticket <= through_) out[slot.tree].push_back(slot.ticket);
  for (const auto& [ticket, tree] : long_)
    if (ticket <= through_) out[tree].push_back(ticket);
  for (auto& tickets : out) std::sort(tickets.begin(), tickets.end());
  return out;
}

std::vector<CountBook::Told> CountBook::to_tell(std::int64_t now_s) {
  std::vector<Told> out;
  if (through_ == told_) return out;
  const auto open = open_tickets();
  for (std::size_t i = trees_.size(); i-- > 0;) {
    Tree& tree = trees_[i];
    if (i > 0 && tree.counted.intents == 0 && !tree.had_open) continue;
    std::string what = stretch(told_ + 1, through_, from_s_, now_s);
    what += ",\"intents\":" + std::to_string(tree.counted.intents);
    for (const auto status : kAll)
      what.append(",\"")
          .append(to_string(status))
          .append("\":")
          .append(std::to_string(tree.counted.ended[static_cast<std::size_t>(status)]));
    what += ",\"open\":[";
    const auto named = std::min(open[i].size(), kMostOpen);
    for (std::size_t k = 0; k < named; ++k) what += (k > 0 ? "," : "") + std::to_string(open[i][k]);
    what += "],\"open_more\":" + std::to_string(open[i].size() - named);
    tree.had_open = !open[i].empty();
    out.push_back({tree.tenant, std::move(what)});
  }
  return out;
}

void CountBook::was_told(std::int64_t now_s) {
  for (auto& tree : trees_) tree.counted = {};
  if (!closing()) through_ = cut_ = std::max(through_, resumed_at_);
  told_ = through_;
  from_s_ = now_s;
}

std::string lost_counts(std::uint64_t first, std::uint64_t last, std::int64_t from_s, std::int64_t to_s) {
  return stretch(first, last, from_s, to_s) + ",\"lost\":true";
}

std::string gone_counts(std::uint64_t first, std::uint64_t last, std::int64_t from_s, std::int64_t to_s) {
  return lost_counts(first, last, from_s, to_s) + ",\"gone\":" + std::to_string(last - first + 1);
}

}  // namespace bartizan::auditlog
