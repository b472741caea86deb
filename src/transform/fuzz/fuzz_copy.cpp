// COPY data from a client, cut anywhere: however it is cut the same comes out, an encrypted value
// is never passed on, and what went in comes back out.
#include <algorithm>
#include <cstdint>
#include <string>

#include "bartizan/base/result.hpp"
#include "bartizan/transform/copy_transform.hpp"

namespace {

using namespace bartizan;
using namespace bartizan::transform;

class FixedRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override {
    for (auto& byte : out) byte = std::byte{4};
  }
};

EncryptedColumn make_column() {
  ColumnKeySet keys;
  keys.readable.push_back({keys::KeyId(5), SecretBytes(std::string(32, 'd')), SecretBytes(std::string(32, 'n'))});
  keys.active = keys::KeyId(5);
  Uuid id;
  id.octets.fill(7);
  auto made = ColumnCipher::make({id, id, 7, ValueType::Bytea, false}, std::move(keys));
  BZ_ASSERT(made.has_value());
  return EncryptedColumn(std::move(*made), kNoTypmod);
}

bool run(CopyDirection direction, const CopyOptions& options, ByteView data, std::size_t piece, Bytes& out) {
  static EncryptedColumn column = make_column();
  static const ValueSettings settings;
  static FixedRandom random;
  const CopyOp op{1, &column};
  auto transform = CopyTransform::make(direction, options, 2, {&op, 1}, settings, random, {});
  BZ_ASSERT(transform.has_value());
  for (std::size_t at = 0; at < data.size(); at += piece)
    if (!transform->feed(data.subspan(at, std::min(piece, data.size() - at)), out)) return false;
  return transform->finish(out).has_value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 4096) return 0;
  CopyOptions options;
  options.format = static_cast<CopyFormat>(data[0] % 3);
  if (options.format == CopyFormat::Csv) {
    options.delimiter = ',';
    options.null_text = "";
    if ((data[0] & 0x10) != 0) options.escape = '\\';
  }
  options.header = options.format != CopyFormat::Binary && (data[0] & 0x20) != 0;
  const std::size_t piece = data[1] % 16 + 1U;
  const ByteView input(reinterpret_cast<const std::byte*>(data) + 2, size - 2);
  Bytes whole, pieces;
  const bool done = run(CopyDirection::In, options, input, input.size() + 1, whole);
  BZ_ASSERT(run(CopyDirection::In, options, input, piece, pieces) == done);
  if (!done) return 0;
  BZ_ASSERT(whole == pieces);
  Bytes returned, stored;
  BZ_ASSERT(run(CopyDirection::Out, options, whole, piece, returned));
  // What came back is in PostgreSQL's own spelling, so that going round again changes nothing.
  BZ_ASSERT(run(CopyDirection::In, options, returned, piece, stored));
  BZ_ASSERT(stored == whole);
  return 0;
}
