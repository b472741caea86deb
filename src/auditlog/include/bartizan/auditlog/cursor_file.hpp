// How far somebody who follows a log has come, as a small file that a crash leaves old or new, never torn.
#pragma once

#include <string>
#include <string_view>

#include "bartizan/auditlog/file_layer.hpp"

namespace bartizan::auditlog {

/// One owner at a time. The folder must be there.
class CursorFile {
 public:
  static constexpr std::uint64_t kMaxBytes = 64ull * 1024 * 1024;

  CursorFile(std::string directory, std::string name, FileLayer& files = system_files())
      : files_(files), directory_(std::move(directory)), name_(std::move(name)) {}

  /// Empty when it was never written.
  [[nodiscard]] Result<std::string> read() const;
  /// Durable when it returns.
  [[nodiscard]] Result<void> write(std::string_view text);

 private:
  FileLayer& files_;
  const std::string directory_;
  const std::string name_;
};

}  // namespace bartizan::auditlog
