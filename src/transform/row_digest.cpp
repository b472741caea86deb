#include "bartizan/transform/row_digest.hpp"

#include <limits>

namespace bartizan::transform {

Result<RowDigest> row_digest(std::span<const RowKeyPart> parts) {
  if (parts.empty()) return fail(Errc::InvalidArgument, "a row is bound by at least one column");
  Bytes all = to_bytes("bzr1");
  for (const auto& part : parts) {
    if (part.canonical.size() > std::numeric_limits<std::uint32_t>::max())
      return fail(Errc::TooLarge, "a primary key is not that long");
    const auto at = all.size();
    all.resize(at + 8);
    store_be32(all.data() + at, part.type_oid);
    store_be32(all.data() + at + 4, static_cast<std::uint32_t>(part.canonical.size()));
    all.insert(all.end(), part.canonical.begin(), part.canonical.end());
  }
  return crypto::sha256(all);
}

}  // namespace bartizan::transform
