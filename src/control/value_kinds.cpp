#include "value_kinds.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <string>

namespace bartizan::control {
namespace {

constexpr std::size_t kLongest = 4096;

bool digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
int value_of(char c) noexcept { return c - '0'; }

bool all_digits(std::string_view text) noexcept { return !text.empty() && std::ranges::all_of(text, digit); }

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// Without what people put between digits; nothing where there is something else.
std::string compact(std::string_view text, std::string_view between) {
  std::string out;
  for (const char c : text) {
    if (between.find(c) != std::string_view::npos) continue;
    if (!digit(c) && !letter(c)) return {};
    out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return out;
}

/// Where an address begins or ends.
bool local_part(char c) noexcept {
  return digit(c) || letter(c) || std::string_view(".!#$%&'*+/=?^_`{|}~-").find(c) != std::string_view::npos;
}

bool is_domain(std::string_view text) noexcept {
  const auto dot = text.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || text.size() - dot < 3) return false;
  return std::ranges::all_of(text, [](char c) { return digit(c) || letter(c) || c == '.' || c == '-'; }) &&
         std::ranges::all_of(text.substr(dot + 1), letter);
}

bool is_email(std::string_view text) noexcept {
  const auto at = text.find('@');
  if (at == 0 || at == std::string_view::npos || text.size() > 254) return false;
  return std::ranges::all_of(text.substr(0, at), local_part) && is_domain(text.substr(at + 1));
}

bool holds_email(std::string_view text) noexcept {
  for (auto at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    std::size_t begin = at;
    while (begin > 0 && local_part(text[begin - 1])) --begin;
    std::size_t end = at + 1;
    while (end < text.size() && (digit(text[end]) || letter(text[end]) || text[end] == '.' || text[end] == '-')) ++end;
    while (end > at && (text[end - 1] == '.' || text[end - 1] == '-')) --end;
    if (begin < at && end > at && is_domain(text.substr(at + 1, end - at - 1))) return true;
  }
  return false;
}

/// With a country's code, or the signs that people put into numbers that are dialled.
bool is_phone(std::string_view text) noexcept {
  std::size_t digits = 0;
  bool marked = text.starts_with('+') || text.starts_with("00");
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (digit(c)) {
      ++digits;
    } else if (c == '(' || c == ')' || c == '/' || (c == ' ' && i > 0)) {
      marked = marked || c != ' ';
    } else if (!(c == '-' || c == '.' || (c == '+' && i == 0))) {
      return false;
    }
  }
  const bool dialled = text.size() > 3 && text.front() == '0' && text[1] != '0';
  return digits >= 7 && digits <= 15 && (marked || dialled) && text.find("..") == std::string_view::npos;
}

bool is_card(std::string_view text) {
  const auto number = compact(text, " -");
  if (number.size() < 13 || number.size() > 19 || !all_digits(number)) return false;
  const bool given_out = number[0] >= '2' && number[0] <= '6';
  return given_out && luhn(number);
}

bool is_ssn(std::string_view text) noexcept {
  if (text.size() != 11 || text[3] != '-' || text[6] != '-') return false;
  const auto area = text.substr(0, 3);
  const auto group = text.substr(4, 2);
  const auto serial = text.substr(7);
  return all_digits(area) && all_digits(group) && all_digits(serial) && area != "000" && area != "666" &&
         area[0] != '9' && group != "00" && serial != "0000";
}

bool is_ip(std::string_view text) {
  const std::string copy(text.substr(0, text.find('/')));
  std::array<unsigned char, 16> bytes{};
  if (copy.find(':') != std::string::npos)
    return copy.size() > 3 && ::inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1;
  return ::inet_pton(AF_INET, copy.c_str(), bytes.data()) == 1;
}

/// YYYY-MM-DD, alone or before a midnight.
bool is_birth_date(std::string_view text) noexcept {
  const auto day = text.substr(0, 10);
  if (day.size() != 10 || day[4] != '-' || day[7] != '-') return false;
  if (text.size() > 10 && text.substr(10) != " 00:00:00") return false;
  for (const std::size_t i : {0U, 1U, 2U, 3U, 5U, 6U, 8U, 9U})
    if (!digit(day[i])) return false;
  return day >= "1905-01-01" && day < "2020-01-01";
}

bool is_free_text(std::string_view text) noexcept {
  const auto spaces = std::ranges::count(text, ' ');
  return text.size() >= 25 && spaces >= 4 &&
         std::ranges::count_if(text, letter) * 2 > static_cast<std::ptrdiff_t>(text.size());
}

/// Digits times weights, modulo.
int weighted(std::string_view digits, std::string_view weights, int modulus) noexcept {
  int sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) sum += value_of(digits[i]) * (weights[i] - '0');
  return sum % modulus;
}

/// ISO 7064, MOD 11,10; of the first ten digits one stands twice or three times.
bool german_tax_id(std::string_view text) noexcept {
  if (text.size() != 11 || !all_digits(text) || text[0] == '0') return false;
  std::array<int, 10> seen{};
  int product = 10;
  for (const char c : text.substr(0, 10)) {
    ++seen[static_cast<std::size_t>(value_of(c))];
    int sum = (value_of(c) + product) % 10;
    if (sum == 0) sum = 10;
    product = sum * 2 % 11;
  }
  const auto repeated = std::ranges::count_if(seen, [](int times) { return times == 2 || times == 3; });
  return repeated == 1 && (11 - product) % 10 == value_of(text[10]);
}

