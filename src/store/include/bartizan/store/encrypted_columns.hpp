// Which columns of which depots are encrypted, and how far one is on its way there or back. Keys
// are not here: they must not come back with a backup of a database.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/uuid.hpp"
#include "bartizan/store/database.hpp"

namespace bartizan::store {

enum class ColumnState : std::uint8_t {
  Encrypting,  ///< still plaintext
  Cutting,     ///< becomes cells: the depot is closed
  Encrypted,
  Decrypting,  ///< still cells
  Restoring,   ///< becomes plaintext: the depot is closed
};
[[nodiscard]] std::string_view to_string(ColumnState state) noexcept;

struct EncryptedColumn {
  Uuid id;
  policy::DepotId depot;
  std::uint32_t number = 0;
  std::string schema;
  std::string table;
  std::string column;
  std::uint32_t type_oid = 0;
  std::int32_t typmod = -1;
  bool searchable = false;
  bool unique = false;
  bool stored_index = false;
  bool per_tenant = false;  ///< under the keys of the session's tenant, else of the depot
  bool bind_row = false;  ///< asked for, and not kept: row_key is
  std::string subject;    ///< likewise: the column that says whose the row is; empty: not by subject
  std::string row_key;    ///< row-bound: by which key, as docs/formats/control-schema.md says; empty: not bound
  bool by_subject = false;  ///< row_key is the one column that says whose the row is: keys are of that subject
  Uuid join_domain;
  ColumnState state = ColumnState::Encrypting;
  std::string token_alphabet;  ///< not empty: it holds tokens over this alphabet (docs/formats/token.md)
  std::string token_separators;
  bool token_vaulted = false;  ///< its tokens are random and stand for entries of the vault (docs/formats/vault.md)

  [[nodiscard]] bool tokenised() const noexcept { return !token_alphabet.empty(); }

  [[nodiscard]] std::string shown() const { return schema + "." + table + "." + column; }
};

/// Repository over one transaction, which must outlive it.
class EncryptedColumns {
 public:
  explicit EncryptedColumns(Transaction& transaction) : transaction_(transaction) {}
  /// A nil id is replaced by a fresh one, a nil join domain by the id; the number is given here.
  [[nodiscard]] Result<Record<EncryptedColumn>> add(EncryptedColumn column);
  [[nodiscard]] Result<std::vector<Record<EncryptedColumn>>> list();
  [[nodiscard]] Result<void> set_state(const Uuid& id, ColumnState state);
  [[nodiscard]] Result<void> remove(const Uuid& id);

 private:
  Transaction& transaction_;
};

}  // namespace bartizan::store
