// Keys of sealed values on real files: what was erased is gone from the disk's bytes, and from nothing else.
#include "bartizan/auditlog/slot_store.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

namespace bartizan::auditlog {
namespace {

namespace fs = std::filesystem;

constexpr WallTime kNovember{std::chrono::seconds(1700000000)};
constexpr WallTime kDecember{std::chrono::seconds(1702000000)};
const std::string kMembers = R"("address":"192.0.2.1:4711")";

struct Place {
  Place() {
    std::string pattern = (fs::temp_directory_path() / "bartizan-slots-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    folder = pattern;
  }
  ~Place() {
    std::error_code error;
    fs::remove_all(folder, error);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  [[nodiscard]] std::unique_ptr<SlotStore> open() const {
    auto key = crypto::SealingKey::from_bytes(root.bytes().clone());
    return SlotStore::open(folder + "/slots", std::move(*key)).value();
  }
  [[nodiscard]] std::string bytes(const std::string& file) const {
    std::ifstream in(folder + "/slots/" + file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::string folder;
  crypto::SealingKey root = crypto::SealingKey::generate(system_random());
};

audit::Sealed sealed(SlotStore& store, std::string_view tenant, WallTime at) {
  const auto member = store.seal(tenant, kMembers, at).value();
  const auto between = [&](std::string_view name) {
    const auto from = member.find(name) + name.size();
    return member.substr(from, member.find('"', from) - from);
  };
  return audit::parse_sealed(between("\"slot\":\""), between("\"box\":\"")).value();
}

TEST_CASE("values open again, also in another life, and no slot is given twice") {
  Place place;
  std::set<std::string> slots;
  std::vector<audit::Sealed> all;
  for (unsigned life = 0; life < 3; ++life) {
    auto store = place.open();
    for (unsigned i = 0; i < 20; ++i) {
      all.push_back(sealed(*store, i % 2 == 0 ? "acme" : "", kNovember));
      CHECK(slots.insert(all.back().slot.to_string()).second);
    }
    for (const auto& each : all) CHECK(store->open_value(each).value() == kMembers);
  }
  CHECK(fs::exists(place.folder + "/slots/t-acme/2023-11.slots"));
  CHECK(fs::exists(place.folder + "/slots/system/2023-11.key"));
}

TEST_CASE("one value is erased: its slot is zeros on disk, its neighbours open") {
  Place place;
  auto store = place.open();
  const auto one = sealed(*store, "acme", kNovember);
  const auto gone = sealed(*store, "acme", kNovember);
  const auto other = sealed(*store, "acme", kNovember);
  REQUIRE(store->open_value(gone));
  const auto before = place.bytes("t-acme/2023-11.slots").substr(gone.slot.index * 48, 48);
  CHECK(before.find_first_not_of('\0') != std::string::npos);
  REQUIRE(store->erase_slot(gone.slot));
  CHECK(place.bytes("t-acme/2023-11.slots").find(before.substr(0, 40)) == std::string::npos);
  CHECK(store->open_value(gone).error().code == Errc::NotFound);
  CHECK(store->erase_slot(gone.slot).error().code == Errc::NotFound);
  CHECK(store->open_value(one));
  CHECK(store->open_value(other));
  store.reset();
  CHECK(place.open()->open_value(gone).error().code == Errc::NotFound);
}

TEST_CASE("a month is erased, and a tenant: with their keys, and no others") {
  Place place;
  auto store = place.open();
  const auto november = sealed(*store, "acme", kNovember);
  const auto december = sealed(*store, "acme", kDecember);
  const auto beta = sealed(*store, "beta", kNovember);
  REQUIRE(store->open_value(november));
  const auto key = place.bytes("t-acme/2023-11.key");
  REQUIRE(key.size() > 32);
  REQUIRE(store->erase_month("t-acme", "2023-11"));
  CHECK_FALSE(fs::exists(place.folder + "/slots/t-acme/2023-11.key"));
  CHECK_FALSE(fs::exists(place.folder + "/slots/t-acme/2023-11.slots"));
  CHECK(store->open_value(november).error().code == Errc::NotFound);
  CHECK(store->open_value(december));
  CHECK(store->erase_month("t-acme", "2023-11").error().code == Errc::NotFound);
  CHECK(store->erase_tree("t-acme").value() == 1);
  CHECK(store->open_value(december).error().code == Errc::NotFound);
  CHECK(store->open_value(beta));
  CHECK(store->erase_tree("t-nobody").error().code == Errc::NotFound);
  // New values of an erased month get a new key: the old ones stay shut.
  const auto again = sealed(*store, "acme", kNovember);
  CHECK(store->open_value(again));
  CHECK_FALSE(store->open_value(november));
}

TEST_CASE("under another root key nothing opens") {
  Place place;
  auto store = place.open();
  const auto value = sealed(*store, "acme", kNovember);
  REQUIRE(store->open_value(value));
  store.reset();
  place.root = crypto::SealingKey::generate(system_random());
  CHECK(place.open()->open_value(value).error().code == Errc::Crypto);
}

}  // namespace
}  // namespace bartizan::auditlog
