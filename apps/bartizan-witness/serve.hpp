// The witness as a server of its own: C2SP tlog-witness's one call over plain HTTP/1.1.
#pragma once

#include <string>

#include "bartizan/base/result.hpp"
#include "witness.hpp"

namespace bartizan::witness {

/// Answers one connection after the other, each within a deadline, until SIGTERM or SIGINT. listen is
/// HOST:PORT; port 0 takes a free one, and told is given what it is. InvalidArgument, Io.
[[nodiscard]] Result<void> serve(const Witness& judge, const std::string& listen, void (*told)(const std::string&));

}  // namespace bartizan::witness
