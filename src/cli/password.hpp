// Where passwords come from: never from the arguments, which every user of the machine can read.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string_view>

#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"

namespace bartizan::cli {

inline constexpr std::size_t kMaxPasswordBytes = 1024;

/// The first line, without its line ending. InvalidArgument: empty, too long, holds a NUL, or is
/// not UTF-8.
[[nodiscard]] Result<SecretBytes> read_password(std::istream& in);

/// Asks on /dev/tty without echo. Unavailable: there is no terminal. Cancelled: Ctrl-C or Ctrl-D;
/// the terminal is as before in every case.
[[nodiscard]] Result<SecretBytes> ask_on_terminal(std::string_view prompt);

/// What read_password() asks of the bytes.
[[nodiscard]] Result<void> check_password(const SecretBytes& password);

}  // namespace bartizan::cli
