#include "manifests.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "terminal_text.hpp"

namespace bartizan::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxAllBytes = std::size_t{8} << 20;

Result<std::vector<fs::path>> files_of(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return std::vector<fs::path>{path};
  std::vector<fs::path> out;
  for (fs::recursive_directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    const auto extension = at->path().extension();
    std::error_code unknown;
    if ((extension == ".yaml" || extension == ".yml") && at->is_regular_file(unknown)) out.push_back(at->path());
  }
  if (error) return fail(Errc::Io, visible(path.native()) + ": " + error.message());
  if (out.empty()) return fail(Errc::NotFound, visible(path.native()) + ": holds no *.yaml");
  std::ranges::sort(out);
  return out;
}

}  // namespace

Result<std::vector<ManifestFile>> read_manifests(const std::string& path) {
  BZ_TRY(const auto files, files_of(path));
  std::vector<ManifestFile> out;
  std::size_t bytes = 0;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    std::string text(kMaxFileBytes + 1, '\0');
    if (!in) return fail(Errc::NotFound, visible(file.native()) + ": cannot be read");
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad() || (in.fail() && !in.eof())) return fail(Errc::Io, visible(file.native()) + ": cannot be read");
    text.resize(static_cast<std::size_t>(in.gcount()));
    bytes += text.size();
    if (text.size() > kMaxFileBytes || bytes > kMaxAllBytes)
      return fail(Errc::TooLarge, visible(file.native()) + ": manifests have at most 1 MiB each and 8 MiB together");
    if (!is_utf8(text)) return fail(Errc::InvalidArgument, visible(file.native()) + ": is not UTF-8");
    const bool alone = file == fs::path(path);
    out.push_back({alone ? file.filename().native() : file.lexically_relative(path).native(), std::move(text)});
  }
  return out;
}

}  // namespace bartizan::cli
