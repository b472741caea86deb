#include "assign.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <type_traits>

#include "bartizan/config/suggestion.hpp"
#include "in_quotes.hpp"

namespace bartizan::config {
namespace {

std::string range(const Key& key, std::string low, std::string high) {
  return fmt::format("from {} to {}{}", low, high, key.off_at_zero ? ", or 0" : "");
}
std::string count_range(const Key& key) { return range(key, std::to_string(key.min), std::to_string(key.max)); }
std::string duration_range(const Key& key) { return range(key, format(Duration(key.min)), format(Duration(key.max))); }
std::string size_range(const Key& key) {
  return range(key, format(ByteSize{static_cast<std::uint64_t>(key.min)}),
               format(ByteSize{static_cast<std::uint64_t>(key.max)}));
}

bool in_range(const Key& key, std::int64_t value) {
  return (value >= key.min && value <= key.max) || (value == 0 && key.off_at_zero);
}

std::string words_text(std::span<const std::string_view> words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += fmt::format("\"{}\"", words[i]);
  }
  return out;
}

std::string found_text(const RawValue& raw) {
  struct Visitor {
    std::string operator()(const OtherType& other) const { return std::string(other.name); }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(std::int64_t value) const { return std::to_string(value); }
    std::string operator()(const std::string& text) const { return in_quotes(text); }
    std::string operator()(const std::vector<RawValue>&) const { return "a list"; }
  };
  return std::visit(Visitor{}, raw.value);
}

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

class Assigner {
 public:
  Assigner(const Key& key, const RawValue& raw, const Places& places, Issues& issues)
      : key_(key), raw_(raw), places_(places), issues_(issues) {}

  bool operator()(bool* out) const {
    const auto* value = std::get_if<bool>(&raw_.value);
    if (value == nullptr) return wrong_type();
    *out = *value;
    return true;
  }

  template <class Count>
    requires std::is_unsigned_v<Count>
  bool operator()(Count* out) const {
    const auto* value = std::get_if<std::int64_t>(&raw_.value);
    if (value == nullptr) return wrong_type();
    if (!in_range(key_, *value)) return complain(fmt::format("{} is out of range: {}", *value, count_range(key_)));
    *out = static_cast<Count>(*value);
    return true;
  }

  bool operator()(Duration* out) const {
    const auto* text = this->text();
    if (text == nullptr) return wrong_type();
    const auto value = parse_duration(*text);
    if (!value) return complain(value.error().detail);
    if (!in_range(key_, value->count())) return out_of_range(*text, duration_range(key_));
    *out = *value;
    return true;
  }

  bool operator()(ByteSize* out) const {
    const auto* text = this->text();
    if (text == nullptr) return wrong_type();
    const auto value = parse_byte_size(*text);
    if (!value) return complain(value.error().detail);
    if (!in_range(key_, static_cast<std::int64_t>(value->bytes))) return out_of_range(*text, size_range(key_));
    *out = *value;
    return true;
  }

  bool operator()(std::optional<ByteSize>* out) const {
    const auto* text = this->text();
    if (text != nullptr && *text == "auto") {
      out->reset();
      return true;
    }
    ByteSize value;
    if (!(*this)(&value)) return false;
    *out = value;
    return true;
  }

  bool operator()(std::string* out) const {
    const auto* text = plain_text();
    if (text == nullptr) return false;
    *out = *text;
    return true;
  }

  bool operator()(SecretBytes* out) const {
    const auto* text = plain_text();
    if (text == nullptr) return false;
    *out = SecretBytes(std::string_view(*text));
    return true;
  }

  bool operator()(std::filesystem::path* out) const {
    const auto* text = plain_text();
    if (text == nullptr) return false;
    const std::filesystem::path path = located(*text);
    if (path.native().size() > static_cast<std::size_t>(key_.max)) return too_long();
    *out = path;
    return true;
  }

  bool operator()(std::optional<IpAddress>* out) const {
    const auto* text = this->text();
    if (text == nullptr) return wrong_type();
    if (text->empty()) {
      out->reset();
      return true;
    }
    const auto address = IpAddress::parse(*text);
    if (!address) return complain(address.error().detail);
    *out = *address;
    return true;
  }

  bool operator()(std::vector<IpAddress>* out) const { return assign_list(out); }
  bool operator()(std::vector<IpNetwork>* out) const { return assign_list(out); }

  template <class Enum>
    requires std::is_enum_v<Enum>
  bool operator()(Enum* out) const {
    const auto* text = this->text();
    if (text == nullptr) return wrong_type();
    const auto words = words_of(Enum{});
    const auto found = std::ranges::find(words, *text);
    if (found == words.end()) {
      const auto near = closest(*text, words);
      const std::string hint = near ? fmt::format("; did you mean \"{}\"?", *near) : std::string();
      return complain(fmt::format("{} is not {}{}", in_quotes(*text), words_text(words), hint));
    }
    *out = static_cast<Enum>(found - words.begin());
    return true;
  }

 private:
  const std::string* text() const { return std::get_if<std::string>(&raw_.value); }

