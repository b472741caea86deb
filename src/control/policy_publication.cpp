#include "policy_publication.hpp"

#include <algorithm>
#include <array>

#include "bartizan/base/log.hpp"
#include "bartizan/control/wall_keeper.hpp"
#include "depot_catalog.hpp"

namespace bartizan::control {
namespace {

constexpr std::size_t kMaxDocumentBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxDocuments = 1000;
constexpr std::size_t kMaxFileBytes = 255;
constexpr const char* kUnprotects = "unprotects";

bool known_code(std::string_view code) {
  const auto& codes = policy::finding_codes();
  return code == kUnprotects || std::ranges::any_of(codes, [&](const auto& one) { return one.code == code; });
}

/// Depots that the policies in force protect and these would not.
void find_unprotected(const policy::Snapshot& snapshot, PolicyCheck& check) {
  for (const auto& depot : snapshot.depots()) {
    if (!snapshot.policies().protects(depot.name) || check.policies.protects(depot.name)) continue;
    policy::Finding finding;
    finding.severity = policy::Severity::Warning;
    finding.code = kUnprotects;
    finding.message = "no policy speaks of this depot any more: its grants pass through unmasked and unfiltered";
    check.findings.push_back({depot.name, std::move(finding)});
  }
}

std::vector<std::string> list_of(const std::set<std::string>& codes) { return {codes.begin(), codes.end()}; }

}  // namespace

bool PolicyCheck::publishable() const {
  const auto stops = [](const DepotFinding& one) {
    return one.finding.severity == policy::Severity::Error ||
           (one.finding.severity == policy::Severity::Warning && !one.finding.acknowledged);
  };
  return std::ranges::none_of(findings, stops) &&
         std::ranges::all_of(tests, [](const TestOutcome& one) { return one.result.passed(); });
}

Result<std::vector<policy::PolicyDocument>> take_documents(Args& args) {
  if (!args.has("documents")) return fail(Errc::InvalidArgument, "'documents' is missing");
  BZ_TRY(auto listed, args.list("documents"));
  if (listed.size() > kMaxDocuments) return fail(Errc::InvalidArgument, "'documents' holds more than 1000");
  std::vector<policy::PolicyDocument> out;
  for (Args& one : listed) {
    policy::PolicyDocument document;
    BZ_TRY(document.file, one.text("file", kMaxFileBytes));
    BZ_TRY(document.text, one.text("text", kMaxDocumentBytes));
    BZ_CHECK(one.finish());
    if (!is_printable_utf8(document.file)) return fail(Errc::InvalidArgument, "'file' is not printable");
    out.push_back(std::move(document));
  }
  return out;
}

Result<std::set<std::string>> take_acknowledged(Args& args) {
  BZ_TRY(const auto text, args.text_or_none("acknowledge", 4096));
  std::set<std::string> out;
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    const auto code = rest.substr(0, comma);
    if (!known_code(code))
      return fail(Errc::InvalidArgument, "'acknowledge' is codes of findings, with commas between");
    out.emplace(code);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  return out;
}

Result<std::vector<TestOutcome>> run_tests(Call& call, const policy::Snapshot& snapshot,
                                           const policy::PublishedPolicies& policies) {
  std::set<std::string> depots;
  for (const auto& test : policies.tests) depots.insert(test.depot);
  std::vector<TestOutcome> out;
  for (const auto& name : depots) {
    const auto* depot = snapshot.find_depot(name);
    if (depot == nullptr) {
      for (const auto& test : policies.tests)
        if (test.depot == name) out.push_back({name, {test.head.name, {"there is no such depot"}}});
      continue;
    }
    BZ_TRY(const auto catalog, read_depot_catalog(call, *depot));
    for (auto& result : policy::run_policy_tests(policies.tests, policies.set, name, *catalog))
      out.push_back({name, std::move(result)});
  }
  return out;
}

Result<PolicyCheck> check_policies(Call& call, const std::vector<policy::PolicyDocument>& documents,
                                   const std::set<std::string>& acknowledged) {
  PolicyCheck check;
  BZ_TRY(check.policies, policy::read_documents(0, documents));
  BZ_TRY(const auto snapshot, fresh_snapshot(call));
  for (const auto& depot : snapshot->depots()) {
    if (!check.policies.protects(depot.name)) continue;
    check.depots.push_back(depot.name);
    BZ_TRY(const auto catalog, read_depot_catalog(call, depot));
    for (auto& finding : policy::publish_check(check.policies.set, depot.name, *catalog))
      check.findings.push_back({depot.name, std::move(finding)});
  }
  find_unprotected(*snapshot, check);
  for (auto& [depot, finding] : check.findings)
    if (finding.severity == policy::Severity::Warning && acknowledged.contains(finding.code))
      finding.acknowledged = true;
  BZ_TRY(check.tests, run_tests(call, *snapshot, check.policies));
  return check;
}

std::string class_name(policy::ClassId id) {
  std::array<std::byte, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(id.get() >> (56 - 8 * i));
  return hex_encode(bytes);
}

Document render(const DepotFinding& found) {
  const auto& finding = found.finding;
  std::string where = finding.schema.empty() ? found.depot : found.depot + ":" + finding.schema + "." + finding.table;
  if (!finding.column.empty()) where += "." + finding.column;
  return Members{{"severity", policy::to_string(finding.severity)},
                 {"code", finding.code},
                 {"where", std::move(where)},
                 {"policy", finding.policy.empty() ? Document() : Document(finding.policy)},
                 {"acknowledged", finding.acknowledged},
                 {"message", finding.message}};
}

Document render(const TestOutcome& test) {
  Items failures;
  for (const auto& failure : test.result.failures) failures.emplace_back(failure);
  return Members{{"name", test.result.name},
                 {"depot", test.depot},
                 {"passed", test.result.passed()},
                 {"failures", std::move(failures)}};
}

Result<Document> publish_policies(Call& call, store::PolicyVersion version, const std::set<std::string>& acknowledged,
                                  bool dry_run) {
  BZ_TRY(const auto check, check_policies(call, version.documents, acknowledged));
  const bool good = check.publishable();
  Document number;
  if (good && !dry_run) {
    version.acknowledged = list_of(acknowledged);
    BZ_TRY(auto transaction, call.write());
    BZ_TRY(const auto stored, store::PolicyVersions(transaction).publish(std::move(version)));
    BZ_CHECK(transaction.commit());
    number = Document(stored.value.number);
    BZ_LOG(Info, "policy.published", {"actor", call.actor}, {"number", stored.value.number});
    if (call.context.walls != nullptr) {
      if (const auto raised = call.context.walls->run_now(); !raised)
        BZ_LOG(Error, "wall.round_failed", {"detail", raised.error().detail});
    }
  }
  Items depots;
  for (const auto& depot : check.depots) depots.emplace_back(depot);
  Items findings;
  for (const auto& finding : check.findings) findings.push_back(render(finding));
  Items tests;
  for (const auto& test : check.tests) tests.push_back(render(test));
  bool ready = true;
  auto walls = dry_run || !good ? Items() : render_walls(call.context.walls, ready);
  return Document(Members{{"ok", good && ready},
                          {"published", std::move(number)},
                          {"depots", std::move(depots)},
                          {"findings", std::move(findings)},
                          {"tests", std::move(tests)},
                          {"walls", std::move(walls)}});
}

}  // namespace bartizan::control
