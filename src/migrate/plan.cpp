#include "bartizan/migrate/plan.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <map>

namespace bartizan::migrate {
namespace {

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append(1, '\\').append(1, c);
    } else if (u < 0x20 || u == 0x7f) {
      constexpr std::string_view kDigits = "0123456789ABCDEF";
      out.append("\\u00").append(1, kDigits[u >> 4]).append(1, kDigits[u & 0xf]);
    } else {
      out.push_back(c);
    }
  }
  return out + "\"";
}

std::string toml_list(std::string_view text) {
  std::string out = "[";
  while (!text.empty()) {
    const auto comma = text.find(',');
    if (out.size() > 1) out += ", ";
    out += toml_string(text.substr(0, comma));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return out + "]";
}

std::string toml_value(const Setting& setting) {
  switch (setting.kind) {
    case SettingKind::Number:
    case SettingKind::Boolean: return setting.text;
    case SettingKind::Text: return toml_string(setting.text);
    case SettingKind::List: return toml_list(setting.text);
  }
  return {};
}

constexpr std::string_view kPreface = R"(# Made from a PgBouncer configuration by: bartizan import pgbouncer
# Keys and their defaults: bartizan config reference. Check a change with: bartizan config check
#
# Depots, logins, identities and grants are no part of this file: they are in the control database,
# which lies in a small PostgreSQL that Bartizan runs for itself. To keep it elsewhere, set
# embedded.enabled = false and control.dsn_file.
)";

void append_json(std::string& out, const ArgumentValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    out += std::to_string(*number);
    return;
  }
  const auto* secret = std::get_if<SecretBytes>(&value);
  const std::string_view text =
      secret != nullptr ? secret->reveal_chars() : std::string_view(std::get<std::string>(value));
  out += boost::json::serialize(boost::json::string_view(text.data(), text.size()));
}

}  // namespace

std::string_view to_string(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::Mapped: return "mapped";
    case Verdict::Changed: return "changed";
    case Verdict::Unneeded: return "unneeded";
    case Verdict::Refused: return "refused";
  }
  return "refused";
}

std::size_t Plan::count(Verdict verdict) const noexcept {
  return static_cast<std::size_t>(std::ranges::count(findings, verdict, &Finding::verdict));
}

std::size_t Plan::count_requests(std::string_view verb) const noexcept {
  return static_cast<std::size_t>(std::ranges::count(requests, verb, &AdminRequest::verb));
}

std::string render_toml(const Plan& plan) {
  std::map<std::string, std::string> sections;  // a section's lines
  for (const Setting& setting : plan.settings) {
    const auto dot = setting.key.find('.');
    sections[setting.key.substr(0, dot)] += setting.key.substr(dot + 1) + " = " + toml_value(setting) + "\n";
  }
  std::string out(kPreface);
  for (const auto& [name, lines] : sections) out += "\n[" + name + "]\n" + lines;
  return out;
}

SecretBytes render_request(const AdminRequest& request) {
  std::string line =
      "{\"v\":1,\"verb\":" + boost::json::serialize(boost::json::string_view(request.verb)) + ",\"args\":{";
  for (std::size_t i = 0; i < request.arguments.size(); ++i) {
    const auto& [name, value] = request.arguments[i];
    if (i > 0) line.push_back(',');
    line += boost::json::serialize(boost::json::string_view(name)) + ":";
    append_json(line, value);
  }
  line += "}}";
  SecretBytes out{std::string_view(line)};
  secure_wipe(line.data(), line.size());
  return out;
}

}  // namespace bartizan::migrate
