// Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint, tlog-cosignature), reading only.
#pragma once

#include "primitives.hpp"

namespace verify {

struct PublicKey {
  std::string name;
  char type = 1;  ///< 1: a log's signature, 4: a witness's cosignature
  std::string bytes;
  std::string id;  ///< four bytes
};
/// name+hex(id)+base64(type || key); nullopt when it does not hold together.
std::optional<PublicKey> parse_key(std::string_view text);
PublicKey named(const PublicKey& key, std::string name);

struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Hash root{};
  std::string note;  ///< as read
};
/// The checkpoint that the note's text is; error says why it is none, or that the key did not sign it.
std::optional<Checkpoint> open_checkpoint(std::string_view note, const PublicKey& key, std::string& error);
/// From which index on records are kept, as a statement signed by the tree's key says; nullopt when it is none.
std::optional<std::uint64_t> open_pruned(std::string_view note, const PublicKey& key);
/// The time of the key's cosignature on the note, in seconds since 1970; nullopt when there is no good one.
std::optional<std::uint64_t> cosigned_at(std::string_view note, const PublicKey& witness);

}  // namespace verify
