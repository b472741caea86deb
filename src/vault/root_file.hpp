// The bytes of a root file (docs/formats/keyring.md, "Root file"): its clear header, and the root
// keys sealed under what Argon2id makes of the passphrase.
#pragma once

#include <array>
#include <map>
#include <optional>

#include "argon2id.hpp"
#include "bartizan/base/bytes.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"

namespace bartizan::vault {

inline constexpr std::size_t kRootFileMaxBytes = std::size_t{64} * 1024;
inline constexpr std::size_t kMaxRootVersions = 1024;

struct RootFileHeader {
  Argon2Cost cost;
  std::array<std::byte, kArgon2SaltBytes> salt{};
};
inline constexpr std::size_t kRootFileHeaderBytes = 4 + 1 + 3 * 4 + kArgon2SaltBytes;

/// Root keys by version; nullopt: destroyed. The active one is live.
struct Roots {
  std::uint32_t active = 0;
  std::map<std::uint32_t, std::optional<SecretBytes>> versions;
};

/// Of a whole file. Malformed; a cost out of range too, so that no file can ask for more memory.
[[nodiscard]] Result<RootFileHeader> read_root_file_header(ByteView file);
/// PermissionDenied when the key does not open it: the passphrase is wrong, or the file damaged.
[[nodiscard]] Result<Roots> open_root_file(ByteView file, const SecretBytes& key);
[[nodiscard]] Bytes seal_root_file(const RootFileHeader& header, const Roots& roots, const SecretBytes& key,
                                   Random& random);

/// The plaintext inside. Malformed.
[[nodiscard]] Result<Roots> decode_roots(ByteView bytes);
[[nodiscard]] SecretBytes encode_roots(const Roots& roots);

}  // namespace bartizan::vault
