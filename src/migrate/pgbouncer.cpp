#include "bartizan/migrate/pgbouncer.hpp"

#include <fmt/format.h>

#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "bartizan/base/secret.hpp"
#include "bartizan/config/parse.hpp"
#include "bartizan/migrate/userlist.hpp"
#include "depot_rules.hpp"
#include "draft.hpp"
#include "setting_rules.hpp"

namespace bartizan::migrate {
namespace {

/// Entries may hold passwords of databases.
struct Entries {
  std::vector<IniEntry> all;
  Entries() = default;
  Entries(const Entries&) = delete;
  Entries& operator=(const Entries&) = delete;
  ~Entries() {
    for (IniEntry& entry : all) secure_wipe(entry.value.data(), entry.value.size());
  }
};

Result<std::vector<User>> read_users(Draft& draft, const FileReader& reader) {
  const IniEntry* file = draft.global("auth_file");
  if (file == nullptr) return std::vector<User>();
  if (file->value.empty()) {
    draft.note(*file, Verdict::Unneeded, "no file is named");
    return std::vector<User>();
  }
  const std::string path = path_beside(draft.main_file(), file->value);
  BZ_TRY(std::string text, reader(path));
  auto users = read_userlist(text, path);
  secure_wipe(text.data(), text.size());
  if (users) draft.note(*file, Verdict::Mapped, fmt::format("{} user(s) read from {}", users->size(), path));
  return users;
}

/// The entries that count: of one that is set twice PgBouncer takes the last.
std::vector<const IniEntry*> effective(Draft& draft, const std::vector<IniEntry>& all) {
  std::map<std::pair<std::string_view, std::string_view>, const IniEntry*> last;
  for (const IniEntry& entry : all) last.insert_or_assign({entry.section, entry.key}, &entry);
  std::vector<const IniEntry*> out;
  for (const IniEntry& entry : all) {
    const IniEntry* counting = last.at({entry.section, entry.key});
    if (counting == &entry) {
      out.push_back(&entry);
    } else {
      draft.note(entry, Verdict::Unneeded,
                 fmt::format("set again at {}:{}", counting->place.file, counting->place.line));
    }
  }
  return out;
}

void map_other(Draft& draft, const IniEntry& entry) {
  if (entry.section == "users") return map_user_settings(draft, entry);
  if (entry.section == "peers") {
    return draft.note_pair(entry, {}, {}, Verdict::Refused,
                           "a cancel request is known only to the gateway that gave its key: let the balancer keep a "
                           "client's address at one gateway");
  }
  draft.note(entry, Verdict::Refused, "not a section of PgBouncer that is known here");
}

/// What spans several settings is judged on the whole file.
void check_settings(Plan& plan, const std::string& file) {
  const std::string toml = render_toml(plan);
  config::Input input;
  input.text = toml;
  input.file_name = "bartizan.toml";
  const auto parsed = config::parse(input, {});
  if (parsed) return;
  for (const config::Issue& issue : parsed.error())
    plan.findings.push_back({Verdict::Refused, "pgbouncer", {}, {}, {}, Place{file, 0}, issue.message});
}

}  // namespace

Result<Plan> plan_from_pgbouncer(const std::string& file, const FileReader& reader) {
  Entries entries;
  BZ_TRY(entries.all, read_ini(file, reader));
  Draft draft(file);
  const auto counting = effective(draft, entries.all);
  for (const IniEntry* entry : counting) {
    if (entry->section == "pgbouncer") draft.remember(*entry);
  }
  for (const IniEntry* entry : counting) {
    if (entry->section == "pgbouncer") map_setting(draft, *entry);
  }
  map_client_tls(draft);
  BZ_TRY(auto users, read_users(draft, reader));
  std::vector<Database> databases;
  for (const IniEntry* entry : counting) {
    if (entry->section == "pgbouncer") continue;
    if (entry->section != "databases") {
      map_other(draft, *entry);
    } else if (auto database = map_database(draft, *entry, reader, users)) {
      databases.push_back(std::move(*database));
    }
  }
  BZ_CHECK(map_people(draft, databases, std::move(users)));
  Plan plan = draft.take();
  check_settings(plan, file);
  return plan;
}

}  // namespace bartizan::migrate
