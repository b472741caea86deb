// RELP's frames (the protocol of rsyslog's imrelp, version 0): "TXNR COMMAND LENGTH[ DATA]\n". Pure; what is decoded
// comes from the network.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bartizan/base/result.hpp"

namespace bartizan::shipping {

/// Transaction numbers go from 1 to 999,999,999 and begin again.
[[nodiscard]] std::uint32_t next_transaction(std::uint32_t before) noexcept;

void append_relp(std::string& out, std::uint32_t transaction, std::string_view command, std::string_view data);

struct RelpFrame {
  std::uint32_t transaction = 0;
  std::string command;
  std::string data;
  std::size_t bytes = 0;  ///< of the frame itself
};
/// nullopt: more bytes are needed. Malformed; TooLarge over 64 KiB of data.
[[nodiscard]] Result<std::optional<RelpFrame>> parse_relp(std::string_view bytes);

/// A response's code: "200 OK" is 200. 0 when it has none.
[[nodiscard]] unsigned relp_status(const RelpFrame& frame) noexcept;

}  // namespace bartizan::shipping
