#include "sizing.hpp"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace bartizan::postgres {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;
/// Less than this (a container's default is 64 MiB) runs out under parallel queries.
constexpr std::uint64_t kEnoughSharedMemory = 512 * kMiB;

std::uint64_t cgroup_limit(const char* path) {
  std::ifstream file(path);
  std::uint64_t bytes = 0;
  if (!(file >> bytes) || bytes == 0) return UINT64_MAX;  // absent, or "max"
  return bytes;
}

}  // namespace

MachineSize measure_machine() {
  MachineSize machine;
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  if (pages > 0 && page > 0)
    machine.memory_bytes = static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page);
  machine.memory_bytes = std::min({machine.memory_bytes, cgroup_limit("/sys/fs/cgroup/memory.max"),
                                   cgroup_limit("/sys/fs/cgroup/memory/memory.limit_in_bytes")});
  struct statvfs shm = {};
  if (::statvfs("/dev/shm", &shm) == 0)
    machine.shared_memory_bytes = static_cast<std::uint64_t>(shm.f_blocks) * shm.f_frsize;
  return machine;
}

ServerSize size_server(const MachineSize& machine) {
  const std::uint64_t memory_mb = machine.memory_bytes / kMiB;
  ServerSize size;
  size.max_connections = memory_mb < 1024 ? 100 : memory_mb < 4096 ? 200 : 500;
  size.shared_buffers_mb = std::clamp<std::uint64_t>(memory_mb / 8, 64, 8192);
  size.effective_cache_size_mb = std::max<std::uint64_t>(memory_mb / 2, 128);
  size.work_mem_mb = std::clamp<std::uint64_t>(memory_mb / (size.max_connections * 4ull), 4, 64);
  size.maintenance_work_mem_mb = std::clamp<std::uint64_t>(memory_mb / 32, 64, 1024);
  size.max_wal_size_mb = std::clamp<std::uint64_t>(memory_mb / 4, 512, 4096);
  size.posix_shared_memory = machine.shared_memory_bytes >= kEnoughSharedMemory;
  return size;
}

}  // namespace bartizan::postgres
