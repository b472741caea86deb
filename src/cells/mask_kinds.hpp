// One maker a family of masks, private to this module; what they promise is said in value_mask.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/policy/mask.hpp"
#include "bartizan/transform/value.hpp"
#include "bartizan/transform/value_mask.hpp"

namespace bartizan::cells {

using Mask = std::unique_ptr<transform::ValueMask>;

/// What a column's type is, as far as masks need it.
struct MaskedType {
  transform::ValueType type = transform::ValueType::Text;
  std::int32_t typmod = transform::kNoTypmod;

  [[nodiscard]] bool is_text() const noexcept {
    return type == transform::ValueType::Text || type == transform::ValueType::Varchar;
  }
  /// n of varchar(n).
  [[nodiscard]] std::optional<std::size_t> characters() const noexcept {
    constexpr std::int32_t kHeader = 4;
    if (type != transform::ValueType::Varchar || typmod < kHeader) return std::nullopt;
    return static_cast<std::size_t>(typmod - kHeader);
  }
};

[[nodiscard]] Result<Mask> text_mask(const policy::PartialMask& mask, const MaskedType& type);
[[nodiscard]] Result<Mask> text_mask(const policy::EmailMask& mask, const MaskedType& type);
[[nodiscard]] Result<Mask> text_mask(const policy::RegexReplaceMask& mask, const MaskedType& type);
[[nodiscard]] Result<Mask> token_mask(const policy::HashMask& mask, const MaskedType& type, const SecretBytes& key);
[[nodiscard]] Result<Mask> token_mask(const policy::RandPatternMask& mask, const MaskedType& type,
                                      const SecretBytes& key);
[[nodiscard]] Result<Mask> bucket_mask(const policy::BucketNumberMask& mask, const MaskedType& type);
[[nodiscard]] Result<Mask> bucket_mask(const policy::BucketDateMask& mask, const MaskedType& type);
[[nodiscard]] Result<Mask> json_mask(const policy::JsonPathMask& mask, const MaskedType& type, const SecretBytes& key);

/// A mask's text as a value of the type: cut to n of varchar(n), as a cast in SQL is.
class CutText {
 public:
  CutText(const MaskedType& type, transform::BoundedBytes& out) noexcept : out_(out), left_(type.characters()) {}
  void append(std::string_view utf8);

 private:
  transform::BoundedBytes& out_;
  std::optional<std::size_t> left_;
};

// Characters are code points of valid UTF-8, which cells hold.
[[nodiscard]] std::size_t count_characters(std::string_view utf8) noexcept;
/// The bytes of the first count characters, all of them where there are fewer.
[[nodiscard]] std::size_t bytes_of_characters(std::string_view utf8, std::size_t count) noexcept;

[[nodiscard]] inline tl::unexpected<Error> not_of_this_type() {
  return fail(Errc::Unsupported, "the mask does not take the column's type");
}

}  // namespace bartizan::cells
