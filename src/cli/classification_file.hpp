// What catalog classify proposes, as the policy file that a person edits and publishes. Pure.
#pragma once

#include <string>
#include <string_view>

#include "bartizan/base/result.hpp"

namespace bartizan::cli {

struct ClassificationFile {
  std::string text;
  std::size_t tables = 0;   ///< with a tag that is proposed; others are left out
  std::size_t columns = 0;  ///< with one
};

/// answer: the admin socket's line. Columns without a proposal stand there as comments, so that they stay hidden until
/// somebody has looked at them. Malformed; FailedPrecondition: nothing is proposed.
[[nodiscard]] Result<ClassificationFile> classification_file(std::string_view answer);

/// FILE, which must not be there yet. AlreadyExists, Io.
[[nodiscard]] Result<void> write_new_file(const std::string& path, std::string_view text);

}  // namespace bartizan::cli