  /// Text within the key's bounds and on one line, or nullptr after a complaint. Never repeats
  /// the text: it may be a secret.
  const std::string* plain_text() const {
    const auto* value = text();
    if (value == nullptr) {
      wrong_type();
    } else if (value->size() < static_cast<std::size_t>(key_.min)) {
      complain("must not be empty");
      value = nullptr;
    } else if (value->size() > static_cast<std::size_t>(key_.max)) {
      too_long();
      value = nullptr;
    } else if (has_control_character(*value)) {
      complain("must not hold control characters");
      value = nullptr;
    }
    return value;
  }

  template <class Item>
  bool assign_list(std::vector<Item>* out) const {
    const auto* items = std::get_if<std::vector<RawValue>>(&raw_.value);
    if (items == nullptr) return wrong_type();
    if (items->size() < static_cast<std::size_t>(key_.min)) return complain("must not be empty");
    if (items->size() > static_cast<std::size_t>(key_.max)) return complain(fmt::format("at most {} items", key_.max));
    std::vector<Item> list;
    bool good = true;
    for (const RawValue& item : *items) {
      const auto* text = std::get_if<std::string>(&item.value);
      if (text == nullptr) {
        good = complain_at(item.origin, fmt::format("expected text in the list, found {}", found_text(item)));
        continue;
      }
      auto value = Item::parse(*text);
      if (!value) {
        good = complain_at(item.origin, value.error().detail);
      } else if (std::ranges::find(list, *value) != list.end()) {
        good = complain_at(item.origin, fmt::format("{} stands in the list twice", value->to_string()));
      } else {
        list.push_back(*value);
      }
    }
    if (good) *out = std::move(list);
    return good;
  }

  /// A bare file name that systemd hands over as a credential is that; else relative to the file.
  std::filesystem::path located(const std::string& text) const {
    const std::filesystem::path path(text);
    if (text.empty() || path.is_absolute()) return path;
    if (key_.name.ends_with("_file") && places_.credentials.contains(text)) return places_.credentials_directory / path;
    return places_.directory / path;
  }

  bool wrong_type() const {
    return complain(fmt::format("expected {}, found {}", expected_of(key_), found_text(raw_)));
  }
  bool too_long() const { return complain(fmt::format("longer than {} bytes", key_.max)); }
  bool out_of_range(std::string_view text, std::string_view range_text) const {
    return complain(fmt::format("{} is out of range: {}", in_quotes(text), range_text));
  }
  bool complain(std::string_view what) const { return complain_at(raw_.origin, what); }
  bool complain_at(const Origin& origin, std::string_view what) const {
    issues_.push_back(origin.issue(fmt::format("{}: {}", key_.full_name(), what)));
    return false;
  }

  const Key& key_;
  const RawValue& raw_;
  const Places& places_;
  Issues& issues_;
};

struct Expectation {
  const Key& key;
  std::string operator()(const bool*) const { return "true or false"; }
  template <class Count>
    requires std::is_unsigned_v<Count>
  std::string operator()(const Count*) const {
    return "a whole number " + count_range(key);
  }
  std::string operator()(const Duration*) const { return "a duration " + duration_range(key); }
  std::string operator()(const ByteSize*) const { return "a size " + size_range(key); }
  std::string operator()(const std::optional<ByteSize>*) const { return "\"auto\" or a size " + size_range(key); }
  std::string operator()(const std::string*) const { return "text"; }
  std::string operator()(const std::filesystem::path*) const { return "a path"; }
  std::string operator()(const SecretBytes*) const { return "text (secret)"; }
  std::string operator()(const std::vector<IpAddress>*) const { return "a list of IP addresses"; }
  std::string operator()(const std::vector<IpNetwork>*) const { return "a list of networks such as \"10.0.0.0/8\""; }
  std::string operator()(const std::optional<IpAddress>*) const { return "an IP address or \"\""; }
  template <class Enum>
    requires std::is_enum_v<Enum>
  std::string operator()(const Enum*) const {
    return words_text(words_of(Enum{}));
  }
};

template <class T>
inline constexpr bool kIsList = std::is_same_v<T, std::vector<IpAddress>> || std::is_same_v<T, std::vector<IpNetwork>>;

std::vector<RawValue> split(std::string_view text, const Origin& origin) {
  std::vector<RawValue> items;
  while (!text.empty()) {
    const auto comma = text.find(',');
    std::string_view item = text.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    items.push_back({std::string(item), origin});
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return items;
}

}  // namespace

std::string expected_of(const Key& key) {
  Configuration defaults;
  return std::visit(Expectation{key}, key.slot(defaults));
}

bool assign(const Key& key, const Slot& slot, const RawValue& raw, const Places& places, Issues& issues) {
  return std::visit(Assigner(key, raw, places, issues), slot);
}

RawValue from_text(const Slot& slot, std::string_view text, Origin origin) {
  const auto convert = [&]<class T>(const T*) -> RawValue {
    if constexpr (std::is_same_v<T, bool>) {
      if (text == "true" || text == "false") return {text == "true", origin};
    } else if constexpr (std::is_unsigned_v<T>) {
      std::int64_t value = 0;
      const char* const end = text.data() + text.size();
      if (const auto [rest, error] = std::from_chars(text.data(), end, value); error == std::errc{} && rest == end)
        return {value, origin};
    } else if constexpr (kIsList<T>) {
      return {split(text, origin), origin};
    }
    return {std::string(text), origin};
  };
  return std::visit(convert, slot);
}

}  // namespace bartizan::config
