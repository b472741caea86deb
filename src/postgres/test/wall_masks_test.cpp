#include <doctest/doctest.h>

#include "bartizan/crypto/hash.hpp"
#include "test/wall_fixture.hpp"

namespace bartizan::postgres::test {
namespace {

using policy::Mask;
using policy::Verb;

SteadyTime soon() { return in(std::chrono::seconds(60)); }

// One row with a value in every column, one with NULL in every column but the key.
constexpr const char* kSchema = R"sql(
CREATE SCHEMA m;
CREATE DOMAIN m.code AS varchar(20);
CREATE TABLE m.t (
  id int PRIMARY KEY, t text, v varchar(40), c char(20), d m.code, i2 smallint, i4 int, i8 bigint, n numeric(10,2),
  f double precision, dt date, ts timestamp(3), tz timestamptz, b boolean, u uuid, by bytea, j jsonb, arr text[]
);
INSERT INTO m.t VALUES (1, 'ann.smith@example.org', 'Zürich 12345678', 'fixed', 'AB-12-CD', 17, 1234, 98765432100,
  77.50, 3.25, '2024-05-17', '2024-05-17 13:45:10.123', '2024-05-17 23:45:10+00', true,
  '0f0e0d0c-0b0a-0908-0706-050403020100', '\x00ff10', '{"a": {"ssn": "12-3", "x": 1}, "l": [{"ssn": 5}, 6], "s": "t"}',
  '{p,q}');
INSERT INTO m.t (id) VALUES (2);
)sql";

struct Case {
  const char* column;
  Mask mask;
  std::string wanted;
};

std::string hex_of(ByteView bytes) { return hex_encode(bytes); }

/// The class's mask key, as the format page says.
crypto::Digest256 mask_key(Depot& depot, const std::string& role) {
  const auto secret =
      hex_decode(depot.sql("SELECT encode(key, 'hex') FROM bartizan.secret_key WHERE purpose = 'mask'"));
  REQUIRE(secret);
  return crypto::hmac_sha256(*secret, as_bytes("bartizan mask 1\n" + role));
}

std::string masked(Depot& depot, const char* name, const Mask& mask) {
  auto table = readable(*depot.catalog(), "m", "t");
  column(table, name).visibility = policy::Masked{mask};
  const auto outcome = class_of({table});
  const auto report = depot.reconcile({outcome});
  REQUIRE_MESSAGE(!report.classes[0].error, (report.classes[0].error ? report.classes[0].error->detail : ""));
  const auto session = depot.session(outcome);
  const auto view = depot.view(outcome, "m", "t");
  const auto null =
      session->client.run(std::string("SELECT count(*) FROM ") + view + " WHERE id = 2 AND " + name + " IS NULL");
  CHECK_MESSAGE(null.first == "1", name, null.text);
  const auto type =
      session->client.run(std::string("SELECT pg_catalog.format_type(atttypid, atttypmod) FROM pg_attribute"
                                      " WHERE attname = '") +
                          name + "' AND attrelid = '" + view + "'::regclass");
  CHECK(type.first ==
        depot.sql(std::string("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attname = '") + name +
                  "' AND attrelid = 'm.t'::regclass"));
  const auto value = session->client.run(std::string("SELECT ") + name + "::text FROM " + view + " WHERE id = 1");
  REQUIRE_MESSAGE(value.ok, value.text);
  return value.first;
}

TEST_SUITE("wall_masks") {
  TEST_CASE("each mask yields what its definition says") {
    Depot depot(kSchema);
    const std::vector<policy::JsonEdit> remove{{{"a", "ssn"}, policy::JsonAction::Remove, ""}};
    const std::vector<policy::JsonEdit> null{{{"*", "*", "ssn"}, policy::JsonAction::Null, ""},
                                             {{"nothing"}, policy::JsonAction::Remove, ""}};
    const std::vector<policy::JsonEdit> redact{{{"l", "*"}, policy::JsonAction::Redact, "it's \\ hid"}};
    const Case cases[] = {
        {"i4", policy::BucketNumberMask{{"0", "1000", "1234", "5000"}}, "1234"},
        {"i2", policy::BucketNumberMask{{"-5", "10", "18"}}, "10"},
        {"n", policy::BucketNumberMask{{"0", "77.5", "100"}}, "77.50"},
        {"f", policy::BucketNumberMask{{"0", "3.3"}}, "0"},
        {"dt", policy::BucketDateMask{policy::DateUnit::Month}, "2024-05-01"},
        {"dt", policy::BucketDateMask{policy::DateUnit::Week}, "2024-05-13"},
        {"ts", policy::BucketDateMask{policy::DateUnit::Hour}, "2024-05-17 13:00:00"},
        {"tz", policy::BucketDateMask{policy::DateUnit::Day}, "2024-05-17 00:00:00+00"},
        {"t", policy::RedactMask{"RED'ACTED\\"}, "RED'ACTED\\"},
        {"n", policy::RedactMask{"0"}, "0.00"},
        {"b", policy::RedactMask{"false"}, "false"},
        {"t", policy::RegexReplaceMask{"[a-z]+@", "\\&x"},
         "ann.smith@x"
         "example.org"},
        {"v", policy::RegexReplaceMask{"[0-9]", "#"}, "Zürich ########"},
        {"v", policy::PartialMask{2, 3, "***"}, "Zü***678"},
        {"v", policy::PartialMask{0, 0, "-"}, "-"},
        {"d", policy::PartialMask{4, 4, "?"}, "?"},
        {"t", policy::EmailMask{1, true}, "a***@example.org"},
        {"t", policy::EmailMask{20, false}, "***@***"},
        {"v", policy::EmailMask{3, true}, "***"},
        {"t", policy::ConstantMask{"x"}, "x"},
        {"arr", policy::ConstantMask{"{z}"}, "{z}"},
        {"u", policy::ConstantMask{"00000000-0000-0000-0000-000000000000"}, "00000000-0000-0000-0000-000000000000"},
        {"j", policy::JsonPathMask{remove}, R"({"a": {"x": 1}, "l": [{"ssn": 5}, 6], "s": "t"})"},
        {"j", policy::JsonPathMask{null}, R"({"a": {"x": 1, "ssn": "12-3"}, "l": [{"ssn": null}, 6], "s": "t"})"},
        {"j", policy::JsonPathMask{redact},
         R"({"a": {"x": 1, "ssn": "12-3"}, "l": ["it's \\ hid", "it's \\ hid"], "s": "t"})"},
        {"t", policy::NullMask{}, ""},
        {"arr", policy::NullMask{}, ""},
    };
    for (const auto& [name, mask, wanted] : cases) {
      CAPTURE(name);
      CAPTURE(std::string(policy::mask_name(mask)));
      CHECK(masked(depot, name, mask) == wanted);
    }
  }

  TEST_CASE("tokens are keyed HMACs of the value") {
    Depot depot(kSchema);
    const auto token = [&](const char* name, std::string_view value) {
      auto table = readable(*depot.catalog(), "m", "t");
      column(table, name).visibility = policy::Masked{policy::HashMask{}};
      const auto key = mask_key(depot, depot.names.class_role(policy::class_id(class_of({table}))));
      return crypto::hmac_sha256(key, as_bytes(value));
    };
    const auto bytes_of = [](const crypto::Digest256& digest) { return std::span(digest); };
    const auto text = masked(depot, "t", policy::HashMask{});
    CHECK(text == hex_of(token("t", "ann.smith@example.org")));
    CHECK(masked(depot, "v", policy::HashMask{}) == hex_of(token("v", "Zürich 12345678")).substr(0, 40));
    const std::string raw("\x00\xff\x10", 3);
    CHECK(masked(depot, "by", policy::HashMask{}) == "\\x" + hex_of(token("by", raw)));
    const auto number = load_be32(token("i8", "98765432100").data()) & 0x7fffffffu;
    CHECK((std::stoll(masked(depot, "i8", policy::HashMask{})) >> 32) == static_cast<long long>(number));
    auto uuid = hex_of(bytes_of(token("u", "0f0e0d0c-0b0a-0908-0706-050403020100")).first(16));
    const auto shown = masked(depot, "u", policy::HashMask{});
    CHECK(shown.substr(0, 8) == uuid.substr(0, 8));
    CHECK(shown[14] == '8');
    CHECK(std::string("89ab").find(shown[19]) != std::string::npos);
    const auto pattern = masked(depot, "t", policy::RandPatternMask{"###-##-#x"});
    CHECK(pattern.size() == 9);
    CHECK(pattern == masked(depot, "t", policy::RandPatternMask{"###-##-#x"}));
    CHECK(pattern.find('#') == std::string::npos);
    CHECK(pattern[3] == '-');
    CHECK(pattern[8] == 'x');
    const std::vector<policy::JsonEdit> hash{{{"s"}, policy::JsonAction::Hash, ""}};
    CHECK(masked(depot, "j", policy::JsonPathMask{hash}).find("\"s\": \"t\"") == std::string::npos);
  }

  TEST_CASE("masks that do not take the type make the class fail, and leave nothing") {
    Depot depot(kSchema);
    const std::pair<const char*, Mask> cases[] = {{"i4", policy::HashMask{}},
                                                  {"t", policy::BucketNumberMask{{"1"}}},
                                                  {"arr", policy::RedactMask{"x"}},
                                                  {"i4", policy::EmailMask{1, true}},
                                                  {"t", policy::JsonPathMask{{{{"a"}, policy::JsonAction::Null, ""}}}},
                                                  {"dt", policy::ConstantMask{"no date"}},
                                                  {"i4", policy::BucketNumberMask{{"1); DROP TABLE m.t; --"}}}};
    for (const auto& [name, mask] : cases) {
      CAPTURE(name);
      auto table = readable(*depot.catalog(), "m", "t");
      column(table, name).visibility = policy::Masked{mask};
      const auto report = depot.reconcile({class_of({table})});
      CHECK(report.classes[0].error);
      CHECK_FALSE(report.classes[0].ready);
      CHECK(depot.sql("SELECT count(*) FROM pg_class WHERE relnamespace = 'bartizan_views'::regnamespace "
                      "AND relname !~ '^(cat|inf)_'") == "0");  // the catalogs' views are every class's
    }
  }

  TEST_CASE("writes go through the views, inside the filter, and no further") {
    Depot depot(R"sql(
CREATE SCHEMA m;
CREATE TABLE m.w (id serial PRIMARY KEY, tenant text NOT NULL, name text, ssn text, email text, secret text DEFAULT 's');
INSERT INTO m.w (tenant, name, ssn, email) VALUES ('a', 'n1', '111', 'a@x.org'), ('b', 'LEAK', 'LEAK', 'LEAK@x.org');
)sql");
    auto table = readable(*depot.catalog(), "m", "w");
    table.verbs = {Verb::Read, Verb::Insert, Verb::Update, Verb::Delete};
    table.filters.push_back(tenant_filter());
    for (const char* name : {"tenant", "name"}) column(table, name).writes = {Verb::Insert, Verb::Update};
    column(table, "ssn").visibility = policy::WriteOnly{};
    column(table, "ssn").writes = {Verb::Insert, Verb::Update};
    column(table, "email").visibility = policy::Masked{policy::EmailMask{0, true}};
    column(table, "secret").visibility = policy::Hidden{};
    const auto outcome = class_of({table});
    REQUIRE(harden(depot.admin(), depot.names, soon()));
    const auto report = depot.reconcile({outcome});
    REQUIRE_MESSAGE(report.classes[0].ready, (report.classes[0].error ? report.classes[0].error->detail : ""));
    const auto session = depot.session(outcome);
    const auto view = depot.view(outcome, "m", "w");
    const auto write = depot.view(outcome, "m", "w", true);
    REQUIRE(write != "bartizan_views.");
    struct Write {
      std::string sql;
      std::string sqlstate;  ///< empty: it works
    };
    const Write writes[] = {
        {"INSERT INTO " + view + " (tenant, name) VALUES ('a', 'n2')", ""},
        {"INSERT INTO " + view + " (tenant, name) VALUES ('b', 'x')", "42501"},
        {"UPDATE " + view + " SET name = name || '!' WHERE id = 1", ""},
        {"UPDATE " + view + " SET tenant = 'b' WHERE id = 1", "42501"},
        {"UPDATE " + view + " SET email = 'x' WHERE id = 1", "0A000"},
        {"UPDATE " + write + " SET email = 'x' WHERE id = 1", "42501"},
        {"INSERT INTO " + write + " (tenant, name, ssn) VALUES ('a', 'n3', '333') RETURNING id, name", ""},
        {"INSERT INTO " + write + " (tenant, ssn) VALUES ('a', '4') RETURNING ssn", "42501"},
        {"INSERT INTO " + write + " (tenant, ssn) VALUES ('b', '4')", "42501"},
        {"UPDATE " + write + " SET ssn = '9' WHERE id = 1", ""},
        {"UPDATE " + write + " SET ssn = '9' WHERE id = 2", ""},  // no row of its own: nothing is done
        {"UPDATE " + write + " SET ssn = ssn || 'x'", "42501"},
        {"UPDATE " + write + " SET ssn = '1' WHERE email = 'a@x.org'", "42501"},
        {"SELECT ssn FROM " + write, "42501"},
        {"SELECT email FROM " + write, "42501"},
        {"SELECT * FROM " + write, "42501"},
        {"DELETE FROM " + write, "42501"},
        {"INSERT INTO " + view + " (id, tenant) VALUES (50, 'a')", "42501"},
        {"INSERT INTO " + view + " (tenant, name) VALUES ('a', 'c') ON CONFLICT (id) DO UPDATE SET name = 'y'", ""},
        {"TRUNCATE " + view, "42809"},
    };
    for (const auto& [sql, sqlstate] : writes) {
      CAPTURE(sql);
      const auto answer = Depot::as_tenant(*session, "a", sql);
      CHECK_MESSAGE(answer.sqlstate == sqlstate, answer.text);
      CHECK(answer.text.find("LEAK") == std::string::npos);
    }
    CHECK(depot.sql("SELECT string_agg(concat_ws(':', tenant, name, ssn, secret), ',' ORDER BY id) FROM m.w") ==
          "a:n1!:9:s,b:LEAK:LEAK:s,a:n2:s,a:n3:333:s,a:c:s");
    CHECK(Depot::as_tenant(*session, "a", "DELETE FROM " + view).ok);
    CHECK(depot.sql("SELECT count(*) FROM m.w") == "1");
  }
}

}  // namespace
}  // namespace bartizan::postgres::test
