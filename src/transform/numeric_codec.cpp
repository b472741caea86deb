#include "codecs.hpp"
#include "numeric.hpp"

namespace bartizan::transform {

Result<void> numeric_to_canonical(const Reading& how, ByteView wire, BoundedBytes& out) {
  Numeric value;
  if (how.format == WireFormat::Binary) {
    auto read = Numeric::read(wire);
    if (!read) return malformed_binary(how.type);
    value = std::move(*read);
  } else {
    auto parsed = Numeric::parse(trimmed(as_chars(wire)));
    if (!parsed) return parsed.error() == Numeric::Problem::Range ? out_of_range(how.type) : invalid_input(how.type);
    value = std::move(*parsed);
  }
  if (!value.apply_typmod(how.typmod)) return out_of_range(how.type);
  value.write_binary(out);
  return {};
}

namespace {

constexpr std::size_t kSpecialBytes = 8;

}  // namespace

Result<void> numeric_from_canonical(const Writing& how, ByteView canonical, BoundedBytes& out) {
  const auto value = Numeric::read(canonical);
  if (!value) return not_canonical();
  if (how.format == WireFormat::Text) {
    value->write_text(out);
    return {};
  }
  value->write_binary(out);
  // PostgreSQL's own infinities show a display scale of 32; the canonical form has none.
  constexpr std::size_t kLastOfScale = 7;
  if (value->is_infinite() && !out.overflowed()) out.patch(out.size() - kSpecialBytes + kLastOfScale, 0x20);
  return {};
}

Result<void> numeric_index_form(ByteView canonical, BoundedBytes& out) {
  constexpr std::size_t kScaleAt = 6, kScaleBytes = 2;
  if (canonical.size() < kScaleAt + kScaleBytes) return not_canonical();
  out.append(canonical.first(kScaleAt));
  out.append(canonical.subspan(kScaleAt + kScaleBytes));
  return {};
}

}  // namespace bartizan::transform
