// The table of every configuration key: the one place to add one. Parsing, the reference page,
// environment variables and reload differences are made from it; the default is whatever stands
// in the options struct that the slot points into.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "bartizan/config/configuration.hpp"

namespace bartizan::config {

/// Where a key's value goes; the alternative is its type.
using Slot = std::variant<bool*, std::uint16_t*, std::uint32_t*, Duration*, ByteSize*, std::optional<ByteSize>*,
                          std::string*, std::filesystem::path*, SecretBytes*, std::vector<IpAddress>*,
                          std::vector<IpNetwork>*, std::optional<IpAddress>*, TlsVersion*, AuditFailure*, AuditMode*,
                          AuditReads*, AtRest*, LogLevel*, LogFormat*>;

/// When a changed value takes effect in a running process.
enum class Applies : std::uint8_t { OnReload, OnRestart };

struct Key {
  std::string_view section;
  std::string_view name;
  Slot (*slot)(Configuration&);
  /// Bounds, both included, in milliseconds, bytes or as a count; for text, of its length.
  std::int64_t min;
  std::int64_t max;
  Applies applies;
  std::string_view description;
  bool off_at_zero = false;  ///< 0 is permitted below min and means "no limit"

  [[nodiscard]] std::string full_name() const { return std::string(section).append(1, '.').append(name); }
};

struct Section {
  std::string_view name;
  std::string_view description;
};

[[nodiscard]] std::span<const Section> sections();
[[nodiscard]] std::span<const Key> keys();  ///< grouped by section, in the order of sections()
[[nodiscard]] const Key* find_key(std::string_view section, std::string_view name);

/// The words that an enumeration takes, in the order of its enumerators.
[[nodiscard]] std::span<const std::string_view> words_of(TlsVersion);
[[nodiscard]] std::span<const std::string_view> words_of(AuditFailure);
[[nodiscard]] std::span<const std::string_view> words_of(AuditMode);
[[nodiscard]] std::span<const std::string_view> words_of(AuditReads);
[[nodiscard]] std::span<const std::string_view> words_of(AtRest);
[[nodiscard]] std::span<const std::string_view> words_of(LogLevel);
[[nodiscard]] std::span<const std::string_view> words_of(LogFormat);

/// The value as it would stand in the file: `"15s"`, `4096`, `["::1"]`. A secret's is never given.
[[nodiscard]] std::string to_toml(const Slot& slot);

}  // namespace bartizan::config
