// Sample configurations in test/data, as a reader gives them.
#pragma once

#include <map>
#include <string>

#include "bartizan/migrate/pgbouncer.hpp"

namespace bartizan::migrate::test {

using Files = std::map<std::string, std::string>;

/// Knows these files alone.
[[nodiscard]] inline FileReader reader_of(Files files) {
  return [files = std::move(files)](const std::string& path) -> Result<std::string> {
    const auto found = files.find(path);
    if (found == files.end()) return fail(Errc::NotFound, path + ": there is none");
    return found->second;
  };
}

/// [pgbouncer] with these lines behind one harmless database, and no users.
[[nodiscard]] inline Result<Plan> plan_of_settings(const std::string& lines) {
  return plan_from_pgbouncer("/etc/p.ini", reader_of({{"/etc/p.ini", "[pgbouncer]\n" + lines}}));
}

[[nodiscard]] inline const Finding* find(const Plan& plan, std::string_view key, std::string_view entry = {}) {
  for (const Finding& finding : plan.findings) {
    if (finding.key == key && finding.entry == entry) return &finding;
  }
  return nullptr;
}

[[nodiscard]] inline std::string lines_of(const Plan& plan, std::string_view verb) {
  std::string out;
  for (const AdminRequest& request : plan.requests) {
    if (request.verb == verb) out.append(render_request(request).reveal_chars()).append(1, '\n');
  }
  return out;
}

}  // namespace bartizan::migrate::test
