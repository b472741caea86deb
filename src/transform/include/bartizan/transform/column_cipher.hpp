// Seals and opens the cells of one column of one keyring owner (docs/formats/cell.md). The
// associated data is made of what the *reader* expects, never of the cell's word alone, so a cell
// that was moved to another tenant, column, type or (where bound) row does not open.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/uuid.hpp"
#include "bartizan/keys/derivation.hpp"
#include "bartizan/keys/subject_tree.hpp"
#include "bartizan/transform/bounded_bytes.hpp"
#include "bartizan/transform/cell.hpp"
#include "bartizan/transform/value.hpp"

namespace bartizan::transform {

/// Where a cell belongs. The ids are the control plane's and survive a RENAME.
struct CellPlace {
  Uuid tenant;  ///< of the session, from its authenticated identity; nil for a depot's own data
  Uuid column;
  std::uint16_t column_ref = 0;  ///< the column's short number, which cells state
  ValueType type = ValueType::Text;
  bool row_bound = false;
  bool by_subject = false;  ///< row-bound by the column that says whose the row is: keys are of that subject
};

/// The keys that a session may use for a column. Which of them seals is the keyring's to say.
struct ColumnKeySet {
  std::vector<keys::ColumnKeys> readable;  ///< of every version that still opens
  keys::KeyId active;                      ///< one of them, or KeyId{} to only read
  std::vector<keys::IndexKey> index;       ///< the active one first; empty: no equality search
  std::shared_ptr<const keys::SubjectTree> subjects;  ///< of the owner, for columns by subject; else null
};

/// Not thread-safe: one for each thread. Holds keys; wiped at its end. Move-only.
class ColumnCipher {
 public:
  /// InvalidArgument: keys of a wrong size, an active key that is not readable, one id twice, a place by subject
  /// without a tree or one that is not row-bound.
  [[nodiscard]] static Result<ColumnCipher> make(const CellPlace& place, ColumnKeySet keys);
  ColumnCipher(ColumnCipher&&) noexcept;
  ColumnCipher& operator=(ColumnCipher&&) noexcept;
  ~ColumnCipher();

  [[nodiscard]] const CellPlace& place() const noexcept;
  [[nodiscard]] bool searchable() const noexcept;
  /// Null where the place is not by subject. Another one than before: subjects were destroyed meanwhile.
  [[nodiscard]] const keys::SubjectTree* subjects() const noexcept;

  /// Appends a cell. row: given exactly if the place is row-bound.
  /// Errors: FailedPrecondition (no active key, or row missing or too much), TooLarge, PermissionDenied (the keys of
  /// the row's subject were destroyed).
  [[nodiscard]] Result<void> seal(ByteView canonical, const RowDigest* row, Random& random, BoundedBytes& out);

  /// Appends the canonical value. Crypto, with kCellDoesNotOpen, whatever was wrong: not a cell,
  /// another version, column, tenant, type or row, an unknown or destroyed key, a flipped bit.
  /// TooLarge for out's limit. NotFound: laid out as a cell of this column, and the keys of the row's subject were
  /// destroyed; whatever it is, it is to be taken for NULL.
  [[nodiscard]] Result<void> open(ByteView cell, const RowDigest* row, BoundedBytes& out);

  /// The same of a cell without its blind index (docs/formats/cell.md, "Cut cells"): the index is made from the
  /// value and is authenticated with it. Cells that never had one open as by open().
  [[nodiscard]] Result<void> open_cut(ByteView cell, const RowDigest* row, BoundedBytes& out);

  /// What cells of this value carry under the active index key. FailedPrecondition without one.
  [[nodiscard]] Result<BlindIndexValue> blind_index(ByteView canonical);
  /// Under each index key, the active one first: what `= ANY` must look for while two are in use.
  [[nodiscard]] Result<std::vector<BlindIndexValue>> blind_indexes(ByteView canonical);

 private:
  struct State;
  explicit ColumnCipher(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

inline constexpr const char* kSubjectDestroyed = "the keys of this row's data subject were destroyed";
inline constexpr const char* kCellDoesNotOpen = "the encrypted value does not open";

}  // namespace bartizan::transform
