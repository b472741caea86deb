#include "column_classes.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace bartizan::control {
namespace {

bool is(std::string_view value, ValueKind kind) { return std::ranges::count(kinds_of(value), kind) == 1; }

struct Proposed {
  std::string name;
  std::string type;
  std::vector<std::string> values;
  std::string tag;  ///< empty: none
  Confidence confidence = Confidence::Low;
};

std::vector<std::string> times(int count, const std::string& value) {
  return std::vector<std::string>(static_cast<std::size_t>(count), value);
}

std::vector<std::string> mixed(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  auto out = a;
  out.insert(out.end(), b.begin(), b.end());
  return out;
}

}  // namespace

TEST_SUITE("column_classes") {
  // Numbers that their issuers publish as examples.
  TEST_CASE("values are told by form and check digits") {
    using enum ValueKind;
    const std::vector<std::pair<std::string, ValueKind>> values = {
        {"ana@example.org", Email},
        {" o'neil+x@mail.example.co ", Email},
        {"write to ana@example.org, please", HoldsEmail},
        {"+49 30 901820", Phone},
        {"(030) 901-820", Phone},
        {"030 901820", Phone},
        {"4111 1111 1111 1111", Card},
        {"5555-5555-5555-4444", Card},
        {"DE89 3704 0044 0532 0130 00", Iban},
        {"GB82WEST12345698765432", Iban},
        {"86095742719", NationalId},       // Germany
        {"12345678Z", NationalId},         // Spain
        {"X1234567L", NationalId},         // Spain, foreigners
        {"111222333", NationalId},         // Netherlands
        {"RSSMRA85T10A562S", NationalId},  // Italy
        {"255081416802538", NationalId},   // France
        {"44051401359", NationalId},       // Poland
        {"111.444.777-35", NationalId},    // Brazil
        {"943 476 5919", NationalId},      // NHS
        {"219-09-9999", Ssn},
        {"192.0.2.7", Ip},
        {"2001:db8::1", Ip},
        {"1974-03-09", BirthDate},
        {"the patient came back on the following day", FreeText},
    };
    for (const auto& [value, kind] : values) {
      CAPTURE(value);
      CHECK(is(value, kind));
    }
  }

  TEST_CASE("what has another digit is no such number") {
    using enum ValueKind;
    const std::vector<std::pair<std::string, ValueKind>> values = {
        {"4111 1111 1111 1112", Card},
        {"9111 1111 1111 1111", Card},
        {"DE88 3704 0044 0532 0130 00", Iban},
        {"86095742718", NationalId},
        {"12345678A", NationalId},
        {"111222334", NationalId},
        {"RSSMRA85T10A562T", NationalId},
        {"255081416802539", NationalId},
        {"44051401358", NationalId},
        {"111.444.777-36", NationalId},
        {"943 476 5918", NationalId},
        {"000-09-9999", Ssn},
        {"192.0.2", Ip},
        {"12:30", Ip},
        {"2031-01-01", BirthDate},
        {"1974-03-09 12:00:00", BirthDate},
        {"ana@example", Email},
        {"@example.org", Email},
        {"12345", Phone},
        {"1234567890", Phone},
        {"two words", FreeText},
        {"mail to @home", HoldsEmail},
    };
    for (const auto& [value, kind] : values) {
      CAPTURE(value);
      CHECK_FALSE(is(value, kind));
    }
    CHECK(kinds_of("").empty());
    CHECK(kinds_of(std::string(100'000, '@')).empty());
  }

  TEST_CASE("a tag is proposed by name, by values, or by both") {
    using enum Confidence;
    const Proposed cases[] = {
        {"email", "text", times(60, "ana@example.org"), "PII.Email", High},
        {"contact", "text", times(60, "ana@example.org"), "PII.Email", High},
        {"email", "text", {}, "PII.Email", Medium},
        {"eMail", "varchar", {}, "PII.Email", Medium},
        {"contact", "text", times(4, "ana@example.org"), "", Low},  // too few
        {"contact", "text", mixed(times(50, "none"), times(1, "ana@example.org")), "PII.Email", Low},
        {"note", "text", mixed(times(50, "none"), times(1, "ana@example.org")), "PII.FreeText", Medium},
        {"first_name", "text", times(60, "Ana"), "PII.Name", Medium},
        {"firstName", "text", {}, "PII.Name", Medium},
        {"code", "text", times(60, "4111111111111111"), "PII.Card", High},
        {"number", "int8", times(60, "4111111111111111"), "PII.Card", High},
        {"born", "date", times(60, "1974-03-09"), "PII.BirthDate", High},
        {"opened", "date", times(60, "1974-03-09"), "PII.BirthDate", Low},
        {"opened", "timestamptz", times(60, "1974-03-09"), "", Low},
        {"body", "text", times(60, "the patient came back on the following day"), "PII.FreeText", High},
        {"id", "int8", times(60, "17"), "", Low},
        {"visits", "int4", times(60, "943476591"), "", Low},
        {"active", "bool", {}, "", Low},
        {"phone_verified", "bool", {}, "", Low},
        {"shipping", "text", times(60, "lamp"), "", Low},  // not ip
        {"client", "inet", times(60, "192.0.2.7"), "PII.Ip", High},
        {"password_hash", "text", {}, "Secret", Medium},
    };
    for (const auto& one : cases) {
      CAPTURE(one.name);
      CAPTURE(one.type);
      ColumnSample sample{one.name, one.type, 0, {}};
      for (const auto& value : one.values) sample.look_at(value);
      const auto proposal = propose(sample);
      CHECK((proposal ? proposal->tag : "") == one.tag);
      if (proposal) CHECK(to_string(proposal->confidence) == to_string(one.confidence));
      // No value is in what is said of it.
      if (proposal && !one.values.empty()) CHECK(proposal->evidence.find(one.values.back()) == std::string::npos);
    }
  }
}

}  // namespace bartizan::control
