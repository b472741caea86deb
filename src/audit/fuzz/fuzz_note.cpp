// A note, a checkpoint or a proof from anywhere: parsed or refused; what is parsed prints back the same.
#include <cstdint>

#include "bartizan/audit/checkpoint.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bartizan;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto note = audit::parse_note(text)) {
    std::string again = note->text + "\n";
    for (const auto& signature : note->signatures) again += signature.line;
    BZ_ASSERT(again == text);
    static const auto key =
        audit::NoteVerifier::parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").value();
    (void)audit::signed_by(*note, key);
  }
  if (const auto checkpoint = audit::parse_checkpoint(text)) BZ_ASSERT(audit::to_text(*checkpoint) == text);
  if (const auto proof = audit::parse_record_proof(text)) BZ_ASSERT(audit::to_text(*proof).size() <= text.size());
  if (const auto key = audit::NoteVerifier::parse(text)) BZ_ASSERT(key->to_string().size() == text.size());
  (void)audit::NoteSigner::parse(text);
  return 0;
}
