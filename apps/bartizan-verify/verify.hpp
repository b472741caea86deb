// What verifying stands on, all of it: this program shares no code with the server on purpose, so that a fault
// there can't hide itself here. SHA-256 and Ed25519 are OpenSSL's, frames are libzstd's.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace verify {
// primitives.cpp
using Hash = std::array<unsigned char, 32>;
Hash sha256(std::string_view a, std::string_view b = {}, std::string_view c = {});
Hash leaf_hash(std::string_view entry);
Hash node_hash(const Hash& left, const Hash& right);
bool ed25519(std::string_view public_key, std::string_view message, std::string_view signature);
inline std::string_view chars(const Hash& hash) { return {reinterpret_cast<const char*>(hash.data()), hash.size()}; }
inline std::string text(std::uint64_t number) { return std::to_string(number); }
/// nullopt unless it is the one base64 text of its bytes.
std::optional<std::string> from_base64(std::string_view text);
std::string to_base64(std::string_view bytes);
std::optional<Hash> hash_from_base64(std::string_view text);
std::optional<std::uint64_t> from_decimal(std::string_view text);  ///< without sign or leading zeros
/// The decimal number behind the first such name in JSON; 0 when there is none.
std::uint64_t number_after(std::string_view json, std::string_view name);
std::optional<std::string> read_file(const std::string& path);  ///< nullopt when it can't be read
/// nullopt unless it is one Zstandard frame that says its size, of at most 16 MiB.
std::optional<std::string> decompressed(std::string_view frame);
/// Takes the first line off, without its newline; nullopt when no newline is left.
std::optional<std::string_view> take_line(std::string_view& text);

// checkpoint.cpp: signed notes and checkpoints (C2SP signed-note, tlog-checkpoint, tlog-cosignature), reading only
struct PublicKey {
  std::string name;
  char type = 1;  ///< 1: a log's signature, 4: a witness's cosignature
  std::string bytes;
  std::vector<std::string> older;  ///< bytes of the keys that it replaced
};
/// name+hex(id)+base64(type || key); nullopt when it does not hold together.
std::optional<PublicKey> parse_key(std::string_view text);
PublicKey named(const PublicKey& key, std::string name);
/// Follows the notes in folder by which a log's keys introduced one another: key becomes the newest. What is wrong,
/// or nothing; a folder that is not there is a log of one key.
std::string follow_keys(const std::string& folder, PublicKey& key);

struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Hash root{};
  std::string error;  ///< why it is none, or that none of the keys has signed it; empty: all is well
};
Checkpoint open_checkpoint(std::string_view note, const PublicKey& key, bool newest_key = false);
struct Pruned {
  std::uint64_t minimum = 0;  ///< from this index on records are kept
  std::uint64_t seconds = 0;  ///< when that was said
};
/// nullopt unless the statement is signed by the tree's key.
std::optional<Pruned> open_pruned(std::string_view note, const PublicKey& key);
/// The time of the key's cosignature on the note, in seconds since 1970; nullopt when there is no good one.
std::optional<std::uint64_t> cosigned_at(std::string_view note, const PublicKey& witness);

// tree.cpp: a tree of tiles in a folder, checked from its checkpoint's root down to every record
/// What was found wrong, and where: the record's index, or the first that can't be vouched for.
using Tell = std::function<void(const std::string& tree, std::optional<std::uint64_t> index, const std::string& what)>;
/// The right edge of a tree that grows: says the root at each size.
class Frontier {
 public:
  void append(Hash leaf);
  Hash root() const;
  std::uint64_t size() const { return size_; }

 private:
  std::uint64_t size_ = 0;
  std::vector<Hash> peaks_;
};
struct TreeCheck {
  std::string folder;
  Checkpoint checkpoint;
  /// Roots that others say this tree had, by size: saved checkpoints, and those in the system tree.
  std::multimap<std::uint64_t, std::pair<Hash, std::string>> known;
  std::function<void(std::uint64_t index, std::string_view entry)> entry;
  Tell finding;
  std::uint64_t pruned = 0;  ///< below it records may be missing: the log has signed that it removed them
};
void check_tree(const TreeCheck& check);  ///< reads everything, tells all that is wrong
bool verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size, const Hash& root,
                      std::vector<Hash> proof);
bool verify_consistency(std::uint64_t old_size, const Hash& old_root, std::uint64_t new_size, const Hash& new_root,
                        std::vector<Hash> proof);
/// The root of the first size records of the tree in folder, from leaf hashes alone.
std::optional<Hash> root_at(const std::string& folder, std::uint64_t size);

// counts.cpp: how many records the gateway says that it has begun, by hour and tree, against those that are there
class Counts {
 public:
  explicit Counts(Tell finding) : finding_(std::move(finding)) {}
  void record(std::uint64_t index, std::uint64_t ticket, std::string_view entry);  ///< of the tree at hand
  /// All of that tree were read; of hours that began before kept_from, in seconds, some may have been pruned.
  void end_tree(const std::string& tree, std::uint64_t kept_from);
  /// All trees of a log were read, the system tree first; there: the tickets of all.
  void end_log(const std::string& system, const std::vector<bool>& there);
  std::string summary() const;

 private:
  struct Hour {
    std::uint64_t index = 0, first = 0, last = 0, from = 0, to = 0, intents = 0, open_more = 0, gone = 0;
    std::set<std::uint64_t> open;  ///< tickets of this tree, of any hour, that still ran when this one was counted
    bool lost = false;
  };
  void compare(const std::string& tree, const Hour& hour, const Hour& newest);
  void tell(const std::string& tree, const Hour& hour, const std::string& what) const;

  const Tell finding_;
  std::vector<bool> there_;     ///< tickets of the tree at hand
  std::vector<Hour> hours_, system_;  ///< of the tree at hand, of the system tree
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> sums_;  ///< over trees, by first and last ticket
  std::uint64_t kept_from_ = 0, compared_ = 0, running_ = 0, through_ = 0;
};

}  // namespace verify
