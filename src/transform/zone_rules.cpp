#include "bartizan/transform/zone_rules.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace bartizan::transform {
namespace {

using std::chrono::seconds;

constexpr std::int64_t kDay = 86'400;
constexpr std::size_t kMostTransitions = 4096;
constexpr std::int64_t kMostOffset = 16 * 3600;

/// The day of month m that is the w-th (5: last) weekday d, and a time on it, which may lie on another day.
struct YearlyRule {
  int month = 1;
  int week = 1;
  int weekday = 0;
  std::int64_t time = 7200;

  /// Local seconds since 1970 in a year.
  [[nodiscard]] std::int64_t in(std::chrono::year year) const {
    const std::chrono::weekday day(static_cast<unsigned>(weekday));
    const std::chrono::month of(static_cast<unsigned>(month));
    const auto date =
        week == 5 ? std::chrono::sys_days(year / of / std::chrono::weekday_last(day))
                  : std::chrono::sys_days(year / of / std::chrono::weekday_indexed(day, static_cast<unsigned>(week)));
    return date.time_since_epoch().count() * kDay + time;
  }
};

/// What holds behind the last transition: a POSIX TZ string.
struct LastRule {
  std::int64_t standard = 0;
  std::optional<std::int64_t> summer;
  YearlyRule begins;
  YearlyRule ends;
};

class RuleReader {
 public:
  explicit RuleReader(std::string_view text) : rest_(text) {}

  std::optional<LastRule> run() {
    LastRule rule;
    if (!name() || !offset(rule.standard)) return std::nullopt;
    rule.standard = -rule.standard;
    if (rest_.empty()) return rule;
    std::int64_t summer = 0;
    if (!name()) return std::nullopt;
    const bool stated = !rest_.empty() && rest_.front() != ',';
    if (stated && !offset(summer)) return std::nullopt;
    rule.summer = stated ? -summer : rule.standard + 3600;
    if (!yearly(rule.begins) || !yearly(rule.ends) || !rest_.empty()) return std::nullopt;
    return rule;
  }

 private:
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool name() {
    if (take('<')) {
      const auto end = rest_.find('>');
      if (end == std::string_view::npos) return false;
      rest_.remove_prefix(end + 1);
      return true;
    }
    std::size_t size = 0;
    while (size < rest_.size() && ((rest_[size] | 0x20) >= 'a' && (rest_[size] | 0x20) <= 'z')) ++size;
    rest_.remove_prefix(size);
    return size >= 3;
  }
  bool number(std::int64_t& out, std::int64_t most) {
    if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') return false;
    for (out = 0; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; rest_.remove_prefix(1)) {
      out = out * 10 + (rest_.front() - '0');
      if (out > most) return false;
    }
    return true;
  }
  /// [+-]hh[:mm[:ss]]
  bool offset(std::int64_t& out) {
    const bool minus = take('-');
    if (!minus) take('+');
    std::int64_t part = 0;
    if (!number(part, 167)) return false;
    out = part * 3600;
    for (const std::int64_t unit : {60, 1}) {
      if (!take(':')) break;
      if (!number(part, 59)) return false;
      out += part * unit;
    }
    if (minus) out = -out;
    return true;
  }
  /// ,Mm.w.d[/time]
  bool yearly(YearlyRule& rule) {
    std::int64_t month = 0;
    std::int64_t week = 0;
    std::int64_t weekday = 0;
    if (!take(',') || !take('M') || !number(month, 12) || !take('.') || !number(week, 5) || !take('.') ||
        !number(weekday, 6) || month == 0 || week == 0)
      return false;
    rule.month = static_cast<int>(month);
    rule.week = static_cast<int>(week);
    rule.weekday = static_cast<int>(weekday);
    return !take('/') || offset(rule.time);
  }

  std::string_view rest_;
};

class IanaZone final : public TimeZone {
 public:
  std::vector<std::int64_t> moments;  ///< ascending
  std::vector<std::int64_t> offsets;  ///< from the moment of the same index on
  std::int64_t first = 0;             ///< before them
  std::optional<LastRule> last;

  [[nodiscard]] seconds offset_at(std::int64_t at) const override {
    const auto next = std::ranges::upper_bound(moments, at);
    if (next == moments.end() && last) return seconds(by_rule(at));
    return seconds(next == moments.begin() ? first : offsets[static_cast<std::size_t>(next - moments.begin()) - 1]);
  }

