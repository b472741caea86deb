// The token digest: what tells statements apart (DESIGN.md, "Data's way through it"). Equal for
// texts that differ only in white space, comments, letter case of unquoted names and the values
// of constants; different for any other or reordered or repeated token.
//
// SipHash-2-4 with 128 bits of output over an injective encoding of the tokens, keyed with
// random bytes of the process: caches are keyed by it, and a client who could make two
// statements collide would have one of them judged as the other. At a statement's length a
// faster, weaker hash would win tens of nanoseconds against the lexer's hundreds.
//
// Constants stay *unfolded* where their value is part of the meaning: after LIMIT, OFFSET and
// FETCH FIRST, in ORDER BY, GROUP BY and DISTINCT ON lists (ordinals), in type modifiers, below
// 64 parentheses, and in all statements but SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES,
// TABLE, WITH, DECLARE, EXECUTE and CALL (so the body of DO or a SET's value counts).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "bartizan/sql/lexer.hpp"

namespace bartizan {
class Random;
}

namespace bartizan::sql {

struct Digest {
  std::uint64_t hi = 0;
  std::uint64_t lo = 0;
  friend bool operator==(const Digest&, const Digest&) = default;
};

/// Per process; digests of two processes can't be compared.
struct DigestKey {
  std::array<std::byte, 16> bytes{};
  [[nodiscard]] static DigestKey random(Random& source);
};

struct DigestResult {
  Digest digest;
  std::uint32_t statements = 0;  ///< non-empty ones; more than 1 means that something follows the first
  bool complete = true;          ///< lexed to the end without error
  bool comments = false;         ///< the text holds a comment
};

/// Linear, allocates nothing.
[[nodiscard]] DigestResult digest(std::string_view text, LexOptions options, const DigestKey& key) noexcept;

/// A constant whose value the digest does not count.
struct FoldedLiteral {
  Token token;
  bool negated = false;  ///< a minus stands before it, parentheses apart
};

/// The same, and adds those constants to `folded`, in order.
[[nodiscard]] DigestResult digest(std::string_view text, LexOptions options, const DigestKey& key,
                                  std::vector<FoldedLiteral>& folded);

/// Of the exact bytes (and options), in a domain of its own: for texts whose reading may hang on a literal.
[[nodiscard]] Digest exact_digest(std::string_view text, LexOptions options, const DigestKey& key) noexcept;

}  // namespace bartizan::sql

template <>
struct std::hash<bartizan::sql::Digest> {
  std::size_t operator()(const bartizan::sql::Digest& digest) const noexcept { return digest.lo; }
};
