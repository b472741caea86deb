// Acting for a tenant (ADR 0127): who may be named by bartizan.tenant, where it may change, and what records say of it.
#include <optional>
#include <utility>

#include "bartizan/audit/log.hpp"
#include "bartizan/session/relay.hpp"
#include "consumer_settings.hpp"
#include "consumer_state.hpp"

namespace bartizan::session {

namespace {

bool any_statement(const ConsumerText& text, auto holds) {
  for (std::size_t i = 0; i < text.statements.size(); ++i)
    if (holds(i)) return true;
  return false;
}

}  // namespace

/// Its own, or one that it may act for. '' is no tenant.
bool Relay::may_be_tenant(std::string_view name) const {
  const Consumer& facts = consumer_->facts;
  if (name == ConsumerState::own_tenant(facts).value_or("")) return true;
  return facts.acting && !name.empty() && facts.acting->may_act_for(name, tools_.clock.wall());
}

/// Whether what the client sends now hangs on the tenant, and on which is told only by replies that are not here.
bool Relay::waits_for_tenant() const noexcept { return consumer_->tenant_in_doubt && !replies_.empty(); }

/// Something is owed of which it is not known yet what it has done to the transaction.
bool Relay::run_is_owed() noexcept {
  for (std::size_t i = 0; i < replies_.size(); ++i) {
    // What the gateway does on its own when it takes up a server connection comes before, and changes no tenant.
    if (replies_.at(i).hidden) continue;
    const Awaited kind = replies_.at(i).kind;
    const bool runs_nothing = kind == Awaited::Parse || kind == Awaited::Bind || kind == Awaited::DescribeStatement ||
                              kind == Awaited::DescribePortal || kind == Awaited::CloseStatement ||
                              kind == Awaited::ClosePortal;
    if (!runs_nothing) return true;
  }
  return false;
}

bool Relay::changes_tenant(const Prepared& statement) const {
  return statement.text && !statement.text->refusal &&
         any_statement(*statement.text, [&](std::size_t i) { return changes_setting(*statement.text, i, kTenant); });
}

/// What a text must not do to the tenant where it is to be run: one transaction is one tenant's. REQUIRES:
/// !run_is_owed() if changes_tenant().
void Relay::judge_tenant(Prepared& statement) const {
  const ConsumerState& consumer = *consumer_;
  if (!statement.text || statement.text->refusal) return;
  const ConsumerText& text = *statement.text;
  std::optional<policy::Refuse> refuse;
  const auto& value = consumer.tenant.value();
  if (changes_tenant(statement)) {
    const auto& setting = text.statements.front().setting;
    const bool sets = setting && setting->action == sql::VirtualSetting::Action::Set;
    const KeptSetting::Value next = !sets                             ? consumer.tenant.at_start()
                                    : setting->values.front().empty() ? KeptSetting::Value{}
                                                                      : setting->values;
    if (sets && !may_be_tenant(setting->values.front()))  // it was prepared while it might
      refuse = refusal("42501", "permission denied to act for this tenant", "The right was taken back.", "wall.acting");
    else if (next != value && text.statements.size() > 1)
      refuse = refusal("0A000", "a text that changes bartizan.tenant holds more", "Send it as a statement of its own.",
                       "wall.setting_in_text");
    else if (next != value && consumer.ran > 0)
      refuse = refusal("25001", "bartizan.tenant can be changed outside a transaction or as its first statement only",
                       "One transaction is one tenant's: end it first.", "wall.tenant_in_transaction");
    else if (next != value && consumer.held_cursor)
      refuse = refusal("25001", "bartizan.tenant can't be changed while a cursor WITH HOLD may be open",
                       "DISCARD ALL closes it; open a session for each tenant otherwise.", "wall.tenant_with_cursor");
  }
  // Behind the transaction's end it would be another one's.
  const bool ends_local = value != consumer.tenant.kept() || value != consumer.tenant.committed();
  if (!refuse && ends_local && text.statements.size() > 1 && any_statement(text, [&](std::size_t i) {
        return text.analysis.statements[i].kind == sql::Kind::Commit ||
               text.analysis.statements[i].kind == sql::Kind::Rollback;
      }))
    refuse = refusal("0A000", "a text that ends a transaction in which bartizan.tenant was set holds more",
                     "Send COMMIT or ROLLBACK as a statement of its own.", "wall.tenant_in_text");
  if (!refuse) return;
  auto made = std::make_shared<ConsumerText>(text);
  made->refusal = std::move(refuse);
  statement.analysis = {made, &made->analysis};
  statement.text = std::move(made);
}

void Relay::follow_tenant() {
  ConsumerState& consumer = *consumer_;
  if (!consumer.sign_for_tenant()) return;
  consumer.context_sent = false;
  name_tenant();
}

/// For whom it acts stands in its records in the place of its own tenant.
void Relay::name_tenant() {
  ConsumerState& consumer = *consumer_;
  if (consumer.own_who.empty()) consumer.own_who = who_;
  who_ = consumer.own_who;
  const auto member = [](const std::optional<std::string>& tenant) {
    std::string out;
    if (tenant) audit::append_member(out, "tenant", *tenant);
    return out;
  };
  const auto own = member(ConsumerState::own_tenant(consumer.facts));
  const auto now = member(consumer.signed_for);
  if (own == now) return;
  const auto at = own.empty() ? std::string::npos : who_.find(own);
  if (at != std::string::npos)
    who_.replace(at, own.size(), now);
  else
    who_.append(who_.empty() ? "" : ",").append(now);
}

void Relay::set_acting_rights(std::shared_ptr<const ActingRights> rights) {
  consumer_->facts.acting = std::move(rights);
}

bool Relay::acts_beyond_rights() const {
  const ConsumerState& consumer = *consumer_;
  const auto beyond = [&](const KeptSetting::Value& value) { return !value.empty() && !may_be_tenant(value.front()); };
  return beyond(consumer.tenant.value()) || beyond(consumer.tenant.kept()) || beyond(consumer.tenant.committed()) ||
         beyond(consumer.tenant.at_start());
}

}  // namespace bartizan::session
