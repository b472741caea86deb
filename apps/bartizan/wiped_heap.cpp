// free() and realloc() of this program, for its C libraries too: what goes back to the heap is wiped before.
// Rows in the clear, statements' texts and what parsers and OpenSSL make of them pass through many buffers, which
// grow and go; wiping each of them by hand would miss some, and libpg_query and OpenSSL have their own.
//
// glibc's own functions stand behind them (__libc_free, …); malloc stays what it is. Pages of their own go back to
// the kernel, which wipes them. A sanitizer brings its own heap, and this one is left out.
#include <malloc.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define BZ_HEAP_OF_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BZ_HEAP_OF_SANITIZER 1
#endif

#ifndef BZ_HEAP_OF_SANITIZER

extern "C" {

void __libc_free(void* block) noexcept;
void* __libc_malloc(std::size_t size) noexcept;
void* __libc_realloc(void* block, std::size_t size) noexcept;

void free(void* block) noexcept;
void* realloc(void* block, std::size_t size) noexcept;

}  // extern "C"

namespace {

/// Of the size field in front of a block (malloc.c: IS_MMAPPED): the block is a mapping of its own.
bool is_mapping(const void* block) noexcept {
  constexpr std::size_t kIsMapped = 2;
  std::size_t size_field = 0;
  std::memcpy(&size_field, static_cast<const char*>(block) - sizeof(size_field), sizeof(size_field));
  return (size_field & kIsMapped) != 0;
}

}  // namespace

extern "C" void free(void* block) noexcept {
  if (block == nullptr) return;
  if (!is_mapping(block)) explicit_bzero(block, malloc_usable_size(block));
  __libc_free(block);
}

extern "C" void* realloc(void* block, std::size_t size) noexcept {
  if (block == nullptr || size == 0 || is_mapping(block)) return __libc_realloc(block, size);
  const std::size_t has = malloc_usable_size(block);
  // In its place where it fits and is not much too large; otherwise moved by hand, so that the old place is wiped.
  if (size <= has && has - size <= has / 2) return block;
  void* const moved = __libc_malloc(size);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, block, std::min(has, size));
  free(block);
  return moved;
}

#endif
