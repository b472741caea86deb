// Pool sizes and times. PgBouncer counts them by database and user, a depot has one budget: so that
// nobody waits who did not wait there, the budget is what all pools together could have opened.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "depot_rules.hpp"

namespace bartizan::migrate {
namespace {

/// What depot.set takes, in seconds.
constexpr std::int64_t kLongestWait = 86'400;
constexpr std::int64_t kLongestLife = 604'800;

/// Rounded up: 0 would mean none.
std::int64_t whole_seconds(config::Duration duration, std::int64_t most) {
  return std::min<std::int64_t>((duration.count() + 999) / 1000, most);
}

constexpr std::int64_t kDefaultPoolSize = 20;  // PgBouncer's, and a depot's
constexpr std::int64_t kMaxPoolSize = 10'000;

constexpr std::array kPoolKeys = {
    std::string_view("pool_mode"),       std::string_view("pool_size"),         std::string_view("min_pool_size"),
    std::string_view("reserve_pool"),    std::string_view("reserve_pool_size"), std::string_view("max_db_connections"),
    std::string_view("server_lifetime"),
};

/// Of the pairs of one database and, where they are silent, of [pgbouncer].
class Pool {
 public:
  Pool(Draft& draft, const IniEntry& entry, const Pairs& pairs) : draft_(draft), entry_(entry), pairs_(pairs) {}

  /// nullopt: not there, or not a number, which is a finding then.
  std::optional<std::int64_t> count(std::string_view pair, std::string_view global) {
    const std::string* text = find_pair(pairs_, pair);
    const IniEntry* fallback = draft_.global(global);
    if (text == nullptr && fallback == nullptr) return std::nullopt;
    const auto number = read_count(text != nullptr ? *text : fallback->value);
    if (number) return number;
    refuse(text != nullptr ? pair : std::string_view(), "this is no whole number", fallback);
    return std::nullopt;
  }

  std::optional<config::Duration> time(std::string_view pair, std::string_view global) {
    const std::string* text = pair.empty() ? nullptr : find_pair(pairs_, pair);
    const IniEntry* fallback = draft_.global(global);
    if (text == nullptr && fallback == nullptr) return std::nullopt;
    const auto seconds = read_seconds(text != nullptr ? *text : fallback->value);
    if (seconds) return seconds;
    refuse(text != nullptr ? pair : std::string_view(), "this is no number of seconds", fallback);
    return std::nullopt;
  }

  [[nodiscard]] std::string mode() const {
    const std::string* text = find_pair(pairs_, "pool_mode");
    const std::string mode = lower(text != nullptr ? *text : draft_.global_text("pool_mode", "session"));
    return mode == "session" ? "session" : "transaction";
  }

 private:
  void refuse(std::string_view pair, std::string_view why, const IniEntry* global) {
    if (!pair.empty())
      return draft_.note_pair(entry_, pair, *find_pair(pairs_, pair), Verdict::Refused, std::string(why));
    draft_.note(*global, Verdict::Refused, std::string(why));
  }

  Draft& draft_;
  const IniEntry& entry_;
  const Pairs& pairs_;
};

struct Sizes {
  std::int64_t size = kDefaultPoolSize;
  std::string how;  ///< it was computed
};

Sizes sizes_of(Pool& pool, std::size_t pools) {
  const std::int64_t each = pool.count("pool_size", "default_pool_size").value_or(kDefaultPoolSize);
  std::int64_t reserve = pool.count("reserve_pool", "reserve_pool_size").value_or(0);
  if (const auto newer = pool.count("reserve_pool_size", "reserve_pool_size")) reserve = std::max(reserve, *newer);
  const auto limit = pool.count("max_db_connections", "max_db_connections").value_or(0);
  const auto many = static_cast<std::int64_t>(std::max<std::size_t>(pools, 1));
  const std::int64_t one = std::min(each, kMaxPoolSize) + std::min(reserve, kMaxPoolSize);
  std::int64_t all = std::min(one * many, kMaxPoolSize);
  std::string how = fmt::format("{} for each of {} pool(s)", one, many);
  if (limit > 0 && limit < all) {
    all = limit;
    how = "max_db_connections";
  }
  return {std::max<std::int64_t>(all, 1), how};
}

void note_pairs(Draft& draft, const IniEntry& entry, const Pairs& pairs, const Sizes& sizes, const std::string& mode) {
  for (const auto& [key, value] : pairs) {
    if (!is_pool_key(key) || &value != find_pair(pairs, key)) continue;
    if (key == "pool_mode" && lower(value) != mode) {
      draft.note_pair(entry, key, value, Verdict::Refused,
                      "the depot gets pool_mode transaction: nothing here forbids transactions of several statements");
    } else if (key == "pool_mode") {
      draft.note_pair(entry, key, value, Verdict::Mapped, "pool_mode = " + mode);
    } else if (key == "server_lifetime" && read_seconds(value) == config::Duration(0)) {
      draft.note_pair(entry, key, value, Verdict::Refused, std::string(kUsedOnce));
    } else if (key == "min_pool_size" || key == "server_lifetime") {
      draft.note_pair(entry, key, value, Verdict::Mapped, key == "min_pool_size" ? "pool_min" : "server_lifetime");
    } else {
      draft.note_pair(entry, key, value, Verdict::Mapped, fmt::format("pool_size = {} ({})", sizes.size, sizes.how));
    }
  }
}

}  // namespace

bool is_pool_key(std::string_view key) { return std::ranges::find(kPoolKeys, key) != kPoolKeys.end(); }

const std::string* find_pair(const Pairs& pairs, std::string_view key) {
  const auto found = std::find_if(pairs.rbegin(), pairs.rend(), [key](const auto& pair) { return pair.first == key; });
  return found == pairs.rend() ? nullptr : &found->second;
}

void map_pool(Draft& draft, const IniEntry& entry, const Pairs& pairs, const std::string& depot, std::size_t pools) {
  Pool pool(draft, entry, pairs);
  const Sizes sizes = sizes_of(pool, pools);
  const std::string mode = pool.mode();
  AdminRequest request{"depot.set", {}};
  const auto add = [&request](std::string_view name, ArgumentValue value) {
    request.arguments.emplace_back(std::string(name), std::move(value));
  };
  add("name", depot);
  add("pool_mode", mode);
  add("pool_size", sizes.size);
  if (const auto least = pool.count("min_pool_size", "min_pool_size"); least && *least > 0)
    add("pool_min", std::min(*least, sizes.size));
  if (const auto wait = pool.time({}, "query_wait_timeout")) add("queue_timeout", whole_seconds(*wait, kLongestWait));
  if (const auto life = pool.time("server_lifetime", "server_lifetime"); life && life->count() > 0)
    add("server_lifetime", whole_seconds(*life, kLongestLife));
  if (const auto idle = pool.time({}, "server_idle_timeout"))
    add("server_idle_timeout", whole_seconds(*idle, kLongestWait));
  note_pairs(draft, entry, pairs, sizes, mode);
  draft.note_pair(entry, {}, {}, Verdict::Mapped,
                  fmt::format("depot {}: pool_mode {}, pool_size {} ({})", depot, mode, sizes.size, sizes.how));
  draft.request(std::move(request));
}

}  // namespace bartizan::migrate
