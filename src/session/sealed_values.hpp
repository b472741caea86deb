// A Bind's parameters as they stand in a record: sealed, never in the clear (docs/formats/audit-log.md, "Sealed
// values"). Only where the configuration asks for it; others pay a null check.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "bartizan/audit/sealing.hpp"
#include "bartizan/base/bytes.hpp"

namespace bartizan::session {

/// Of a whole Bind; longer ones are recorded by their length alone.
inline constexpr std::size_t kMostSealedBind = 8 * 1024;

/// The member of the record, `"sealed_values":{…}`; null without parameters. bind: the message's payload, or its
/// beginning where whole is false; length: of all of it.
[[nodiscard]] std::shared_ptr<const std::string> sealed_values(audit::Sealer& sealer, std::string_view tenant,
                                                               ByteView bind, std::size_t length, bool whole,
                                                               WallTime at);

}  // namespace bartizan::session
