#include "bartizan/config/reference.hpp"

#include <fmt/format.h>

#include <iterator>

#include "assign.hpp"
#include "bind.hpp"
#include "schema.hpp"

namespace bartizan::config {
namespace {

constexpr std::string_view kPreface = R"(# Configuration

<!-- Made by `bartizan config reference`. Change src/config/schema.cpp, not this page. -->

Bartizan reads one TOML file, `/etc/bartizan/bartizan.toml` unless `--config` names another. Every key
has a default, so that the file may be empty. `bartizan config check FILE` lists all that is wrong with
a file, each with line and column: an unknown key or a wrong type is an error.

- Durations are text with a unit: `"10ms"`, `"15s"`, `"5m"`, `"2h"`, `"7d"`. Sizes too: `"512B"`, `"64KiB"`,
  `"16MiB"`, `"1GiB"`.
- Relative paths start at the folder of the configuration file. A `*_file` key that is a bare name is
  first looked for in systemd's `$CREDENTIALS_DIRECTORY`.
- An environment variable `BARTIZAN_<SECTION>_<KEY>` overrides the file, for example
  `BARTIZAN_LIMITS_CLIENTS=500`; the items of a list are separated by commas. What a command's own options
  say comes last.
- *Reload* tells whether a changed value takes effect by `bartizan reload` (or SIGHUP), without the
  loss of a session, or by a restart only.
)";

/// Markdown inside a table cell.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

/// Reads only; the slots of a table entry point into what they are given, which is why it is not const.
std::string value_of(const Configuration& configuration, const Key& key) {
  return to_toml(key.slot(const_cast<Configuration&>(configuration)));
}

bool same_value(const Configuration& a, const Configuration& b, const Key& key) {
  if (key.section == "control" && key.name == "dsn")
    return a.control.dsn.reveal_chars() == b.control.dsn.reveal_chars();
  return value_of(a, key) == value_of(b, key);
}

}  // namespace

std::string render_reference() {
  const Configuration defaults;
  std::string page(kPreface);
  const auto out = std::back_inserter(page);
  for (const Section& section : sections()) {
    fmt::format_to(
        out, "\n## [{}]\n\n{}\n\n| key | takes | default | reload | what it is |\n| --- | --- | --- | --- | --- |\n",
        section.name, section.description);
    for (const Key& key : keys()) {
      if (key.section != section.name) continue;
      fmt::format_to(out, "| `{}` | {} | `{}` | {} | {} |\n", key.name, cell(expected_of(key)),
                     cell(value_of(defaults, key)), key.applies == Applies::OnReload ? "yes" : "restart",
                     cell(key.description));
    }
  }
  return page;
}

std::vector<ChangedKey> differences(const Configuration& running, const Configuration& next) {
  std::vector<ChangedKey> changed;
  for (const Key& key : keys()) {
    if (!same_value(running, next, key)) changed.push_back({key.full_name(), key.applies == Applies::OnRestart});
  }
  return changed;
}

}  // namespace bartizan::config
