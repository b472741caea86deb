// A client's prepared statement as the pool's servers know it: under a name made of what it
// means, so that all sessions that prepare the same text share one on each server connection,
// and a session finds its own again whichever connection it gets. Names are keyed hashes: a
// client who could foretell one could leave another statement behind it.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "bartizan/base/bytes.hpp"
#include "bartizan/sql/analysis_cache.hpp"
#include "bartizan/sql/digest.hpp"

namespace bartizan::session {

/// Immutable; shared by the sessions of a worker.
struct SharedStatement {
  sql::Digest key;
  std::string server_name;
  std::string text;
  std::string meaning;    ///< the settings by which it is read, as told apart by the key
  Bytes parameter_types;  ///< as on the wire: Int16 count, Int32 each

  [[nodiscard]] std::size_t bytes() const noexcept {
    return sizeof(*this) + server_name.size() + text.size() + meaning.size() + parameter_types.size();
  }
};

/// `bartizan_` and 32 hexadecimal digits: whether a client's name could be one of ours.
[[nodiscard]] bool is_shared_name(std::string_view name) noexcept;
/// A name that no statement has: PostgreSQL answers Close of it by CloseComplete.
inline constexpr std::string_view kNoStatement = "bartizan";

/// Parse of it under any name.
void write_parse_as(Bytes& out, const SharedStatement& statement, std::string_view name);

/// Those that sessions of one worker have prepared lately: one object for equal statements.
/// Bounded in bytes, least recently used go first. Not thread-safe.
class StatementShares {
 public:
  StatementShares(const sql::DigestKey& key, std::size_t max_bytes) : key_(key), max_bytes_(max_bytes) {}
  StatementShares(const StatementShares&) = delete;
  StatementShares& operator=(const StatementShares&) = delete;

  struct Found {
    std::shared_ptr<const SharedStatement> statement;
    std::uint64_t uses = 0;  ///< this one included
  };
  /// meaning: the settings by which the text is read, and whatever else tells it apart.
  [[nodiscard]] Found get(std::string_view text, ByteView parameter_types, std::string_view meaning);
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  /// Rises with every Parse of a client: tells which reading of a text is newer.
  [[nodiscard]] std::uint64_t next_moment() noexcept { return ++moment_; }
  [[nodiscard]] std::uint64_t moment() const noexcept { return moment_; }

 private:
  struct Entry {
    std::shared_ptr<const SharedStatement> statement;
    std::uint64_t uses = 0;
  };
  using Order = std::list<Entry>;

  sql::DigestKey key_;
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  Order order_;
  std::unordered_map<sql::Digest, Order::iterator> index_;
  std::string composed_;
  std::uint64_t moment_ = 0;
};

}  // namespace bartizan::session
