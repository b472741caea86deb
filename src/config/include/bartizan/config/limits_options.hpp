// [limits]: how much one client, one session and all of them together may take.
#pragma once

#include <cstdint>

#include "bartizan/config/quantity.hpp"

namespace bartizan::config {

/// A count or duration of zero means no limit, where the schema admits zero.
struct LimitsOptions {
  std::uint32_t clients = 10'000;
  std::uint32_t clients_per_address = 0;
  std::uint32_t half_open = 1'000;
  Duration sign_in_timeout = std::chrono::seconds{15};
  Duration idle_timeout{};
  Duration idle_in_transaction_timeout{};
  Duration statement_timeout{};
  Duration server_check_interval = std::chrono::seconds{30};
  ByteSize statement_bytes{16ull << 20};
  ByteSize session_buffer_bytes{64ull << 10};
  Duration drain_timeout = std::chrono::seconds{30};
};

}  // namespace bartizan::config
