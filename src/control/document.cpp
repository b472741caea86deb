#include "bartizan/control/document.hpp"

#include <array>
#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace bartizan::control {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDepth = 32;

/// Builds Documents from the parser's events: unlike json::object it sees a member's name twice.
class Builder {
 public:
  static constexpr std::size_t max_object_size = 100'000;
  static constexpr std::size_t max_array_size = 1'000'000;
  static constexpr std::size_t max_key_size = 1024;
  static constexpr std::size_t max_string_size = std::size_t{16} << 20;

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return open(Document(Members{})); }
  bool on_array_begin(json::error_code&) { return open(Document(Items{})); }
  bool on_object_end(std::size_t, json::error_code&) { return close(); }
  bool on_array_end(std::size_t, json::error_code&) { return close(); }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) { return append(key_, part); }
  bool on_key(json::string_view part, std::size_t, json::error_code& error) {
    append(key_, part);
    for (const auto& [name, value] : std::get<Members>(open_.back().second.value())) {
      if (name == key_) return refuse(error);
    }
    keys_.push_back(std::move(key_));
    key_.clear();
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) { return append(text_, part); }
  bool on_string(json::string_view part, std::size_t, json::error_code&) {
    append(text_, part);
    Document value(std::move(text_));
    text_ = std::string();
    return put(std::move(value));
  }
  bool on_number_part(json::string_view part, json::error_code&) { return append(number_, part); }
  bool on_int64(std::int64_t value, json::string_view, json::error_code&) {
    number_.clear();
    return put(Document(value));
  }
  bool on_uint64(std::uint64_t, json::string_view part, json::error_code& error) { return put_double(part, error); }
  bool on_double(double, json::string_view part, json::error_code& error) { return put_double(part, error); }
  bool on_bool(bool value, json::error_code&) { return put(Document(value)); }
  bool on_null(json::error_code&) { return put(Document()); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

  [[nodiscard]] Document take() { return std::move(root_); }

 private:
  static bool append(std::string& to, json::string_view part) {
    to.append(part.data(), part.size());
    return true;
  }
  static bool refuse(json::error_code& error) {
    error = json::error::syntax;
    return false;
  }
  /// From its text: the parser's own conversion is off by some units in the last place, so that
  /// a value would not come back as it was written.
  bool put_double(json::string_view part, json::error_code& error) {
    append(number_, part);
    double value = 0;
    const auto parsed = std::from_chars(number_.data(), number_.data() + number_.size(), value);
    number_.clear();
    if (parsed.ec == std::errc::result_out_of_range || !std::isfinite(value)) return refuse(error);
    return put(Document(value));
  }
  /// A container waits with the name that it will have in its parent.
  bool open(Document container) {
    open_.emplace_back(pop_key(), std::move(container));
    return true;
  }
  bool close() {
    auto [name, value] = std::move(open_.back());
    open_.pop_back();
    return put_as(std::move(name), std::move(value));
  }
  bool put(Document value) { return put_as(pop_key(), std::move(value)); }
  bool put_as(std::string name, Document value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (auto* members = std::get_if<Members>(&open_.back().second.value())) {
      members->emplace_back(std::move(name), std::move(value));
    } else {
      std::get<Items>(open_.back().second.value()).push_back(std::move(value));
    }
    return true;
  }
  /// The name just read, if the innermost container is an object.
  std::string pop_key() {
    if (open_.empty() || !std::holds_alternative<Members>(open_.back().second.value())) return {};
    auto name = std::move(keys_.back());
    keys_.pop_back();
    return name;
  }

  std::vector<std::pair<std::string, Document>> open_;
  std::vector<std::string> keys_;
  std::string key_;
  std::string text_;
  std::string number_;
  Document root_;
};

void append(std::string& out, const Document& document);

void append_string(std::string& out, const std::string& text) { out += json::serialize(json::string_view(text)); }

