#include "classification_file.hpp"

#include <doctest/doctest.h>

namespace bartizan::cli {

TEST_SUITE("classification_file") {
  TEST_CASE("proposals become a policy file, what has none a comment") {
    const auto file = classification_file(
        R"({"ok":true,"result":[)"
        R"({"depot":"crm","schema":"public","table":"people","column":"id","type":"int8","tag":null,"confidence":null,"evidence":""},)"
        R"({"depot":"crm","schema":"public","table":"people","column":"email","type":"text","tag":"PII.Email","confidence":"high","evidence":"its name"},)"
        R"({"depot":"crm","schema":"public","table":"people","column":"Odd: \"x\"\n- y","type":"text","tag":"PII.Name","confidence":"low","evidence":"a\nb"},)"
        R"({"depot":"crm","schema":"public","table":"people","column":"a\nb","type":"text","tag":null,"confidence":null,"evidence":""},)"
        R"({"depot":"crm","schema":"public","table":"codes","column":"code","type":"text","tag":null,"confidence":null,"evidence":""}]})");
    REQUIRE(file);
    CHECK(file->tables == 1);
    CHECK(file->columns == 2);
    const std::string_view expected =
        "---\nname: \"classify-public-people\"\nversion: v1\ntype: classification\nclassification:\n  depot: crm\n"
        "  schema: public\n  table: people\n  columns:\n    # id: []\n    email: [PII.Email]  # high: its name\n"
        "    \"Odd: \\\"x\\\"\\n- y\": [PII.Name]  # low: a b\n    # \"a\\nb\": []\n";
    CHECK(file->text.substr(file->text.find("---")) == expected);
  }

  TEST_CASE("nothing is made of nothing") {
    CHECK(classification_file(R"({"ok":true,"result":[]})").error().code == Errc::FailedPrecondition);
    CHECK(classification_file(R"({"ok":true,"result":{}})").error().code == Errc::Malformed);
    CHECK(classification_file("{").error().code == Errc::Malformed);
    CHECK(classification_file(R"({"ok":true,"result":[1]})").error().code == Errc::Malformed);
  }
}

}  // namespace bartizan::cli
