#include "bartizan/transform/format_tokens.hpp"

#include <algorithm>
#include <array>

#include "bartizan/crypto/hkdf.hpp"
#include "bartizan/transform/column_cipher.hpp"

namespace bartizan::transform {
namespace {

constexpr std::string_view kTokenLabel = "bartizan/v1/token";
constexpr std::string_view kTweakLabel = "bzt1";

struct Alphabet {
  std::string_view name;
  std::string_view characters;
};

/// Their order is part of the format.
constexpr std::array kAlphabets{
    Alphabet{"digits", "0123456789"},
    Alphabet{"hex", "0123456789abcdef"},
    Alphabet{"upper-hex", "0123456789ABCDEF"},
    Alphabet{"lower", "abcdefghijklmnopqrstuvwxyz"},
    Alphabet{"upper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    Alphabet{"lower-alnum", "0123456789abcdefghijklmnopqrstuvwxyz"},
    Alphabet{"upper-alnum", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    Alphabet{"alnum", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"},
};

}  // namespace

std::string_view alphabet_named(std::string_view name) noexcept {
  const auto found = std::ranges::find(kAlphabets, name, &Alphabet::name);
  return found == kAlphabets.end() ? std::string_view() : found->characters;
}

std::string alphabet_names() {
  std::string out;
  for (const auto& one : kAlphabets) out.append(out.empty() ? "" : ", ").append(one.name);
  return out;
}

std::size_t fewest_characters(std::string_view alphabet) noexcept {
  std::size_t count = 0;
  for (std::uint64_t domain = 1; domain < crypto::kFf1SmallestDomain && alphabet.size() > 1; ++count)
    domain *= alphabet.size();
  return count;
}

Result<void> check_shape(const TokenShape& shape) {
  const auto characters = alphabet_named(shape.alphabet);
  if (characters.empty())
    return fail(Errc::InvalidArgument, "there is no alphabet '" + shape.alphabet + "'; they are " + alphabet_names());
  for (std::size_t i = 0; i < shape.separators.size(); ++i) {
    const char c = shape.separators[i];
    if (c < ' ' || c > '~') return fail(Errc::InvalidArgument, "a separator is a printable ASCII character");
    if (characters.find(c) != std::string_view::npos)
      return fail(Errc::InvalidArgument, "a separator is no character of the alphabet");
    if (shape.separators.find(c, i + 1) != std::string::npos)
      return fail(Errc::InvalidArgument, "a separator stands twice");
  }
  return {};
}

FormatTokens::FormatTokens(crypto::Ff1 ff1, Bytes tweak, const TokenShape& shape)
    : ff1_(std::move(ff1)),
      tweak_(std::move(tweak)),
      shape_(shape),
      characters_(alphabet_named(shape.alphabet)),
      fewest_(fewest_characters(characters_)) {}

Result<FormatTokens> FormatTokens::make(const SecretBytes& index_key, const Uuid& tenant, const Uuid& column,
                                        const TokenShape& shape) {
  BZ_CHECK(check_shape(shape));
  if (index_key.size() != keys::kKeyBytes) return fail(Errc::InvalidArgument, "an index key has 32 bytes");
  BZ_TRY(const auto key, crypto::hkdf_expand(index_key.reveal(), as_bytes(kTokenLabel), keys::kKeyBytes));
  BZ_TRY(auto ff1, crypto::Ff1::from_key(key.reveal()));
  Bytes tweak = to_bytes(kTweakLabel);
  for (const auto* id : {&tenant, &column})
    for (const auto octet : id->octets) tweak.push_back(std::byte{octet});
  return FormatTokens(std::move(ff1), std::move(tweak), shape);
}

Result<void> FormatTokens::tokenize(ByteView value, BoundedBytes& out) { return exchange(Way::To, value, out); }

Result<void> FormatTokens::detokenize(ByteView token, BoundedBytes& out) {
  const auto done = exchange(Way::From, token, out);
  if (!done && done.error().code == Errc::InvalidArgument) return fail(Errc::Crypto, kCellDoesNotOpen);
  return done;
}

Result<void> FormatTokens::exchange(Way way, ByteView bytes, BoundedBytes& out) {
  const auto text = as_chars(bytes);
  crypto::Ff1::Numerals numerals;
  numerals.reserve(text.size());
  const auto is_separator = [&](char c) { return shape_.separators.find(c) != std::string::npos; };
  const auto wiped = [](crypto::Ff1::Numerals& one) { secure_wipe(one.data(), one.size()); };
  for (const char c : text) {
    if (is_separator(c)) continue;
    const auto place = characters_.find(c);
    if (place == std::string_view::npos) {
      wiped(numerals);
      return fail(Errc::InvalidArgument, "a value of the column has characters of the alphabet " + shape_.alphabet +
                                             (shape_.separators.empty() ? " alone" : " and its separators alone"));
    }
    numerals.push_back(static_cast<std::uint8_t>(place));
  }
  if (numerals.size() < fewest_ || numerals.size() > crypto::kFf1MaxNumerals) {
    const bool few = numerals.size() < fewest_;
    wiped(numerals);
    return fail(Errc::InvalidArgument, few ? "a value of the column has at least " + std::to_string(fewest_) +
                                                 " characters of the alphabet " + shape_.alphabet +
                                                 ": fewer are less than a million values, which can be guessed"
                                           : "a value of the column has too many characters for a token");
  }
  const auto radix = static_cast<std::uint32_t>(characters_.size());
  auto made = way == Way::To ? ff1_.encrypt(radix, tweak_, numerals) : ff1_.decrypt(radix, tweak_, numerals);
  wiped(numerals);
  if (!made) return tl::unexpected(made.error());
  std::size_t next = 0;
  for (const char c : text) {
    const char made_of = is_separator(c) ? c : characters_[(*made)[next++]];
    out.append_u8(static_cast<unsigned char>(made_of));
  }
  wiped(*made);
  if (out.overflowed()) return fail(Errc::TooLarge, "the value is longer than permitted");
  return {};
}

}  // namespace bartizan::transform
