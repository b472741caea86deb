#include "bartizan/crypto/ff1.hpp"

#include <algorithm>
#include <array>

#include "bartizan/base/secret.hpp"
#include "openssl_handles.hpp"

namespace bartizan::crypto {
namespace {

constexpr std::size_t kBlock = 16;
constexpr unsigned kRounds = 10;
using Block = std::array<std::byte, kBlock>;
using Number = std::unique_ptr<BIGNUM, OpensslDelete<BN_clear_free>>;
using NumberContext = std::unique_ptr<BN_CTX, OpensslDelete<BN_CTX_free>>;

Number number() {
  Number made(BN_new());
  BZ_ASSERT(made != nullptr);
  return made;
}

void check(int done) { BZ_ASSERT(done == 1); }

/// Big-endian in radix.
Number value_of(std::span<const std::uint8_t> numerals, std::uint32_t radix) {
  auto value = number();
  BN_zero(value.get());
  for (const auto numeral : numerals) {
    check(BN_mul_word(value.get(), radix));
    check(BN_add_word(value.get(), numeral));
  }
  return value;
}

Ff1::Numerals numerals_of(const BIGNUM* value, std::size_t length, std::uint32_t radix) {
  const Number rest(BN_dup(value));
  BZ_ASSERT(rest != nullptr);
  Ff1::Numerals out(length);
  for (auto at = out.rbegin(); at != out.rend(); ++at) *at = static_cast<std::uint8_t>(BN_div_word(rest.get(), radix));
  return out;
}

bool domain_is_large_enough(std::uint32_t radix, std::size_t length) {
  std::uint64_t size = 1;
  for (std::size_t i = 0; i < length && size < kFf1SmallestDomain; ++i) size *= radix;
  return size >= kFf1SmallestDomain;
}

}  // namespace

struct Ff1::State {
  CipherContext aes;
  NumberContext numbers{BN_CTX_new()};

  void encipher(Block& block) const {
    int size = 0;
    check(EVP_EncryptUpdate(aes.get(), writable_octets(block), &size, octets(block), kBlock));
    BZ_ASSERT(size == static_cast<int>(kBlock));
  }

  /// One call's constants: everything but the numerals.
  struct Shape {
    std::uint32_t radix;
    std::size_t u, v;                ///< numerals of the halves
    Number modulus_u, modulus_v;     ///< radix to the power of them
    std::size_t b, d;                ///< bytes of a half as a number, and of the pseudo-random number
    Bytes fixed;                     ///< P, the tweak and the zeros behind it
  };

  [[nodiscard]] Number power(std::uint32_t radix, std::size_t exponent) const {
    auto base = number();
    auto by = number();
    auto out = number();
    check(BN_set_word(base.get(), radix));
    check(BN_set_word(by.get(), exponent));
    check(BN_exp(out.get(), base.get(), by.get(), numbers.get()));
    return out;
  }

  [[nodiscard]] Shape shape_of(std::uint32_t radix, ByteView tweak, std::size_t length) const {
    Shape out{radix, length / 2, length - length / 2, nullptr, nullptr, 0, 0, {}};
    out.modulus_u = power(radix, out.u);
    out.modulus_v = power(radix, out.v);
    const Number largest(BN_dup(out.modulus_v.get()));
    check(BN_sub_word(largest.get(), 1));
    out.b = static_cast<std::size_t>(BN_num_bytes(largest.get()));
    out.d = 4 * ((out.b + 3) / 4) + 4;
    out.fixed = {std::byte{1},
                 std::byte{2},
                 std::byte{1},
                 std::byte{0},
                 static_cast<std::byte>(radix >> 8),
                 static_cast<std::byte>(radix),
                 std::byte{kRounds},
                 static_cast<std::byte>(out.u)};
    out.fixed.resize(kBlock);
    store_be32(out.fixed.data() + 8, static_cast<std::uint32_t>(length));
    store_be32(out.fixed.data() + 12, static_cast<std::uint32_t>(tweak.size()));
    out.fixed.insert(out.fixed.end(), tweak.begin(), tweak.end());
    // With the round's number and the half it comes to whole blocks.
    out.fixed.resize((out.fixed.size() + 1 + out.b + kBlock - 1) / kBlock * kBlock - 1 - out.b);
    return out;
  }

