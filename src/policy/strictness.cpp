#include "bartizan/policy/strictness.hpp"

#include <algorithm>

#include "bartizan/policy/mask_registry.hpp"

namespace bartizan::policy {
namespace {

/// a shows no more than b, for two masks of one kind.
bool no_looser(const BucketNumberMask& a, const BucketNumberMask& b) {
  // A coarser partition: every bound of a is one of b. Below a's first, a says NULL where b may tell.
  return std::ranges::all_of(a.bounds,
                             [&](const auto& bound) { return std::ranges::find(b.bounds, bound) != b.bounds.end(); });
}
bool no_looser(const BucketDateMask& a, const BucketDateMask& b) {
  // Weeks lie across months: they are coarser than days and nothing else.
  if (a.unit == b.unit) return true;
  if (b.unit == DateUnit::Week) return false;
  if (a.unit == DateUnit::Week) return b.unit <= DateUnit::Day;
  return a.unit > b.unit;
}
bool no_looser(const PartialMask& a, const PartialMask& b) {
  return a.fill == b.fill && a.first <= b.first && a.last <= b.last;
}
bool no_looser(const EmailMask& a, const EmailMask& b) {
  return a.first <= b.first && (!a.keep_domain || b.keep_domain);
}

template <class T>
Strictness within(const T& a, const Mask& other) {
  const T& b = *std::get_if<T>(&other);
  if (a == b) return Strictness::Equal;
  if constexpr (requires { no_looser(a, b); }) {
    if (no_looser(a, b)) return Strictness::Stricter;
    if (no_looser(b, a)) return Strictness::Looser;
  }
  return Strictness::Incomparable;
}

/// Between kinds: what reveals less is stricter, but for two kinds whose yield depends on the
/// author's arguments and can only be set against those that reveal all or no value at all.
bool depends_on_arguments(const Mask& mask) {
  return std::holds_alternative<RegexReplaceMask>(mask) || std::holds_alternative<JsonPathMask>(mask);
}

bool certain(Reveals reveals) { return reveals <= Reveals::Presence || reveals == Reveals::All; }

}  // namespace

Strictness compare(const Mask& a, const Mask& b) {
  if (a.index() == b.index()) return std::visit([&](const auto& mask) { return within(mask, b); }, a);
  const Reveals of_a = registry_entry(a).reveals;
  const Reveals of_b = registry_entry(b).reveals;
  if (of_a == of_b) return Strictness::Incomparable;
  if (depends_on_arguments(a) && !certain(of_b)) return Strictness::Incomparable;
  if (depends_on_arguments(b) && !certain(of_a)) return Strictness::Incomparable;
  return of_a < of_b ? Strictness::Stricter : Strictness::Looser;
}

const Mask* strictest(std::span<const Mask* const> masks) {
  for (const Mask* candidate : masks) {
    const bool least = std::ranges::all_of(masks, [&](const Mask* other) {
      const Strictness s = compare(*candidate, *other);
      return s == Strictness::Equal || s == Strictness::Stricter;
    });
    if (least) return candidate;
  }
  return nullptr;
}

}  // namespace bartizan::policy
