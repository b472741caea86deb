#include <algorithm>
#include <ctime>

#include "verify.hpp"

namespace verify {
namespace {

constexpr std::string_view kMark = R"("unmapped":{"bartizan":{"event":"counts",)";  // inside values quotes are escaped

std::string utc(std::uint64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::array<char, 32> out{};
  return {out.data(), std::strftime(out.data(), out.size(), "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&time))};
}

/// What stands behind the word, or nothing.
std::string_view after(std::string_view entry, std::string_view word) {
  const auto at = entry.rfind(word);
  return at == std::string_view::npos ? std::string_view() : entry.substr(at + word.size());
}

bool has(const std::vector<bool>& tickets, std::uint64_t ticket) { return ticket < tickets.size() && tickets[ticket]; }

}  // namespace

void Counts::tell(const std::string& tree, const Hour& hour, const std::string& what) const {
  finding_(tree, hour.index,
           "from " + utc(hour.from) + " to " + utc(hour.to) + " (tickets " + text(hour.first) + " to " +
               text(hour.last) + ") " + what);
}

void Counts::record(std::uint64_t index, std::uint64_t ticket, std::string_view entry) {
  if (ticket >= there_.size()) there_.resize(std::max<std::size_t>(ticket + 1, there_.size() * 2));
  there_[ticket] = true;
  const auto said = after(entry, kMark);
  if (said.empty()) return;
  const auto n = [&](std::string_view member) { return number_after(said, "\"" + std::string(member) + "\":"); };
  auto& hour = hours_.emplace_back();
  hour.index = index, hour.first = n("first_ticket"), hour.last = n("last_ticket"), hour.intents = n("intents");
  hour.from = n("from_s"), hour.to = n("to_s"), hour.open_more = n("open_more"), hour.gone = n("gone");
  hour.lost = said.find("\"lost\":true") != std::string_view::npos;
  std::string open(after(said, "\"open\":["));
  open.replace(std::min(open.find(']'), open.size()), std::string::npos, "\n");
  std::replace(open.begin(), open.end(), ',', '\n');
  for (std::string_view rest = open; const auto line = take_line(rest);)
    if (const auto running = from_decimal(*line)) hour.open.insert(*running);
}

/// What may still run is in the newest count's list; whatever else was begun has to be there.
void Counts::compare(const std::string& tree, const Hour& hour, const Hour& newest) {
  const auto at = [&](std::uint64_t ticket) {
    return there_.begin() + static_cast<std::ptrdiff_t>(std::min(ticket, there_.size()));
  };
  const auto there = static_cast<std::uint64_t>(std::count(at(hour.first), at(hour.last + 1), true));
  std::uint64_t running = hour.last == newest.last ? newest.open_more : 0;
  for (auto open = newest.open.lower_bound(hour.first); open != newest.open.upper_bound(hour.last); ++open)
    running += has(there_, *open) ? 0 : 1;
  if (there + running < hour.intents || there > hour.intents)
    tell(tree, hour,
         text(hour.intents) + " records were begun, " + text(running) + " of them may still run, " + text(there) +
             " are there");
  running_ += hour.intents - std::min(there, hour.intents);
  ++compared_;
}

void Counts::end_tree(const std::string& tree, std::uint64_t kept_from) {
  const auto newest = std::find_if(hours_.rbegin(), hours_.rend(), [](const Hour& hour) { return !hour.lost; });
  std::set<std::pair<std::uint64_t, std::uint64_t>> once;  // after a failure the log was told again
  for (const auto& hour : hours_) {
    through_ = std::max(through_, hour.last);
    if (hour.gone > 0) tell(tree, hour, text(hour.gone) + " records that were counted are gone from the log");
    if (hour.lost) continue;
    if (once.insert({hour.first, hour.last}).second) sums_[{hour.first, hour.last}] += hour.intents;
    if (hour.from >= kept_from) compare(tree, hour, *newest);
  }
  if (system_.empty()) system_ = hours_;
  kept_from_ = std::max(kept_from_, kept_from);
  hours_.clear();
  there_.clear();
}

/// Of each hour the trees' counts have to make up all tickets, and each ticket has to be in some hour.
void Counts::end_log(const std::string& system, const std::vector<bool>& there) {
  std::sort(system_.begin(), system_.end(), [](const Hour& a, const Hour& b) { return a.first < b.first; });
  std::uint64_t next = system_.empty() ? 0 : system_.front().first;
  for (const auto& hour : system_) {
    const auto gap = hour.first > next ? hour.first - next : 0;
    next = std::max(next, hour.last + 1);
    if (hour.from < kept_from_) continue;
    std::uint64_t missing = 0;
    for (std::uint64_t ticket = hour.first; hour.lost && ticket <= hour.last; ++ticket)
      missing += has(there, ticket) ? 0 : 1;
    if (missing > 0) tell(system, hour, "the gateway died, and " + text(missing) + " records are missing");
    const auto sum = sums_[{hour.first, hour.last}];
    if (!hour.lost && sum != hour.last - hour.first + 1)
      tell(system, hour, "the counts of all trees make up " + text(sum) + ": that of a tree is missing or wrong");
    if (gap > 0) tell(system, hour, "the " + text(gap) + " tickets before are in no count");
  }
}

std::string Counts::summary() const {
  if (through_ == 0) return "there are none: records that were lost before they were signed can't be told";
  return text(compared_) + " compared, up to ticket " + text(through_) + "; still running: " + text(running_) +
         " records";
}

}  // namespace verify
