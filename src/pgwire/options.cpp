#include "bartizan/pgwire/options.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "bartizan/pgwire/startup.hpp"

namespace bartizan::pgwire {
namespace {

bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

enum class Argument : std::uint8_t { None, Required };

/// A single-letter switch that stands for one setting. An empty name: PostgreSQL takes the
/// switch and, from a client, does nothing with it.
struct SettingSwitch {
  char letter;
  Argument argument;
  std::string_view name;
  std::string_view value;  ///< when there is no argument
};

constexpr SettingSwitch kSettingSwitches[] = {
    {'B', Argument::Required, "shared_buffers", ""},
    {'C', Argument::Required, "", ""},
    {'D', Argument::Required, "", ""},
    {'E', Argument::None, "", ""},
    {'F', Argument::None, "fsync", "false"},
    {'N', Argument::Required, "max_connections", ""},
    {'O', Argument::None, "allow_system_table_mods", "true"},
    {'P', Argument::None, "ignore_system_indexes", "true"},
    {'S', Argument::Required, "work_mem", ""},
    {'T', Argument::None, "", ""},
    {'W', Argument::Required, "post_auth_delay", ""},
    {'b', Argument::None, "", ""},
    {'e', Argument::None, "datestyle", "euro"},
    {'h', Argument::Required, "listen_addresses", ""},
    {'i', Argument::None, "listen_addresses", "*"},
    {'j', Argument::None, "", ""},
    {'k', Argument::Required, "unix_socket_directories", ""},
    {'l', Argument::None, "ssl", "true"},
    {'n', Argument::None, "", ""},
    {'p', Argument::Required, "port", ""},
    {'r', Argument::Required, "", ""},
    {'s', Argument::None, "log_statement_stats", "true"},
    {'v', Argument::Required, "", ""},
};

/// Argument of -f: the kind of plan to forbid.
std::string_view plan_setting(std::string_view kind) noexcept {
  switch (kind.empty() ? '\0' : kind.front()) {
    case 's': return "enable_seqscan";
    case 'i': return "enable_indexscan";
    case 'o': return "enable_indexonlyscan";
    case 'b': return "enable_bitmapscan";
    case 't': return "enable_tidscan";
    case 'n': return "enable_nestloop";
    case 'm': return "enable_mergejoin";
    case 'h': return "enable_hashjoin";
    default: return {};
  }
}

/// Argument of -t: the stage to report on.
std::string_view statistics_setting(std::string_view stage) noexcept {
  if (stage.starts_with("pa")) return "log_parser_stats";
  if (stage.starts_with("pl")) return "log_planner_stats";
  if (stage.starts_with("e")) return "log_executor_stats";
  return {};
}

/// One pass over the words; each step consumes at least one character or one word.
class SwitchReader {
 public:
  explicit SwitchReader(const std::vector<std::string>& words) : words_(words) {}

  Result<std::vector<OptionSetting>> read() {
    for (; word_ < words_.size(); ++word_) {
      const std::string_view word = words_[word_];
      if (word == "--" && word_ + 1 == words_.size()) break;  // the end of the switches, and nothing after it
      if (word.size() < 2 || word.front() != '-' || word == "--") return refuse("not a switch");
      BZ_CHECK(read_cluster(word.substr(1)));
    }
    return std::move(settings_);
  }

 private:
  /// Letters behind one dash; the first that takes an argument takes the rest, or the next word.
  Result<void> read_cluster(std::string_view letters) {
    while (!letters.empty()) {
      const char letter = letters.front();
      letters.remove_prefix(1);
      const auto known = takes_argument(letter);
      if (!known) return refuse("unknown switch");
      if (*known == Argument::None) {
        BZ_CHECK(apply(letter, {}));
        continue;
      }
      if (letters.empty()) {
        if (word_ + 1 == words_.size()) return refuse("the switch requires a value");
        letters = words_[++word_];
      }
      return apply(letter, letters);
    }
    return {};
  }

  static const SettingSwitch* find(char letter) noexcept {
    const auto* it = std::ranges::find(kSettingSwitches, letter, &SettingSwitch::letter);
    return it == std::end(kSettingSwitches) ? nullptr : it;
  }

  static std::optional<Argument> takes_argument(char letter) noexcept {
    if (letter == 'c' || letter == '-' || letter == 'd' || letter == 'f' || letter == 't') return Argument::Required;
    const auto* known = find(letter);
    return known == nullptr ? std::nullopt : std::optional(known->argument);
  }

  Result<void> apply(char letter, std::string_view argument) {
    switch (letter) {
      case 'c':
      case '-': return named(argument);
      case 'd': return debug_level(argument);
      case 'f': return selected(plan_setting(argument), "false");
      case 't': return selected(statistics_setting(argument), "true");
      default: break;
    }
    const auto* known = find(letter);
    if (known->name.empty()) return {};
    return add(std::string(known->name), known->argument == Argument::Required ? argument : known->value);
  }

  Result<void> named(std::string_view assignment) {
    const auto equals = assignment.find('=');
    if (equals == std::string_view::npos) return refuse("the setting requires a value");
    if (equals == 0) return refuse("the setting has no name");
    std::string name(assignment.substr(0, equals));
    std::ranges::replace(name, '-', '_');
    return add(std::move(name), assignment.substr(equals + 1));
  }

  Result<void> selected(std::string_view name, std::string_view value) {
    if (name.empty()) return refuse("unknown value of the switch");
    return add(std::string(name), value);
  }

  /// -d N raises the server's log level and, step by step, what it logs.
  Result<void> debug_level(std::string_view argument) {
    int level = 0;
    const auto [end, error] = std::from_chars(argument.data(), argument.data() + argument.size(), level);
    if (error != std::errc{} || end != argument.data() + argument.size()) return refuse("the value is not a number");
    BZ_CHECK(add("log_min_messages", level > 0 ? "debug" + std::to_string(level) : std::string("notice")));
    if (level >= 2) BZ_CHECK(add("log_statement", "all"));
    if (level >= 3) BZ_CHECK(add("debug_print_parse", "true"));
    if (level >= 4) BZ_CHECK(add("debug_print_plan", "true"));
    if (level >= 5) BZ_CHECK(add("debug_print_rewritten", "true"));
    return {};
  }

  Result<void> add(std::string name, std::string_view value) {
    if (settings_.size() == kMaxStartupParameters) return fail(Errc::TooLarge, "too many settings in options");
    settings_.push_back({std::move(name), std::string(value)});
    return {};
  }

  /// By number, not by text: what stands there may be a secret in the wrong place.
  [[nodiscard]] tl::unexpected<Error> refuse(std::string_view why) const {
    return fail(Errc::InvalidArgument, "invalid argument " + std::to_string(std::min(word_, words_.size() - 1) + 1) +
                                           " in options: " + std::string(why));
  }

  const std::vector<std::string>& words_;
  std::size_t word_ = 0;
  std::vector<OptionSetting> settings_;
};

}  // namespace

std::vector<std::string> split_options(std::string_view options) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while (true) {
    while (at < options.size() && is_space(options[at])) ++at;
    if (at == options.size()) return words;
    std::string word;
    bool escaped = false;
    for (; at < options.size() && (escaped || !is_space(options[at])); ++at) {
      if (!escaped && options[at] == '\\') {
        escaped = true;
      } else {
        escaped = false;
        word.push_back(options[at]);
      }
    }
    words.push_back(std::move(word));
  }
}

Result<std::vector<OptionSetting>> parse_options(std::string_view options) {
  const auto words = split_options(options);
  return SwitchReader(words).read();
}

}  // namespace bartizan::pgwire
