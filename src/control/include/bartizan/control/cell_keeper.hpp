// Keeps what the data path knows of encrypted columns: reads which there are, the depots' catalogs and
// the keys, and publishes an EncryptedDepot each (cells::DepotHolder). And has columns change their
// form, there and back (ADR 0101). Only depots in the embedded PostgreSQL so far.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/cells/depot_holder.hpp"
#include "bartizan/control/cell_keys.hpp"
#include "bartizan/control/runtime.hpp"
#include "bartizan/policy/snapshot.hpp"
#include "bartizan/store/database.hpp"
#include "bartizan/store/encrypted_columns.hpp"

namespace bartizan::control {

/// Everything outlives the keeper.
struct CellSurroundings {
  store::Database& database;
  const policy::SnapshotHolder& snapshots;
  Runtime& runtime;
  CellKeys& keys;
  cells::DepotHolder& holder;
  const Clock& clock;
  Random& random;
};

struct ColumnProgress {
  std::string depot;
  store::EncryptedColumn column;
  std::string step;          ///< of a migration that runs now; empty: none does
  std::uint64_t done = 0;    ///< rows
  std::uint64_t total = 0;
  std::string error;         ///< of the depot
};

/// How far a retired key is on its way to its destruction.
struct KeyProgress {
  keys::KeyId key;
  std::string step;
  std::uint64_t done = 0;  ///< cells sealed again
  std::uint64_t total = 0;
  std::optional<std::uint64_t> cells;  ///< under it, as counted
  WallTime counted_at{};
  std::string error;
};

/// Thread-safe. Owns two threads from start() to its destructor: one publishes, one follows rotated keys.
class CellKeeper {
 public:
  explicit CellKeeper(CellSurroundings around);
  CellKeeper(const CellKeeper&) = delete;
  CellKeeper& operator=(const CellKeeper&) = delete;
  ~CellKeeper();

  /// Puts right what a crash has left, then looks for changes.
  void start();
  /// What is published holds when it returns. REQUIRES: the caller has no transaction open.
  [[nodiscard]] Result<void> run_now();
  [[nodiscard]] Result<std::vector<ColumnProgress>> status();
  [[nodiscard]] std::vector<KeyProgress> key_progress();

  /// What is asked for; its state is the keeper's. Goes on where an earlier run was broken off. Blocks
  /// until the column is encrypted. FailedPrecondition: something depends on it.
  [[nodiscard]] Result<store::EncryptedColumn> encrypt(const std::string& actor, const policy::Depot& depot,
                                                       store::EncryptedColumn wanted);
  /// Back to plaintext; before its cut over an encryption is undone.
  /// The same with tokens (wanted.token_alphabet) in place of cells: in one transaction, the depot closed.
  [[nodiscard]] Result<store::EncryptedColumn> tokenize(const std::string& actor, const policy::Depot& depot,
                                                        store::EncryptedColumn wanted);
  [[nodiscard]] Result<void> detokenize(const std::string& actor, const policy::Depot& depot,
                                        const std::string& column);
  [[nodiscard]] Result<void> decrypt(const std::string& actor, const policy::Depot& depot, const std::string& column);

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

}  // namespace bartizan::control
