#include "bartizan/api/exposition.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "bartizan/base/result.hpp"
#include "bartizan/http/utf8.hpp"

namespace bartizan::api {
namespace {

/// quotes: in a label's value they are escaped, in HELP they are not.
std::string escaped(std::string_view text, bool quotes) {
  std::string out;
  for (const char c : http::to_valid_utf8(text)) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || (quotes && c == '"')) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

std::string written(std::vector<Label> labels) {
  std::ranges::sort(labels, {}, [](const Label& label) { return label.name.view(); });
  const auto twice = std::ranges::adjacent_find(labels, {}, [](const Label& label) { return label.name.view(); });
  BZ_ASSERT(twice == labels.end());
  std::string out;
  for (const auto& [name, value] : labels) {
    out += out.empty() ? '{' : ',';
    out += name.view();
    out += "=\"" + escaped(value, true) + '"';
  }
  return out.empty() ? out : out + '}';
}

}  // namespace

SampleValue::SampleValue(double value) {
  if (std::isnan(value)) {
    text_ = "NaN";
  } else if (std::isinf(value)) {
    text_ = value > 0 ? "+Inf" : "-Inf";
  } else {
    std::array<char, 32> digits;  // the shortest form that reads back the same has at most 24
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    BZ_ASSERT(error == std::errc());
    text_.assign(digits.data(), end);
  }
}

void Exposition::add(Type type, MetricName name, std::string_view help, Labels labels, const SampleValue& value) {
  auto family = std::ranges::find(families_, name.view(), &Family::name);
  if (family == families_.end()) {
    families_.push_back({name.view(), escaped(help, false), type, {}});
    family = std::prev(families_.end());
  }
  BZ_ASSERT(family->type == type);
  family->samples.insert_or_assign(written(labels), value.text());
}

std::string Exposition::text() const {
  std::string out;
  for (const auto& family : families_) {
    const std::string name(family.name);
    out += "# HELP " + name + ' ' + family.help + '\n';
    out += "# TYPE " + name + (family.type == Type::Counter ? " counter\n" : " gauge\n");
    for (const auto& [labels, value] : family.samples) out += name + labels + ' ' + value + '\n';
  }
  return out;
}

}  // namespace bartizan::api
