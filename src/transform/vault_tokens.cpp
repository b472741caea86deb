#include "bartizan/transform/vault_tokens.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

namespace bartizan::transform {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::size_t kMaxCharacters = 4096;
constexpr std::size_t kSealedRoom = 128;  // more than a cell is longer than its value

void append_hex(ByteView bytes, BoundedBytes& out) {
  for (const std::byte one : bytes) {
    out.append(kHexDigits[std::to_integer<unsigned>(one) >> 4U]);
    out.append(kHexDigits[std::to_integer<unsigned>(one) & 0xfU]);
  }
}

/// Below bound, each as likely: what would favour the first ones is thrown away.
std::size_t below(std::size_t bound, Random& random) {
  constexpr std::uint32_t kAll = 0xffffffff;
  const auto limit = kAll - kAll % static_cast<std::uint32_t>(bound);
  for (;;) {
    std::array<std::byte, 4> bytes{};
    random.fill(bytes);
    std::uint32_t number = 0;
    for (const std::byte one : bytes) number = number << 8U | std::to_integer<std::uint32_t>(one);
    if (number < limit) return number % bound;
  }
}

/// radix ^ count, or more than kFewTokens.
std::size_t domain_of(std::size_t radix, std::size_t count) {
  std::size_t domain = 1;
  for (std::size_t i = 0; i < count && domain <= kFewTokens; ++i) domain *= radix;
  return domain;
}

}  // namespace

Result<VaultTokens> VaultTokens::make(const TokenShape& shape) {
  BZ_CHECK(check_shape(shape));
  return VaultTokens(shape);
}

Result<void> VaultTokens::entry(ColumnCipher& cipher, ByteView value, Random& random, BoundedBytes& out) const {
  Bytes sealed;
  BoundedBytes cell(sealed, value.size() + kSealedRoom);
  BZ_CHECK(cipher.seal(value, nullptr, random, cell));
  append_hex(sealed, out);
  BZ_CHECK(offer(value, random, out));
  if (out.overflowed()) return fail(Errc::TooLarge, "the value is longer than permitted");
  return {};
}

Result<void> VaultTokens::offer(ByteView value, Random& random, BoundedBytes& out) const {
  const auto text = as_chars(value);
  const auto characters = alphabet_named(shape_.alphabet);
  const auto is_separator = [&](char c) { return shape_.separators.find(c) != std::string::npos; };
  std::size_t count = 0;
  for (const char c : text) {
    if (is_separator(c)) continue;
    if (characters.find(c) == std::string_view::npos)
      return fail(Errc::InvalidArgument, "a value of the column has characters of the alphabet " + shape_.alphabet +
                                             (shape_.separators.empty() ? " alone" : " and its separators alone"));
    ++count;
  }
  if (count == 0 || count > kMaxCharacters)
    return fail(Errc::InvalidArgument, count == 0 ? "a value of the column has a character of the alphabet at least"
                                                  : "a value of the column has too many characters for a token");
  const auto domain = domain_of(characters.size(), count);
  std::vector<std::size_t> numbers;  // of a small domain: all of it, shuffled
  if (domain <= kFewTokens) {
    numbers.resize(domain);
    std::iota(numbers.begin(), numbers.end(), std::size_t{0});
    for (std::size_t i = domain; i > 1; --i) std::swap(numbers[i - 1], numbers[below(i, random)]);
  }
  for (std::size_t i = 0; i < (numbers.empty() ? kOfferedTokens : domain); ++i) {
    out.append('\n');
    std::size_t rest = numbers.empty() ? 0 : numbers[i];
    for (const char c : text) {
      const auto place = numbers.empty() ? below(characters.size(), random) : rest % characters.size();
      if (!is_separator(c)) rest /= characters.size();
      out.append(is_separator(c) ? c : characters[place]);
    }
  }
  return {};
}

Result<void> VaultTokens::looked_for(ColumnCipher& cipher, ByteView value, BoundedBytes& out) {
  BZ_TRY(const auto index, cipher.blind_index(value));
  append_hex(index, out);
  if (out.overflowed()) return fail(Errc::TooLarge, "the blind index does not fit");
  return {};
}

Result<void> VaultTokens::open(ColumnCipher& cipher, ByteView text, BoundedBytes& out) {
  const auto digits = as_chars(text);
  if (digits.empty() || digits.size() % 2 != 0) return fail(Errc::Crypto, kCellDoesNotOpen);
  Bytes cell;
  cell.reserve(digits.size() / 2);
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const auto high = kHexDigits.find(digits[i]);
    const auto low = kHexDigits.find(digits[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return fail(Errc::Crypto, kCellDoesNotOpen);
    cell.push_back(static_cast<std::byte>(high << 4U | low));
  }
  return cipher.open(cell, nullptr, out);
}

}  // namespace bartizan::transform
