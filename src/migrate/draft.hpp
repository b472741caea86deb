// A Plan in the making: what the rules of the sections write to, and the values of [pgbouncer] that
// are defaults for databases and users.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "bartizan/config/quantity.hpp"
#include "bartizan/migrate/plan.hpp"

namespace bartizan::migrate {

/// Lives during one import, on one thread.
class Draft {
 public:
  explicit Draft(std::string main_file) : main_file_(std::move(main_file)) {}

  void note(const IniEntry& entry, Verdict verdict, std::string outcome);
  /// Of a pair inside the entry's value.
  void note_pair(const IniEntry& entry, std::string_view key, std::string_view value, Verdict verdict,
                 std::string outcome);
  /// Takes the setting if the configuration takes its value; else the entry is refused, with why.
  void set(const IniEntry& entry, std::string key, SettingKind kind, std::string text,
           Verdict verdict = Verdict::Mapped, std::string_view remark = {});
  /// For keys that count in pairs only.
  void set_unchecked(const IniEntry& entry, std::string key, SettingKind kind, std::string text,
                     Verdict verdict = Verdict::Mapped, std::string_view remark = {});
  void chore(std::string text, std::vector<std::string> commands = {});
  void request(AdminRequest request) { plan_.requests.push_back(std::move(request)); }

  /// What [pgbouncer] says of the key; nullptr: nothing. Lives as long as remember()'s entry.
  [[nodiscard]] const IniEntry* global(std::string_view key) const;
  [[nodiscard]] std::string global_text(std::string_view key, std::string_view otherwise) const;
  void remember(const IniEntry& entry) { globals_.insert_or_assign(entry.key, &entry); }

  [[nodiscard]] const std::string& main_file() const { return main_file_; }
  [[nodiscard]] Plan take() { return std::move(plan_); }

 private:
  std::string main_file_;
  std::map<std::string, const IniEntry*, std::less<>> globals_;
  Plan plan_;
};

/// A whole number as PgBouncer reads one (decimal, 0x…, or octal after a 0), from 0 on.
[[nodiscard]] std::optional<std::int64_t> read_count(std::string_view text);
/// Seconds with a fraction.
[[nodiscard]] std::optional<config::Duration> read_seconds(std::string_view text);
[[nodiscard]] std::string lower(std::string_view text);

}  // namespace bartizan::migrate
