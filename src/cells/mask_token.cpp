// hash and rand_pattern: tokens by HMAC-SHA-256 of the value's text under the class's key.
#include <algorithm>

#include "bartizan/crypto/hmac_key.hpp"
#include "mask_kinds.hpp"

namespace bartizan::cells {

namespace {

using transform::ValueType;

/// n of varchar(n) below which a cut token would meet others by chance.
constexpr std::size_t kLeastToken = 16;

class Hash final : public transform::ValueMask {
 public:
  Hash(const MaskedType& type, const SecretBytes& key) : type_(type), key_(key.reveal()) {}

  Result<bool> apply(ByteView canonical, transform::BoundedBytes& out) override {
    auto token = token_of(canonical);
    if (!token) return tl::unexpected(token.error());
    if (type_.type == ValueType::Bytea) {
      out.append(ByteView(*token));
    } else if (type_.type == ValueType::Uuid) {
      (*token)[6] = ((*token)[6] & std::byte{15}) | std::byte{128};
      (*token)[8] = ((*token)[8] & std::byte{63}) | std::byte{128};
      out.append(ByteView(*token).first(16));
    } else if (type_.type == ValueType::Int8) {
      (*token)[0] &= std::byte{127};
      out.append(ByteView(*token).first(8));
    } else {
      CutText seen(type_, out);
      seen.append(hex_encode(*token));
    }
    return true;
  }

 private:
  Result<crypto::Digest256> token_of(ByteView canonical) {
    if (type_.type == ValueType::Bytea || type_.is_text()) return key_.mac({canonical});
    transform::BoundedBytes text(text_.use(64), 64);
    auto done = transform::from_canonical(type_.type, transform::WireFormat::Text, canonical, {}, text);
    if (!done) return tl::unexpected(done.error());
    const auto token = key_.mac({text_.view()});
    text_.clear();
    return token;
  }

  MaskedType type_;
  crypto::HmacSha256Key key_;
  transform::WipedBytes text_;
};

class RandPattern final : public transform::ValueMask {
 public:
  RandPattern(policy::RandPatternMask mask, const MaskedType& type, const SecretBytes& key)
      : mask_(std::move(mask)), type_(type), key_(key.reveal()) {}

  Result<bool> apply(ByteView canonical, transform::BoundedBytes& out) override {
    auto block = key_.mac({canonical});
    std::size_t used = 0;
    CutText seen(type_, out);
    for (std::size_t at = 0; at < mask_.pattern.size(); ++at) {
      if (mask_.pattern[at] != '#') {
        const auto end = std::min(mask_.pattern.find('#', at), mask_.pattern.size());
        seen.append(std::string_view(mask_.pattern).substr(at, end - at));
        at = end - 1;
        continue;
      }
      if (used == block.size()) {
        block = key_.mac({block});
        used = 0;
      }
      const char digit = static_cast<char>('0' + std::to_integer<unsigned>(block[used++]) % 10);
      seen.append(std::string_view(&digit, 1));
    }
    return true;
  }

 private:
  policy::RandPatternMask mask_;
  MaskedType type_;
  crypto::HmacSha256Key key_;
};

}  // namespace

Result<Mask> token_mask(const policy::HashMask&, const MaskedType& type, const SecretBytes& key) {
  const bool takes =
      type.is_text() || type.type == ValueType::Int8 || type.type == ValueType::Uuid || type.type == ValueType::Bytea;
  if (!takes) return not_of_this_type();
  if (type.characters().value_or(kLeastToken) < kLeastToken)
    return fail(Errc::Unsupported, "a hash needs at least 16 characters of room");
  if (key.empty()) return fail(Errc::FailedPrecondition, "the class has no key for tokens");
  return std::make_unique<Hash>(type, key);
}

Result<Mask> token_mask(const policy::RandPatternMask& mask, const MaskedType& type, const SecretBytes& key) {
  if (!type.is_text()) return not_of_this_type();
  if (key.empty()) return fail(Errc::FailedPrecondition, "the class has no key for tokens");
  return std::make_unique<RandPattern>(mask, type, key);
}

}  // namespace bartizan::cells
