// What one worker thread keeps for depots with encrypted columns: the ciphers of columns, made once
// from their keys, and plans of texts that come again.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "bartizan/base/clock.hpp"
#include "bartizan/cells/cell_text.hpp"
#include "bartizan/cells/class_columns.hpp"
#include "bartizan/crypto/buffered_random.hpp"
#include "bartizan/sql/digest.hpp"
#include "bartizan/transform/encrypted_column.hpp"

namespace bartizan::cells {

/// One per io thread; not thread-safe. Holds keys.
class CellCiphers {
 public:
  CellCiphers(const sql::DigestKey& key, Random& random) : key_(key), random_(random) {}
  CellCiphers(const CellCiphers&) = delete;
  CellCiphers& operator=(const CellCiphers&) = delete;

  /// Null: there are no keys of it for this tenant. Valid until the next call for another version. of_class: what
  /// numbers of masked columns mean; null where there are none.
  [[nodiscard]] transform::EncryptedColumn* column(const EncryptedDepot& depot, std::uint32_t number,
                                                   const Uuid& tenant, const ClassColumns* of_class) {
    return shared_column(depot, number, tenant, of_class).get();
  }
  /// The same for whoever keeps it across messages, as COPY does.
  [[nodiscard]] const std::shared_ptr<transform::EncryptedColumn>& shared_column(const EncryptedDepot& depot,
                                                                                 std::uint32_t number,
                                                                                 const Uuid& tenant,
                                                                                 const ClassColumns* of_class);
  [[nodiscard]] Random& random() noexcept { return random_; }

  /// A plan that holds for every session with the same composed key: nullptr inside: touches nothing.
  [[nodiscard]] std::optional<std::shared_ptr<const CellText>> find(const std::string& composed);
  void keep(const std::string& composed, std::shared_ptr<const CellText> text);

  /// The depot's columns as sessions have them that may detokenize these columns of tokens. Null: it can't be made.
  [[nodiscard]] std::shared_ptr<const sql::EncryptedColumns> columns_for(const EncryptedDepot& depot,
                                                                         const std::vector<std::uint32_t>& detokenizes);
  /// Made once for all sessions of a class with the same rights to detokenize. Null: it can't be made.
  [[nodiscard]] std::shared_ptr<const ClassColumns> class_columns(const EncryptedDepot& depot, const ClassFacts& of,
                                                                  const std::vector<std::uint32_t>& detokenizes);

 private:
  struct Of {
    std::uint64_t version;
    std::uint32_t number;
    Uuid tenant;
    policy::ClassVersion of_class;  ///< of masked columns: it has the mask, and its key
    friend auto operator<=>(const Of&, const Of&) = default;
  };
  struct Entry {
    sql::Digest key;
    std::shared_ptr<const CellText> text;
  };
  static constexpr std::size_t kMostPlans = 4096;
  static constexpr std::size_t kMostCiphers = 1024;

  sql::DigestKey key_;
  crypto::BufferedRandom random_;  // a system call for each cell was a tenth of a COPY
  std::map<Of, std::shared_ptr<transform::EncryptedColumn>> ciphers_;
  static constexpr std::size_t kMostClasses = 256;
  using Numbers = std::vector<std::uint32_t>;
  std::map<std::tuple<std::uint64_t, policy::ClassVersion, Numbers>, std::shared_ptr<const ClassColumns>> classes_;
  std::map<std::pair<std::uint64_t, Numbers>, std::shared_ptr<const sql::EncryptedColumns>> tokens_;
  std::list<Entry> order_;
  std::unordered_map<sql::Digest, std::list<Entry>::iterator> index_;
};

}  // namespace bartizan::cells
