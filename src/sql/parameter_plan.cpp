#include "parameter_plan.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "cell_types.hpp"
#include "node_access.hpp"

namespace bartizan::sql {

namespace {

Oid server_type(CellAction action) {
  if (makes_token(action)) return makes_array(action) ? kTextArrayOid : kTextOid;
  return makes_array(action) ? kByteaArrayOid : kByteaOid;
}

}  // namespace

bool ParameterPlan::client_type(const ParameterUse& use, Oid declared, Oid& type) {
  const auto fits = [&](Oid given) {
    const CellType& own = *cell_type(use.column->type.oid);
    if (takes_array(use.action)) {
      const CellType* named = nullptr;
      for (const Oid oid : {16U, 17U, 20U, 21U, 23U, 25U, 1043U, 1082U, 1114U, 1184U, 1700U, 2950U, 3802U}) {
        const CellType* const one = cell_type(oid);
        if (one->array == given) named = one;
      }
      return named != nullptr && named->family == own.family;
    }
    const CellType* const named = cell_type(given);
    return named != nullptr && named->family == own.family;
  };
  const Oid wanted = declared != 0 && declared != kUnknownOid ? declared : use.client_type;
  const bool agrees = type == 0 || type == wanted || fits(type);
  if (!fits(wanted) || !agrees) {
    return refuse("42P08", "parameter $" + std::to_string(use.number) + " is for an encrypted column of another type",
                  "Declare it with the column's type, or with none.");
  }
  if (type == 0) type = wanted;
  return true;
}

// One of the server's parameters for each thing that becomes of a client's.
bool ParameterPlan::make(TreeEditor& edit) {
  const bool any =
      std::any_of(uses_.begin(), uses_.end(), [](const auto& use) { return use.action != CellAction::Pass; });
  if (!any) return true;
  int count = static_cast<int>(request_.parameter_types.size());
  for (const ParameterUse& use : uses_) count = std::max(count, use.number);
  if (prepare_ != nullptr) count = std::max(count, static_cast<int>(prepare_->n_argtypes));
  planned_.parameters.resize(static_cast<std::size_t>(count));
  planned_.parameter_types.resize(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < planned_.parameters.size(); ++i)
    planned_.parameters[i].client = static_cast<std::uint16_t>(i);
  std::map<std::tuple<int, CellAction, std::uint32_t, std::uint16_t>, int> numbers;
  std::vector<char> taken(planned_.parameters.size(), 0);
  for (const ParameterUse& use : uses_) {
    const auto place = static_cast<std::size_t>(use.number - 1);
    const char role = use.action == CellAction::Pass ? 1 : 2;
    if (taken[place] != 0 && taken[place] != role) {
      return refuse(
          "0A000", "parameter $" + std::to_string(use.number) + " is for an encrypted column and is used elsewhere too",
          "Pass the value twice, as two parameters.");
    }
    const bool first = taken[place] == 0;
    taken[place] = role;
    if (role == 1) continue;
    const Oid declared =
        prepare_ == nullptr && place < request_.parameter_types.size() ? request_.parameter_types[place] : 0;
    if (!client_type(use, declared, planned_.parameter_types[place])) return false;
    const auto [at, fresh] = numbers.try_emplace({use.number, use.action, use.column->number, use.row}, use.number);
    if (fresh) {
      ServerParameter server{static_cast<std::uint16_t>(place), use.action, use.column->number, server_type(use.action),
                             use.row};
      if (first) {
        planned_.parameters[place] = server;
      } else {
        if (planned_.parameters.size() >= 65'535) return refuse("54000", "too many parameters");
        planned_.parameters.push_back(server);
        at->second = static_cast<int>(planned_.parameters.size());
      }
    }
    PgQuery__Node* const inner = edit.moved(*use.node);
    edit.become_parameter(*inner, at->second);
    edit.become_cast(*use.node, inner, server_type_name(use.action), makes_array(use.action));
    ask_vault(edit, *use.node, *use.column, use.action);
  }
  return keys() && (prepare_ == nullptr || prepare_->n_argtypes == 0 || declared(edit));
}

// The types that PREPARE declares become the server's.
bool ParameterPlan::declared(TreeEditor& edit) {
  for (std::size_t i = 0; i < planned_.parameters.size(); ++i) {
    const ServerParameter& server = planned_.parameters[i];
    const bool declared = i < prepare_->n_argtypes;
    if (server.action == CellAction::Pass) {
      if (!declared) edit.append(prepare_->argtypes, prepare_->n_argtypes, edit.node(edit.type_name("unknown", false)));
      continue;
    }
    if (declared) {
      const NamedCellType named = prepare_->argtypes[i]->node_case == PG_QUERY__NODE__NODE_TYPE_NAME
                                      ? named_cell_type(*prepare_->argtypes[i]->type_name)
                                      : NamedCellType{};
      const CellFamily own = cell_type(request_.columns->find(server.column)->type.oid)->family;
      if (named.type == nullptr || named.type->family != own || named.array != takes_array(server.action)) {
        return refuse("42P08", "parameter $" + std::to_string(i + 1) + " is for an encrypted column of another type",
                      "Declare it with the column's type, or with none.");
      }
      planned_.parameter_types[i] = named.array ? named.type->array : named.type->oid;
    }
    PgQuery__Node* const type = edit.node(edit.type_name(server_type_name(server.action), makes_array(server.action)));
    if (declared) {
      prepare_->argtypes[i] = type;
    } else {
      edit.append(prepare_->argtypes, prepare_->n_argtypes, type);
    }
  }
  return true;
}

// What stands for a key must mean to the server what it means here: it is of the key's own kind.
bool ParameterPlan::keys() {
  for (WrittenRow& row : planned_.rows) {
    for (WrittenKeyPart& part : row) {
      if (!part.parameter) continue;
      const std::string shown = "parameter $" + std::to_string(part.client + 1);
      Oid declared = prepare_ == nullptr && part.client < request_.parameter_types.size()
                         ? request_.parameter_types[part.client]
                         : 0;
      bool fits = part.client < planned_.parameters.size();
      if (prepare_ != nullptr && part.client < prepare_->n_argtypes) {
        const PgQuery__Node* const type = prepare_->argtypes[part.client];
        const NamedCellType named =
            type->node_case == PG_QUERY__NODE__NODE_TYPE_NAME ? named_cell_type(*type->type_name) : NamedCellType{};
        fits = fits && named.type != nullptr && !named.array;
        declared = named.type == nullptr ? 0 : named.type->oid;
      } else if (prepare_ != nullptr && std::count_if(uses_.begin(), uses_.end(), [&](const ParameterUse& use) {
                                          return use.number == part.client + 1;
                                        }) != 1) {
        return refuse("0A000", shown + " is for a key that encrypted values are bound to, and is used elsewhere too",
                      "Declare the parameters' types in PREPARE.");
      }
      if (declared == kUnknownOid) declared = 0;
      const Oid given = declared != 0 ? declared : part.given;
      const CellType* const type = cell_type(given);
      if (!fits || type == nullptr || type->family != cell_type(part.type)->family) {
        return refuse("42P08", shown + " is for a key that encrypted values are bound to, and of another type",
                      "Declare it with the key's type, or with none.");
      }
      part.given = given;
      ServerParameter& server = planned_.parameters[part.client];
      if (declared == 0 && prepare_ == nullptr && server.action == CellAction::Pass) server.server_type = given;
    }
  }
  return true;
}

}  // namespace bartizan::sql