  /// The round's pseudo-random number, made of the half that stays.
  [[nodiscard]] Number scramble(const Shape& shape, unsigned round, const BIGNUM* half) const {
    SecretBytes input(shape.fixed.size() + 1 + shape.b);
    const auto bytes = input.reveal_mutable();
    std::ranges::copy(shape.fixed, bytes.begin());
    bytes[shape.fixed.size()] = static_cast<std::byte>(round);
    BZ_ASSERT(BN_bn2binpad(half, writable_octets(bytes.last(shape.b)), static_cast<int>(shape.b)) >= 0);
    Block mac{};
    for (std::size_t at = 0; at < bytes.size(); at += kBlock) {
      for (std::size_t i = 0; i < kBlock; ++i) mac[i] ^= bytes[at + i];
      encipher(mac);
    }
    SecretBytes stream((shape.d + kBlock - 1) / kBlock * kBlock);
    for (std::uint32_t j = 0; j * kBlock < stream.size(); ++j) {
      Block block = mac;
      std::array<std::byte, 4> counter{};
      store_be32(counter.data(), j);
      for (std::size_t i = 0; i < counter.size(); ++i) block[kBlock - counter.size() + i] ^= counter[i];
      if (j > 0) encipher(block);
      std::ranges::copy(block, stream.reveal_mutable().begin() + static_cast<std::ptrdiff_t>(j * kBlock));
    }
    Number out(BN_bin2bn(octets(stream.reveal()), static_cast<int>(shape.d), nullptr));
    BZ_ASSERT(out != nullptr);
    return out;
  }

  [[nodiscard]] Result<Numerals> run(std::uint32_t radix, ByteView tweak, std::span<const std::uint8_t> numerals,
                                     bool forward) const {
    if (radix < 2 || radix > kFf1MaxRadix || tweak.size() > kFf1MaxTweak || numerals.size() > kFf1MaxNumerals)
      return fail(Errc::InvalidArgument, "radix, tweak or length are out of FF1's bounds");
    if (std::ranges::any_of(numerals, [&](auto numeral) { return numeral >= radix; }))
      return fail(Errc::InvalidArgument, "a numeral is not of the radix");
    if (!domain_is_large_enough(radix, numerals.size()))
      return fail(Errc::InvalidArgument, "fewer than a million values have this form: FF1 does not protect them");
    const auto shape = shape_of(radix, tweak, numerals.size());
    auto a = value_of(numerals.first(shape.u), radix);
    auto b = value_of(numerals.last(shape.v), radix);
    for (unsigned step = 0; step < kRounds; ++step) {
      const unsigned round = forward ? step : kRounds - 1 - step;
      const BIGNUM* const modulus = round % 2 == 0 ? shape.modulus_u.get() : shape.modulus_v.get();
      auto changed = number();
      if (forward) {
        const auto y = scramble(shape, round, b.get());
        check(BN_mod_add(changed.get(), a.get(), y.get(), modulus, numbers.get()));
        a = std::move(b);
        b = std::move(changed);
      } else {
        const auto y = scramble(shape, round, a.get());
        check(BN_mod_sub(changed.get(), b.get(), y.get(), modulus, numbers.get()));
        b = std::move(a);
        a = std::move(changed);
      }
    }
    auto out = numerals_of(a.get(), shape.u, radix);
    const auto second = numerals_of(b.get(), shape.v, radix);
    out.insert(out.end(), second.begin(), second.end());
    return out;
  }
};

Ff1::Ff1(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Ff1::Ff1(Ff1&&) noexcept = default;
Ff1& Ff1::operator=(Ff1&&) noexcept = default;
Ff1::~Ff1() = default;

Result<Ff1> Ff1::from_key(ByteView key) {
  const EVP_CIPHER* const cipher = key.size() == 16   ? EVP_aes_128_ecb()
                                   : key.size() == 24 ? EVP_aes_192_ecb()
                                   : key.size() == 32 ? EVP_aes_256_ecb()
                                                      : nullptr;
  if (cipher == nullptr) return fail(Errc::InvalidArgument, "a key of FF1 has 16, 24 or 32 bytes");
  auto state = std::make_unique<State>();
  state->aes.reset(EVP_CIPHER_CTX_new());
  BZ_ASSERT(state->aes && state->numbers);
  check(EVP_EncryptInit_ex2(state->aes.get(), cipher, octets(key), nullptr, nullptr));
  check(EVP_CIPHER_CTX_set_padding(state->aes.get(), 0));
  return Ff1(std::move(state));
}

Result<Ff1::Numerals> Ff1::encrypt(std::uint32_t radix, ByteView tweak, std::span<const std::uint8_t> numerals) {
  return state_->run(radix, tweak, numerals, true);
}

Result<Ff1::Numerals> Ff1::decrypt(std::uint32_t radix, ByteView tweak, std::span<const std::uint8_t> numerals) {
  return state_->run(radix, tweak, numerals, false);
}

}  // namespace bartizan::crypto
