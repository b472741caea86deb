#include "bartizan/cells/cell_ciphers.hpp"

#include <algorithm>

#include "bartizan/base/log.hpp"
#include "value_mask.hpp"

namespace bartizan::cells {

const std::shared_ptr<transform::EncryptedColumn>& CellCiphers::shared_column(const EncryptedDepot& depot,
                                                                              std::uint32_t number, const Uuid& tenant,
                                                                              const ClassColumns* of_class) {
  static const std::shared_ptr<transform::EncryptedColumn> none;
  const auto* const masked = of_class == nullptr ? nullptr : of_class->find_masked(number);
  const CellColumn* const column = depot.find(masked == nullptr ? number : masked->number);
  if (column == nullptr) return none;
  const Uuid owner = column->per_tenant ? tenant : Uuid{};
  const Of of{depot.version, number, owner, masked == nullptr ? policy::ClassVersion{} : of_class->version};
  if (const auto found = ciphers_.find(of); found != ciphers_.end()) return found->second;
  const auto keys = column->keys.find(owner);
  if (keys == column->keys.end() || keys->second == nullptr) return none;
  // Ciphers of older versions hold keys that may be destroyed by now.
  if (ciphers_.size() >= kMostCiphers) ciphers_.clear();
  std::erase_if(ciphers_, [&](const auto& one) { return one.first.version < depot.version; });
  transform::CellPlace place;
  place.tenant = column->per_tenant ? tenant : column->place_tenant;
  place.column = column->id;
  place.column_ref = static_cast<std::uint16_t>(column->number);
  place.type = column->type;
  place.row_bound = column->row_bound;
  place.by_subject = column->by_subject;
  auto cipher = transform::ColumnCipher::make(place, clone(*keys->second));
  if (!cipher) {
    BZ_LOG(Error, "cells.keys_unusable", {"column", column->name}, {"reason", cipher.error().detail});
    return none;
  }
  if (column->tokens && column->tokens->vaulted) {
    auto vault = transform::VaultTokens::make(*column->tokens);
    if (!vault || !cipher->searchable()) {
      BZ_LOG(Error, "cells.tokens_unusable", {"column", column->name}, {"reason", "no shape or no index key"});
      return none;
    }
    auto made = std::make_shared<transform::EncryptedColumn>(std::move(*cipher), column->typmod, std::move(*vault));
    return ciphers_.emplace(of, std::move(made)).first->second;
  }
  if (column->tokens) {
    // Which index key makes tokens must never change: control rotates none of an owner that has them.
    auto tokens = keys->second->index.empty()
                      ? Result<transform::FormatTokens>(fail(Errc::FailedPrecondition, "there is no index key"))
                      : transform::FormatTokens::make(keys->second->index.front().key, place.tenant, place.column,
                                                      *column->tokens);
    if (!tokens) {
      BZ_LOG(Error, "cells.tokens_unusable", {"column", column->name}, {"reason", tokens.error().detail});
      return none;
    }
    auto made = std::make_shared<transform::EncryptedColumn>(std::move(*cipher), column->typmod, std::move(*tokens));
    return ciphers_.emplace(of, std::move(made)).first->second;
  }
  std::unique_ptr<transform::ValueMask> mask;
  if (masked != nullptr) {
    auto of_value = value_mask(*masked->mask, column->type, column->typmod, of_class->masks->key);
    if (!of_value) {
      BZ_LOG(Error, "cells.mask_unusable", {"column", column->name}, {"reason", of_value.error().detail});
      return none;
    }
    mask = std::move(*of_value);
  }
  auto made = std::make_shared<transform::EncryptedColumn>(std::move(*cipher), column->typmod, std::move(mask));
  return ciphers_.emplace(of, std::move(made)).first->second;
}

std::optional<std::shared_ptr<const CellText>> CellCiphers::find(const std::string& composed) {
  const auto found = index_.find(sql::exact_digest(composed, {}, key_));
  if (found == index_.end()) return std::nullopt;
  order_.splice(order_.begin(), order_, found->second);
  return found->second->text;
}

void CellCiphers::keep(const std::string& composed, std::shared_ptr<const CellText> text) {
  const auto key = sql::exact_digest(composed, {}, key_);
  if (index_.contains(key)) return;
  order_.push_front({key, std::move(text)});
  index_.emplace(key, order_.begin());
  if (order_.size() <= kMostPlans) return;
  index_.erase(order_.back().key);
  order_.pop_back();
}

std::shared_ptr<const sql::EncryptedColumns> CellCiphers::columns_for(const EncryptedDepot& depot,
                                                                      const Numbers& detokenizes) {
  if (detokenizes.empty()) return depot.columns;
  const std::pair key{depot.version, detokenizes};
  if (const auto found = tokens_.find(key); found != tokens_.end()) return found->second;
  std::vector<sql::EncryptedColumnSpec> specs;
  for (const auto& cell : depot.cells) {
    const auto* const spec = depot.columns->find(cell.number);
    if (spec == nullptr) continue;
    specs.push_back(*spec);
    if (cell.tokens && std::ranges::find(detokenizes, cell.number) != detokenizes.end())
      specs.back().tokens = sql::TokenUse::Exchanged;
  }
  auto made = sql::EncryptedColumns::make({depot.columns, &depot.columns->catalog()}, std::move(specs),
                                          depot.columns->reviewed());
  if (!made) {
    BZ_LOG(Error, "cells.tokens_unusable", {"reason", made.error().detail});
    return nullptr;
  }
  if (tokens_.size() >= kMostClasses) tokens_.clear();
  return tokens_.emplace(key, std::move(*made)).first->second;
}

std::shared_ptr<const ClassColumns> CellCiphers::class_columns(const EncryptedDepot& depot, const ClassFacts& of,
                                                               const Numbers& detokenizes) {
  const std::tuple key{depot.version, of.version, detokenizes};
  if (const auto found = classes_.find(key); found != classes_.end()) return found->second;
  // The vault's functions do not stand in consumers' statements yet (ADR 0273): they are shown its tokens as they stand.
  Numbers exchanged = detokenizes;
  std::erase_if(exchanged, [&](std::uint32_t number) {
    const auto* const cell = depot.find(number);
    return cell == nullptr || (cell->tokens && cell->tokens->vaulted);
  });
  const auto columns = columns_for(depot, exchanged);
  if (columns == nullptr) return nullptr;
  auto made = cells::class_columns(*columns, of);
  if (!made) {
    BZ_LOG(Error, "cells.class_unusable", {"reason", made.error().detail});
    return nullptr;
  }
  if (classes_.size() >= kMostClasses) classes_.clear();
  return classes_.emplace(key, std::move(*made)).first->second;
}

}  // namespace bartizan::cells
