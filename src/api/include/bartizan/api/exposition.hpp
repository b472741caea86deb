// A writer for Prometheus' text exposition format, version 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/).
//
// A scraper drops the whole document for one bad line, so nothing that comes from outside can
// make one: names are literals checked by the compiler, label values are escaped and made valid
// UTF-8, and a sample given twice is there once.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bartizan::api {

/// [a-zA-Z_:][a-zA-Z0-9_:]*
[[nodiscard]] constexpr bool is_metric_name(std::string_view name) noexcept {
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
    if (!letter && !(i > 0 && c >= '0' && c <= '9')) return false;
  }
  return !name.empty();
}

/// As a metric's, without ':', and not beginning with "__", which Prometheus keeps to itself.
[[nodiscard]] constexpr bool is_label_name(std::string_view name) noexcept {
  return is_metric_name(name) && name.find(':') == std::string_view::npos && !name.starts_with("__");
}

namespace detail {
void not_a_valid_name();  // never defined nor constexpr: reaching it ends the compilation
}

/// A metric's name, from a literal; a bad one does not compile.
class MetricName {
 public:
  consteval MetricName(const char* literal) : name_(literal) {  // NOLINT(google-explicit-constructor)
    if (!is_metric_name(name_)) detail::not_a_valid_name();
  }
  [[nodiscard]] constexpr std::string_view view() const noexcept { return name_; }

 private:
  std::string_view name_;
};

class LabelName {
 public:
  consteval LabelName(const char* literal) : name_(literal) {  // NOLINT(google-explicit-constructor)
    if (!is_label_name(name_)) detail::not_a_valid_name();
  }
  [[nodiscard]] constexpr std::string_view view() const noexcept { return name_; }

 private:
  std::string_view name_;
};

/// value must outlive the call only.
struct Label {
  LabelName name;
  std::string_view value;
};

/// A sample's value, written so that it reads back as the same number.
class SampleValue {
 public:
  template <std::integral Int>
  SampleValue(Int value) : text_(std::to_string(value)) {}  // NOLINT(google-explicit-constructor)
  SampleValue(double value);                                // NOLINT(google-explicit-constructor)
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

/// One document. Not thread-safe. Families stand in the order of their first sample, each with
/// one HELP and one TYPE (those of the first); samples in the order of their labels; of a sample
/// given twice the last value stays. One name is one type: anything else aborts.
class Exposition {
 public:
  using Labels = std::initializer_list<Label>;

  void counter(MetricName name, std::string_view help, SampleValue value) { add(Type::Counter, name, help, {}, value); }
  void counter(MetricName name, std::string_view help, Labels labels, SampleValue value) {
    add(Type::Counter, name, help, labels, value);
  }
  void gauge(MetricName name, std::string_view help, SampleValue value) { add(Type::Gauge, name, help, {}, value); }
  void gauge(MetricName name, std::string_view help, Labels labels, SampleValue value) {
    add(Type::Gauge, name, help, labels, value);
  }

  [[nodiscard]] std::string text() const;

 private:
  enum class Type : std::uint8_t { Counter, Gauge };
  struct Family {
    std::string_view name;  // a literal's
    std::string help;
    Type type;
    std::map<std::string, std::string> samples;  // by the written label set
  };

  void add(Type type, MetricName name, std::string_view help, Labels labels, const SampleValue& value);

  std::vector<Family> families_;
};

}  // namespace bartizan::api
