// The answers are PostgreSQL's; beside a server the same is compared in tests/e2e/test_encryption_zones.py.
#include "bartizan/transform/zone_rules.hpp"

#include <doctest/doctest.h>

#include <string>

namespace bartizan::transform {

namespace {

using std::chrono::seconds;

void be32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

struct Moment {
  std::int64_t at;
  int type;
};

std::string header(char version, std::size_t moments, std::size_t types, std::size_t letters) {
  std::string out = "TZif";
  out.push_back(version);
  out.append(15, '\0');
  for (const std::size_t count : {std::size_t{0}, std::size_t{0}, std::size_t{0}, moments, types, letters})
    be32(out, static_cast<std::uint32_t>(count));
  return out;
}

std::string file(const std::vector<Moment>& moments, const std::vector<int>& offsets, const std::string& footer) {
  std::string out = header('2', 0, 1, 1) + std::string(6, '\0') + std::string(1, '\0');
  out += header('2', moments.size(), offsets.size(), 1);
  for (const auto& moment : moments) {
    be32(out, static_cast<std::uint32_t>(static_cast<std::uint64_t>(moment.at) >> 32));
    be32(out, static_cast<std::uint32_t>(moment.at));
  }
  for (const auto& moment : moments) out.push_back(static_cast<char>(moment.type));
  for (const int offset : offsets) {
    be32(out, static_cast<std::uint32_t>(offset));
    out.append(2, '\0');
  }
  return out + std::string(1, '\0') + "\n" + footer + "\n";
}

constexpr std::int64_t kSpring2024 = 1711846800;  // 2024-03-31 01:00 UTC
constexpr std::int64_t kAutumn2024 = 1729990800;  // 2024-10-27 01:00 UTC
constexpr std::int64_t kSpring2050 = 2531955600;  // 2050-03-27 01:00 UTC

std::string berlin() {
  return file({{-2422054408, 1}, {kSpring2024, 2}, {kAutumn2024, 1}}, {3208, 3600, 7200}, "CET-1CEST,M3.5.0,M10.5.0/3");
}

}  // namespace

TEST_CASE("offsets before, between and behind transitions") {
  const auto zone = zone_of_file(as_bytes(berlin()));
  REQUIRE(zone);
  struct Row {
    std::int64_t at;
    std::int64_t offset;
  };
  for (const Row& row :
       {Row{-3000000000, 3208}, Row{0, 3600}, Row{kSpring2024 - 1, 3600}, Row{kSpring2024, 7200},
        Row{kAutumn2024 - 1, 7200}, Row{kAutumn2024, 3600}, Row{kSpring2050 - 1, 3600}, Row{kSpring2050, 7200},
        Row{kSpring2050 + 86400 * 200, 7200}, Row{kSpring2050 + 86400 * 240, 3600},
        Row{9000000000000, (*zone)->offset_at(9000000000000).count()}}) {
    CAPTURE(row.at);
    CHECK((*zone)->offset_at(row.at) == seconds(row.offset));
  }
}

TEST_CASE("local times that there are not, and those that there are twice") {
  const auto zone = zone_of_file(as_bytes(berlin()));
  REQUIRE(zone);
  const auto local = [&](std::int64_t at) { return (*zone)->offset_of_local(at); };
  CHECK(local(kSpring2024 + 3600 + 1800) == seconds(3600));   // 02:30, skipped: as before
  CHECK(local(kSpring2024 + 3600 - 1) == seconds(3600));
  CHECK(local(kSpring2024 + 7200) == seconds(7200));
  CHECK(local(kAutumn2024 + 3600 + 1800) == seconds(3600));   // 02:30, the second time
  CHECK(local(kAutumn2024 + 3600 - 1) == seconds(7200));
  CHECK(local(kAutumn2024 + 7200) == seconds(3600));
}

TEST_CASE("the last rule: none, without summer, summer over the turn of the year, times beyond a day") {
  struct Row {
    std::string footer;
    std::int64_t january;
    std::int64_t july;
  };
  for (const Row& row :
       {Row{"", 0, 0}, Row{"<+0545>-5:45", 20700, 20700}, Row{"EST5EDT,M3.2.0,M11.1.0", -18000, -14400},
        Row{"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 39600, 37800}, Row{"IST-1GMT0,M10.5.0,M3.5.0/1", 0, 3600},
        Row{"EET-2EEST,M3.4.4/50,M10.4.4/50", 7200, 10800}, Row{"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", -7200, -3600}}) {
    CAPTURE(row.footer);
    const auto zone = zone_of_file(as_bytes(file({}, {0}, row.footer)));
    REQUIRE(zone);
    CHECK((*zone)->offset_at(2524608000 + 86400 * 14) == seconds(row.january));   // 2050-01-15
    CHECK((*zone)->offset_at(2524608000 + 86400 * 195) == seconds(row.july));
  }
}

TEST_CASE("what is no zone's file is refused") {
  for (const std::string& bytes : {std::string(), std::string("TZif"), berlin().substr(0, berlin().size() - 40),
                                   header('1', 0, 1, 1) + std::string(7, '\0'), file({{0, 5}}, {0}, ""),
                                   file({{5, 0}, {5, 0}}, {0}, ""), file({}, {90'000}, ""), std::string(1000, 'x')})
    CHECK_FALSE(zone_of_file(as_bytes(bytes)));
  for (const std::string footer : {"J", "CET-1CEST", "CET-1CEST,J60,J300", "CET-1CEST,M13.1.0,M1.1.0",
                                   "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,M10.5.0/3x", "CET-"}) {
    const auto zone = zone_of_file(as_bytes(file({}, {0}, footer)));
    REQUIRE_FALSE(zone);
    CHECK(zone.error().code == Errc::Unsupported);
  }
}

TEST_CASE("zones of numeric offsets") {
  CHECK(offset_of_numeric_zone("<+02>-02") == seconds(7200));
  CHECK(offset_of_numeric_zone("<-0330>+03:30") == seconds(-12600));
  for (const std::string_view name : {"", "<", "<+02>", "<+02>-02x", "Europe/Berlin", "<CET>-1", "<+99>-99"}) {
    CAPTURE(name);
    CHECK_FALSE(offset_of_numeric_zone(name));
  }
}

}  // namespace bartizan::transform
