// What decodes encodes to the very same bytes, and its destroyed leaves have no key.
#include <cstdint>

#include "bartizan/base/result.hpp"
#include "bartizan/keys/subject_tree.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  const ByteView bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto tree = keys::SubjectTree::decode(bytes);
  if (!tree) return 0;
  const auto again = tree->encode();
  BZ_ASSERT(as_chars(again.reveal()) == as_chars(bytes));
  for (const auto id : tree->destroyed()) BZ_ASSERT(tree->is_destroyed(id) && !tree->leaf(id));
  return 0;
}
