#include "bartizan/cells/time_zones.hpp"

#include <algorithm>
#include <string>

namespace bartizan::cells {

namespace {

transform::TimeZones* provided = nullptr;

}  // namespace

void provide_time_zones(transform::TimeZones* zones) noexcept { provided = zones; }

const transform::TimeZone* time_zone(std::string_view name) {
  static const transform::FixedTimeZone utc{std::chrono::seconds(0)};
  constexpr std::string_view kUtc[] = {"UTC", "Etc/UTC", "GMT", "Etc/GMT", "Zulu", "Etc/Zulu", "Universal", "UCT"};
  if (std::ranges::find(kUtc, name) != std::end(kUtc)) return &utc;
  if (provided == nullptr) return nullptr;
  // Asked for every row, and nearly always of the same name.
  thread_local std::string last;
  thread_local const transform::TimeZones* by = nullptr;
  thread_local const transform::TimeZone* found = nullptr;
  if (by != provided || last != name) {
    found = provided->find(name);
    last = name;
    by = provided;
  }
  return found;
}

}  // namespace bartizan::cells
