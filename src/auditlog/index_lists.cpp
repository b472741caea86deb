#include "index_lists.hpp"

#include <bit>

namespace bartizan::auditlog {
namespace {

constexpr std::byte kGaps{1};
constexpr std::byte kBits{2};
constexpr unsigned kMaxVarintBits = 63;

void append_varint(Bytes& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::byte>(value | 0x80));
  out.push_back(static_cast<std::byte>(value));
}

std::optional<std::uint64_t> take_varint(ByteView bytes, std::size_t& at) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift <= kMaxVarintBits && at < bytes.size(); shift += 7) {
    const auto byte = std::to_integer<std::uint64_t>(bytes[at++]);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

}  // namespace

void append_positions(Bytes& out, std::span<const std::uint32_t> positions, std::uint32_t count) {
  const std::size_t start = out.size();
  const std::size_t as_bits = 1 + (std::size_t{count} + 7) / 8;
  out.push_back(kGaps);
  std::uint32_t next = 0;
  for (const std::uint32_t position : positions) {
    append_varint(out, position - next);
    next = position + 1;
    if (out.size() - start > as_bits) break;
  }
  if (out.size() - start <= as_bits) return;
  out.resize(start);
  out.push_back(kBits);
  out.resize(start + as_bits);
  for (const std::uint32_t position : positions)
    out[start + 1 + position / 8] |= static_cast<std::byte>(1u << (position % 8));
}

namespace {

/// Tells to of each position, in order. False unless bytes are a list of positions below count.
template <class To>
bool each_position(ByteView bytes, std::uint32_t count, const To& to) {
  if (bytes.empty()) return false;
  if (bytes[0] == kBits) {
    if (bytes.size() != 1 + (std::size_t{count} + 7) / 8) return false;
    for (std::size_t i = 1; i < bytes.size(); ++i)
      for (auto bits = std::to_integer<unsigned>(bytes[i]); bits != 0; bits &= bits - 1) {
        const auto position = static_cast<std::uint32_t>((i - 1) * 8) + static_cast<unsigned>(std::countr_zero(bits));
        if (position >= count) return false;
        to(position);
      }
    return true;
  }
  if (bytes[0] != kGaps) return false;
  std::uint64_t next = 0;
  for (std::size_t at = 1; at < bytes.size();) {
    const auto gap = take_varint(bytes, at);
    if (!gap || *gap >= count || next + *gap >= count) return false;
    to(static_cast<std::uint32_t>(next + *gap));
    next += *gap + 1;
  }
  return true;
}

}  // namespace

std::optional<std::vector<std::uint32_t>> decode_positions(ByteView bytes, std::uint32_t count) {
  std::vector<std::uint32_t> out;
  out.reserve(bytes.size());
  if (!each_position(bytes, count, [&](std::uint32_t position) { out.push_back(position); })) return std::nullopt;
  return out;
}

bool mark_positions(ByteView bytes, std::uint32_t count, std::span<std::uint64_t> bits) {
  return each_position(bytes, count,
                       [&](std::uint32_t position) { bits[position / 64] |= std::uint64_t{1} << (position % 64); });
}

void append_times(Bytes& out, std::span<const std::int64_t> times, std::int64_t base) {
  for (const std::int64_t time : times) {
    append_varint(out, zigzag(time - base));
    base = time;
  }
}

std::optional<std::vector<std::int64_t>> decode_times(ByteView bytes, std::uint32_t count, std::int64_t base) {
  std::vector<std::int64_t> out;
  out.reserve(count);
  auto time = static_cast<std::uint64_t>(base);  // unsigned: what is not ours may overflow
  for (std::size_t at = 0; out.size() < count;) {
    const auto difference = take_varint(bytes, at);
    if (!difference) return std::nullopt;
    time += static_cast<std::uint64_t>(unzigzag(*difference));
    out.push_back(static_cast<std::int64_t>(time));
    if (out.size() == count && at != bytes.size()) return std::nullopt;
  }
  return out;
}

}  // namespace bartizan::auditlog
