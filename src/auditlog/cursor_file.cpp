#include "bartizan/auditlog/cursor_file.hpp"

#include "whole_file.hpp"

namespace bartizan::auditlog {

Result<std::string> CursorFile::read() const {
  const auto bytes = read_whole(files_, directory_ + "/" + name_, kMaxBytes);
  if (bytes) return std::string(as_chars(*bytes));
  if (bytes.error().code == Errc::NotFound) return std::string();
  return tl::unexpected(bytes.error());
}

Result<void> CursorFile::write(std::string_view text) {
  return replace_whole(files_, directory_, name_, as_bytes(text));
}

}  // namespace bartizan::auditlog
