#include "state_file.hpp"

#include <string_view>

#include "byte_order.hpp"
#include "crc32c.hpp"

namespace bartizan::auditlog {
namespace {

constexpr std::string_view kMagic = "BZAUDS1\n";

void put32(Bytes& out, std::uint32_t value) {
  std::byte bytes[4];
  store_be32(bytes, value);
  out.insert(out.end(), bytes, bytes + 4);
}

void put64(Bytes& out, std::uint64_t value) {
  std::byte bytes[8];
  store_be64(bytes, value);
  out.insert(out.end(), bytes, bytes + 8);
}

void put_bytes(Bytes& out, ByteView bytes) {
  put32(out, static_cast<std::uint32_t>(bytes.size()));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

/// Sticky: after a failed read every value is 0 and good() is false.
class Reader {
 public:
  explicit Reader(ByteView bytes) : bytes_(bytes) {}
  std::uint32_t u32() {
    const auto value = good_ ? bytes_.be32() : std::nullopt;
    good_ = value.has_value();
    return value.value_or(0);
  }
  std::uint64_t u64() {
    const std::uint64_t high = u32();
    return (high << 32) | u32();
  }
  ByteView bytes() {
    const std::uint32_t size = u32();
    const auto value = good_ ? bytes_.bytes(size) : std::nullopt;
    good_ = value.has_value();
    return value.value_or(ByteView{});
  }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool done() const { return good_ && bytes_.at_end(); }

 private:
  ByteReaderView bytes_;
  bool good_ = true;
};

}  // namespace

Bytes encode_state(const State& state) {
  Bytes out = to_bytes(kMagic);
  put32(out, 0);
  for (const std::uint64_t value : {state.log_id, state.segment, state.offset, state.sequence, state.next_ticket})
    put64(out, value);
  put32(out, static_cast<std::uint32_t>(state.trees.size()));
  for (const auto& [name, size] : state.trees) {
    put_bytes(out, as_bytes(name));
    put64(out, size);
  }
  put32(out, static_cast<std::uint32_t>(state.open.size()));
  for (const auto& intent : state.open) {
    put64(out, intent.ticket);
    put_bytes(out, intent.record);
  }
  store_be32(out.data() + kMagic.size(), crc32c(ByteView(out).subspan(kMagic.size() + 4)));
  return out;
}

Result<State> decode_state(ByteView bytes) {
  const auto damaged = [] { return fail(Errc::Malformed, "the audit log's state file is damaged"); };
  const std::size_t start = kMagic.size() + 4;
  if (bytes.size() < start || as_chars(bytes.first(kMagic.size())) != kMagic ||
      load_be32(bytes.data() + kMagic.size()) != crc32c(bytes.subspan(start)))
    return damaged();
  Reader in(bytes.subspan(start));
  State state;
  for (std::uint64_t* value : {&state.log_id, &state.segment, &state.offset, &state.sequence, &state.next_ticket})
    *value = in.u64();
  for (std::uint32_t left = in.u32(); left > 0 && in.good(); --left) {
    const std::string name(as_chars(in.bytes()));
    state.trees[name] = in.u64();
  }
  for (std::uint32_t left = in.u32(); left > 0 && in.good(); --left) {
    OpenIntent intent;
    intent.ticket = in.u64();
    const ByteView record = in.bytes();
    intent.record.assign(record.begin(), record.end());
    state.open.push_back(std::move(intent));
  }
  if (!in.done()) return damaged();
  return state;
}

}  // namespace bartizan::auditlog
