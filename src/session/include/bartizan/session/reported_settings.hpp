// The settings whose changes a server tells by ParameterStatus and a client may SET: what a
// pooled session carries from one server connection to the next. Each session holds its own
// values, each server connection those in force there; where they differ, SET commands of ours
// go ahead of the session's next message. Settings that are not reported pin a session instead.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bartizan::session {

/// Values by name; absent until told. Not thread-safe.
class ReportedSettings {
 public:
  /// False when the name is not one that is carried. Names are compared without case, as
  /// PostgreSQL does ("DateStyle").
  bool put(std::string_view name, std::string_view value);
  /// Empty when it is not carried or not told yet.
  [[nodiscard]] std::string_view find(std::string_view name) const noexcept;
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t i = 0; i < kCount; ++i) visit(kNames[i], std::string_view(values_[i]));
  }
  /// `SET a = 'x';SET b = 'y'`: makes a server that has `there` have these. Empty when it does.
  [[nodiscard]] std::string commands_from(const ReportedSettings& there) const;
  /// The values that may change what a text means (DateStyle, TimeZone, IntervalStyle,
  /// standard_conforming_strings, client_encoding: constants are read by them), as part of a key.
  [[nodiscard]] const std::string& meaning() const noexcept { return meaning_; }

  friend bool operator==(const ReportedSettings&, const ReportedSettings&) = default;

 private:
  static constexpr std::size_t kCount = 6;
  /// As servers write them; application_name stands last: it alone changes no meaning.
  static constexpr std::array<std::string_view, kCount> kNames = {
      "client_encoding", "DateStyle", "IntervalStyle", "standard_conforming_strings", "TimeZone", "application_name"};
  [[nodiscard]] static std::optional<std::size_t> index_of(std::string_view name) noexcept;

  std::array<std::string, kCount> values_;
  std::string meaning_ = std::string(5, '\0');
};

}  // namespace bartizan::session
