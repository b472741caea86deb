// bucket_number and bucket_date: coarser values of the same type, over canonical forms.
#include <algorithm>
#include <limits>
#include <vector>

#include "mask_kinds.hpp"

namespace bartizan::cells {

namespace {

using transform::ValueType;

tl::unexpected<Error> not_canonical() { return fail(Errc::Crypto, "the encrypted value does not open"); }

std::int64_t signed_at(ByteView bytes) noexcept {
  std::uint64_t bits = (std::to_integer<unsigned>(bytes[0]) & 0x80U) != 0 ? ~std::uint64_t{0} : 0;
  for (const auto byte : bytes) bits = (bits << 8) | std::to_integer<unsigned>(byte);
  return static_cast<std::int64_t>(bits);
}

// --- numbers -------------------------------------------------------------------------------------------------

bool is_integer(ValueType type) noexcept {
  return type == ValueType::Int2 || type == ValueType::Int4 || type == ValueType::Int8;
}

/// A canonical numeric, as far as it is compared: digits begin and end with groups that are not zero.
struct Number {
  static constexpr unsigned kNegative = 0x4000, kNaN = 0xC000, kInfinity = 0xD000, kNegativeInfinity = 0xF000;
  unsigned sign = 0;
  int weight = 0;
  ByteView digits;

  static std::optional<Number> read(ByteView bytes) noexcept {
    constexpr std::size_t kHeader = 8;
    if (bytes.size() < kHeader) return std::nullopt;
    const std::size_t groups = load_be16(bytes.data());
    if (bytes.size() != kHeader + 2 * groups) return std::nullopt;
    return Number{load_be16(bytes.data() + 4), static_cast<std::int16_t>(load_be16(bytes.data() + 2)),
                  bytes.subspan(kHeader)};
  }
  [[nodiscard]] bool negative() const noexcept { return sign == kNegative; }
  [[nodiscard]] int rank() const noexcept {  // of what is no finite number; finite ones are 0
    return sign == kNaN ? 2 : sign == kInfinity ? 1 : sign == kNegativeInfinity ? -1 : 0;
  }
  /// Of the magnitudes.
  [[nodiscard]] int against(const Number& other) const noexcept {
    if (digits.empty() || other.digits.empty())
      return static_cast<int>(!digits.empty()) - static_cast<int>(!other.digits.empty());
    if (weight != other.weight) return weight < other.weight ? -1 : 1;
    const auto [mine, theirs] = std::ranges::mismatch(digits, other.digits);
    if (mine == digits.end() || theirs == other.digits.end())
      return static_cast<int>(mine != digits.end()) - static_cast<int>(theirs != other.digits.end());
    return *mine < *theirs ? -1 : 1;
  }
};

/// PostgreSQL's order of numeric: NaN above all, equal to itself.
bool at_least(const Number& value, const Number& bound) noexcept {
  if (value.rank() != 0 || bound.rank() != 0) return value.rank() >= bound.rank();
  const bool below_zero = value.negative() && !value.digits.empty();
  const bool bound_below_zero = bound.negative() && !bound.digits.empty();
  if (below_zero != bound_below_zero) return bound_below_zero;
  return below_zero ? value.against(bound) <= 0 : value.against(bound) >= 0;
}

class BucketNumber final : public transform::ValueMask {
 public:
  BucketNumber(std::vector<Bytes> bounds, bool integers) : bounds_(std::move(bounds)), integers_(integers) {}

  Result<bool> apply(ByteView canonical, transform::BoundedBytes& out) override {
    const auto value = integers_ ? std::optional<Number>() : Number::read(canonical);
    if (integers_ ? canonical.size() != sizeof(std::int64_t) : !value.has_value()) return not_canonical();
    for (auto bound = bounds_.rbegin(); bound != bounds_.rend(); ++bound) {
      const bool reached =
          integers_ ? signed_at(canonical) >= signed_at(*bound) : at_least(*value, *Number::read(*bound));
      if (!reached) continue;
      out.append(ByteView(*bound));
      return true;
    }
    return false;
  }

