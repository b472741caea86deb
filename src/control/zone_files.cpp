#include "bartizan/control/zone_files.hpp"

#include <algorithm>
#include <array>
#include <fstream>

namespace bartizan::control {

namespace {

constexpr std::size_t kLongestName = 64;
constexpr std::size_t kMostZones = 2048;  ///< a client may name what it likes
constexpr std::size_t kLargestFile = std::size_t{64} << 10;

/// Of parts of letters, digits, '_', '+' and '-': none leads out of the folder.
bool is_zone_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestName || name.front() == '/' || name.back() == '/') return false;
  return name.find("//") == std::string_view::npos && std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '+' ||
                  c == '-' || c == '/';
         });
}

}  // namespace

const transform::TimeZone* ZoneFiles::find(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (const auto known = known_.find(name); known != known_.end()) return known->second.get();
  if (known_.size() >= kMostZones) return nullptr;
  return known_.emplace(std::string(name), read(name)).first->second.get();
}

std::unique_ptr<transform::TimeZone> ZoneFiles::read(std::string_view name) const {
  if (const auto offset = transform::offset_of_numeric_zone(name))
    return std::make_unique<transform::FixedTimeZone>(*offset);
  if (!is_zone_name(name)) return nullptr;
  std::ifstream file(folder_ / name, std::ios::binary);
  Bytes bytes;
  std::array<char, 4096> piece;
  while (file && bytes.size() <= kLargestFile) {
    file.read(piece.data(), piece.size());
    const auto read = as_bytes(std::string_view(piece.data(), static_cast<std::size_t>(file.gcount())));
    bytes.insert(bytes.end(), read.begin(), read.end());
  }
  if (bytes.empty() || bytes.size() > kLargestFile) return nullptr;
  auto zone = transform::zone_of_file(bytes);
  return zone ? std::move(*zone) : nullptr;
}

}  // namespace bartizan::control
