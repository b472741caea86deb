// A session of a depot with encrypted columns: what it is started with, and its end when other columns
// are encrypted than at its sign-in.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "bartizan/base/log.hpp"
#include "bartizan/policy/detokenize.hpp"
#include "granted.hpp"

namespace bartizan::proxy {

namespace {

/// While a column changes its form nobody may use the depot; a sign-in waits for so long.
constexpr auto kColumnsChangeWithin = std::chrono::seconds(10);
constexpr auto kLookAgain = std::chrono::milliseconds(50);
/// A transaction that has not ended by then is ended with its session.
constexpr auto kLastTransaction = std::chrono::seconds(10);

bool same_name(std::string_view name, std::string_view lower) noexcept {
  return std::ranges::equal(name, lower, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

}  // namespace

/// On refusal the client has been told.
net::Task<bool> ClientSession::enter_cells(const Granted& granted) {
  const auto& around = shared_.around;
  const auto until = around.clock.steady() + kColumnsChangeWithin;
  for (;;) {
    cells_seen_ = around.cells->changes();
    cells_ = around.cells->enter(granted.depot->id, cells_stay_);
    if (!cells_) co_return true;
    if (cells_->columns != nullptr) {
      detokenizes_ = detokenized(*granted.snapshot);
      detokenizes_until_ = policy::detokenized_until(granted.snapshot->policies().set, around.clock.wall());
      co_return true;
    }
    cells_stay_ = {};
    if (around.clock.steady() >= until || closing_) break;
    progress_.expires_after(kLookAgain);
    co_await progress_.async_wait(net::asio::as_tuple(net::asio::use_awaitable));
  }
  BZ_LOG(Warn, "session.cells_closed", {"session", id_}, {"depot", depot_name_}, {"reason", cells_->closed});
  [[maybe_unused]] const auto recorded = record_sign_in(granted.identity, audit::Status::Refused, "57P03");
  co_await refuse(fatal(pgwire::sqlstate::kCannotConnectNow,
                        fmt::format("the encrypted columns of depot \"{}\" can't be used now", depot_name_),
                        "Try again. If it lasts, an operator finds out why with `bartizan column status`."));
  co_return false;
}

/// The server has to read names and print values as the gateway does, so both are told how.
net::Task<bool> ClientSession::settle_cells(const Granted& granted, LinkRequest& request) {
  std::string_view wrong;
  if (walled_) {
    for (const auto& [name, value] : request.settings)
      if (same_name(name, "bytea_output") && value != "hex") wrong = "bytea_output";
    if (wrong.empty()) request.settings.emplace_back("bytea_output", "hex");
    if (wrong.empty()) co_return true;
  }
  if (!walled_) cells_path_ = cells_->path_of(granted.grant.login->role_name);
  for (const auto& [name, value] : request.settings) {
    if (same_name(name, "search_path")) {
      auto path = cells::read_path(value, granted.grant.login->role_name, cells_->columns->catalog());
      if (!path) wrong = "search_path";
      if (path) cells_path_ = std::move(*path);
    }
    if (same_name(name, "bytea_output") && value != "hex") wrong = "bytea_output";
    if (same_name(name, "standard_conforming_strings") && value != "on") wrong = "standard_conforming_strings";
  }
  if (!wrong.empty()) {
    [[maybe_unused]] const auto recorded = record_sign_in(granted.identity, audit::Status::Refused, "0A000");
    co_await refuse(fatal(pgwire::sqlstate::kFeatureNotSupported,
                          fmt::format("\"{}\" can't be set to this in a database with encrypted columns", wrong),
                          "Leave it out of the connection string, PGOPTIONS and options."));
    co_return false;
  }
  std::erase_if(request.settings, [](const auto& setting) {
    return same_name(setting.first, "search_path") || same_name(setting.first, "bytea_output");
  });
  request.settings.emplace_back("search_path", cells::write_path(cells_path_));
  request.settings.emplace_back("bytea_output", "hex");
  co_return true;
}

std::unique_ptr<cells::SessionCells> ClientSession::session_cells() {
  if (!cells_) return nullptr;
  cells::SessionFacts facts;
  facts.depot = subject_.depot;
  facts.tenant = subject_.tenant ? subject_.tenant->get() : Uuid{};
  facts.search_path = cells_path_;
  facts.detokenizes = detokenizes_;
  if (walled_) {
    const auto& wall_class = *walled_->assignment->wall_class;
    facts.of_class = cells::ClassFacts{wall_class.version, wall_class.catalog, wall_class.views, wall_class.cell_masks};
  }
  return std::make_unique<cells::SessionCells>(cells_, *shared_.around.cells, worker_.ciphers(), std::move(facts));
}

/// Default deny: also where nothing is known of the identity, or what was published is not understood.
std::vector<std::uint32_t> ClientSession::detokenized(const policy::Snapshot& snapshot) const {
  std::vector<std::uint32_t> out;
  const auto tokens = [](const auto& column) { return column.tokens.has_value(); };
  const auto& policies = snapshot.policies();
  if (!cells_ || cells_->columns == nullptr || !policies.readable || std::ranges::none_of(cells_->cells, tokens))
    return out;
  const auto& stated = walled_ ? walled_->purpose : std::nullopt;
  const auto facts = policy::subject_facts(snapshot, subject_.identity, stated, shared_.around.clock.wall());
  if (!facts) return out;
  for (const auto& column : cells_->cells) {
    const auto* const spec = column.tokens ? cells_->columns->find(column.number) : nullptr;
    const auto* const relation = spec == nullptr ? nullptr : cells_->columns->catalog().relation(spec->column.relation);
    if (relation == nullptr) continue;
    const auto may = policy::detokenized_columns(policies.set, *facts, depot_name_, *relation);
    if (std::ranges::find(may, spec->column.attnum) != may.end()) out.push_back(column.number);
  }
  return out;
}

void ClientSession::check_cells(SteadyTime now, bool news) {
  const auto wall = shared_.around.clock.wall();
  const bool rights_may_differ = cells_ && (news || (detokenizes_until_ && wall >= *detokenizes_until_));
  if (const auto current = rights_may_differ ? shared_.around.snapshots.current() : nullptr) {
    detokenizes_until_ = policy::detokenized_until(current->policies().set, wall);
    if (!cells_over_since_ && detokenized(*current) != detokenizes_) cells_over_since_ = now;
  }
  const auto& holder = *shared_.around.cells;
  if (const auto changes = holder.changes(); changes != cells_seen_) {
    cells_seen_ = changes;
    const auto state = holder.find(subject_.depot);
    const bool same = (state ? state->generation : 0) == cells_stay_.generation();
    if (!same && !cells_over_since_) cells_over_since_ = now;
  }
  // A statement may wait for a table that was not there the last time.
  if (const auto looked = holder.looked(); looked != cells_looked_) {
    cells_looked_ = looked;
    if (stalled_) progress_.cancel();
  }
  if (cells_over_since_) end_with_cells(now - *cells_over_since_ > kLastTransaction);
}

/// Where no transaction is open, or at once.
void ClientSession::end_with_cells(bool at_once) {
  if (closing_ || !relay_ || (!at_once && !relay_->idle())) return;
  end_with(pgwire::sqlstate::kAdminShutdown,
           "terminating connection: other columns of the depot are encrypted, or may be detokenized by you, now",
           "Connect again.");
}

}  // namespace bartizan::proxy
