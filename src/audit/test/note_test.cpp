#include "bartizan/audit/note.hpp"

#include <doctest/doctest.h>

namespace bartizan::audit {
namespace {

// The keys, text and signature of the example in Go's golang.org/x/mod/sumdb/note.
constexpr std::string_view kSigner = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
constexpr std::string_view kVerifier = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
constexpr std::string_view kText =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
constexpr std::string_view kLine =
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

std::string signed_text() { return std::string(kText) + "\n" + std::string(kLine); }

TEST_CASE("Go's example signs and verifies the same here") {
  const auto signer = NoteSigner::parse(kSigner).value();
  CHECK(signer.verifier().to_string() == kVerifier);
  CHECK(signer.to_text().reveal_chars() == kSigner);
  CHECK(signer.sign(kText, WallTime{}) == kLine);
  const auto note = parse_note(signed_text()).value();
  CHECK(note.text == kText);
  CHECK(signed_by(note, NoteVerifier::parse(kVerifier).value()));
}

TEST_CASE("any changed byte of a note is noticed") {
  const auto key = NoteVerifier::parse(kVerifier).value();
  const std::string whole = signed_text();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    const auto note = parse_note(changed);
    CHECK_FALSE((note && signed_by(*note, key)));
  }
}

TEST_CASE("keys that do not hold together are refused") {
  for (const std::string_view bad : {"", "PeterNeumann", "PeterNeumann+c74f20a3",
                                     "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                                     "PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                                     "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                                     "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                                     "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T="})
    CHECK_FALSE(NoteVerifier::parse(bad));
  CHECK_FALSE(NoteSigner::parse(kVerifier));
  CHECK_FALSE(NoteSigner::generate(KeyType::Ed25519, "two words", system_random()));
  CHECK_FALSE(NoteSigner::generate(KeyType::Ed25519, "", system_random()));
}

TEST_CASE("signatures of strangers are passed over, a bad one of ours is not") {
  const auto key = NoteVerifier::parse(kVerifier).value();
  auto stranger = NoteSigner::generate(KeyType::Ed25519, "stranger.example", system_random()).value();
  CHECK(signed_by(parse_note(signed_text() + stranger.sign(kText, WallTime{})).value(), key));
  CHECK_FALSE(signed_by(parse_note(std::string(kText) + "\n" + stranger.sign(kText, WallTime{})).value(), key));
  std::string bad(kLine);
  bad[40] = bad[40] == 'A' ? 'B' : 'A';
  CHECK_FALSE(signed_by(parse_note(signed_text() + bad).value(), key));
}

TEST_CASE("the form of a note") {
  for (const std::string& bad :
       {std::string(), std::string(kText), std::string(kText) + "\n", std::string(kText) + std::string(kLine),
        signed_text() + "x", signed_text().substr(0, signed_text().size() - 1), signed_text() + "- a AAAAAAA=\n",
        std::string("a\rb\n\n") + std::string(kLine), std::string("a\n\n— name\n"), std::string("a\n\n— n AAAA\n")})
    CHECK_FALSE(parse_note(bad));
  std::string many = std::string(kText) + "\n";
  for (std::size_t i = 0; i <= kMaxNoteSignatures; ++i) many += kLine;
  CHECK_FALSE(parse_note(many));
  CHECK(parse_note("a\n\nb\n\n" + std::string(kLine)).value().text == "a\n\nb\n");
}

TEST_CASE("a cosignature says when, and signs that too") {
  const auto signer = NoteSigner::generate(KeyType::Cosignature, "witness.example/w1", system_random()).value();
  const WallTime now{std::chrono::seconds(1'679'315'147)};
  const auto note = parse_note(std::string(kText) + "\n" + signer.sign(kText, now)).value();
  CHECK(signed_by(note, signer.verifier()));
  CHECK(cosignature_time(note.signatures.front()) == 1'679'315'147);
  auto later = note;
  later.signatures.front().signature[7] ^= std::byte{1};
  CHECK_FALSE(signed_by(later, signer.verifier()));
  const auto again = NoteSigner::parse(signer.to_text().reveal_chars()).value();
  CHECK(again.verifier().type() == KeyType::Cosignature);
  CHECK(again.sign(kText, now) == note.signatures.front().line);
}

}  // namespace
}  // namespace bartizan::audit
