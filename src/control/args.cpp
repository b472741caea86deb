#include "args.hpp"

#include <algorithm>

namespace bartizan::control {
namespace {

constexpr std::size_t kMaxAttributes = 64;
constexpr std::size_t kMaxAttributeBytes = 1024;
constexpr std::size_t kMaxListed = 1000;

tl::unexpected<Error> wrong(std::string_view key, std::string_view what) {
  std::string detail = "'";
  detail.append(key).append("' ").append(what);
  return fail(Errc::InvalidArgument, std::move(detail));
}

}  // namespace

void wipe_texts(Document& document) noexcept {
  if (auto* text = std::get_if<std::string>(&document.value())) secure_wipe(text->data(), text->size());
  if (auto* items = std::get_if<Items>(&document.value())) {
    for (Document& item : *items) wipe_texts(item);
  }
  if (auto* members = std::get_if<Members>(&document.value())) {
    for (auto& [name, value] : *members) wipe_texts(value);
  }
}

Result<Args> Args::of(Document document) {
  if (document.as<std::nullptr_t>() != nullptr) return Args(Members{});
  auto* members = std::get_if<Members>(&document.value());
  if (members == nullptr) {
    wipe_texts(document);
    return fail(Errc::InvalidArgument, "arguments are an object");
  }
  return Args(std::move(*members));
}

Args::~Args() {
  for (auto& [name, value] : members_) wipe_texts(value);
}

std::optional<Document> Args::take(std::string_view key) {
  const auto found =
      std::find_if(members_.begin(), members_.end(), [&](const auto& member) { return member.first == key; });
  if (found == members_.end()) return std::nullopt;
  auto value = std::move(found->second);
  members_.erase(found);
  if (value.as<std::nullptr_t>() != nullptr) return std::nullopt;
  return value;
}

bool Args::has(std::string_view key) const noexcept {
  return std::any_of(members_.begin(), members_.end(), [&](const auto& member) {
    return member.first == key && member.second.template as<std::nullptr_t>() == nullptr;
  });
}

Result<std::optional<std::string>> Args::text_or_none(std::string_view key, std::size_t max_bytes) {
  auto value = take(key);
  if (!value) return std::optional<std::string>();
  auto* text = std::get_if<std::string>(&value->value());
  if (text == nullptr) return wrong(key, "is a text");
  if (text->size() > max_bytes) return wrong(key, "is too long");
  if (text->find('\0') != std::string::npos) return wrong(key, "holds a NUL character");
  return std::optional(std::move(*text));
}

Result<std::string> Args::text(std::string_view key, std::size_t max_bytes) {
  BZ_TRY(auto value, text_or_none(key, max_bytes));
  if (!value) return wrong(key, "is missing");
  return std::move(*value);
}

Result<std::optional<std::string>> Args::name_or_none(std::string_view key, NameKind kind) {
  BZ_TRY(auto value, text_or_none(key, kMaxNameBytes));
  if (!value) return value;
  if (auto valid = validate_name(kind, *value); !valid) return wrong(key, "cannot be a name: " + valid.error().detail);
  return value;
}

Result<std::string> Args::name(std::string_view key, NameKind kind) {
  BZ_TRY(auto value, name_or_none(key, kind));
  if (!value) return wrong(key, "is missing");
  return std::move(*value);
}

Result<std::optional<SecretBytes>> Args::secret_or_none(std::string_view key, std::size_t max_bytes) {
  BZ_TRY(auto value, text_or_none(key, max_bytes));
  if (!value) return std::optional<SecretBytes>();
  SecretBytes secret{std::string_view(*value)};
  secure_wipe(value->data(), value->size());
  if (secret.empty()) return wrong(key, "is empty");
  return std::optional(std::move(secret));
}

Result<bool> Args::flag(std::string_view key) {
  const auto value = take(key);
  if (!value) return false;
  const auto* flag = value->as<bool>();
  if (flag == nullptr) return wrong(key, "is true or false");
  return *flag;
}

Result<std::optional<std::int64_t>> Args::integer_or_none(std::string_view key, std::int64_t least, std::int64_t most) {
  const auto value = take(key);
  if (!value) return std::optional<std::int64_t>();
  const auto* number = value->as<std::int64_t>();
  if (number == nullptr || *number < least || *number > most) {
    return wrong(key, "is a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return std::optional(*number);
}

Result<std::optional<WallTime>> Args::time_or_none(std::string_view key) {
  BZ_TRY(const auto value, text_or_none(key, 40));
  if (!value) return std::optional<WallTime>();
  const auto time = parse_time(*value);
  if (!time) return wrong(key, "is not a time: " + time.error().detail);
  return std::optional(*time);
}

Result<std::map<std::string, std::string>> Args::texts(std::string_view key) {
  std::map<std::string, std::string> out;
  auto value = take(key);
  if (!value) return out;
  const auto* members = value->as<Members>();
  if (members == nullptr || members->size() > kMaxAttributes) return wrong(key, "is an object of at most 64 texts");
  for (const auto& [name, member] : *members) {
    const auto* text = member.as<std::string>();
    const bool good = text != nullptr && text->size() <= kMaxAttributeBytes && is_printable_utf8(*text);
    if (!good || !validate_name(NameKind::Resource, name))
      return wrong(key, "holds a wrong name, or a value that is no short text");
    out.emplace(name, *text);
  }
  return out;
}

Result<std::vector<Args>> Args::list(std::string_view key) {
  std::vector<Args> out;
  auto value = take(key);
  if (!value) return out;
  auto* items = std::get_if<Items>(&value->value());
  if (items == nullptr || items->size() > kMaxListed) return wrong(key, "is an array of at most 1000 objects");
  for (Document& item : *items) {
    if (item.as<Members>() == nullptr) {
      wipe_texts(*value);
      return wrong(key, "is an array of objects");
    }
  }
  for (Document& item : *items) {
    BZ_TRY(auto args, of(std::move(item)));
    out.push_back(std::move(args));
  }
  return out;
}

Result<void> Args::finish() const {
  if (members_.empty()) return {};
  const auto& name = members_.front().first;
  const bool speakable = name.size() <= kMaxNameBytes && is_printable_utf8(name);
  return fail(Errc::InvalidArgument, speakable ? "unknown argument '" + name + "'" : "an unknown argument");
}

}  // namespace bartizan::control
