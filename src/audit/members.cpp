// JSON members, `"name":value,...`, as intents carry them: split, bounded and looked into without a parse of their values.
#include <array>

#include "bartizan/audit/record.hpp"
#include "bartizan/base/bytes.hpp"
#include "bartizan/crypto/hash.hpp"

namespace bartizan::audit {
namespace {

constexpr unsigned kMaxDepth = 16;

/// Index one past the string that starts at text[at], npos when it does not end.
std::size_t skip_string(std::string_view text, std::size_t at) {
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      return i + 1;
  }
  return std::string_view::npos;
}

/// Index one past the JSON value at text[at]. Brackets must match; scalars are not looked into.
std::size_t skip_value(std::string_view text, std::size_t at) {
  std::array<char, kMaxDepth> closers{};
  unsigned depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      if (at == std::string_view::npos) return at;
      if (depth == 0) return at;
      continue;
    }
    if (c == '{' || c == '[') {
      if (depth == kMaxDepth) return std::string_view::npos;
      closers[depth++] = c == '{' ? '}' : ']';
    } else if (c == '}' || c == ']') {
      if (depth == 0 || closers[depth - 1] != c) return std::string_view::npos;
      if (--depth == 0) return at + 1;
    } else if (depth == 0) {
      const std::size_t end = text.find_first_not_of("0123456789+-.eEtrufalsn", at);
      const std::size_t stop = end == std::string_view::npos ? text.size() : end;
      return stop == at ? std::string_view::npos : stop;
    }
    ++at;
  }
  return std::string_view::npos;
}

}  // namespace

bool split_members(std::string_view members, std::vector<Member>& out) {
  out.clear();
  std::size_t at = 0;
  while (at < members.size()) {
    const std::size_t name_end = members[at] == '"' ? skip_string(members, at) : std::string_view::npos;
    if (name_end == std::string_view::npos || name_end >= members.size() || members[name_end] != ':') break;
    const std::size_t end = skip_value(members, name_end + 1);
    if (end == std::string_view::npos) break;
    out.push_back({members.substr(at + 1, name_end - at - 2), members.substr(name_end + 1, end - name_end - 1)});
    if (end == members.size()) return true;
    if (members[end] != ',') break;
    at = end + 1;
  }
  const bool whole = members.empty();
  out.clear();
  return whole;
}

std::string bounded_members(std::string_view members, std::size_t limit) {
  if (members.size() <= limit) return std::string(members);
  constexpr std::size_t kReserve = 128;  // of the two members that tell of the omission
  std::vector<Member> list;
  std::size_t kept = 0;
  if (split_members(members, list))
    for (const auto& member : list) {
      const auto end = static_cast<std::size_t>(member.value.data() + member.value.size() - members.data());
      if (end + kReserve > limit) break;
      kept = end;
    }
  const std::string_view rest = members.substr(kept);
  std::string out(members.substr(0, kept));
  out.append(kept == 0 ? "\"omitted_bytes\":" : ",\"omitted_bytes\":").append(std::to_string(rest.size()));
  append_member(out, "omitted_sha256", hex_encode(crypto::sha256(as_bytes(rest))));
  return out;
}

std::string_view member_text(std::string_view members, std::string_view name) {
  thread_local std::vector<Member> list;
  if (!split_members(members, list)) return {};
  for (const auto& member : list)
    if (member.name == name && member.value.starts_with('"')) return member.value.substr(1, member.value.size() - 2);
  return {};
}

}  // namespace bartizan::audit
