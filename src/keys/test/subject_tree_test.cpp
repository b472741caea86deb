#include "bartizan/keys/subject_tree.hpp"

#include <algorithm>
#include <random>
#include <set>

#include "format_example.hpp"

namespace bartizan::keys {
namespace {

const KeyringOwner kOwner = KeyringOwner::of_tenant(*Uuid::parse("7e9a1c52-0000-4000-8000-00000000000a"));
const Uuid kColumn = *Uuid::parse("c01d0000-0000-4000-8000-00000000e3a1");

KeyringRoot root_of(std::uint32_t id, KeyPurpose purpose, const KeyringOwner& owner, ByteView secret) {
  auto root = KeyringRoot::make(KeyId(id), purpose, owner, SecretBytes(secret));
  REQUIRE(root);
  return std::move(*root);
}

std::string hex(const SecretBytes& secret) { return hex_encode(secret.reveal()); }

std::uint64_t be64(const Bytes& bytes) {
  return std::uint64_t{load_be32(bytes.data())} << 32 | load_be32(bytes.data() + 4);
}

SubjectTree must(Result<SubjectTree> tree) {
  REQUIRE(tree);
  return std::move(*tree);
}

/// Far and near, the first and the last, neighbours of one another.
std::vector<SubjectId> some_ids() {
  std::vector<SubjectId> ids;
  std::mt19937_64 random(7);
  for (const std::uint64_t id :
       {0ULL, 1ULL, 2ULL, 3ULL, 0x7fff'ffff'ffff'ffffULL, 0x8000'0000'0000'0000ULL, ~0ULL - 1, ~0ULL})
    ids.emplace_back(id);
  for (int i = 0; i < 24; ++i) ids.emplace_back(random());
  return ids;
}

TEST_CASE("the tree of docs/formats/subject-tree.md, byte for byte") {
  auto example = test::read_examples("subject-tree.md");
  const auto root = root_of(9, KeyPurpose::Subjects, kOwner, example.at("root"));
  CHECK(hex(*derive_subject_tree_key(root)) == hex_encode(example.at("record_key")));
  const auto whole = must(SubjectTree::decode(example.at("whole")));
  const auto id = whole.id_of(example.at("row_digest"));
  CHECK(to_string(id) == hex_encode(example.at("subject")));
  CHECK(id.get() == be64(example.at("subject")));
  const auto leaf = whole.leaf(id);
  REQUIRE(leaf);
  CHECK(hex(*leaf) == hex_encode(example.at("leaf")));
  const ColumnKeys keys{KeyId(5), SecretBytes(example.at("data_key")), SecretBytes(kKeyBytes)};
  CHECK(hex(subject_cell_key(keys, kColumn, id, *leaf)) == hex_encode(example.at("cell_key")));
  const SubjectId gone(be64(example.at("destroyed")));
  const auto punctured = must(whole.puncture({&gone, 1}));
  CHECK(hex(punctured.encode()) == hex_encode(example.at("punctured")));
  const auto opened = must(open_subject_tree(example.at("record"), root));
  CHECK(hex(opened.encode()) == hex_encode(example.at("punctured")));
  CHECK(*key_of_subject_tree(example.at("record"), kOwner) == KeyId(9));
}

TEST_CASE("a punctured leaf is gone, every other one is what it was, in whatever order") {
  const auto ids = some_ids();
  const auto whole = SubjectTree::generate(system_random());
  std::vector<std::string> before;
  for (const auto id : ids) before.push_back(hex(*whole.leaf(id)));
  CHECK(std::set<std::string>(before.begin(), before.end()).size() == ids.size());
  std::vector<std::size_t> order(ids.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::string last;
  for (unsigned round = 0; round < 4; ++round) {
    std::ranges::shuffle(order, std::mt19937(round));
    auto tree = must(SubjectTree::decode(whole.encode().reveal()));
    std::set<std::size_t> gone;
    for (const auto next : order) {
      tree = must(tree.puncture({&ids[next], 1}));
      gone.insert(next);
      CHECK(tree.destroyed().size() == gone.size());
      for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto leaf = tree.leaf(ids[i]);
        CHECK(leaf.has_value() != gone.contains(i));
        CHECK(tree.is_destroyed(ids[i]) == gone.contains(i));
        if (leaf) CHECK(hex(*leaf) == before[i]);
      }
      CHECK(tree.id_of(Bytes(32, std::byte{1})) == whole.id_of(Bytes(32, std::byte{1})));
    }
    // The same set, in any order, is the same tree; all at once as well.
    if (round > 0) CHECK(hex(tree.encode()) == last);
    last = hex(tree.encode());
  }
  CHECK(hex(must(whole.puncture(ids)).encode()) == last);
}

TEST_CASE("no node that is kept is on the way to a destroyed leaf") {
  const auto ids = some_ids();
  const auto tree = must(SubjectTree::generate(system_random()).puncture(ids));
  // Each kept seed opens some leaf that is not destroyed: of 64 bytes beside each path there is nothing more.
  const auto size = tree.encode().size();
  CHECK(size <= 32 + 4 + ids.size() * (8 + kSubjectLevels * 32));
  // Again the same: nothing left to take away.
  CHECK(hex(must(tree.puncture(ids)).encode()) == hex(tree.encode()));
}

TEST_CASE("what is not a tree is refused, cut at every byte too") {
  const auto ids = some_ids();
  const auto tree = must(SubjectTree::generate(system_random()).puncture(std::span(ids).first(2)));
  const auto encoded = tree.encode();
  const Bytes whole(encoded.reveal().begin(), encoded.reveal().end());
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(SubjectTree::decode(ByteView(whole).first(size)));
  auto longer = whole;
  longer.push_back(std::byte{0});
  CHECK_FALSE(SubjectTree::decode(longer));
  auto other_order = whole;
  std::swap_ranges(other_order.begin() + 36, other_order.begin() + 44, other_order.begin() + 44);
  CHECK_FALSE(SubjectTree::decode(other_order));
  auto twice = whole;
  std::copy_n(twice.begin() + 36, 8, twice.begin() + 44);
  CHECK_FALSE(SubjectTree::decode(twice));
  auto many = whole;
  store_be32(many.data() + 32, kMaxDestroyedSubjects + 1);
  CHECK_FALSE(SubjectTree::decode(many));
  std::vector<SubjectId> too_many;
  for (std::uint64_t i = 0; i <= kMaxDestroyedSubjects; ++i) too_many.emplace_back(i);
  CHECK(tree.puncture(too_many).error().code == Errc::ResourceExhausted);
}

TEST_CASE("a record opens under its own root and for its own owner alone") {
  const auto tree = SubjectTree::generate(system_random());
  const Bytes secret(32, std::byte{1}), other_secret(32, std::byte{2});
  const auto root = root_of(9, KeyPurpose::Subjects, kOwner, secret);
  const auto record = *seal_subject_tree(tree, root, system_random());
  CHECK(hex(must(open_subject_tree(record, root)).encode()) == hex(tree.encode()));
  const auto depot = KeyringOwner::of_depot(kOwner.id);
  CHECK_FALSE(open_subject_tree(record, root_of(9, KeyPurpose::Subjects, kOwner, other_secret)));
  CHECK_FALSE(open_subject_tree(record, root_of(8, KeyPurpose::Subjects, kOwner, secret)));
  CHECK_FALSE(open_subject_tree(record, root_of(9, KeyPurpose::Subjects, depot, secret)));
  CHECK_FALSE(open_subject_tree(record, root_of(9, KeyPurpose::Data, kOwner, secret)));
  CHECK_FALSE(seal_subject_tree(tree, root_of(9, KeyPurpose::Data, kOwner, secret), system_random()));
  for (std::size_t i = 0; i < record.size(); ++i) {
    auto changed = record;
    changed[i] ^= std::byte{1};
    CHECK_FALSE(open_subject_tree(changed, root));
    CHECK_FALSE(open_subject_tree(ByteView(record).first(i), root));
  }
}

TEST_CASE("a cell's key hangs on the version, the column, the subject and its leaf") {
  const auto tree = SubjectTree::generate(system_random());
  const auto keys_of = [](std::uint32_t id, std::uint8_t fill) {
    return ColumnKeys{KeyId(id), SecretBytes(Bytes(32, std::byte{fill})), SecretBytes(kKeyBytes)};
  };
  const SubjectId one(1), two(2);
  const auto leaf = *tree.leaf(one), other = *tree.leaf(two);
  const std::set<std::string> keys{hex(subject_cell_key(keys_of(5, 1), kColumn, one, leaf)),
                                   hex(subject_cell_key(keys_of(6, 1), kColumn, one, leaf)),
                                   hex(subject_cell_key(keys_of(5, 2), kColumn, one, leaf)),
                                   hex(subject_cell_key(keys_of(5, 1), kOwner.id, one, leaf)),
                                   hex(subject_cell_key(keys_of(5, 1), kColumn, two, leaf)),
                                   hex(subject_cell_key(keys_of(5, 1), kColumn, one, other)),
                                   hex(subject_cell_key(keys_of(5, 1), kColumn, two, other))};
  CHECK(keys.size() == 7);
  CHECK_FALSE(parse_subject_id("12"));
  CHECK_FALSE(parse_subject_id("zz00000000000000"));
  CHECK(*parse_subject_id(to_string(two)) == two);
}

}  // namespace
}  // namespace bartizan::keys
