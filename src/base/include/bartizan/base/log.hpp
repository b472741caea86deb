// Structured logs: a constant event name and typed fields, one JSON object a line on stderr
// (or readable text when stderr is a terminal).
//   BZ_LOG(Info, "session.closed", {"reason", reason}, {"millis", ms});
// Never a statement's text, a row's value or a secret: there is no overload for SecretBytes,
// and callers log a statement's digest instead.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace bartizan::log {

enum class Level : std::uint8_t { Debug, Info, Warn, Error };
enum class Format : std::uint8_t { Json, Text };

/// A name and a value; both must outlive the call only.
class Field {
 public:
  Field(std::string_view name, std::string_view value) : name_(name), value_(value) {}
  Field(std::string_view name, const char* value) : name_(name), value_(std::string_view(value)) {}
  Field(std::string_view name, const std::string& value) : name_(name), value_(std::string_view(value)) {}
  Field(std::string_view name, bool value) : name_(name), value_(value) {}
  Field(std::string_view name, double value) : name_(name), value_(value) {}
  template <class Int>
    requires(std::is_integral_v<Int> && !std::is_same_v<Int, bool>)
  Field(std::string_view name, Int value) : name_(name), value_(static_cast<std::int64_t>(value)) {}

  [[nodiscard]] std::string_view name() const noexcept { return name_; }
  [[nodiscard]] const auto& value() const noexcept { return value_; }

 private:
  std::string_view name_;
  std::variant<std::string_view, std::int64_t, double, bool> value_;
};

void set_level(Level level) noexcept;
void set_format(Format format) noexcept;
[[nodiscard]] bool enabled(Level level) noexcept;
/// Thread-safe: one write(2) a line.
void write(Level level, std::string_view event, std::initializer_list<Field> fields);
/// The line that write() would emit, without its newline; for tests.
[[nodiscard]] std::string render(Format format, Level level, std::string_view time, std::string_view event,
                                 std::initializer_list<Field> fields);

}  // namespace bartizan::log

#define BZ_LOG(level, event, ...)                                                  \
  do {                                                                             \
    if (::bartizan::log::enabled(::bartizan::log::Level::level))                   \
      ::bartizan::log::write(::bartizan::log::Level::level, event, {__VA_ARGS__}); \
  } while (false)
