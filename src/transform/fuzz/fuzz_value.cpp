// What reads as a value writes itself the same way again, in both formats, and its index form
// does not depend on how it came.
#include <cstdint>

#include "bartizan/base/result.hpp"
#include "bartizan/transform/value.hpp"

namespace {

using namespace bartizan;
using namespace bartizan::transform;

constexpr std::size_t kLimit = std::size_t{1} << 18;
const FixedTimeZone kZone{std::chrono::seconds(3600)};
const ValueSettings kSettings{.time_zone = &kZone};

bool convert(bool to, ValueType type, WireFormat format, ByteView from, Bytes& made) {
  BoundedBytes out(made, kLimit);
  return (to ? to_canonical(type, kNoTypmod, format, from, kSettings, out)
             : from_canonical(type, format, from, kSettings, out))
      .has_value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const auto type = static_cast<ValueType>((data[0] >> 1) % 13);
  const auto format = (data[0] & 1) != 0 ? WireFormat::Binary : WireFormat::Text;
  const ByteView wire(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
  Bytes canonical;
  if (!convert(true, type, format, wire, canonical)) return 0;
  for (const auto other : {WireFormat::Text, WireFormat::Binary}) {
    Bytes field, again;
    if (!convert(false, type, other, canonical, field)) continue;  // longer than the limit
    BZ_ASSERT(convert(true, type, other, field, again));
    BZ_ASSERT(again == canonical);
  }
  Bytes form;
  BoundedBytes out(form, kLimit + 1);
  BZ_ASSERT(to_index_form(type, canonical, out).has_value());
  return 0;
}
