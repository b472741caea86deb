#include "numeric.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "codecs.hpp"

namespace bartizan::transform {
namespace {

constexpr std::uint16_t kBase = 10000;
constexpr std::int64_t kGroup = 4;  ///< decimal digits in one of ours
constexpr std::uint16_t kPowers[] = {1, 10, 100, 1000};

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

struct Decimal {
  std::string_view integer;
  std::string_view fraction;
  std::int64_t exponent = 0;
};

std::string_view take_digits(std::string_view& text) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  const auto digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

/// digits [ . digits ] [ e [sign] digits ], at least one digit before or after the point.
std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal decimal;
  decimal.integer = take_digits(text);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    decimal.fraction = take_digits(text);
  }
  if (decimal.integer.empty() && decimal.fraction.empty()) return std::nullopt;
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+')) {
      text.remove_prefix(1);
      if (text.empty() || !is_digit(text.front())) return std::nullopt;
    }
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), decimal.exponent);
    // Beyond 64 bits is beyond the format too, and must not pass as a syntax error.
    if (error == std::errc::result_out_of_range)
      decimal.exponent =
          text.starts_with('-') ? std::numeric_limits<std::int32_t>::min() : std::numeric_limits<std::int32_t>::max();
    else if (error != std::errc())
      return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  }
  if (!text.empty()) return std::nullopt;
  return decimal;
}

std::optional<Numeric::Sign> parse_special(std::string_view text) {
  if (same_word(text, "nan")) return Numeric::Sign::NaN;
  if (text.starts_with('+')) text.remove_prefix(1);
  if (same_word(text, "infinity") || same_word(text, "inf")) return Numeric::Sign::PositiveInfinity;
  if (same_word(text, "-infinity") || same_word(text, "-inf")) return Numeric::Sign::NegativeInfinity;
  return std::nullopt;
}

}  // namespace

tl::expected<Numeric, Numeric::Problem> Numeric::parse(std::string_view text) {
  Numeric made;
  if (const auto special = parse_special(text)) {
    if (text.starts_with("+-")) return tl::unexpected(Problem::Syntax);
    made.sign_ = *special;
    return made;
  }
  if (text.starts_with('-')) made.sign_ = Sign::Negative;
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const auto decimal = parse_decimal(text);
  if (!decimal) return tl::unexpected(Problem::Syntax);
  constexpr std::int64_t kMostExponent = std::numeric_limits<std::int32_t>::max() / 2;
  if (decimal->exponent >= kMostExponent || decimal->exponent <= -kMostExponent) return tl::unexpected(Problem::Range);

  const auto integer_size = static_cast<std::int64_t>(decimal->integer.size());
  const auto fraction_size = static_cast<std::int64_t>(decimal->fraction.size());
  made.scale_ = std::max<std::int64_t>(0, fraction_size - decimal->exponent);
  // The decimal power of the first digit, and how many zeros fill up its group.
  const std::int64_t first_power = integer_size - 1 + decimal->exponent;
  made.weight_ = floor_div(first_power, kGroup);
  const std::int64_t offset = (made.weight_ + 1) * kGroup - (first_power + 1);
  const std::int64_t all = integer_size + fraction_size;
  made.digits_.assign(static_cast<std::size_t>((all + offset + kGroup - 1) / kGroup), 0);
  for (std::int64_t i = 0; i < all; ++i) {
    const char c = i < integer_size ? decimal->integer[static_cast<std::size_t>(i)]
                                    : decimal->fraction[static_cast<std::size_t>(i - integer_size)];
    const std::int64_t at = i + offset;
    auto& group = made.digits_[static_cast<std::size_t>(at / kGroup)];
    group = static_cast<std::uint16_t>(group + (c - '0') * kPowers[kGroup - 1 - at % kGroup]);
  }
  made.normalise();
  if (!made.fits_format()) return tl::unexpected(Problem::Range);
  return made;
}

std::optional<Numeric> Numeric::read(ByteView binary) {
  ByteReaderView in(binary);
  const auto count = in.be16();
  const auto weight = in.be16();
  const auto sign = in.be16();
  const auto scale = in.be16();
  if (!scale || in.remaining() != std::size_t{*count} * 2 || *scale > kMaxScale) return std::nullopt;
  Numeric made;
  switch (*sign) {
    case 0x0000: break;
    case 0x4000: made.sign_ = Sign::Negative; break;
    case 0xC000: made.sign_ = Sign::NaN; return made;
    case 0xD000: made.sign_ = Sign::PositiveInfinity; return made;
    case 0xF000: made.sign_ = Sign::NegativeInfinity; return made;
    default: return std::nullopt;
  }
  made.weight_ = static_cast<std::int16_t>(*weight);
  made.scale_ = *scale;
  made.digits_.reserve(*count);
  while (!in.at_end()) {
    const auto value = *in.be16();
    if (value >= kBase) return std::nullopt;
    made.digits_.push_back(value);
  }
  made.truncate_to(*scale);
  made.normalise();
  return made;
}