  /// Of a time that there is not, what held before; of one that there is twice, what holds after.
  [[nodiscard]] std::optional<seconds> offset_of_local(std::int64_t local) const override {
    const auto before = offset_at(local - kDay);
    const auto after = offset_at(local + kDay);
    if (before == after) return before;
    const bool fits_before = offset_at(local - before.count()) == before;
    const bool fits_after = offset_at(local - after.count()) == after;
    if (fits_after) return after;
    if (fits_before || before < after) return before;
    return std::nullopt;
  }

 private:
  [[nodiscard]] std::int64_t by_rule(std::int64_t at) const {
    if (!last->summer) return last->standard;
    // Of years that a date has no room for, what holds now holds as well.
    const auto day = std::clamp<std::int64_t>((at + last->standard) / kDay, -11'000'000, 11'000'000);
    const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
    const auto begins = last->begins.in(date.year()) - last->standard;
    const auto ends = last->ends.in(date.year()) - *last->summer;
    const bool summer = begins < ends ? at >= begins && at < ends : at >= begins || at < ends;
    return summer ? *last->summer : last->standard;
  }
};

tl::unexpected<Error> malformed() { return fail(Errc::Malformed, "the file of a time zone is broken"); }

struct Counts {
  std::size_t ut = 0, standard = 0, leap = 0, moments = 0, types = 0, letters = 0;
};

std::optional<Counts> read_header(ByteReaderView& in, char& version) {
  const auto magic = in.bytes(4);
  const auto told = in.bytes(16);
  if (!magic || !told || as_chars(*magic) != "TZif") return std::nullopt;
  version = as_chars(*told)[0];
  Counts counts;
  for (auto* count : {&counts.ut, &counts.standard, &counts.leap, &counts.moments, &counts.types, &counts.letters}) {
    const auto value = in.be32();
    if (!value || *value > kMostTransitions) return std::nullopt;
    *count = *value;
  }
  return counts;
}

std::int64_t be64(ByteView bytes) noexcept {
  return static_cast<std::int64_t>((std::uint64_t{load_be32(bytes.data())} << 32) | load_be32(bytes.data() + 4));
}

}  // namespace

Result<std::unique_ptr<TimeZone>> zone_of_file(ByteView tzif) {
  ByteReaderView in(tzif);
  char version = 0;
  const auto old = read_header(in, version);
  if (!old || version < '2') return malformed();
  const auto skipped = old->moments * 5 + old->types * 6 + old->letters + old->leap * 8 + old->standard + old->ut;
  if (!in.bytes(skipped)) return malformed();
  const auto counts = read_header(in, version);
  if (!counts || counts->types == 0) return malformed();
  const auto moments = in.bytes(counts->moments * 8);
  const auto indexes = in.bytes(counts->moments);
  const auto types = in.bytes(counts->types * 6);
  const auto rest = in.bytes(counts->letters + counts->leap * 12 + counts->standard + counts->ut);
  if (!moments || !indexes || !types || !rest || counts->leap != 0) return malformed();
  std::vector<std::int64_t> of_types;
  for (std::size_t i = 0; i < counts->types; ++i) {
    of_types.push_back(static_cast<std::int32_t>(load_be32(types->data() + i * 6)));
    if (std::abs(of_types.back()) > kMostOffset) return malformed();
  }
  auto zone = std::make_unique<IanaZone>();
  zone->first = of_types.front();
  for (std::size_t i = 0; i < counts->moments; ++i) {
    const auto moment = be64(moments->subspan(i * 8, 8));
    const auto type = std::to_integer<std::size_t>((*indexes)[i]);
    if (type >= of_types.size() || (i > 0 && zone->moments.back() >= moment)) return malformed();
    zone->moments.push_back(moment);
    zone->offsets.push_back(of_types[type]);
  }
  const auto footer = in.bytes(in.remaining());
  auto text = as_chars(*footer);
  if (text.size() < 2 || text.front() != '\n' || text.back() != '\n') return malformed();
  text = text.substr(1, text.size() - 2);
  if (!text.empty()) {
    zone->last = RuleReader(text).run();
    if (!zone->last) return fail(Errc::Unsupported, "the last rule of a time zone is not read");
  }
  return std::unique_ptr<TimeZone>(std::move(zone));
}

std::optional<seconds> offset_of_numeric_zone(std::string_view name) noexcept {
  if (!name.starts_with('<') || (name.size() > 1 && name[1] != '+' && name[1] != '-')) return std::nullopt;
  const auto rule = RuleReader(name).run();
  if (!rule || rule->summer || std::abs(rule->standard) > kMostOffset) return std::nullopt;
  return seconds(rule->standard);
}

}  // namespace bartizan::transform
