// How large the embedded server may be on this machine, which it shares with the gateway.
#pragma once

#include <cstdint>

namespace bartizan::postgres {

struct MachineSize {
  std::uint64_t memory_bytes = 0;  ///< of the machine, or of the cgroup if that is less
  std::uint64_t shared_memory_bytes = 0;  ///< of /dev/shm; 0 if it can't be used
};

[[nodiscard]] MachineSize measure_machine();

struct ServerSize {
  std::uint32_t max_connections = 0;
  std::uint64_t shared_buffers_mb = 0;
  std::uint64_t effective_cache_size_mb = 0;
  std::uint64_t work_mem_mb = 0;
  std::uint64_t maintenance_work_mem_mb = 0;
  std::uint64_t max_wal_size_mb = 0;
  bool posix_shared_memory = true;
};

[[nodiscard]] ServerSize size_server(const MachineSize& machine);

}  // namespace bartizan::postgres
