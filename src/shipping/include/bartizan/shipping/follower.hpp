// Reads a log's records in an order that has a place to go on from: the leaves of the system tree one after the
// other, and at each checkpoint of a tenant's tree there the records that this tree grew by (docs/formats/
// audit-shipping.md). Reads published trees alone, each bundle checked against its checkpoint.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bartizan/audit/note.hpp"
#include "bartizan/auditlog/tree_reader.hpp"

namespace bartizan::shipping {

/// A place: everything before it was delivered.
struct Cursor {
  std::uint64_t system = 0;                          ///< leaves of the system tree
  std::map<std::string, std::uint64_t> tenants;      ///< leaves of each other tree

  [[nodiscard]] std::string to_text(const std::string& origin) const;
  /// Malformed; FailedPrecondition when it is another log's.
  [[nodiscard]] static Result<Cursor> parse(std::string_view text, const std::string& origin);
  bool operator==(const Cursor&) const = default;
};

struct LogPlace {
  std::string directory;
  std::string origin;
  audit::NoteVerifier key;
};

/// Not thread-safe.
class Follower {
 public:
  explicit Follower(LogPlace place, auditlog::FileLayer& files = auditlog::system_files())
      : place_(std::move(place)), files_(files) {}

  struct Read {
    std::vector<std::string> records;
    Cursor after;               ///< of the last of them
    std::uint64_t missing = 0;  ///< records that are no longer there, passed over
  };
  /// At most so many records, and so many bytes unless the first is longer. No records and the same cursor: nothing
  /// is published beyond it.
  [[nodiscard]] Result<Read> read(const Cursor& from, std::size_t most_records, std::size_t most_bytes);

 private:
  struct OpenTree {
    std::optional<auditlog::TreeReader> reader;
    std::uint64_t bundle = ~std::uint64_t{0};
    std::vector<std::string> entries;  ///< of that bundle
  };
  struct Filling;
  [[nodiscard]] Result<void> open(OpenTree& tree, const std::string& name);
  [[nodiscard]] Result<const std::string*> entry(OpenTree& tree, std::uint64_t index);
  [[nodiscard]] Result<bool> fill_tenant(const std::string& note, Filling& filling);

  const LogPlace place_;
  auditlog::FileLayer& files_;
  OpenTree system_;
  OpenTree tenant_;
  std::string tenant_name_;
};

}  // namespace bartizan::shipping
