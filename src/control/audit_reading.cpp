#include "audit_reading.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>

namespace bartizan::control {
namespace {

bool is_tree_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < '\x7f' && c != '/' && c != '\\'; });
}

tl::unexpected<Error> no_such_tree() { return fail(Errc::NotFound, "there is no such tree yet"); }

bool may_see(const Call& call, const std::string& tree) {
  return !call.only_tenant || tree == auditlog::tree_name(*call.only_tenant);
}

}  // namespace

Result<const AuditSource*> audit_source(Call& call) {
  if (call.context.audit != nullptr) return call.context.audit;
  call.hint = "audit.mode = \"tree\" keeps one; what the basic log holds stands in its files";
  return fail(Errc::Unsupported, "this gateway keeps no provable audit log");
}

Result<void> record_reading(Call& call, std::string_view operation, const std::string& about) {
  return record_log_act(*call.context.audit, call.context.clock, {call.actor, call.only_tenant}, operation, about);
}

Result<void> record_log_act(const AuditSource& source, const Clock& clock, const LogActor& actor,
                            std::string_view operation, const std::string& about) {
  std::string who;
  audit::append_member(who, "identity", actor.name);
  if (actor.tenant) audit::append_member(who, "tenant", *actor.tenant);
  audit::append_member(who, "address", actor.address);
  std::string what;
  audit::append_member(what, "operation", operation);
  if (!about.empty()) audit::append_member(what, "about", about);
  audit::Log& log = source.log;
  BZ_TRY(const auto ticket, log.begin({audit::Event::LogRead, clock.wall(), who, what}));
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!log.durable(ticket) && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const bool durable = log.durable(ticket);
  audit::Outcome outcome;
  outcome.status = durable ? audit::Status::Ok : audit::Status::NotRun;
  log.finish(ticket, outcome);
  if (!durable) return fail(Errc::Unavailable, "the audit log did not keep the record of this reading in time");
  return {};
}

void record_refused_reader(const Call& call, const std::string& name) {
  std::string who;
  audit::append_member(who, "identity", name);
  audit::append_member(who, "address", "audit socket, " + call.actor);
  std::string what;
  audit::append_member(what, "operation", "audit.sign-in");
  audit::Log& log = call.context.audit->log;
  const auto ticket = log.begin({audit::Event::LogRead, call.context.clock.wall(), who, what});
  audit::Outcome outcome;
  outcome.status = audit::Status::Refused;
  outcome.sqlstate = {'2', '8', 'P', '0', '1'};
  if (ticket) log.finish(*ticket, outcome);
}

Result<RecordPlace> parse_place(const std::string& text) {
  const auto colon = text.rfind(':');
  RecordPlace place;
  if (colon != std::string::npos) {
    place.tree = text.substr(0, colon);
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data() + colon + 1, end, place.index);
    if (error == std::errc{} && at == end && is_tree_name(place.tree)) return place;
  }
  return fail(Errc::InvalidArgument, "a record is named TREE:INDEX, as audit search shows it");
}

Result<auditlog::TreeReader> open_tree(const Call& call, const std::string& tree) {
  if (!is_tree_name(tree) || !may_see(call, tree)) return no_such_tree();
  const AuditSource& source = *call.context.audit;
  auto reader = auditlog::TreeReader::open(source.directory, source.origin, tree, source.key);
  if (!reader && reader.error().code == Errc::NotFound) return no_such_tree();
  return reader;
}

Result<std::string> tree_of(const Call& call, const std::optional<std::string>& tenant) {
  if (!call.only_tenant) return tenant ? auditlog::tree_name(*tenant) : std::string(auditlog::kSystemTree);
  if (tenant && *tenant != *call.only_tenant) return no_such_tree();
  return auditlog::tree_name(*call.only_tenant);
}

Result<std::vector<std::string>> trees_of(const Call& call, const std::optional<std::string>& tenant) {
  if (tenant || call.only_tenant) {
    BZ_TRY(auto tree, tree_of(call, tenant));
    return std::vector{std::move(tree)};
  }
  BZ_TRY(auto names, auditlog::system_files().list(call.context.audit->directory + "/tree"));
  std::erase_if(names, [](const auto& name) { return !is_tree_name(name); });
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace bartizan::control
