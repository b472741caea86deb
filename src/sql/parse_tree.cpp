#include "parse_tree.hpp"

#include <pg_query.h>

#include <algorithm>
#include <cstdint>
#include <new>

namespace bartizan::sql {

namespace {
constexpr std::size_t kBlockBytes = std::size_t{16} * 1024;
constexpr std::size_t kAlignment = alignof(std::max_align_t);

void* arena_allocate(void* arena, std::size_t size) { return static_cast<Arena*>(arena)->allocate(size); }
void arena_free(void* /*arena*/, void* /*pointer*/) {}
}  // namespace

void* Arena::allocate(std::size_t size) noexcept {
  size = (size + kAlignment - 1) / kAlignment * kAlignment;
  if (size > left_) {
    const std::size_t block = std::max(size, kBlockBytes);
    try {
      blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(block));
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
    next_ = blocks_.back().get();
    left_ = block;
  }
  void* const result = next_;
  next_ += size;
  left_ -= size;
  return result;
}

ParseTree::ParseTree(const std::string& statement) {
  const PgQueryProtobufParseResult result = pg_query_parse_protobuf(statement.c_str());
  if (result.error == nullptr) {
    ProtobufCAllocator allocator{arena_allocate, arena_free, &arena_};
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(result.parse_tree.data);
    PgQuery__ParseResult* tree = pg_query__parse_result__unpack(&allocator, result.parse_tree.len, bytes);
    if (tree != nullptr && tree->n_stmts == 1) statement_ = tree->stmts[0]->stmt;
  } else {
    error_ = result.error->message;
    if (result.error->cursorpos > 0) error_position_ = static_cast<std::size_t>(result.error->cursorpos);
  }
  pg_query_free_protobuf_parse_result(result);
}

}  // namespace bartizan::sql
