#include "bartizan/identity/scram_server.hpp"

#include <set>

#include "bartizan/crypto/base64.hpp"
#include "bartizan/identity/scram_client.hpp"
#include "recorded.hpp"

namespace bartizan::identity {
namespace {

using State = ScramServer::State;

constexpr std::string_view kClientNonce = "rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view kServerNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
constexpr std::string_view kFirst = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view kFinal =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

/// Of RFC 7677's example; the count and salt are its own, so that PBKDF2 runs once.
const ScramVerifier& rfc_verifier() {
  static const ScramVerifier verifier = [] {
    const auto salt = crypto::base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==", 16);
    return std::move(*ScramVerifier::from_password("pencil", *salt, 4096));
  }();
  return verifier;
}

ScramServer make_server(bool genuine = true, std::optional<Bytes> binding = std::nullopt) {
  return {rfc_verifier().clone(), genuine, std::move(binding), std::string(kServerNonce)};
}

/// Failed, and nothing revives it.
void check_dead(ScramServer& server) {
  CHECK(server.state() == State::Failed);
  CHECK(server.client_first(kScramSha256, kFirst).error().code == Errc::FailedPrecondition);
  CHECK(server.client_final(kFinal).error().code == Errc::FailedPrecondition);
  CHECK(server.state() == State::Failed);
  CHECK_FALSE(server.channel_bound());
}

TEST_CASE("the exchange of RFC 7677 section 3") {
  auto server = make_server();
  const auto first = server.client_first(kScramSha256, kFirst);
  REQUIRE(first);
  CHECK(*first == "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  CHECK(server.state() == State::FirstSent);
  const auto final = server.client_final(kFinal);
  REQUIRE(final);
  CHECK(*final == "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  CHECK(server.state() == State::Done);
  CHECK_FALSE(server.channel_bound());
}

TEST_CASE("sign-ins recorded at PostgreSQL 15 are answered with the same bytes") {
  const auto recording = test::read_exchanges();
  for (const auto& exchange : recording.exchanges) {
    CAPTURE(exchange.what);
    const auto binding = exchange.certificate_hash.empty() ? std::nullopt : std::optional(exchange.certificate_hash);
    ScramServer server(test::parse_verifier(recording.verifier), true, binding, exchange.server_nonce());
    const auto first = server.client_first(exchange.mechanism, exchange.client_first);
    REQUIRE(first);
    CHECK(*first == exchange.server_first);
    const auto final = server.client_final(exchange.client_final);
    REQUIRE(final);
    CHECK(*final == exchange.server_final);
    CHECK(server.channel_bound() == (exchange.mechanism == kScramSha256Plus));
  }
}

TEST_CASE("which mechanisms are offered and taken") {
  CHECK(ScramServer::mechanisms(false) == std::vector<std::string_view>{kScramSha256});
  CHECK(ScramServer::mechanisms(true) == std::vector<std::string_view>{kScramSha256Plus, kScramSha256});
  for (const auto mechanism : {"", "SCRAM-SHA-1", "scram-sha-256", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256 "}) {
    auto server = make_server();
    CHECK(server.client_first(mechanism, kFirst).error().code == Errc::Malformed);
    check_dead(server);
  }
  auto without_tls = make_server();
  CHECK(without_tls.client_first(kScramSha256Plus, "p=tls-server-end-point,,n=,r=abc").error().code == Errc::Malformed);
  check_dead(without_tls);
}

TEST_CASE("malformed client-first-messages") {
  const std::string nul("n,,n=a\0b,r=abc", 14);
  const struct {
    std::string data;
    Errc code;
  } cases[] = {
      {"", Errc::Malformed},
      {"n", Errc::Malformed},
      {"n,", Errc::Malformed},
      {"n,,", Errc::Malformed},
      {"n,,n=", Errc::Malformed},
      {"n,,n=,", Errc::Malformed},
      {"n,,n=,r=", Errc::Malformed},
      {"n,,r=abc", Errc::Malformed},
      {"n,,r=abc,n=user", Errc::Malformed},
      {"n,,n=user,x=1,r=abc", Errc::Malformed},
      {"n,,n=user,r=abc,", Errc::Malformed},
      {"n,,n=user,r=abc,x", Errc::Malformed},
      {"n,,n=user,r=abc,1=x", Errc::Malformed},
      {"n,,n=user,,r=abc", Errc::Malformed},
      {"n,,n=user,r=a bc", Errc::Malformed},
      {"n,,n=user,r=ab\x7f", Errc::Malformed},
      {"n,,n=user,r=ab\xc3\xa9", Errc::Malformed},
      {nul, Errc::Malformed},
      {"n,x,n=,r=abc", Errc::Malformed},
      {"nx,,n=,r=abc", Errc::Malformed},
      {"N,,n=,r=abc", Errc::Malformed},
      {",,n=,r=abc", Errc::Malformed},
      {"p,,n=,r=abc", Errc::Malformed},
      {"p=tls-server-end-point,,n=,r=abc", Errc::Malformed},
      {"n,a=admin,n=,r=abc", Errc::Unsupported},
      {"n,a=,n=,r=abc", Errc::Unsupported},
      {"n,,m=x,n=,r=abc", Errc::Unsupported},
      {"n,,n=,r=" + std::string(2000, 'x'), Errc::TooLarge},
      {std::string(1 << 20, 'n'), Errc::TooLarge},
  };
  for (const auto& c : cases) {
    CAPTURE(c.data.substr(0, 60));
    auto server = make_server();
    const auto reply = server.client_first(kScramSha256, c.data);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().code == c.code);
    check_dead(server);
  }
}

TEST_CASE("client-first-messages that other clients send") {
  for (const std::string data :
       {"n,,n=,r=abc", "n,,n=*,r=abc", "y,,n=someone=2Celse,r=abc", "n,,n=u,r=abc,x=1,y=", "n,,n=u,r=a=b"}) {
    auto server = make_server();
    CHECK(server.client_first(kScramSha256, data));
  }
  auto server = make_server();
  CHECK(server.client_first(kScramSha256, "n,,n=,r=" + std::string(1000, 'x')));  // 1008 bytes
}

TEST_CASE("malformed and wrong client-final-messages") {
  const std::string nonce = std::string(kClientNonce).append(kServerNonce);
  const std::string proof = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
  const auto final_of = [](const std::string& c, const std::string& r, const std::string& p) {
    return "c=" + c + ",r=" + r + ",p=" + p;
  };
  const struct {
    std::string data;
    Errc code;
  } cases[] = {
      {"", Errc::Malformed},
      {final_of("", nonce, proof), Errc::Unauthenticated},
      {final_of("eSws", nonce, proof), Errc::Unauthenticated},  // "y,,"
      {final_of("biws=", nonce, proof), Errc::Unauthenticated},
      {final_of("cD10bHMtc2VydmVyLWVuZC1wb2ludCws", nonce, proof), Errc::Unauthenticated},
      {final_of("biws", std::string(kClientNonce), proof), Errc::Malformed},
      {final_of("biws", std::string(kServerNonce), proof), Errc::Malformed},
      {final_of("biws", nonce + "x", proof), Errc::Malformed},
      {final_of("biws", "", proof), Errc::Malformed},
      {final_of("biws", nonce, ""), Errc::Malformed},
      {final_of("biws", nonce, "AAAA"), Errc::Malformed},
      {final_of("biws", nonce, proof.substr(0, 43)), Errc::Malformed},
      {final_of("biws", nonce, proof + "AAAA"), Errc::TooLarge},
      {final_of("biws", nonce, crypto::base64_encode(Bytes(33))), Errc::TooLarge},
      {final_of("biws", nonce, crypto::base64_encode(Bytes(32))), Errc::Unauthenticated},
      {final_of("biws", nonce, proof) + ",x=1", Errc::Malformed},
      {final_of("biws", nonce, proof) + ",", Errc::Malformed},
      {final_of("biws", nonce, proof) + std::string(1, '\0'), Errc::Malformed},
      {"c=biws,r=" + nonce, Errc::Malformed},
      {"c=biws,r=" + nonce + ",x=1", Errc::Malformed},
      {"r=" + nonce + ",c=biws,p=" + proof, Errc::Malformed},
      {"c=biws,p=" + proof, Errc::Malformed},
      {"p=" + proof, Errc::Malformed},
      {"c=biws,r=" + nonce + ",x=1,p=" + proof, Errc::Unauthenticated},  // the proof covers the extension
      {"c=biws,r=" + nonce + ",x=" + std::string(1, '\0') + ",p=" + proof, Errc::Malformed},
      {final_of("biws", nonce, std::string(2000, 'A')), Errc::TooLarge},
  };
  for (const auto& c : cases) {
    CAPTURE(c.data.substr(0, 160));
    auto server = make_server();
    REQUIRE(server.client_first(kScramSha256, kFirst));
    const auto reply = server.client_final(c.data);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().code == c.code);
    check_dead(server);
  }
}

TEST_CASE("any change to a right client-final-message fails") {
  for (std::size_t at = 0; at < kFinal.size(); ++at) {
    for (const unsigned flip : {0x01U, 0x02U, 0x04U, 0x08U, 0x10U, 0x20U, 0x40U, 0x80U}) {
      std::string data(kFinal);
      data[at] = static_cast<char>(static_cast<unsigned char>(data[at]) ^ flip);
      auto server = make_server();
      REQUIRE(server.client_first(kScramSha256, kFirst));
      CHECK_FALSE(server.client_final(data));
      CHECK(server.state() == State::Failed);
    }
    auto server = make_server();
    REQUIRE(server.client_first(kScramSha256, kFirst));
    CHECK_FALSE(server.client_final(kFinal.substr(0, at)));
  }
}

TEST_CASE("every flipped bit of the proof fails, as a wrong password") {
  const auto at = kFinal.find(",p=") + 3;
  const auto proof = crypto::base64_decode(kFinal.substr(at), 32);
  REQUIRE(proof);
  for (std::size_t bit = 0; bit < 256; ++bit) {
    Bytes flipped = *proof;
    flipped[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    auto server = make_server();
    REQUIRE(server.client_first(kScramSha256, kFirst));
    const auto reply = server.client_final(std::string(kFinal.substr(0, at)) + crypto::base64_encode(flipped));
    REQUIRE_FALSE(reply);
    CHECK(reply.error().code == Errc::Unauthenticated);
  }
}

TEST_CASE("pitfall 3: messages out of order end the exchange, also a second beginning in its middle") {
  SUBCASE("final first") {
    auto server = make_server();
    CHECK(server.client_final(kFinal).error().code == Errc::FailedPrecondition);
    check_dead(server);
  }
  SUBCASE("first twice") {
    auto server = make_server();
    REQUIRE(server.client_first(kScramSha256, kFirst));
    CHECK(server.client_first(kScramSha256, kFirst).error().code == Errc::FailedPrecondition);
    check_dead(server);
  }
  SUBCASE("final twice") {
    auto server = make_server();
    REQUIRE(server.client_first(kScramSha256, kFirst));
    REQUIRE(server.client_final(kFinal));
    CHECK(server.client_final(kFinal).error().code == Errc::FailedPrecondition);
    check_dead(server);
  }
  SUBCASE("first after the end") {
    auto server = make_server();
    REQUIRE(server.client_first(kScramSha256, kFirst));
    REQUIRE(server.client_final(kFinal));
    CHECK(server.client_first(kScramSha256, kFirst).error().code == Errc::FailedPrecondition);
    check_dead(server);
  }
}

TEST_CASE("a verifier that is not genuine fails even with the right proof") {
  auto server = make_server(false);
  REQUIRE(server.client_first(kScramSha256, kFirst));
  CHECK(server.client_final(kFinal).error().code == Errc::Unauthenticated);
  check_dead(server);
}

TEST_CASE("an unknown name's exchange has the shape of a known one's with a wrong password") {
  const Bytes secret = to_bytes("a mock secret of some length");
  ScramServer unknown(ScramVerifier::mock("nobody", secret, {4096}), false, std::nullopt, std::string(kServerNonce));
  auto known = make_server();
  const auto unknown_first = unknown.client_first(kScramSha256, kFirst);
  const auto known_first = known.client_first(kScramSha256, kFirst);
  REQUIRE(unknown_first);
  REQUIRE(known_first);
  CHECK(unknown_first->size() == known_first->size());
  const auto salt_at = known_first->find(",s=");
  CHECK(unknown_first->substr(0, salt_at) == known_first->substr(0, salt_at));
  CHECK(unknown_first->substr(salt_at + 27) == known_first->substr(salt_at + 27));
  CHECK(*unknown_first != *known_first);

  std::string wrong(kFinal);
  wrong[wrong.find(",p=") + 3] = 'A';
  const auto unknown_final = unknown.client_final(wrong);
  const auto known_final = known.client_final(wrong);
  REQUIRE_FALSE(unknown_final);
  REQUIRE_FALSE(known_final);
  CHECK(unknown_final.error().code == known_final.error().code);
  CHECK(unknown_final.error().detail == known_final.error().detail);
  CHECK(unknown.state() == known.state());
}

TEST_CASE("channel binding: what the client says must fit what was offered") {
  const Bytes hash(32, std::byte{7});
  const struct {
    std::string_view mechanism;
    std::string data;
    std::optional<Errc> code;
  } cases[] = {
      {kScramSha256Plus, "p=tls-server-end-point,,n=,r=abc", std::nullopt},
      {kScramSha256, "n,,n=,r=abc", std::nullopt},
      {kScramSha256, "y,,n=,r=abc", Errc::Unauthenticated},  // the offer of PLUS was taken out on the way
      {kScramSha256Plus, "n,,n=,r=abc", Errc::Malformed},
      {kScramSha256Plus, "y,,n=,r=abc", Errc::Malformed},
      {kScramSha256, "p=tls-server-end-point,,n=,r=abc", Errc::Malformed},
      {kScramSha256Plus, "p=tls-unique,,n=,r=abc", Errc::Unsupported},
      {kScramSha256Plus, "p=tls-exporter,,n=,r=abc", Errc::Unsupported},
      {kScramSha256Plus, "p=,,n=,r=abc", Errc::Unsupported},
      {kScramSha256Plus, "p=tls-server-end-point", Errc::Malformed},
      {kScramSha256Plus, "p=tls-server-end-point,a=x,n=,r=abc", Errc::Unsupported},
      {kScramSha256Plus, "p", Errc::Malformed},
  };
  for (const auto& c : cases) {
    CAPTURE(c.data);
    auto server = make_server(true, hash);
    const auto reply = server.client_first(c.mechanism, c.data);
    REQUIRE(reply.has_value() == !c.code.has_value());
    if (c.code) {
      CHECK(reply.error().code == *c.code);
      check_dead(server);
    }
  }
}

TEST_CASE("channel binding: another certificate's hash, or another header, is refused") {
  const Bytes hash(32, std::byte{7});
  const auto keys = derive_scram_client_keys("pencil", rfc_verifier().salt(), 4096);
  REQUIRE(keys);
  for (std::size_t bit = 0; bit <= 256; ++bit) {  // the last one is right
    Bytes seen = hash;
    if (bit < 256) seen[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    auto server = make_server(true, hash);
    ScramClient client({ScramBinding::Kind::EndPoint, seen}, "abc", {});
    const auto first = server.client_first(client.mechanism(), client.client_first());
    REQUIRE(first);
    REQUIRE(client.parse_server_first(*first));
    const auto final = server.client_final(*client.client_final(*keys));
    REQUIRE(final.has_value() == (bit == 256));
    if (!final) CHECK(final.error().code == Errc::Unauthenticated);
    CHECK(server.channel_bound() == (bit == 256));
  }
}

TEST_CASE("nonces are fresh and long") {
  std::set<std::string> nonces;
  for (int i = 0; i < 100; ++i) nonces.insert(make_scram_nonce(system_random()));
  CHECK(nonces.size() == 100);
  CHECK(nonces.begin()->size() == 24);
}

}  // namespace
}  // namespace bartizan::identity
