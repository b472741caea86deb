// What becomes of a statement's parameters where columns are encrypted: which of the server's is made of which of the
// client's and how, and of which types both are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bartizan/sql/encryption_plan.hpp"
#include "cell_binder.hpp"
#include "tree_editor.hpp"

namespace bartizan::sql {

/// What the server takes a transformed value for.
[[nodiscard]] constexpr std::string_view server_type_name(CellAction action) noexcept {
  return makes_token(action) ? "text" : "bytea";
}

/// Of a column whose tokens stand for entries of the vault: the server's function that makes tokens of what the session
/// sends, around the node (docs/formats/vault.md). Of any other: nothing.
void ask_vault(TreeEditor& edit, PgQuery__Node& node, const EncryptedColumnSpec& column, CellAction action);

/// Of one statement, used once. Keeps references to all that it is made from.
class ParameterPlan {
 public:
  /// uses: as the binder found them; prepare: the PREPARE that they stand in, or nullptr.
  ParameterPlan(const EncryptionRequest& request, std::vector<ParameterUse>& uses, PgQuery__PrepareStmt* prepare,
                PlannedStatement& planned)
      : request_(request), uses_(uses), prepare_(prepare), planned_(planned) {}

  /// Numbers them anew in the tree, and says in the statement what each is. False: refusal() says why.
  [[nodiscard]] bool make(TreeEditor& edit);
  [[nodiscard]] Refused& refusal() noexcept { return refusal_; }

 private:
  bool refuse(std::string_view sqlstate, std::string message, std::string_view hint = {}) {
    refusal_ = {std::string(sqlstate), std::move(message), std::string(hint), 0};
    return false;
  }
  bool client_type(const ParameterUse& use, Oid declared, Oid& type);
  bool keys();
  bool declared(TreeEditor& edit);

  const EncryptionRequest& request_;
  std::vector<ParameterUse>& uses_;
  PgQuery__PrepareStmt* prepare_;
  PlannedStatement& planned_;
  Refused refusal_;
};

}  // namespace bartizan::sql
