// What the tests of this module share: columns with known keys, randomness that repeats, the
// examples of docs/formats.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <string>

#include "bartizan/transform/encrypted_column.hpp"

namespace bartizan::transform::test {

inline const Uuid kTenant = *Uuid::parse("7e9a1c52-0000-4000-8000-00000000000a");
inline const Uuid kOtherTenant = *Uuid::parse("7e9a1c52-0000-4000-8000-00000000000b");
inline const Uuid kColumn = *Uuid::parse("c01d0000-0000-4000-8000-00000000e3a1");
inline const Uuid kOtherColumn = *Uuid::parse("c01d0000-0000-4000-8000-00000000e3a2");

/// The "name:" blocks of hexadecimal digits of a page of docs/formats.
inline std::map<std::string, Bytes> read_examples(const std::string& page) {
  std::ifstream in(std::string(BZ_SOURCE_ROOT) + "/docs/formats/" + page);
  REQUIRE_MESSAGE(in.good(), page);
  std::map<std::string, Bytes> examples;
  bool inside = false;
  std::string name;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      inside = line == "```hex";
      continue;
    }
    if (!inside || line.empty()) continue;
    if (line.back() == ':') {
      name = line.substr(0, line.size() - 1);
      REQUIRE_MESSAGE(examples.emplace(name, Bytes()).second, name);
      continue;
    }
    const auto bytes = hex_decode(line.substr(line.find_first_not_of(' ')));
    REQUIRE_MESSAGE(bytes.has_value(), line);
    examples[name].insert(examples[name].end(), bytes->begin(), bytes->end());
  }
  REQUIRE_FALSE(examples.empty());
  return examples;
}

/// Hands out the given bytes over and over: a source that has failed.
class StuckRandom final : public Random {
 public:
  explicit StuckRandom(Bytes bytes) : bytes_(std::move(bytes)) {}
  void fill(std::span<std::byte> out) override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = bytes_[i % bytes_.size()];
  }

 private:
  Bytes bytes_;
};

struct ColumnSpec {
  Uuid tenant = kTenant;
  Uuid column = kColumn;
  std::uint16_t column_ref = 7;
  ValueType type = ValueType::Text;
  bool row_bound = false;
  std::uint8_t data_root = 1;                  ///< fills the root secret
  std::vector<std::uint32_t> data_ids = {5};   ///< the last one is active
  std::vector<std::uint32_t> index_ids = {2};  ///< the first one is active; none: not searchable
  bool read_only = false;
};

inline keys::KeyringRoot root_of(const Uuid& tenant, std::uint32_t id, keys::KeyPurpose purpose, std::uint8_t fill) {
  auto root = keys::KeyringRoot::make(keys::KeyId(id), purpose, keys::KeyringOwner::of_tenant(tenant),
                                      SecretBytes(std::string(32, static_cast<char>(fill))));
  REQUIRE(root);
  return std::move(*root);
}

inline ColumnCipher make_cipher(const ColumnSpec& spec) {
  ColumnKeySet keys;
  for (const auto id : spec.data_ids) {
    auto derived =
        keys::derive_column_keys(root_of(spec.tenant, id, keys::KeyPurpose::Data, spec.data_root), spec.column);
    REQUIRE(derived);
    keys.readable.push_back(std::move(*derived));
    if (!spec.read_only) keys.active = keys::KeyId(id);
  }
  for (const auto id : spec.index_ids) {
    auto derived = keys::derive_index_key(root_of(spec.tenant, id, keys::KeyPurpose::Index, 9), spec.column);
    REQUIRE(derived);
    keys.index.push_back(std::move(*derived));
  }
  auto cipher =
      ColumnCipher::make({spec.tenant, spec.column, spec.column_ref, spec.type, spec.row_bound}, std::move(keys));
  REQUIRE(cipher);
  return std::move(*cipher);
}

inline EncryptedColumn make_column(const ColumnSpec& spec, std::int32_t typmod = kNoTypmod) {
  return EncryptedColumn(make_cipher(spec), typmod);
}

inline constexpr std::size_t kLimit = std::size_t{1} << 20;

inline Bytes seal(ColumnCipher& cipher, ByteView canonical, const RowDigest* row = nullptr,
                  Random& random = system_random()) {
  Bytes cell;
  BoundedBytes out(cell, kLimit);
  const auto done = cipher.seal(canonical, row, random, out);
  REQUIRE_MESSAGE(done, (done ? "" : done.error().detail));
  return cell;
}

inline Result<Bytes> open(ColumnCipher& cipher, ByteView cell, const RowDigest* row = nullptr) {
  Bytes plaintext;
  BoundedBytes out(plaintext, kLimit);
  BZ_CHECK(cipher.open(cell, row, out));
  return plaintext;
}

}  // namespace bartizan::transform::test
