#include "resolve_fixture.hpp"

namespace bartizan::policy {
namespace {

using namespace shop;
using namespace resolving;

struct MaskChoiceCase {
  const char* title;
  std::string yaml;
  std::string email;
};

TEST_CASE("masks: priority, ties, what cannot be decided") {
  const char* by_name = "names: [email]";
  const std::string redact = "mask: {operator: redact}";
  const std::string hash = "mask: {operator: hash}";
  const std::string clear = "mask: {operator: pass_through}";
  const std::string partial = "mask: {operator: partial, partial: {last: 2}}";
  const std::string missing = ", condition: {attributes: {clearance: [high]}}";
  const std::vector<MaskChoiceCase> cases = {
      {"no mask", "", "clear"},
      {"one mask", data("a", "mask", by_name, hash), "hash"},
      {"by glob of names", data("a", "mask", "names: ['e*']", hash), "hash"},
      {"by tag", data("a", "mask", "tags: [PII.Email]", hash), "hash"},
      {"by glob of tags", data("a", "mask", "tags: ['PII.*']", hash), "hash"},
      {"by another tag", data("a", "mask", "tags: [PII.Name]", hash), "clear"},
      {"of other users", data("a", "mask", by_name, hash, 50, "roles:id:guest"), "clear"},
      {"the lower number wins, the looser too",
       data("a", "mask", by_name, hash, 50) + data("b", "mask", by_name, partial, 10),
       "partial {first: 0, last: 2, fill: \"***\"}"},
      {"an exception", data("a", "mask", by_name, hash, 99) + data("b", "mask", by_name, clear, 1), "clear"},
      {"tie: the stricter", data("a", "mask", by_name, partial) + data("b", "mask", by_name, hash), "hash"},
      {"tie: the stricter, the other way round", data("a", "mask", by_name, hash) + data("b", "mask", by_name, partial),
       "hash"},
      {"tie with an exception: masked", data("a", "mask", by_name, clear) + data("b", "mask", by_name, hash), "hash"},
      {"tie of equals", data("a", "mask", by_name, hash) + data("b", "mask", by_name, hash), "hash"},
      {"tie without order: hidden",
       data("a", "mask", by_name, hash) +
           data("b", "mask", by_name, "mask: {operator: rand_pattern, rand_pattern: {pattern: '##'}}"),
       "hidden"},
      {"a third that settles it",
       data("a", "mask", by_name, hash) +
           data("b", "mask", by_name, "mask: {operator: rand_pattern, rand_pattern: {pattern: '##'}}") +
           data("c", "mask", by_name, redact),
       "redact {replacement: \"REDACTED\"}"},
      {"a condition that cannot be decided: hidden",
       data("a", "mask", by_name, partial + missing, 10) + data("b", "mask", by_name, hash, 50), "hidden"},
      {"an exception that cannot be decided does not open",
       data("a", "mask", by_name, clear + missing, 10) + data("b", "mask", by_name, hash, 50), "hash"},
      {"an exception for a purpose nobody granted",
       data("a", "mask", by_name, clear + ", condition: {purposes: [fraud]}", 10) +
           data("b", "mask", by_name, hash, 50),
       "hash"},
      {"a mask that does not take the type: hidden",
       data("a", "mask", by_name, "mask: {operator: bucket_date, bucket_date: {precision: year}}"), "hidden"},
  };
  for (const MaskChoiceCase& c : cases) {
    CAPTURE(c.title);
    const Resolution r = as(someone(), kRead + kClassified + c.yaml);
    CHECK(sight(r, "customers", "email") == c.email);
    CHECK(sight(r, "customers", "born") == "clear");
  }
  const Resolution r =
      as(someone(), kRead + kClassified + data("a", "mask", by_name, partial) + data("b", "mask", by_name, hash));
  CHECK(has_reason(r, Reason::Effect::MaskApplied, "customers", "email"));
  CHECK(has_reason(r, Reason::Effect::MaskOverruled, "customers", "email"));
}

TEST_CASE("a masked column is written only where its policy says so, by all that tie") {
  const std::string rights = access("a", "roles:id:analyst", "read, update", "paths: [demo]");
  const auto writes = [&](const std::string& yaml) {
    return as(someone(), rights + kClassified + yaml).outcome.find("public", "customers")->find("email")->writes;
  };
  const char* by_name = "names: [email]";
  CHECK(writes(data("a", "mask", by_name, "mask: {operator: hash}")).empty());
  CHECK(writes(data("a", "mask", by_name, "mask: {operator: hash, writable: true}")) == VerbSet{Verb::Update});
  CHECK(writes(data("a", "mask", by_name, "mask: {operator: hash, writable: true}") +
               data("b", "mask", by_name, "mask: {operator: hash}"))
            .empty());
  CHECK(writes(data("a", "mask", by_name, "mask: {operator: pass_through}")) == VerbSet{Verb::Update});
}

TEST_CASE("a new column of a protected table is hidden until classified or allowed by name") {
  const std::string masked = kRead + data("a", "mask", "names: [email]", "mask: {operator: hash}");
  CHECK(sight(as(someone(), masked), "customers", "name") == "hidden");
  CHECK(has_reason(as(someone(), masked), Reason::Effect::Unclassified, "customers", "name"));
  CHECK(sight(as(someone(), masked), "orders", "total") == "clear");  // not protected
  CHECK(sight(as(someone(), masked + kClassified), "customers", "name") == "clear");
  CHECK(sight(as(someone(), masked + access("b", "roles:id:analyst", "read", "paths: ['demo:public.customers.*']")),
              "customers", "name") == "clear");
  CHECK(sight(as(someone(), masked + access("b", "roles:id:analyst", "read", "paths: ['demo:public.**']")), "customers",
              "name") == "hidden");
  CHECK(sight(as(someone(), masked + access("b", "roles:id:guest", "read", "paths: ['demo:public.customers.*']")),
              "customers", "name") == "hidden");

  // By name for the verb that is asked: inserting into it does not bring its reading.
  const std::string insert = access("b", "roles:id:analyst", "insert", "paths: ['demo:public.customers.name']");
  CHECK(sight(as(someone(), masked + insert), "customers", "name") == "write_only");

  // ALTER TABLE customers ADD COLUMN passport text
  sql::CatalogContents altered = contents();
  altered.relations[0].columns.push_back(column("passport", kText));
  altered.relations[0].columns.back().attnum = 10;
  const Resolution r =
      as(someone(), kRead + kClassified + access("w", "roles:id:analyst", "insert", "paths: [demo]"), altered);
  CHECK(sight(r, "customers", "passport") == "hidden");
  CHECK(r.outcome.find("public", "customers")->find("passport")->writes.empty());
  CHECK(sight(r, "customers", "born") == "clear");
  // A mask for others covers the column: it is known.
  CHECK(sight(as(someone(),
                 kRead + kClassified +
                     data("m", "mask", "names: [passport]", "mask: {operator: 'null'}", 50, "roles:id:guest"),
                 altered),
              "customers", "passport") == "clear");
}

}  // namespace
}  // namespace bartizan::policy
