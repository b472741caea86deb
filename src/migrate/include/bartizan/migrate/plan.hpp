// What an import comes to: settings of the process, requests to the admin socket, what is left to
// do by hand, and one finding for every key that was read, so that none is dropped in silence.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "bartizan/base/secret.hpp"
#include "bartizan/migrate/ini.hpp"

namespace bartizan::migrate {

enum class Verdict : std::uint8_t {
  Mapped,    ///< has the same effect here
  Changed,   ///< has a counterpart that differs: the outcome says how
  Unneeded,  ///< has no counterpart and needs none: the outcome says why
  Refused,   ///< was relied on there and is not offered here: somebody has to decide
};

[[nodiscard]] std::string_view to_string(Verdict verdict) noexcept;

struct Finding {
  Verdict verdict = Verdict::Refused;
  std::string section;
  std::string entry;  ///< the database or user, where the section has such; else empty
  std::string key;    ///< empty: the entry as a whole
  std::string value;  ///< "(not shown)" for passwords and SQL
  Place place;
  std::string outcome;
};

enum class SettingKind : std::uint8_t { Number, Boolean, Text, List };

/// A key of bartizan.toml. Its text is in the form of a BARTIZAN_ variable (lists: commas).
struct Setting {
  std::string key;  ///< "limits.clients"
  SettingKind kind = SettingKind::Number;
  std::string text;
};

using ArgumentValue = std::variant<std::string, std::int64_t, SecretBytes>;

/// One line to the admin socket (docs/formats/admin-socket.md). Move-only.
struct AdminRequest {
  std::string verb;
  std::vector<std::pair<std::string, ArgumentValue>> arguments;
};

/// What the import cannot do, with the commands for it. Texts hold no secret.
struct Chore {
  std::string text;
  std::vector<std::string> commands;
};

/// Move-only. Requests stand in an order in which they can be carried out.
struct Plan {
  std::vector<Setting> settings;
  std::vector<AdminRequest> requests;
  std::vector<Finding> findings;
  std::vector<Chore> chores;

  [[nodiscard]] std::size_t count(Verdict verdict) const noexcept;
  [[nodiscard]] std::size_t count_requests(std::string_view verb) const noexcept;
};

/// bartizan.toml, whole; config::parse() takes it.
[[nodiscard]] std::string render_toml(const Plan& plan);

/// The request's line, without its newline. It may hold a password.
[[nodiscard]] SecretBytes render_request(const AdminRequest& request);

}  // namespace bartizan::migrate
