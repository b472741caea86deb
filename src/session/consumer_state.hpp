// What a Relay keeps of a consumer session (see consumer.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bartizan/session/consumer.hpp"
#include "context_signer.hpp"
#include "search_path.hpp"

namespace bartizan::session {

struct ConsumerState {
  explicit ConsumerState(Consumer what)
      : facts(std::move(what)),
        signer(values_of(facts), facts.valid_until),
        search_path(facts.search_path),
        tenant(tenant_at_start(facts)) {
    sign_for_tenant();
  }

  Consumer facts;
  ContextSigner signer;
  SearchPath search_path;
  /// For whom it acts: one name, or none: no tenant.
  KeptSetting tenant;
  std::string own_who;  ///< audit members as they are while it acts for itself
  /// Statements that the transaction under way has run, BEGIN and SETs left out. Known when nothing is owed.
  std::uint32_t ran = 0;
  bool held_cursor = false;  ///< one WITH HOLD was declared: its rows are those of the tenant of then
  /// A statement that may change search_path has been sent, and its transaction has not ended.
  bool search_path_in_doubt = false;
  bool tenant_in_doubt = false;  ///< the same of the tenant
  bool replies_asked_for = false;  ///< by a Flush of ours, and not all of them are here
  bool failed = false;             ///< an error since the last ReadyForQuery

  /// The context has been sent, and nothing behind it that would take it away. Behind a Sync, and
  /// behind a Query, only the server's word that the transaction goes on makes it certain.
  bool context_sent = false;
  bool context_by_query = false;
  std::uint64_t context_segment = 0;
  bool settled_before_segment = false;  ///< nothing was owed when the messages since the last Sync began
  WallTime context_expires{};

  [[nodiscard]] static std::optional<std::string> own_tenant(const Consumer& consumer) {
    for (const auto& value : consumer.context)
      if (value.name == policy::kTenantAttribute) return value.value;
    return std::nullopt;
  }
  [[nodiscard]] static KeptSetting::Value tenant_at_start(const Consumer& consumer) {
    const auto tenant = consumer.tenant ? consumer.tenant : own_tenant(consumer);
    return tenant ? KeptSetting::Value{*tenant} : KeptSetting::Value{};
  }
  [[nodiscard]] static std::optional<std::string> tenant_of(const KeptSetting::Value& value) {
    return value.empty() ? std::nullopt : std::optional(value.front());
  }
  [[nodiscard]] bool acts_for_another() const { return tenant_of(tenant.value()) != own_tenant(facts); }
  /// True: it was signed for another one before, so that a context that stands is not its own.
  bool sign_for_tenant() {
    const auto now = tenant_of(tenant.value());
    const bool changed = now != signed_for;
    signed_for = now;
    signer.set(policy::kTenantAttribute, now);
    return changed;
  }
  std::optional<std::string> signed_for;

  static std::vector<wall::ContextValue> values_of(const Consumer& consumer) {
    std::vector<wall::ContextValue> values;
    values.reserve(consumer.context.size() + 1);
    for (const auto& value : consumer.context) values.push_back({value.name, value.value});
    values.push_back({"bz_user", consumer.shown_user});  // what current_user gives
    return values;
  }
};

}  // namespace bartizan::session
