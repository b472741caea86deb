#include "bartizan/audit/sealing.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "bartizan/audit/log.hpp"
#include "bartizan/crypto/base64.hpp"
#include "bartizan/crypto/key_wrap.hpp"

namespace bartizan::audit {
namespace {

constexpr std::size_t kMaxTree = 128;
constexpr std::size_t kMaxBox = 64 * 1024;
constexpr std::size_t kWrapped = 40;  // 32 bytes and RFC 3394's check

std::string associated_data(const Slot& slot) { return "bartizan-sealed 1 " + slot.to_string(); }

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

}  // namespace

std::string month_of(WallTime at) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(at));
  const auto month = static_cast<unsigned>(day.month());
  std::string out = std::to_string(static_cast<int>(day.year()));
  return out.append(month < 10 ? "-0" : "-").append(std::to_string(month));
}

bool is_month(std::string_view text) noexcept {
  return text.size() == 7 && std::all_of(text.begin(), text.begin() + 4, is_digit) && text[4] == '-' &&
         ((text[5] == '0' && text[6] >= '1' && text[6] <= '9') || (text[5] == '1' && text[6] >= '0' && text[6] <= '2'));
}

std::string Slot::to_string() const { return tree + "/" + month + "/" + std::to_string(index); }

std::optional<Slot> Slot::parse(std::string_view text) {
  const auto first = text.find('/');
  const auto second = first == std::string_view::npos ? first : text.find('/', first + 1);
  if (second == std::string_view::npos || first == 0 || first > kMaxTree || text.front() == '.') return std::nullopt;
  Slot slot{std::string(text.substr(0, first)), std::string(text.substr(first + 1, second - first - 1)), 0};
  const auto [end, error] = std::from_chars(text.data() + second + 1, text.data() + text.size(), slot.index);
  if (!is_month(slot.month) || error != std::errc{} || end != text.data() + text.size() || slot.to_string() != text)
    return std::nullopt;
  return slot;
}

Result<SlotBytes> wrap_slot(const crypto::SealingKey& month_key, const crypto::SealingKey& key) {
  BZ_TRY(const Bytes wrapped, crypto::wrap_key(crypto::KeyWrapMode::Unpadded, month_key.bytes().reveal(), key.bytes()));
  SlotBytes out{};
  if (wrapped.size() != kWrapped) return fail(Errc::Internal, "a wrapped key has another length");
  std::ranges::copy(wrapped, out.begin());
  return out;
}

Result<crypto::SealingKey> unwrap_slot(const crypto::SealingKey& month_key, const SlotBytes& slot) {
  if (std::ranges::all_of(slot, [](std::byte b) { return b == std::byte{0}; }))
    return fail(Errc::NotFound, "this value was erased");
  BZ_TRY(SecretBytes key,
         crypto::unwrap_key(crypto::KeyWrapMode::Unpadded, month_key.bytes().reveal(), ByteView(slot).first(kWrapped)));
  return crypto::SealingKey::from_bytes(std::move(key));
}

Result<std::string> sealed_member(const Slot& slot, const crypto::SealingKey& key, std::string_view members,
                                  Random& random) {
  BZ_TRY(const Bytes box, key.seal(as_bytes(members), as_bytes(associated_data(slot)), random));
  std::string inner;
  append_member(inner, "slot", slot.to_string());
  append_member(inner, "box", crypto::base64_encode(box));
  return "\"sealed\":{" + inner + "}";
}

Result<Sealed> parse_sealed(std::string_view slot, std::string_view box) {
  const auto place = Slot::parse(slot);
  if (!place) return fail(Errc::Malformed, "a sealed value's slot is TREE/MONTH/INDEX");
  BZ_TRY(Bytes bytes, crypto::base64_decode(box, kMaxBox));
  return Sealed{*place, std::move(bytes)};
}

Result<std::string> open_sealed(const Sealed& sealed, const crypto::SealingKey& key) {
  BZ_TRY(const SecretBytes plain, key.open(sealed.box, as_bytes(associated_data(sealed.slot))));
  return std::string(plain.reveal_chars());
}

void append_address(std::string& who, Sealer* sealer, std::string_view tenant, std::string_view address, WallTime at) {
  if (sealer == nullptr) {
    append_member(who, "address", address);
    return;
  }
  std::string members;
  append_member(members, "address", address);
  const auto sealed = sealer->seal(tenant, members, at);
  if (!who.empty()) who.push_back(',');
  who.append(sealed ? std::string_view(*sealed) : std::string_view("\"sealed\":{\"failed\":true}"));
}

}  // namespace bartizan::audit
