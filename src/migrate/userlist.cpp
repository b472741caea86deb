#include "bartizan/migrate/userlist.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

namespace bartizan::migrate {
namespace {

constexpr std::string_view kBlanks = " \t\r\n\v\f";
constexpr std::size_t kMaxNameBytes = 1024;
constexpr std::size_t kMaxSecretBytes = 4096;

bool is_hexadecimal(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); });
}

UserSecret kind_of(std::string_view secret) {
  if (secret.empty()) return UserSecret::None;
  if (secret.starts_with("SCRAM-SHA-256$")) return UserSecret::Verifier;
  if (secret.size() == 35 && secret.starts_with("md5") && is_hexadecimal(secret.substr(3))) return UserSecret::Md5;
  return UserSecret::Password;
}

/// Over a text, with the line that it is at.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}
  [[nodiscard]] bool at_end() const { return text_.empty(); }
  [[nodiscard]] char front() const { return text_.front(); }
  [[nodiscard]] std::uint32_t line() const { return line_; }

  void skip(std::size_t count) {
    const auto part = text_.substr(0, count);
    line_ += static_cast<std::uint32_t>(std::ranges::count(part, '\n'));
    text_.remove_prefix(part.size());
  }
  void skip_blanks() { skip(std::min(text_.find_first_not_of(kBlanks), text_.size())); }
  void skip_line() { skip(std::min(text_.find('\n'), text_.size())); }
  /// To a quote on the same line; false when there is none.
  [[nodiscard]] bool skip_to_quote() {
    const auto at = text_.find_first_of("\"\n");
    if (at == std::string_view::npos || text_[at] == '\n') return false;
    skip(at);
    return true;
  }
  /// REQUIRES: a quote is at the front. What is between it and its end, which stands on one line.
  [[nodiscard]] std::optional<SecretBytes> take_quoted() {
    std::string out;
    for (std::size_t i = 1; i < text_.size() && text_[i] != '\n' && text_[i] != '\0'; ++i) {
      if (text_[i] == '"' && (i + 1 == text_.size() || text_[i + 1] != '"')) {
        skip(i + 1);
        SecretBytes taken{std::string_view(out)};
        secure_wipe(out.data(), out.size());
        return taken;
      }
      if (text_[i] == '"') ++i;
      out.push_back(text_[i]);
    }
    secure_wipe(out.data(), out.size());
    return std::nullopt;
  }

 private:
  std::string_view text_;
  std::uint32_t line_ = 1;
};

}  // namespace

Result<std::vector<User>> read_userlist(std::string_view text, const std::string& file) {
  if (text.size() > kMaxUserlistBytes) return fail(Errc::TooLarge, file + ": longer than 16 MiB");
  std::vector<User> users;
  std::map<std::string, std::size_t, std::less<>> known;
  Cursor cursor(text);
  for (cursor.skip_blanks(); !cursor.at_end(); cursor.skip_line(), cursor.skip_blanks()) {
    if (cursor.front() == ';') continue;
    Place place{file, cursor.line()};
    const auto malformed = [&place](std::string_view what) {
      return fail(Errc::Malformed, fmt::format("{}:{}: {}", place.file, place.line, what));
    };
    if (cursor.front() != '"') return malformed("not \"name\" \"secret\"");
    auto name = cursor.take_quoted();
    if (!name || !cursor.skip_to_quote()) return malformed("not \"name\" \"secret\"");
    auto secret = cursor.take_quoted();
    if (!secret) return malformed("the secret's quote has no end");
    if (name->empty() || name->size() > kMaxNameBytes) return malformed("a name is empty or longer than 1 KiB");
    if (secret->size() > kMaxSecretBytes) return malformed("a secret is longer than 4 KiB");
    const auto kind = kind_of(secret->reveal_chars());
    User user{std::string(name->reveal_chars()), kind, std::move(*secret), std::move(place)};
    const auto [at, is_new] = known.emplace(user.name, users.size());
    if (!is_new) {
      users[at->second] = std::move(user);
      continue;
    }
    if (users.size() == kMaxUsers) return fail(Errc::TooLarge, file + ": more than 100,000 users");
    users.push_back(std::move(user));
  }
  return users;
}

}  // namespace bartizan::migrate
