// Time zones from the system's database of them, which PostgreSQL of this system uses as well.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "bartizan/transform/zone_rules.hpp"

namespace bartizan::control {

/// Thread-safe. What was read once is kept, also that there is no such zone.
class ZoneFiles final : public transform::TimeZones {
 public:
  explicit ZoneFiles(std::filesystem::path folder = "/usr/share/zoneinfo") : folder_(std::move(folder)) {}
  [[nodiscard]] const transform::TimeZone* find(std::string_view name) override;

 private:
  [[nodiscard]] std::unique_ptr<transform::TimeZone> read(std::string_view name) const;

  const std::filesystem::path folder_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<transform::TimeZone>, std::less<>> known_;
};

}  // namespace bartizan::control
