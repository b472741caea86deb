#include "bartizan/session/shared_statement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "bartizan/pgwire/message_types.hpp"

namespace bartizan::session {

namespace {
constexpr std::string_view kPrefix = "bartizan_";
constexpr std::size_t kDigits = 32;

/// In eight bytes.
void append_length(std::string& out, std::uint64_t length) {
  for (int shift = 0; shift < 64; shift += 8) out.push_back(static_cast<char>((length >> shift) & 0xff));
}
}  // namespace

bool is_shared_name(std::string_view name) noexcept {
  return name.starts_with(kPrefix) && name.size() == kPrefix.size() + kDigits;
}

void write_parse_as(Bytes& out, const SharedStatement& statement, std::string_view name) {
  const std::size_t length = 4 + name.size() + 1 + statement.text.size() + 1 + statement.parameter_types.size();
  const std::size_t before = out.size();
  out.resize(before + 1 + length);
  std::byte* at = out.data() + before;
  *at++ = static_cast<std::byte>(pgwire::frontend::kParse);
  store_be32(at, static_cast<std::uint32_t>(length));
  at += 4;
  const auto put = [&at](const void* data, std::size_t size) {
    if (size != 0) std::copy_n(static_cast<const std::byte*>(data), size, at);
    at += size;
  };
  put(name.data(), name.size());
  *at++ = std::byte{0};
  put(statement.text.data(), statement.text.size());
  *at++ = std::byte{0};
  put(statement.parameter_types.data(), statement.parameter_types.size());
}

StatementShares::Found StatementShares::get(std::string_view text, ByteView parameter_types, std::string_view meaning) {
  // Injective: the fixed-size parts first, each with its length.
  composed_.clear();
  append_length(composed_, meaning.size());
  append_length(composed_, parameter_types.size());
  composed_.append(meaning);
  composed_.append(reinterpret_cast<const char*>(parameter_types.data()), parameter_types.size());
  composed_.append(text);
  const auto key = sql::exact_digest(composed_, {}, key_);
  if (const auto found = index_.find(key); found != index_.end()) {
    order_.splice(order_.begin(), order_, found->second);
    return {found->second->statement, ++found->second->uses};
  }
  auto made = std::make_shared<SharedStatement>();
  made->key = key;
  made->server_name = fmt::format("{}{:016x}{:016x}", kPrefix, key.hi, key.lo);
  made->text.assign(text);
  made->meaning.assign(meaning);
  made->parameter_types.assign(parameter_types.begin(), parameter_types.end());
  bytes_ += made->bytes();
  order_.push_front({made, 1});
  index_.emplace(key, order_.begin());
  while (bytes_ > max_bytes_ && order_.size() > 1) {
    bytes_ -= order_.back().statement->bytes();
    index_.erase(order_.back().statement->key);
    order_.pop_back();
  }
  return {std::move(made), 1};
}

}  // namespace bartizan::session