void Numeric::normalise() {
  const auto first = std::find_if(digits_.begin(), digits_.end(), [](auto d) { return d != 0; });
  weight_ -= first - digits_.begin();
  digits_.erase(digits_.begin(), first);
  while (!digits_.empty() && digits_.back() == 0) digits_.pop_back();
  if (!digits_.empty()) return;
  weight_ = 0;
  if (!is_special()) sign_ = Sign::Positive;
}

bool Numeric::fits_format() const noexcept {
  return weight_ >= std::numeric_limits<std::int16_t>::min() && weight_ <= std::numeric_limits<std::int16_t>::max() &&
         scale_ <= kMaxScale;
}

void Numeric::truncate_to(std::int32_t scale) {
  const std::int64_t kept = (weight_ + 1) * kGroup + scale;  // decimal digits
  if (kept <= 0) {
    digits_.clear();
    return;
  }
  const auto groups = static_cast<std::size_t>((kept + kGroup - 1) / kGroup);
  if (groups < digits_.size()) digits_.resize(groups);
  if (groups == digits_.size() && kept % kGroup != 0) {
    auto& last = digits_.back();
    last = static_cast<std::uint16_t>(last - last % kPowers[kGroup - kept % kGroup]);
  }
}

void Numeric::round_to(std::int32_t scale) {
  scale_ = std::max(0, scale);
  const std::int64_t kept = (weight_ + 1) * kGroup + scale;  // decimal digits
  if (kept < 0) {
    digits_.clear();
    normalise();
    return;
  }
  // The first digit that goes decides; then the rest goes and a carry may run to the front.
  const auto deciding = static_cast<std::size_t>(kept / kGroup);
  const bool up = deciding < digits_.size() && digits_[deciding] / kPowers[kGroup - 1 - kept % kGroup] % 10 >= 5;
  truncate_to(scale);
  if (up) {
    if (kept == 0) digits_.clear();
    digits_.insert(digits_.begin(), 0);  // room for the carry
    ++weight_;
    const std::int64_t at = kept + kGroup - 1;  // of the last kept decimal digit
    auto group = static_cast<std::size_t>(at / kGroup);
    if (digits_.size() <= group) digits_.resize(group + 1, 0);
    unsigned sum = digits_[group] + unsigned{kPowers[kGroup - 1 - at % kGroup]};
    for (; sum >= kBase; sum = digits_[group] + 1U) digits_[group--] = static_cast<std::uint16_t>(sum - kBase);
    digits_[group] = static_cast<std::uint16_t>(sum);
  }
  normalise();
}

bool Numeric::apply_typmod(std::int32_t typmod) {
  if (typmod < 4) return true;
  if (is_special()) return sign_ == Sign::NaN;
  const std::int32_t precision = ((typmod - 4) >> 16) & 0xffff;
  const std::int32_t scale = (((typmod - 4) & 0x7ff) ^ 1024) - 1024;
  round_to(scale);
  if (digits_.empty()) return true;
  std::int64_t before_point = (weight_ + 1) * kGroup;
  for (unsigned limit = kBase / 10; limit > 1 && digits_.front() < limit; limit /= 10) --before_point;
  return before_point <= precision - scale;
}

void Numeric::write_binary(BoundedBytes& out) const {
  const bool special = is_special();
  out.append_be16(special ? std::uint16_t{0} : static_cast<std::uint16_t>(digits_.size()));
  out.append_be16(static_cast<std::uint16_t>(special ? 0 : weight_));
  out.append_be16(static_cast<std::uint16_t>(sign_));
  out.append_be16(static_cast<std::uint16_t>(special ? 0 : scale_));
  if (special) return;
  for (const auto value : digits_) out.append_be16(value);
}

std::uint16_t Numeric::digit(std::int64_t weight) const noexcept {
  const auto at = weight_ - weight;
  return at < 0 || at >= static_cast<std::int64_t>(digits_.size()) ? std::uint16_t{0}
                                                                   : digits_[static_cast<std::size_t>(at)];
}

void Numeric::write_text(BoundedBytes& out) const {
  switch (sign_) {
    case Sign::NaN: return out.append(std::string_view("NaN"));
    case Sign::PositiveInfinity: return out.append(std::string_view("Infinity"));
    case Sign::NegativeInfinity: return out.append(std::string_view("-Infinity"));
    case Sign::Negative: out.append('-'); break;
    case Sign::Positive: break;
  }
  const auto put = [&](std::uint16_t group, std::int64_t from, std::int64_t to) {
    for (auto i = from; i < to; ++i) out.append(static_cast<char>('0' + group / kPowers[kGroup - 1 - i] % 10));
  };
  const std::int64_t leading = std::max<std::int64_t>(digits_.empty() ? 0 : weight_, 0);
  for (std::int64_t weight = leading; weight >= 0 && !out.overflowed(); --weight) {
    const auto group = digit(weight);
    std::int64_t from = 0;
    if (weight == leading)
      while (from < kGroup - 1 && group < kPowers[kGroup - 1 - from]) ++from;
    put(group, from, kGroup);
  }
  if (scale_ <= 0) return;
  out.append('.');
  for (std::int64_t done = 0; done < scale_ && !out.overflowed(); done += kGroup)
    put(digit(-1 - done / kGroup), 0, std::min(kGroup, scale_ - done));
}

}  // namespace bartizan::transform
