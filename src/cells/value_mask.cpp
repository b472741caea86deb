#include "value_mask.hpp"

#include <type_traits>
#include <variant>

#include "mask_kinds.hpp"

namespace bartizan::cells {

namespace {

bool begins_character(char c) noexcept { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

}  // namespace

std::size_t count_characters(std::string_view utf8) noexcept {
  std::size_t count = 0;
  for (const char c : utf8) count += begins_character(c) ? 1 : 0;
  return count;
}

std::size_t bytes_of_characters(std::string_view utf8, std::size_t count) noexcept {
  std::size_t at = 0;
  for (; at < utf8.size(); ++at)
    if (begins_character(utf8[at]) && count-- == 0) break;
  return at;
}

void CutText::append(std::string_view utf8) {
  if (left_) {
    utf8 = utf8.substr(0, bytes_of_characters(utf8, *left_));
    *left_ -= count_characters(utf8);
  }
  out_.append(utf8);
}

Result<std::unique_ptr<transform::ValueMask>> value_mask(const policy::Mask& mask, transform::ValueType type,
                                                         std::int32_t typmod, const SecretBytes& key) {
  const MaskedType of{type, typmod};
  return std::visit(
      [&](const auto& one) -> Result<Mask> {
        using Kind = std::decay_t<decltype(one)>;
        if constexpr (std::is_same_v<Kind, policy::PartialMask> || std::is_same_v<Kind, policy::EmailMask> ||
                      std::is_same_v<Kind, policy::RegexReplaceMask>) {
          return text_mask(one, of);
        } else if constexpr (std::is_same_v<Kind, policy::HashMask> || std::is_same_v<Kind, policy::RandPatternMask>) {
          return token_mask(one, of, key);
        } else if constexpr (std::is_same_v<Kind, policy::BucketNumberMask> ||
                             std::is_same_v<Kind, policy::BucketDateMask>) {
          return bucket_mask(one, of);
        } else if constexpr (std::is_same_v<Kind, policy::JsonPathMask>) {
          return json_mask(one, of, key);
        } else {
          return fail(Errc::Unsupported, "the mask is not one over values");
        }
      },
      mask);
}

}  // namespace bartizan::cells