bool spanish_id(std::string_view text) noexcept {
  if (text.size() != 9 || !letter(text[8])) return false;
  int number = 0;
  const bool foreign = text[0] >= 'X' && text[0] <= 'Z';
  if (foreign) number = text[0] - 'X';
  if (!all_digits(text.substr(foreign ? 1 : 0, foreign ? 7 : 8))) return false;
  for (const char c : text.substr(foreign ? 1 : 0, foreign ? 7 : 8)) number = number * 10 + value_of(c);
  return text[8] == "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23];
}

bool dutch_id(std::string_view text) noexcept {
  if (text.size() != 9 || !all_digits(text) || text == "000000000") return false;
  return (weighted(text, "98765432", 11) - value_of(text[8]) + 11) % 11 == 0;
}

bool italian_id(std::string_view text) noexcept {
  static constexpr std::string_view kForm = "LLLLLLDDLDDLDDDL";
  static constexpr std::array<int, 26> kOdd = {1,  0,  5, 7, 9, 13, 15, 17, 19, 21, 2,  4,  18,
                                               20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23};
  if (text.size() != kForm.size()) return false;
  int sum = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (kForm[i] == 'L' ? !letter(text[i]) : !digit(text[i])) return false;
    if (i == 15) break;
    const int place = digit(text[i]) ? value_of(text[i]) : text[i] - 'A';
    sum += i % 2 == 0 ? kOdd[static_cast<std::size_t>(place)] : place;
  }
  return text[15] == static_cast<char>('A' + sum % 26);
}

bool french_id(std::string_view text) noexcept {
  if (text.size() != 15 || !all_digits(text) || (text[0] != '1' && text[0] != '2')) return false;
  std::int64_t number = 0;
  for (const char c : text.substr(0, 13)) number = number * 10 + value_of(c);
  return 97 - number % 97 == value_of(text[13]) * 10 + value_of(text[14]);
}

bool polish_id(std::string_view text) noexcept {
  if (text.size() != 11 || !all_digits(text)) return false;
  const int month = (value_of(text[2]) * 10 + value_of(text[3])) % 20;
  const int day = value_of(text[4]) * 10 + value_of(text[5]);
  return month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
         (10 - weighted(text, "1379137913", 10)) % 10 == value_of(text[10]);
}

bool brazilian_id(std::string_view text) noexcept {
  if (text.size() != 11 || !all_digits(text) || std::ranges::count(text, text[0]) == 11) return false;
  const auto check = [&](std::size_t length) {
    int sum = 0;
    for (std::size_t i = 0; i < length; ++i) sum += value_of(text[i]) * static_cast<int>(length + 1 - i);
    return sum * 10 % 11 % 10;
  };
  return check(9) == value_of(text[9]) && check(10) == value_of(text[10]);
}

bool nhs_number(std::string_view text) noexcept {
  if (text.size() != 10 || !all_digits(text)) return false;
  int sum = 0;
  for (std::size_t i = 0; i < 9; ++i) sum += value_of(text[i]) * static_cast<int>(10 - i);
  const int check = (11 - sum % 11) % 11;
  return check != 10 && check == value_of(text[9]);
}

}  // namespace

bool luhn(std::string_view digits) noexcept {
  if (!all_digits(digits)) return false;
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    int value = value_of(digits[digits.size() - 1 - i]);
    if (i % 2 == 1) value = value * 2 > 9 ? value * 2 - 9 : value * 2;
    sum += value;
  }
  return sum % 10 == 0;
}

bool is_iban(std::string_view text) noexcept {
  const auto number = compact(text, " ");
  if (number.size() < 15 || number.size() > 34 || !letter(number[0]) || !letter(number[1]) || !digit(number[2]) ||
      !digit(number[3]))
    return false;
  int rest = 0;
  for (std::size_t i = 0; i < number.size(); ++i) {
    const char c = number[(i + 4) % number.size()];
    rest = digit(c) ? (rest * 10 + value_of(c)) % 97 : (rest * 100 + (c - 'A' + 10)) % 97;
  }
  return rest == 1;
}

bool is_national_id(std::string_view text) noexcept {
  const auto id = compact(text, " .-/");
  return german_tax_id(id) || spanish_id(id) || dutch_id(id) || italian_id(id) || french_id(id) || polish_id(id) ||
         brazilian_id(id) || nhs_number(id);
}

std::vector<ValueKind> kinds_of(std::string_view value) {
  using enum ValueKind;
  const auto text = trimmed(value.substr(0, kLongest));
  std::vector<ValueKind> out;
  if (text.empty()) return out;
  const auto take = [&](bool is, ValueKind kind) {
    if (is) out.push_back(kind);
  };
  take(is_email(text), Email);
  take(is_phone(text), Phone);
  take(is_card(text), Card);
  take(is_iban(text), Iban);
  take(is_national_id(text), NationalId);
  take(is_ssn(text), Ssn);
  take(is_ip(text), Ip);
  take(is_birth_date(text), BirthDate);
  take(is_free_text(text), FreeText);
  take(!is_email(text) && holds_email(text), HoldsEmail);
  return out;
}

}  // namespace bartizan::control
