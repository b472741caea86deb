// TLS toward clients: its keys are understood together, since a mode decides which of them count.
#include <array>

#include "setting_rules.hpp"

namespace bartizan::migrate {
namespace {

constexpr std::string_view kModeKey = "client_tls_sslmode";
constexpr std::string_view kNotUsed = "not used by PgBouncer at its client_tls_sslmode, and not here";

bool verifies_clients(std::string_view mode) { return mode == "verify-ca" || mode == "verify-full"; }
bool speaks_tls(std::string_view mode) { return mode != "disable"; }

void map_mode(Draft& draft, const IniEntry& entry, const std::string& mode) {
  if (mode == "require") return draft.note(entry, Verdict::Mapped, "TLS is always required of clients");
  if (verifies_clients(mode)) {
    if (draft.global_text("client_tls_ca_file", "").empty())
      return draft.note(entry, Verdict::Refused, "without client_tls_ca_file there is no CA to check them against");
    return draft.set_unchecked(entry, "tls.require_client_certificate", SettingKind::Boolean, "true", Verdict::Mapped,
                               "the password is asked for as well");
  }
  if (mode == "disable" || mode == "allow" || mode == "prefer") {
    return draft.note(
        entry, Verdict::Changed,
        "plaintext is never spoken: clients need sslmode=require, or better verify-full with sslrootcert");
  }
  draft.note(entry, Verdict::Refused, "not an sslmode that is known here");
}

void map_certificate(Draft& draft, const std::string& mode) {
  const IniEntry* certificate = draft.global("client_tls_cert_file");
  const IniEntry* key = draft.global("client_tls_key_file");
  const bool pair = certificate != nullptr && key != nullptr && !certificate->value.empty() && !key->value.empty();
  for (const IniEntry* entry : {certificate, key}) {
    if (entry == nullptr) continue;
    const std::string_view setting = entry == certificate ? "tls.certificate_file" : "tls.private_key_file";
    if (!speaks_tls(mode) || entry->value.empty()) {
      draft.note(*entry, Verdict::Unneeded, std::string(entry->value.empty() ? "no file is named" : kNotUsed));
    } else if (!pair) {
      draft.note(*entry, Verdict::Refused, "certificate and key belong together, and one of them is missing");
    } else {
      draft.set_unchecked(*entry, std::string(setting), SettingKind::Text,
                          path_beside(draft.main_file(), entry->value));
    }
  }
}

void map_client_ca(Draft& draft, const IniEntry& entry, const std::string& mode) {
  if (!verifies_clients(mode) || entry.value.empty())
    return draft.note(entry, Verdict::Unneeded, std::string(kNotUsed));
  draft.set_unchecked(entry, "tls.client_ca_file", SettingKind::Text, path_beside(draft.main_file(), entry.value));
}

void map_protocols(Draft& draft, const IniEntry& entry) {
  const std::string value = lower(entry.value);
  const bool old = value == "all" || value == "legacy" || value.find("tlsv1.0") != std::string::npos ||
                   value.find("tlsv1.1") != std::string::npos;
  if (old || value == "secure" || value == "default" || value.find("tlsv1.2") != std::string::npos) {
    return draft.set(entry, "tls.min_version", SettingKind::Text, "1.2", old ? Verdict::Changed : Verdict::Mapped,
                     old ? "TLS 1.0 and 1.1 are never spoken" : "leave it out when every client speaks TLS 1.3");
  }
  if (value == "tlsv1.3") return draft.set(entry, "tls.min_version", SettingKind::Text, "1.3");
  draft.note(entry, Verdict::Refused, "not a list of TLS versions that is known here");
}

void map_ciphers(Draft& draft, const IniEntry& entry) {
  constexpr std::array kUsual = {"", "default", "secure", "fast", "normal"};
  for (const std::string_view usual : kUsual) {
    if (entry.value == usual)
      return draft.note(entry, Verdict::Unneeded, "the suites of TLS 1.3 and the forward-secret AEAD ones of TLS 1.2");
  }
  draft.note(entry, Verdict::Changed,
             "suites are not configurable: those of TLS 1.3 and the forward-secret AEAD ones of TLS 1.2");
}

}  // namespace

void map_client_tls(Draft& draft) {
  const std::string mode = lower(draft.global_text(kModeKey, "disable"));
  if (const IniEntry* entry = draft.global(kModeKey)) map_mode(draft, *entry, mode);
  map_certificate(draft, mode);
  if (const IniEntry* entry = draft.global("client_tls_ca_file")) map_client_ca(draft, *entry, mode);
  if (const IniEntry* entry = draft.global("client_tls_protocols")) map_protocols(draft, *entry);
  if (const IniEntry* entry = draft.global("client_tls_ciphers")) map_ciphers(draft, *entry);
}

}  // namespace bartizan::migrate
