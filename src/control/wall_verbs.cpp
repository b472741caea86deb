// What stands in the depots of the policies in force.
#include "bartizan/control/wall_keeper.hpp"
#include "policy_publication.hpp"
#include "services.hpp"

namespace bartizan::control {
namespace {

Items texts_of(const std::vector<std::string>& texts) {
  Items out;
  for (const auto& text : texts) out.emplace_back(text);
  return out;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& text : texts) out += (out.empty() ? "" : "; ") + text;
  return out;
}

Document render(const WallClassStatus& one) {
  return Members{{"class", class_name(one.version.id)},
                 {"version", static_cast<std::int64_t>(one.version.version)},
                 {"role", one.role},
                 {"state", one.ready ? "ready" : "not ready"},
                 {"identities", static_cast<std::int64_t>(one.identities)},
                 {"findings", joined(one.findings)}};
}

Document render(const WallDepotStatus& one, bool ready) {
  Items classes;
  for (const auto& each : one.classes) classes.push_back(render(each));
  return Members{{"depot", one.depot},
                 {"state", one.suspended && ready ? "suspended"
                           : ready                ? "ready"
                                                  : "not ready"},
                 {"enforcement", policy::to_string(one.enforcement)},
                 {"grade", one.grade.empty() ? Document() : Document(one.grade)},
                 {"policies", one.policies},
                 {"checked_at", time_or_null(one.checked_at)},
                 {"error", one.error ? Document(one.error->detail) : Document()},
                 {"drift", texts_of(one.drift)},
                 {"not_hardened", texts_of(one.refused)},
                 {"classes", std::move(classes)}};
}

Result<Document> answer(const WallKeeper& walls) {
  bool ready = true;
  auto items = render_walls(&walls, ready);
  return Document(Members{{"ok", ready}, {"walls", std::move(items)}});
}

Result<WallKeeper*> keeper(Call& call) {
  if (call.context.walls == nullptr) return fail(Errc::Unsupported, "this gateway keeps no walls");
  return call.context.walls;
}

}  // namespace

Items render_walls(const WallKeeper* walls, bool& all_ready) {
  Items out;
  if (walls == nullptr) return out;
  for (const auto& one : walls->status()) {
    bool ready = !one.error.has_value();
    for (const auto& each : one.classes) ready = ready && each.ready;
    all_ready = all_ready && ready;
    out.push_back(render(one, ready));
  }
  return out;
}

Result<Document> wall_status(Call& call, Args& args) {
  BZ_CHECK(args.finish());
  BZ_TRY(const auto* walls, keeper(call));
  return answer(*walls);
}

Result<Document> wall_reconcile(Call& call, Args& args) {
  BZ_CHECK(args.finish());
  BZ_TRY(auto* walls, keeper(call));
  BZ_CHECK(walls->run_now());
  return answer(*walls);
}

}  // namespace bartizan::control
