#include "column_classes.hpp"

#include <algorithm>

namespace bartizan::control {
namespace {

/// Fewer values prove nothing by their form.
constexpr std::size_t kEnough = 5;

/// Of a name's parts, in the languages that people name columns in here.
struct NameRule {
  std::string_view tag;
  std::initializer_list<std::string_view> words;
};

/// A word of two parts is both of them, one behind the other. The first rule that fits counts.
constexpr std::string_view kEmailTag = "PII.Email";
const NameRule kNames[] = {
    {"Secret", {"password", "passwd", "passwort", "secret", "token", "api_key", "apikey", "private_key", "pin", "otp"}},
    {kEmailTag, {"email", "e_mail", "mail"}},
    {"PII.Phone", {"phone", "telephone", "telefon", "mobile", "handy", "fax", "tel"}},
    {"PII.Iban", {"iban", "account_number", "kontonummer"}},
    {"PII.Card", {"card", "card_number", "credit_card", "pan", "cvv", "kreditkarte"}},
    {"PII.NationalId",
     {"ssn", "social_security", "national_id", "tax_id", "steuer_id", "passport", "pesel", "cpf", "dni", "bsn", "nino",
      "nhs_number"}},
    {"PII.BirthDate", {"birth", "born", "birthday", "birthdate", "dob", "geburtsdatum", "geboren"}},
    {"PII.Name",
     {"first_name", "last_name", "given_name", "family_name", "full_name", "firstname", "lastname", "surname",
      "middle_name", "vorname", "nachname", "maiden_name", "person_name", "contact_name", "customer_name",
      "patient_name"}},
    {"PII.Address",
     {"address", "street", "strasse", "postcode", "postal_code", "zip", "zipcode", "plz", "city", "ort"}},
    {"PII.Ip", {"ip", "ip_address", "remote_addr", "client_ip"}},
    {"PII.Location", {"latitude", "longitude", "lat", "lng", "geo"}},
    {"PII.Gender", {"gender", "sex", "geschlecht"}},
    {"PII.Health", {"diagnosis", "diagnose", "icd", "medication", "allergy", "allergies", "blood_type"}},
    {"PII.Income", {"salary", "income", "gehalt", "wage"}},
    {"PII.Name", {"name"}},
    {"PII.FreeText", {"note", "notes", "comment", "comments", "remark", "remarks", "description", "message", "body"}},
};

struct KindRule {
  ValueKind kind;
  std::string_view tag;
  std::string_view words;  ///< "58 of 60 values …"
};

/// The first that enough values are of counts: what has check digits before what has a form alone.
constexpr KindRule kKinds[] = {
    {ValueKind::Email, kEmailTag, "look like e-mail addresses"},
    {ValueKind::Iban, "PII.Iban", "are account numbers with the check digits of an IBAN"},
    {ValueKind::Card, "PII.Card", "are card numbers with Luhn's check digit"},
    {ValueKind::NationalId, "PII.NationalId", "are national ids with right check digits"},
    {ValueKind::Ssn, "PII.NationalId", "have the form of a social security number"},
    {ValueKind::Ip, "PII.Ip", "are IP addresses"},
    {ValueKind::Phone, "PII.Phone", "look like telephone numbers"},
    {ValueKind::BirthDate, "PII.BirthDate", "are days that people are born on"},
    {ValueKind::HoldsEmail, kEmailTag, "hold an e-mail address"},
    {ValueKind::FreeText, "PII.FreeText", "are sentences, which may hold anything"},
};

/// "firstName2" and "First Name" are first_name.
std::string parts_of(std::string_view name) {
  std::string out = "_";
  bool lower = false;
  for (const char c : name) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool small = (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
    if (upper && lower) out += '_';
    lower = small;
    if (upper) out += static_cast<char>(c - 'A' + 'a');
    if (small) out += c;
    if (!upper && !small && out.back() != '_') out += '_';
  }
  if (out.back() != '_') out += '_';
  return out;
}

std::string_view tag_by_name(std::string_view name) {
  const auto parts = parts_of(name);
  for (const auto& rule : kNames)
    for (const auto word : rule.words)
      if (parts.find("_" + std::string(word) + "_") != std::string::npos) return rule.tag;
  return {};
}

bool is_text(std::string_view type) {
  return type == "text" || type == "varchar" || type == "bpchar" || type == "citext" || type == "name" ||
         type == "json" || type == "jsonb" || type == "hstore" || type == "xml" || type.starts_with('_');
}

/// Whether the name's tag may be one of such a column.
bool fits(std::string_view tag, std::string_view type) {
  if (tag == "PII.BirthDate") return type == "date" || type.starts_with("timestamp") || is_text(type);
  if (tag == "PII.Income" || tag == "PII.Location" || tag == "PII.NationalId" || tag == "PII.Card" ||
      tag == "PII.Phone" || tag == "Secret" || tag == "PII.Address" || tag == "PII.Gender")
    return type != "bool" && type != "uuid" && type != "date" && !type.starts_with("timestamp");
  return is_text(type) || type == "inet";
}

struct Seen {
  const KindRule* rule = nullptr;
  std::size_t times = 0;
};

/// Of a day or a number the form alone says little.
bool tells(const KindRule& rule, std::string_view type) {
  const bool number = type == "int4" || type == "int8" || type == "numeric";
  if (number) return rule.kind == ValueKind::Card || rule.kind == ValueKind::NationalId;
  if (rule.kind == ValueKind::BirthDate) return type == "date";
  return is_text(type) || type == "inet" || type == "cidr";
}

/// What most values look like, or, where it must not be overlooked, some.
Seen tag_by_values(const ColumnSample& column, bool most) {
  for (const auto& rule : kKinds) {
    const auto times = column.kinds[static_cast<std::size_t>(rule.kind)];
    if (!tells(rule, column.type) || column.values < kEnough) continue;
    const bool rarely_by_chance = rule.kind != ValueKind::BirthDate && rule.kind != ValueKind::Phone &&
                                  rule.kind != ValueKind::NationalId && rule.kind != ValueKind::FreeText;
    if (most ? times * 5 >= column.values * 4 : rarely_by_chance && times > 0) return {&rule, times};
  }
  return {};
}

std::string counted(const Seen& seen, const ColumnSample& column) {
  return std::to_string(seen.times) + " of " + std::to_string(column.values) + " values " +
         std::string(seen.rule->words);
}

}  // namespace

void ColumnSample::look_at(std::string_view value) {
  if (value.empty()) return;
  ++values;
  for (const auto kind : kinds_of(value)) ++kinds[static_cast<std::size_t>(kind)];
}

std::string_view to_string(Confidence confidence) noexcept {
  return confidence == Confidence::High ? "high" : confidence == Confidence::Medium ? "medium" : "low";
}

std::optional<TagProposal> propose(const ColumnSample& column) {
  auto named = tag_by_name(column.name);
  if (!fits(named, column.type)) named = {};
  if (const auto most = tag_by_values(column, true); most.rule != nullptr) {
    const bool weak = most.rule->kind == ValueKind::BirthDate || most.rule->kind == ValueKind::FreeText;
    if (named == most.rule->tag)
      return TagProposal{std::string(named), Confidence::High, "its name; " + counted(most, column)};
    if (!weak) return TagProposal{std::string(most.rule->tag), Confidence::High, counted(most, column)};
    if (named.empty()) {
      const bool text = most.rule->kind == ValueKind::FreeText;
      return TagProposal{std::string(most.rule->tag), text ? Confidence::Medium : Confidence::Low,
                         counted(most, column)};
    }
  }
  const auto some = tag_by_values(column, false);
  const std::string also = some.rule == nullptr ? "" : "; " + counted(some, column);
  if (!named.empty()) return TagProposal{std::string(named), Confidence::Medium, "its name" + also};
  if (some.rule == nullptr) return std::nullopt;
  return TagProposal{std::string(some.rule->tag), Confidence::Low, counted(some, column)};
}

}  // namespace bartizan::control
