#include "bartizan/identity/saslprep.hpp"

#include <stringprep.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

namespace bartizan::identity {
namespace {

/// Code points of a password: of fixed capacity, so that growing leaves no copy, and wiped.
class CodePoints {
 public:
  explicit CodePoints(std::size_t capacity) { points_.reserve(capacity); }
  ~CodePoints() {
    if (!points_.empty()) secure_wipe(points_.data(), points_.size() * sizeof(std::uint32_t));
  }
  CodePoints(const CodePoints&) = delete;
  CodePoints& operator=(const CodePoints&) = delete;

  void append(std::uint32_t point) {
    BZ_ASSERT(points_.size() < points_.capacity());
    points_.push_back(point);
  }
  [[nodiscard]] std::span<const std::uint32_t> view() const noexcept { return points_; }

 private:
  std::vector<std::uint32_t> points_;
};

/// A buffer that libidn allocated: code points up to a zero.
class LibidnPoints {
 public:
  explicit LibidnPoints(std::uint32_t* points) noexcept : points_(points) {
    while (points_ != nullptr && points_[size_] != 0) ++size_;
  }
  ~LibidnPoints() {
    if (points_ == nullptr) return;
    if (size_ != 0) secure_wipe(points_, size_ * sizeof(std::uint32_t));
    std::free(points_);
  }
  LibidnPoints(const LibidnPoints&) = delete;
  LibidnPoints& operator=(const LibidnPoints&) = delete;

  [[nodiscard]] bool valid() const noexcept { return points_ != nullptr; }
  [[nodiscard]] std::span<const std::uint32_t> view() const noexcept { return {points_, size_}; }

 private:
  std::uint32_t* points_;
  std::size_t size_ = 0;
};

bool in_table(std::uint32_t point, const Stringprep_table_element* table) noexcept {
  for (; table->start != 0 || table->end != 0; ++table) {
    const std::uint32_t last = table->end != 0 ? table->end : table->start;
    if (point >= table->start && point <= last) return true;
  }
  return false;
}

/// RFC 4013 section 2.3, and section 2.5: unassigned code points are not for stored strings.
bool is_prohibited(std::uint32_t point) noexcept {
  static constexpr std::array kTables = {stringprep_rfc3454_A_1,   stringprep_rfc3454_C_1_2, stringprep_rfc3454_C_2_1,
                                         stringprep_rfc3454_C_2_2, stringprep_rfc3454_C_3,   stringprep_rfc3454_C_4,
                                         stringprep_rfc3454_C_5,   stringprep_rfc3454_C_6,   stringprep_rfc3454_C_7,
                                         stringprep_rfc3454_C_8,   stringprep_rfc3454_C_9};
  return std::ranges::any_of(kTables, [&](const auto* table) { return in_table(point, table); });
}

/// RFC 3454 section 6.
bool bidirectional_text_allowed(std::span<const std::uint32_t> points) noexcept {
  const auto right_to_left = [](std::uint32_t point) { return in_table(point, stringprep_rfc3454_D_1); };
  const auto left_to_right = [](std::uint32_t point) { return in_table(point, stringprep_rfc3454_D_2); };
  if (std::ranges::none_of(points, right_to_left)) return true;
  return std::ranges::none_of(points, left_to_right) && right_to_left(points.front()) && right_to_left(points.back());
}

/// Five ideographs whose normal form Unicode corrected (Corrigendum #4) after the version that
/// stringprep, and so libidn, is frozen at; PostgreSQL has the corrected tables.
std::uint32_t corrected(std::uint32_t point) noexcept {
  switch (point) {
    case 0x2f868: return 0x36fc;
    case 0x2f874: return 0x5f53;
    case 0x2f91f: return 0x243ab;
    case 0x2f95f: return 0x7aee;
    case 0x2f9bf: return 0x45d7;
    default: return point;
  }
}

/// RFC 4013 section 2.1.
void map(std::span<const std::uint32_t> from, CodePoints& to) {
  for (const auto point : from) {
    if (in_table(point, stringprep_rfc3454_C_1_2))
      to.append(' ');
    else if (!in_table(point, stringprep_rfc3454_B_1))
      to.append(corrected(point));
  }
}

SecretBytes to_utf8(std::span<const std::uint32_t> points) {
  std::array<char, 6> sequence{};
  std::size_t size = 0;
  for (const auto point : points) size += static_cast<std::size_t>(stringprep_unichar_to_utf8(point, nullptr));
  SecretBytes text(size);
  auto out = text.reveal_mutable().begin();
  for (const auto point : points) {
    const auto count = stringprep_unichar_to_utf8(point, sequence.data());
    out = std::copy_n(as_bytes({sequence.data(), sequence.size()}).begin(), count, out);
  }
  secure_wipe(sequence.data(), sequence.size());
  return text;
}

}  // namespace

Result<SecretBytes> saslprep(std::string_view password) {
  if (password.size() > kMaxPasswordBytes) return fail(Errc::TooLarge, "password: too long");
  if (std::ranges::all_of(password, [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
    return SecretBytes(password);
  if (password.find('\0') != std::string_view::npos) return fail(Errc::InvalidArgument, "password: a NUL character");

  const LibidnPoints given(stringprep_utf8_to_ucs4(password.data(), static_cast<ssize_t>(password.size()), nullptr));
  if (!given.valid()) return fail(Errc::Malformed, "password: not UTF-8");
  CodePoints mapped(given.view().size());
  map(given.view(), mapped);
  const auto points = mapped.view();
  if (points.empty()) return fail(Errc::InvalidArgument, "password: nothing left of it after SASLprep");
  if (std::ranges::any_of(points, is_prohibited) || !bidirectional_text_allowed(points))
    return fail(Errc::InvalidArgument, "password: prohibited by SASLprep");

  const LibidnPoints normalised(stringprep_ucs4_nfkc_normalize(points.data(), static_cast<ssize_t>(points.size())));
  if (!normalised.valid()) return fail(Errc::InvalidArgument, "password: cannot be normalised");
  return to_utf8(normalised.view());
}

Result<SecretBytes> prepare_password(std::string_view password) {
  auto prepared = saslprep(password);
  if (!prepared && prepared.error().code != Errc::TooLarge) return SecretBytes(password);
  return prepared;
}

}  // namespace bartizan::identity
