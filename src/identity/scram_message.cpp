#include "scram_message.hpp"

#include <algorithm>
#include <charconv>

#include "bartizan/crypto/base64.hpp"
#include "bartizan/identity/scram_mechanism.hpp"

namespace bartizan::identity {

Result<ScramAttribute> ScramAttributeReaderView::next() {
  const auto rest = message_.substr(position_);
  const bool letter = !rest.empty() && ((rest[0] >= 'a' && rest[0] <= 'z') || (rest[0] >= 'A' && rest[0] <= 'Z'));
  if (!letter || rest.size() < 2 || rest[1] != '=') return fail(Errc::Malformed, "SCRAM: attribute expected");
  const auto comma = rest.find(',');
  if (comma == std::string_view::npos) {
    position_ = message_.size();
    return ScramAttribute{rest[0], rest.substr(2)};
  }
  if (comma + 1 == rest.size()) return fail(Errc::Malformed, "SCRAM: comma at the end");
  position_ += comma + 1;
  return ScramAttribute{rest[0], rest.substr(2, comma - 2)};
}

Result<std::string_view> ScramAttributeReaderView::expect(char name) {
  BZ_TRY(const ScramAttribute attribute, next());
  if (attribute.name != name) return fail(Errc::Malformed, std::string("SCRAM: attribute ") + name + " expected");
  return attribute.value;
}

Result<void> check_scram_message(std::string_view message, std::size_t max_size) {
  if (message.size() > max_size) return fail(Errc::TooLarge, "SCRAM: message too long");
  if (message.find('\0') != std::string_view::npos) return fail(Errc::Malformed, "SCRAM: NUL in a message");
  return {};
}

bool is_scram_nonce(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= 0x21 && c <= 0x7e && c != ','; });
}

Result<std::uint32_t> parse_iterations(std::string_view text, std::uint32_t max) {
  const bool digits = !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || text[0] == '0') return fail(Errc::Malformed, "SCRAM: iteration count is not a positive number");
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value > max) return fail(Errc::TooLarge, "SCRAM: iteration count too large");
  return value;
}

std::string make_scram_nonce(Random& random) {
  std::byte raw[18];
  random.fill(raw);
  return crypto::base64_encode(raw);
}

}  // namespace bartizan::identity
