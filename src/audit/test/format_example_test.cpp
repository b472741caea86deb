// The worked example of docs/formats/audit-log.md is what the code does.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "bartizan/audit/checkpoint.hpp"
#include "bartizan/audit/record.hpp"
#include "bartizan/audit/tile.hpp"

namespace bartizan::audit {
namespace {

std::string page() {
  std::ifstream in(std::string(BZ_SOURCE_ROOT) + "/docs/formats/audit-log.md");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto start = text.find("## Worked example");
  return text.substr(start, text.find("## Journal") - start);
}

std::string between(const std::string& text, std::string_view before, std::string_view after) {
  const auto start = text.find(before) + before.size();
  return text.substr(start, text.find(after, start) - start);
}

TEST_CASE("the worked example") {
  const std::string text = page();
  const auto signer = NoteSigner::parse(between(text, "with the key `", "`")).value();
  std::string record;
  append_record(
      record, Ticket(42),
      {Event::Statement, WallTime(std::chrono::microseconds(1'700'000'000'123'456)),
       R"("session":17,"identity":"mia","tenant":"acme","depot":"demo","login":"app","address":"192.0.2.1:4711")",
       R"("tag":"SELECT","effect":"read","digest":"00ff",)"
       R"("relations":[{"schema":"shop","name":"orders","access":"read"}])"},
      {Status::Failed, {'4', '2', 'P', '0', '1'}, 3, 99, std::chrono::microseconds(7)});
  CHECK(record == between(text, "```json\n", "\n```"));
  const Hash leaf = leaf_hash(as_bytes(record));
  CHECK(hex_encode(leaf) == between(text, "of this one leaf, is `", "`"));
  const auto acme = signer.named("log.example/t-acme");
  const std::string note = sign_checkpoint({"log.example/t-acme", 1, leaf}, acme);
  CHECK(note == between(text, "`tree/t-acme`:\n\n```\n", "```"));
  CHECK(acme.verifier().to_string() == between(text, "verifies under the key `", "`"));
  Bytes bundle;
  append_entry(bundle, as_bytes(record));
  CHECK(hex_encode(ByteView(bundle).first(2)) == between(text, "starts with the length `", "`"));
}

}  // namespace
}  // namespace bartizan::audit
