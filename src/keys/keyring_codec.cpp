#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "bartizan/keys/keyring.hpp"

namespace bartizan::keys {
namespace {

constexpr std::string_view kMagic = "bzkr";
constexpr std::uint8_t kFormatVersion = 1;

class Writer {
 public:
  void u8(std::size_t value) { out_.push_back(static_cast<std::byte>(value & 0xff)); }
  void be16(std::size_t value) {
    u8(value >> 8);
    u8(value);
  }
  void be32(std::uint32_t value) {
    be16(value >> 16);
    be16(value & 0xffff);
  }
  void be64(std::uint64_t value) {
    be32(static_cast<std::uint32_t>(value >> 32));
    be32(static_cast<std::uint32_t>(value & 0xffffffff));
  }
  void time(WallTime value) { be64(static_cast<std::uint64_t>(value.time_since_epoch().count())); }
  void bytes(ByteView value) { out_.insert(out_.end(), value.begin(), value.end()); }
  [[nodiscard]] Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

/// Reads on with zeros after the first failure, and says so at the end.
class Reader {
 public:
  explicit Reader(ByteView bytes) : in_(bytes) {}
  std::uint8_t u8() { return checked(in_.u8()); }
  std::uint16_t be16() { return checked(in_.be16()); }
  std::uint32_t be32() { return checked(in_.be32()); }
  std::uint64_t be64() {
    const auto high = be32();
    return (std::uint64_t{high} << 32) | be32();
  }
  WallTime time() { return WallTime(std::chrono::microseconds(static_cast<std::int64_t>(be64()))); }
  ByteView bytes(std::size_t count) { return checked(in_.bytes(count)); }
  std::string text(std::size_t count) { return std::string(as_chars(bytes(count))); }
  Uuid uuid() {
    Uuid id;
    const auto octets = bytes(16);
    for (std::size_t i = 0; i < octets.size(); ++i) id.octets[i] = std::to_integer<std::uint8_t>(octets[i]);
    return id;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool complete() const { return ok_ && in_.at_end(); }

 private:
  template <class T>
  T checked(std::optional<T> value) {
    ok_ = ok_ && value.has_value();
    return ok_ ? *value : T{};
  }
  ByteReaderView in_;
  bool ok_ = true;
};

KeyVersion read_version(Reader& in) {
  KeyVersion version;
  version.id = KeyId(in.be32());
  version.purpose = static_cast<KeyPurpose>(in.u8());
  version.state = static_cast<KeyState>(in.u8());
  version.created_at = in.time();
  version.changed_at = in.time();
  version.wrapped.root.provider = in.text(in.u8());
  version.wrapped.root.version = in.be32();
  const auto wrapped = in.bytes(in.be16());
  version.wrapped.bytes.assign(wrapped.begin(), wrapped.end());
  version.authority = in.text(in.be16());
  return version;
}

}  // namespace

Bytes encode_keyring(const Keyring& keyring) {
  Writer out;
  out.bytes(as_bytes(kMagic));
  out.u8(kFormatVersion);
  out.bytes(encode_owner(keyring.owner()));
  out.be64(keyring.revision());
  out.be16(keyring.versions().size());
  for (const auto& version : keyring.versions()) {
    out.be32(version.id.get());
    out.u8(static_cast<std::size_t>(version.purpose));
    out.u8(static_cast<std::size_t>(version.state));
    out.time(version.created_at);
    out.time(version.changed_at);
    out.u8(version.wrapped.root.provider.size());
    out.bytes(as_bytes(version.wrapped.root.provider));
    out.be32(version.wrapped.root.version);
    out.be16(version.wrapped.bytes.size());
    out.bytes(version.wrapped.bytes);
    out.be16(version.authority.size());
    out.bytes(as_bytes(version.authority));
  }
  return out.take();
}

Result<Keyring> decode_keyring(ByteView bytes) {
  static_assert(kMaxKeyVersions <= std::numeric_limits<std::uint16_t>::max());
  const auto broken = [] { return fail(Errc::Malformed, "the stored keyring is not well-formed"); };
  Reader in(bytes);
  if (as_chars(in.bytes(kMagic.size())) != kMagic || in.u8() != kFormatVersion) return broken();
  KeyringOwner owner;
  owner.kind = static_cast<OwnerKind>(in.u8());
  owner.tenant = in.uuid();
  owner.id = in.uuid();
  const auto revision = in.be64();
  const std::size_t count = in.be16();
  std::vector<KeyVersion> versions;
  for (std::size_t i = 0; i < count && in.ok(); ++i) versions.push_back(read_version(in));
  if (!in.complete()) return broken();
  return Keyring::restore(owner, revision, std::move(versions));
}

}  // namespace bartizan::keys
