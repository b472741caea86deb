// Any bytes as pgbouncer.ini, with the part behind a NUL as every other file that it names: what
// comes out is a TOML that the configuration takes, every entry has a finding, and no request
// breaks its line.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "bartizan/config/parse.hpp"
#include "bartizan/migrate/pgbouncer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  const std::string_view all(size > 0 ? reinterpret_cast<const char*>(data) : "", size);
  const auto cut = all.find('\0');
  const std::string ini(all.substr(0, cut));
  const std::string other(cut == std::string_view::npos ? std::string_view() : all.substr(cut + 1));
  int reads = 0;
  const migrate::FileReader reader = [&](const std::string& path) -> Result<std::string> {
    if (++reads > 64) return fail(Errc::Io, "enough");
    return path == "/etc/pgbouncer.ini" ? ini : other;
  };
  const auto entries = migrate::read_ini("/etc/pgbouncer.ini", reader);
  reads = 0;
  const auto plan = migrate::plan_from_pgbouncer("/etc/pgbouncer.ini", reader);
  if (!plan) return 0;
  if (!entries || plan->findings.size() < entries->size()) std::abort();
  for (const migrate::IniEntry& entry : *entries) {
    bool found = false;
    for (const migrate::Finding& finding : plan->findings) {
      found = found || (finding.place.line == entry.place.line && finding.place.file == entry.place.file);
    }
    if (!found) std::abort();
  }
  const std::string toml = render_toml(*plan);
  config::Input input;
  input.text = toml;
  if (plan->count(migrate::Verdict::Refused) == 0 && !config::parse(input, {})) std::abort();
  for (const migrate::AdminRequest& request : plan->requests) {
    const SecretBytes line = render_request(request);
    if (line.reveal_chars().find('\n') != std::string_view::npos) std::abort();
  }
  return 0;
}