void append_double(std::string& out, double value) {
  std::array<char, 32> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(), value);
  const std::string_view digits(text.data(), static_cast<std::size_t>(written.ptr - text.data()));
  out += digits;
  // Without a point or an exponent it would come back as a whole number.
  if (digits.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void append(std::string& out, const Items& items) {
  out.push_back('[');
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out.push_back(',');
    append(out, items[i]);
  }
  out.push_back(']');
}

void append(std::string& out, const Members& members) {
  out.push_back('{');
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_string(out, members[i].first);
    out.push_back(':');
    append(out, members[i].second);
  }
  out.push_back('}');
}

void append(std::string& out, const Document& document) {
  std::visit(
      [&out](const auto& value) {
        using V = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<V, std::nullptr_t>) {
          out += "null";
        } else if constexpr (std::is_same_v<V, bool>) {
          out += value ? "true" : "false";
        } else if constexpr (std::is_same_v<V, std::int64_t>) {
          out += std::to_string(value);
        } else if constexpr (std::is_same_v<V, double>) {
          append_double(out, value);
        } else if constexpr (std::is_same_v<V, std::string>) {
          append_string(out, value);
        } else {
          append(out, value);
        }
      },
      document.value());
}

}  // namespace

Document::Document(Items value) : value_(std::move(value)) {}
Document::Document(Members value) : value_(std::move(value)) {}

Result<Document> Document::parse(std::string_view text) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::basic_parser<Builder> parser(options);
  json::error_code error;
  const auto read = parser.write_some(false, text.data(), text.size(), error);
  if (error || read != text.size() || !parser.done()) return fail(Errc::Malformed, "not one JSON value");
  return parser.handler().take();
}

std::string Document::to_json() const {
  std::string out;
  append(out, *this);
  return out;
}

const Document* Document::find(std::string_view name) const noexcept {
  const auto* members = as<Members>();
  if (members == nullptr) return nullptr;
  for (const auto& [key, value] : *members) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string format_time(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::array<char, 48> text{};
  const int size = std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d",
                                 static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                                 static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                                 static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
  std::string out(text.data(), static_cast<std::size_t>(size));
  if (const auto micros = clock.subseconds().count(); micros != 0) {
    auto digits = std::to_string(1'000'000 + micros).substr(1);
    digits.erase(digits.find_last_not_of('0') + 1);
    out += "." + digits;
  }
  return out + "Z";
}

Result<WallTime> parse_time(std::string_view text) {
  const auto refused = [] { return fail(Errc::InvalidArgument, "a time is written as 2099-01-31T12:00:00Z"); };
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";
  if (text.size() < kShape.size() + 1 || text.back() != 'Z') return refused();
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] == 'd' ? !digit : text[i] != kShape[i]) return refused();
  }
  const auto number = [&](std::size_t at, std::size_t size) {
    int value = 0;
    std::from_chars(text.data() + at, text.data() + at + size, value);
    return value;
  };
  auto fraction = text.substr(kShape.size(), text.size() - kShape.size() - 1);
  std::int64_t micros = 0;
  if (!fraction.empty()) {
    if (fraction.size() < 2 || fraction.size() > 7 || fraction.front() != '.') return refused();
    fraction.remove_prefix(1);
    if (fraction.find_first_not_of("0123456789") != std::string_view::npos) return refused();
    auto padded = std::string(fraction) + std::string(6 - fraction.size(), '0');
    std::from_chars(padded.data(), padded.data() + padded.size(), micros);
  }
  const std::chrono::year_month_day date(std::chrono::year(number(0, 4)),
                                         std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                         std::chrono::day(static_cast<unsigned>(number(8, 2))));
  const int hours = number(11, 2);
  const int minutes = number(14, 2);
  const int seconds = number(17, 2);
  if (!date.ok() || date.year() < std::chrono::year(1970) || hours > 23 || minutes > 59 || seconds > 59)
    return refused();
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(hours) + std::chrono::minutes(minutes) +
         std::chrono::seconds(seconds) + std::chrono::microseconds(micros);
}

Document time_or_null(const std::optional<WallTime>& time) { return time ? Document(format_time(*time)) : Document(); }

}  // namespace bartizan::control