 private:
  std::vector<Bytes> bounds_;  // canonical, ascending
  bool integers_;
};

// --- moments -------------------------------------------------------------------------------------------------

constexpr std::int64_t kMicrosPerMinute = 60'000'000;
constexpr std::int64_t kMicrosPerHour = 60 * kMicrosPerMinute;
constexpr std::int64_t kMicrosPerDay = 24 * kMicrosPerHour;
/// 4714-11-24 BC, the first day that PostgreSQL has, from 2000-01-01.
constexpr std::int64_t kFirstDay = -2'451'545;

std::int64_t floor_div(std::int64_t a, std::int64_t b) noexcept { return a / b - (a % b < 0 ? 1 : 0); }

/// The first day of the unit that holds a day, in the proleptic Gregorian calendar; days from 2000-01-01.
/// Years are counted from March, so that a leap day is a year's last.
std::int64_t first_day(std::int64_t day, policy::DateUnit unit) noexcept {
  constexpr std::int64_t kMonday = 2;  // 2000-01-03
  if (unit <= policy::DateUnit::Day) return day;
  if (unit == policy::DateUnit::Week) return kMonday + floor_div(day - kMonday, 7) * 7;
  constexpr std::int64_t kMarchOfYearZero = 730'425;  // from 0000-03-01 to 2000-01-01
  constexpr std::int64_t kEra = 146'097;              // days of 400 years
  const auto shifted = day + kMarchOfYearZero;
  const auto era = floor_div(shifted, kEra);
  const auto of_era = shifted - era * kEra;
  const auto year_of_era = (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
  const auto of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const auto month_from_march = (5 * of_year + 2) / 153;
  const auto month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  const auto year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  const auto wanted = unit == policy::DateUnit::Month     ? month
                      : unit == policy::DateUnit::Quarter ? (month - 1) / 3 * 3 + 1
                                                          : 1;
  const auto march_year = year - (wanted <= 2 ? 1 : 0);
  const auto new_era = floor_div(march_year, 400);
  const auto new_of_era = march_year - new_era * 400;
  const auto new_of_year = (153 * ((wanted + 9) % 12) + 2) / 5;
  return new_era * kEra + new_of_era * 365 + new_of_era / 4 - new_of_era / 100 + new_of_year - kMarchOfYearZero;
}

template <class Int>
bool is_infinite(std::int64_t value) noexcept {
  return value == std::numeric_limits<Int>::max() || value == std::numeric_limits<Int>::min();
}

class BucketDate final : public transform::ValueMask {
 public:
  BucketDate(policy::DateUnit unit, ValueType type) : unit_(unit), is_date_(type == ValueType::Date) {}

  Result<bool> apply(ByteView canonical, transform::BoundedBytes& out) override {
    if (canonical.size() != (is_date_ ? sizeof(std::int32_t) : sizeof(std::int64_t))) return not_canonical();
    const auto value = signed_at(canonical);
    if (is_date_ ? is_infinite<std::int32_t>(value) : is_infinite<std::int64_t>(value)) {
      out.append(canonical);
      return true;
    }
    if (is_date_) {
      const auto day = first_day(value, unit_);
      if (day < kFirstDay) return false;
      out.append_be32(static_cast<std::uint32_t>(day));
      return true;
    }
    const auto unit_micros = unit_ == policy::DateUnit::Minute ? kMicrosPerMinute
                             : unit_ == policy::DateUnit::Hour ? kMicrosPerHour
                                                               : kMicrosPerDay;
    const auto begins = floor_div(value, unit_micros);
    const auto day = unit_ < policy::DateUnit::Day ? std::int64_t{0} : first_day(begins, unit_);
    if (unit_ >= policy::DateUnit::Day && day < kFirstDay) return false;
    out.append_be64(
        static_cast<std::uint64_t>(unit_ < policy::DateUnit::Day ? begins * unit_micros : day * kMicrosPerDay));
    return true;
  }

 private:
  policy::DateUnit unit_;
  bool is_date_;
};

}  // namespace

Result<Mask> bucket_mask(const policy::BucketNumberMask& mask, const MaskedType& type) {
  if (!is_integer(type.type) && type.type != ValueType::Numeric) return not_of_this_type();
  if (mask.bounds.empty()) return fail(Errc::InvalidArgument, "bucket_number needs a bound");
  std::vector<Bytes> bounds;
  for (const auto& bound : mask.bounds) {
    Bytes& made = bounds.emplace_back();
    transform::BoundedBytes canonical(made, std::size_t{1} << 20);
    const auto done =
        transform::to_canonical(type.type, type.typmod, transform::WireFormat::Text, as_bytes(bound), {}, canonical);
    if (!done) return tl::unexpected(done.error());
  }
  return std::make_unique<BucketNumber>(std::move(bounds), is_integer(type.type));
}

Result<Mask> bucket_mask(const policy::BucketDateMask& mask, const MaskedType& type) {
  if (type.type != ValueType::Date && type.type != ValueType::Timestamp && type.type != ValueType::TimestampTz)
    return not_of_this_type();
  return std::make_unique<BucketDate>(mask.unit, type.type);
}

}  // namespace bartizan::cells
