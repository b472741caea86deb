// What verifying stands on: SHA-256 and Ed25519 from OpenSSL, libzstd, base64, hexadecimal, files. This
// program shares no code with the server on purpose: a fault there must not hide itself here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace verify {

using Hash = std::array<unsigned char, 32>;

Hash sha256(std::string_view a, std::string_view b = {}, std::string_view c = {});
Hash leaf_hash(std::string_view entry);
Hash node_hash(const Hash& left, const Hash& right);

bool ed25519(std::string_view public_key, std::string_view message, std::string_view signature);

/// nullopt unless it is the one base64 text of its bytes.
std::optional<std::string> from_base64(std::string_view text);
std::string to_base64(std::string_view bytes);
std::string to_hex(std::string_view bytes);

inline std::string_view chars(const Hash& hash) { return {reinterpret_cast<const char*>(hash.data()), hash.size()}; }
std::optional<Hash> hash_from_base64(std::string_view text);
/// Decimal without sign or leading zeros.
std::optional<std::uint64_t> from_decimal(std::string_view text);

/// nullopt when it can't be read.
std::optional<std::string> read_file(const std::string& path);
/// nullopt unless it is one Zstandard frame that says its size, of at most 16 MiB.
std::optional<std::string> decompressed(std::string_view frame);

/// Takes the first line off, without its newline; nullopt when no newline is left.
std::optional<std::string_view> take_line(std::string_view& text);

}  // namespace verify
