#include "bartizan/audit/checkpoint.hpp"

#include <doctest/doctest.h>

namespace bartizan::audit {
namespace {

// The example of C2SP tlog-checkpoint.
constexpr std::string_view kText =
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

TEST_CASE("a checkpoint's text") {
  const auto checkpoint = parse_checkpoint(kText).value();
  CHECK(checkpoint.origin == "example.com/behind-the-sofa");
  CHECK(checkpoint.size == 20852163);
  CHECK(to_text(checkpoint) == kText);
  const std::string root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
  for (const std::string& bad :
       {std::string(), "o\n1\n" + root, "o\n1\n" + root + "\nextension\n", "\n1\n" + root + "\n",
        "o\n01\n" + root + "\n", "o\n-1\n" + root + "\n", "o\n\n" + root + "\n",
        "o\n18446744073709551616\n" + root + "\n", std::string("o\n1\nAAAA\n"), "o\n1 \n" + root + "\n",
        "o\n1\n" + root.substr(1) + "\n"})
    CHECK_FALSE(parse_checkpoint(bad));
}

TEST_CASE("a checkpoint opens under its log's key alone") {
  const auto signer = NoteSigner::generate(KeyType::Ed25519, "log.example/a", system_random()).value();
  const Checkpoint checkpoint{"log.example/a", 7, leaf_hash(as_bytes("x"))};
  const std::string note = sign_checkpoint(checkpoint, signer);
  CHECK(open_checkpoint(note, signer.verifier()).value() == checkpoint);
  CHECK_FALSE(open_checkpoint(note, signer.verifier().named("log.example/b")));
  const auto other = NoteSigner::generate(KeyType::Ed25519, "log.example/a", system_random()).value();
  CHECK_FALSE(open_checkpoint(note, other.verifier()));
  // Signed by the right key, but for another tree.
  const Checkpoint elsewhere{"log.example/b", 7, checkpoint.root};
  CHECK(open_checkpoint(sign_checkpoint(elsewhere, signer), signer.verifier()).error().code == Errc::Crypto);
}

TEST_CASE("a record's proof as text") {
  const auto signer = NoteSigner::generate(KeyType::Ed25519, "log.example/a", system_random()).value();
  const RecordProof proof{
      5, {leaf_hash(as_bytes("l")), leaf_hash(as_bytes("m"))}, sign_checkpoint({"log.example/a", 7, {}}, signer)};
  const std::string text = to_text(proof);
  CHECK(text.starts_with("c2sp.org/tlog-proof@v1\nindex 5\n"));
  const auto back = parse_record_proof(text).value();
  CHECK(back.index == 5);
  CHECK(back.hashes == proof.hashes);
  CHECK(back.checkpoint == proof.checkpoint);
  std::string with_extra = text;
  with_extra.insert(text.find("index"), "extra aGVsbG8=\n");
  CHECK(parse_record_proof(with_extra).value().index == 5);
  for (const std::string& bad :
       {std::string(), text.substr(1), std::string("c2sp.org/tlog-proof@v1\nindex 05\n\n"),
        std::string("c2sp.org/tlog-proof@v1\nindex 5\nzzz\n\n"), std::string("c2sp.org/tlog-proof@v1\nindex 5\n")})
    CHECK_FALSE(parse_record_proof(bad));
}

}  // namespace
}  // namespace bartizan::audit
