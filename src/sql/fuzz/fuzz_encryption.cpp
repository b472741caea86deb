// plan_encryption() is total; whatever it plans passes the second check; no refusal repeats a
// constant; and its literals are quoted strings of the text, in order.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "../test/encryption_fixture.hpp"

namespace {

using namespace bartizan::sql;

void check(const testing::Clinic& clinic, const EncryptionOutcome& outcome) {
  if (const auto* refused = std::get_if<Refused>(&outcome)) {
    if (refused->sqlstate.size() != 5 || refused->message.empty()) std::abort();
    return;
  }
  const auto* const plan = std::get_if<EncryptionPlan>(&outcome);
  if (plan == nullptr) return;
  for (const PlannedStatement& statement : plan->statements) {
    if (!statement.touched) continue;
    if (!cells_stand_where_permitted(*clinic.columns, statement)) std::abort();
    std::size_t end = 0;
    for (const LiteralOp& literal : statement.literals) {
      const std::string_view text = statement.server_text;
      if (literal.offset < end || literal.length < 2 || literal.offset + literal.length > text.size()) std::abort();
      end = literal.offset + literal.length;
      if (text[literal.offset] != '\'' || text[end - 1] != '\'') std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const testing::Clinic clinic;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  EncryptionRequest request = clinic.request(text);
  request.standard_conforming_strings = (data[0] & 1) == 0;
  if ((data[0] & 2) != 0) request.search_path = {"app", "public"};
  if ((data[0] & 4) != 0) request.parameter_types = {25, 23, 1043};
  check(clinic, plan_encryption(request));
  return 0;
}
