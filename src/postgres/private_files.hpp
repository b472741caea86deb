// Small files and folders with exact owners and modes, made so that a hostile owner of the folder
// around them can't redirect us: no link is followed, nothing that exists is trusted unchecked.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::postgres {

struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

/// Makes the folder, or checks that the one there is a real folder of this owner; sets the mode.
Result<void> ensure_directory(const std::string& path, Owner owner, mode_t mode);
/// Writes a temporary file beside it, syncs, renames. REQUIRES: a folder that only we may write.
Result<void> replace_file(const std::string& path, ByteView content, Owner owner, mode_t mode);
/// A new file; AlreadyExists if there is anything of that name. Safe in a folder of another's.
Result<void> create_file(const std::string& path, ByteView content, Owner owner, mode_t mode);
/// A regular file of at most limit bytes. NotFound, TooLarge, Io.
Result<std::string> read_small_file(const std::string& path, std::size_t limit);
/// The file or link itself; nothing if it is not there.
void remove_file(const std::string& path) noexcept;

}  // namespace bartizan::postgres
