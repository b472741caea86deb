#include "bartizan/migrate/ini.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "bartizan/base/secret.hpp"

namespace bartizan::migrate {
namespace {

constexpr std::string_view kBlanks = " \t\r\v\f";
constexpr std::size_t kMaxKeyBytes = 256;

bool is_key_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '-' || c == '*';
}

void skip_blanks(std::string_view& text) {
  const auto at = text.find_first_not_of(kBlanks);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at);
}

std::string_view without_blanks_behind(std::string_view text) {
  const auto at = text.find_last_not_of(kBlanks);
  return at == std::string_view::npos ? std::string_view() : text.substr(0, at + 1);
}

/// "a ""b""" at the front of text, which gets shorter by it.
std::optional<std::string> take_quoted(std::string_view& text) {
  std::string out;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] != '"') {
      out.push_back(text[i]);
    } else if (i + 1 < text.size() && text[i + 1] == '"') {
      out.push_back(text[++i]);
    } else {
      text.remove_prefix(i + 1);
      return out;
    }
  }
  return std::nullopt;
}

class Reading {
 public:
  Reading(const std::string& main_file, const FileReader& reader) : main_file_(main_file), reader_(reader) {}

  Result<void> read(const std::string& file, int depth) {
    if (depth > kMaxIncludeDepth) return fail(Errc::TooLarge, file + ": includes are nested too deep");
    BZ_TRY(std::string text, reader_(file));
    const auto done = read_lines(text, file, depth);
    secure_wipe(text.data(), text.size());
    return done;
  }

  std::vector<IniEntry> take() { return std::move(entries_); }

 private:
  Result<void> read_lines(std::string_view text, const std::string& file, int depth) {
    if (text.size() > kMaxIniBytes) return fail(Errc::TooLarge, file + ": longer than 1 MiB");
    Place place{file, 0};
    while (!text.empty()) {
      ++place.line;
      const auto end = text.find('\n');
      std::string_view line = text.substr(0, end);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      if (line.find('\0') != std::string_view::npos) return malformed(place, "a NUL byte");
      BZ_CHECK(read_line(line, place, depth));
    }
    return {};
  }

  /// Something may stand behind a section's name.
  Result<void> read_line(std::string_view line, const Place& place, int depth) {
    for (skip_blanks(line); !line.empty(); skip_blanks(line)) {
      if (line.front() == ';' || line.front() == '#') return {};
      if (line.front() == '%') return read_include(line, place, depth);
      if (line.front() != '[') return read_entry(line, place);
      const auto end = line.find(']');
      if (end == std::string_view::npos) return malformed(place, "a section's name without ]");
      section_ = std::string(line.substr(1, end - 1));
      line.remove_prefix(end + 1);
    }
    return {};
  }

  Result<void> read_include(std::string_view line, const Place& place, int depth) {
    constexpr std::string_view kInclude = "%include";
    if (!line.starts_with(kInclude)) return malformed(place, "only %include begins with %");
    line.remove_prefix(kInclude.size());
    const auto before = line.size();
    skip_blanks(line);
    const auto name = without_blanks_behind(line);
    if (name.empty() || line.size() == before) return malformed(place, "%include names no file");
    return read(path_beside(main_file_, name), depth + 1);
  }

  Result<void> read_entry(std::string_view line, const Place& place) {
    std::string key;
    if (line.front() == '"') {
      auto quoted = take_quoted(line);
      if (!quoted) return malformed(place, "a key's quote has no end");
      key = std::move(*quoted);
    } else {
      std::size_t size = 0;
      while (size < line.size() && is_key_character(line[size])) ++size;
      key = std::string(line.substr(0, size));
      line.remove_prefix(size);
    }
    skip_blanks(line);
    if (key.empty() || line.empty() || line.front() != '=') return malformed(place, "not key = value");
    if (key.size() > kMaxKeyBytes) return malformed(place, "a key is longer than 256 bytes");
    if (!section_) return malformed(place, "a key stands before the first section");
    if (entries_.size() == kMaxIniEntries) return fail(Errc::TooLarge, place.file + ": more than 100,000 entries");
    line.remove_prefix(1);
    skip_blanks(line);
    entries_.push_back({*section_, std::move(key), std::string(without_blanks_behind(line)), place});
    return {};
  }

  static tl::unexpected<Error> malformed(const Place& place, std::string_view what) {
    return fail(Errc::Malformed, fmt::format("{}:{}: {}", place.file, place.line, what));
  }

  const std::string& main_file_;
  const FileReader& reader_;
  std::optional<std::string> section_;
  std::vector<IniEntry> entries_;
};

}  // namespace

std::string path_beside(const std::string& file, std::string_view path) {
  return (std::filesystem::path(file).parent_path() / std::filesystem::path(path)).lexically_normal().native();
}

Result<std::vector<IniEntry>> read_ini(const std::string& file, const FileReader& reader) {
  Reading reading(file, reader);
  BZ_CHECK(reading.read(file, 0));
  return reading.take();
}

}  // namespace bartizan::migrate
