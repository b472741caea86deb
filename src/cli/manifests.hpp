// Policy manifests from this machine, for the commands that send them (docs/formats/policy-yaml.md).
#pragma once

#include <string>
#include <vector>

#include "bartizan/base/result.hpp"

namespace bartizan::cli {

struct ManifestFile {
  std::string file;  ///< relative to the folder, or the file's own name
  std::string text;
};

/// A file, or every *.yaml and *.yml of a folder and its sub-folders, in the order of their names.
/// NotFound: no such file, or none in the folder; TooLarge: over 1 MiB a file or 8 MiB together.
[[nodiscard]] Result<std::vector<ManifestFile>> read_manifests(const std::string& path);

}  // namespace bartizan::cli
