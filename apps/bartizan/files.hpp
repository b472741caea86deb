// Files of the program's own folder: whole, private, and replaced in one step.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"

namespace bartizan::app {

/// Made with its parents where it is missing; the mode is for a folder made here.
[[nodiscard]] Result<void> make_folder(const std::filesystem::path& path, mode_t mode);
/// Written beside, synced and renamed into place, so that nobody reads half of it.
[[nodiscard]] Result<void> write_file(const std::filesystem::path& path, ByteView content, mode_t mode);
[[nodiscard]] inline Result<void> write_file(const std::filesystem::path& path, std::string_view content, mode_t mode) {
  return write_file(path, as_bytes(content), mode);
}
/// At most 1 MiB. NotFound where there is none.
[[nodiscard]] Result<SecretBytes> read_file(const std::filesystem::path& path);
/// The secret in the file, or a new one of 24 random bytes in hexadecimal, written with mode 0600.
[[nodiscard]] Result<SecretBytes> load_or_create_secret(const std::filesystem::path& path);

}  // namespace bartizan::app
