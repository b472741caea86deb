#include "bartizan/keys/key_provider.hpp"

#include <algorithm>
#include <string_view>

namespace bartizan::keys {

std::array<std::byte, kWrapContextBytes> encode_wrap_context(const WrapContext& context) noexcept {
  constexpr std::string_view kLabel = "bartizan/keyring";
  static_assert(kLabel.size() == 16);
  std::array<std::byte, kWrapContextBytes> bytes{};
  const auto label = as_bytes(kLabel);
  std::copy(label.begin(), label.end(), bytes.begin());
  const auto owner = encode_owner(context.owner);
  std::copy(owner.begin(), owner.end(), bytes.begin() + 16);
  store_be32(bytes.data() + 16 + kOwnerBytes, context.id.get());
  bytes.back() = static_cast<std::byte>(context.purpose);
  return bytes;
}

}  // namespace bartizan::keys
