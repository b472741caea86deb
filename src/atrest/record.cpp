#include "record.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace bartizan::atrest {
namespace {

constexpr std::string_view kFirstLine = "bartizan files at rest 1";

/// What follows the word on the next line; nullopt: another word, or no line.
std::optional<std::string_view> take(std::string_view& text, std::string_view word) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  auto line = text.substr(0, end);
  text.remove_prefix(end + 1);
  if (!line.starts_with(word)) return std::nullopt;
  line.remove_prefix(word.size());
  return line;
}

Method method_named(std::string_view name) {
  for (const auto method : {Method::Fscrypt, Method::Image, Method::Gocryptfs})
    if (to_string(method) == name) return method;
  return Method::None;
}

}  // namespace

std::string write_record(const Record& record) {
  return fmt::format("{}\nmethod {}\nstorage {}\nkey {}\n", kFirstLine, to_string(record.method),
                     record.storage.to_string(), record.key);
}

Result<Record> read_record(std::string_view text) {
  auto rest = text;
  const auto first = take(rest, kFirstLine);
  const auto method = take(rest, "method ");
  const auto storage = take(rest, "storage ");
  const auto key = take(rest, "key ");
  Record out;
  if (method) out.method = method_named(*method);
  if (storage) out.storage = Uuid::parse(*storage).value_or(Uuid{});
  if (key) std::from_chars(key->data(), key->data() + key->size(), out.key);
  // One way to write it: spaces, signs, capitals and leading zeros are seen here.
  const bool usable = first && out.method != Method::None && !out.storage.is_nil() && out.key != 0;
  if (!usable || write_record(out) != text)
    return fail(Errc::Malformed, "it is not a record of encrypted files that this version knows");
  return out;
}

}  // namespace bartizan::atrest
