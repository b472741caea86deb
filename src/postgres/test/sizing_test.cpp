#include "sizing.hpp"

#include <doctest/doctest.h>

using namespace bartizan::postgres;

TEST_CASE("the server is sized to the machine, within bounds") {
  constexpr std::uint64_t kMiB = 1024 * 1024;
  struct Row {
    std::uint64_t memory_mb;
    std::uint32_t connections;
    std::uint64_t shared_buffers;
    std::uint64_t work_mem;
  };
  const Row rows[] = {
      {0, 100, 64, 4}, {512, 100, 64, 4}, {2048, 200, 256, 4}, {24576, 500, 3072, 12}, {1 << 20, 500, 8192, 64}};
  for (const auto& row : rows) {
    CAPTURE(row.memory_mb);
    const auto size = size_server({row.memory_mb * kMiB, 64 * 1024 * kMiB});
    CHECK(size.max_connections == row.connections);
    CHECK(size.shared_buffers_mb == row.shared_buffers);
    CHECK(size.work_mem_mb == row.work_mem);
    CHECK(size.effective_cache_size_mb >= size.shared_buffers_mb);
    CHECK(size.posix_shared_memory);
  }
}

TEST_CASE("a container's small /dev/shm is not relied on") {
  CHECK_FALSE(size_server({1u << 30, 64u << 20}).posix_shared_memory);
  CHECK_FALSE(size_server({1u << 30, 0}).posix_shared_memory);
}

TEST_CASE("this machine can be measured") { CHECK(measure_machine().memory_bytes > (64u << 20)); }
