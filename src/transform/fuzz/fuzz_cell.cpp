// Bytes from a database that an attacker writes: never more than an error, and what opens was
// sealed here.
#include <cstdint>
#include <string>

#include "bartizan/base/result.hpp"
#include "bartizan/transform/column_cipher.hpp"

namespace {

using namespace bartizan;
using namespace bartizan::transform;

ColumnCipher make_cipher() {
  ColumnKeySet keys;
  keys.readable.push_back({keys::KeyId(5), SecretBytes(std::string(32, 'd')), SecretBytes(std::string(32, 'n'))});
  keys.active = keys::KeyId(5);
  keys.index.push_back({keys::KeyId(2), SecretBytes(std::string(32, 'i'))});
  Uuid id;
  id.octets.fill(7);
  auto made = ColumnCipher::make({id, id, 7, ValueType::Bytea, false}, std::move(keys));
  BZ_ASSERT(made.has_value());
  return std::move(*made);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static ColumnCipher cipher = make_cipher();
  const ByteView bytes(reinterpret_cast<const std::byte*>(data), size);
  BZ_ASSERT(!parse_cell(bytes) || looks_like_cell(bytes));
  Bytes opened;
  BoundedBytes out(opened, size);
  BZ_ASSERT(!cipher.open(bytes, nullptr, out).has_value() && opened.empty());

  Bytes cell, again;
  BoundedBytes cell_out(cell, size + kIndexedCellOverhead), again_out(again, size);
  BZ_ASSERT(cipher.seal(bytes, nullptr, system_random(), cell_out).has_value());
  BZ_ASSERT(cipher.open(cell, nullptr, again_out).has_value() && as_chars(again) == as_chars(bytes));
  return 0;
}
