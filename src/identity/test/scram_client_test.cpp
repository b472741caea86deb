#include "bartizan/identity/scram_client.hpp"

#include "bartizan/crypto/base64.hpp"
#include "bartizan/identity/scram_server.hpp"
#include "recorded.hpp"

namespace bartizan::identity {
namespace {

using State = ScramClient::State;
using Kind = ScramBinding::Kind;

constexpr std::string_view kNonce = "fyko+d2lbbFgONRv9qkxdawL";
constexpr ScramClientLimits kAnyCount{1, 100'000};

ScramClientKeys fixed_keys() {
  return {SecretBytes(ByteView(Bytes(32, std::byte{1}))), SecretBytes(ByteView(Bytes(32, std::byte{2})))};
}

ScramClient make_client(ScramClientLimits limits = {}) {
  ScramClient client({}, std::string(kNonce), limits);
  (void)client.client_first();
  return client;
}

std::string server_first(const std::string& nonce_suffix, const std::string& salt, const std::string& iterations) {
  return "r=" + std::string(kNonce) + nonce_suffix + ",s=" + salt + ",i=" + iterations;
}

void check_dead(ScramClient& client) {
  CHECK(client.state() == State::Failed);
  CHECK(client.parse_server_first(server_first("x", "AAAA", "4096")).error().code == Errc::FailedPrecondition);
  CHECK(client.client_final(fixed_keys()).error().code == Errc::FailedPrecondition);
  CHECK(client.verify_server_final("v=AAAA").error().code == Errc::FailedPrecondition);
  CHECK(client.state() == State::Failed);
}

TEST_CASE("sign-ins recorded at PostgreSQL 15: the same bytes, and the server's proof accepted") {
  const auto recording = test::read_exchanges();
  for (const auto& exchange : recording.exchanges) {
    CAPTURE(exchange.what);
    ScramBinding binding;
    if (exchange.mechanism == kScramSha256Plus) binding = {Kind::EndPoint, exchange.certificate_hash};
    ScramClient client(binding, exchange.client_nonce(), {});
    CHECK(client.mechanism() == exchange.mechanism);
    CHECK(client.client_first() == exchange.client_first);
    const auto first = client.parse_server_first(exchange.server_first);
    REQUIRE(first);
    const auto keys = derive_scram_client_keys("pencil", first->salt, first->iterations);
    REQUIRE(keys);
    const auto final = client.client_final(*keys);
    REQUIRE(final);
    CHECK(*final == exchange.client_final);
    CHECK(client.verify_server_final(exchange.server_final));
    CHECK(client.state() == State::Done);
  }
}

TEST_CASE("client and server agree for every password and binding, and only for the right password") {
  const Bytes salt = to_bytes("0123456789abcdef");
  const Bytes hash(48, std::byte{9});
  for (const std::string_view password : {"pencil", "p\u00e4ss\u00adw\u00f6rd", "\xff\xfe", "a,b=c"}) {
    for (const auto kind : {Kind::None, Kind::NotOffered, Kind::EndPoint}) {
      for (const bool right : {true, false}) {
        auto verifier = ScramVerifier::from_password(password, salt, 10);
        REQUIRE(verifier);
        const auto offered = kind == Kind::EndPoint ? std::optional(hash) : std::nullopt;
        ScramServer server(std::move(*verifier), true, offered, make_scram_nonce(system_random()));
        ScramClient client({kind, offered.value_or(Bytes{})}, make_scram_nonce(system_random()), kAnyCount);
        const auto first = server.client_first(client.mechanism(), client.client_first());
        REQUIRE(first);
        const auto parsed = client.parse_server_first(*first);
        REQUIRE(parsed);
        CHECK(parsed->salt == salt);
        CHECK(parsed->iterations == 10);
        const auto keys = derive_scram_client_keys(right ? password : "wrong", parsed->salt, parsed->iterations);
        const auto final = server.client_final(*client.client_final(*keys));
        REQUIRE(final.has_value() == right);
        if (right) CHECK(client.verify_server_final(*final));
      }
    }
  }
}

TEST_CASE("malformed and hostile server-first-messages (pitfall 5 among them)") {
  const std::string nonce(kNonce);
  const struct {
    std::string data;
    Errc code;
  } cases[] = {
      {"", Errc::Malformed},
      {"r=", Errc::Malformed},
      {"s=AAAA,r=" + nonce + "x,i=4096", Errc::Malformed},
      {"r=" + nonce + "x", Errc::Malformed},
      {"r=" + nonce + "x,s=AAAA", Errc::Malformed},
      {"r=" + nonce + "x,i=4096,s=AAAA", Errc::Malformed},
      {"r=" + nonce + "x y,s=AAAA,i=4096", Errc::Malformed},
      {"m=ext,r=" + nonce + "x,s=AAAA,i=4096", Errc::Unsupported},
      {"e=other-error", Errc::Malformed},
      {server_first("", "AAAA", "4096"), Errc::Unauthenticated},
      {"r=" + nonce.substr(1) + "xx,s=AAAA,i=4096", Errc::Unauthenticated},
      {"r=x" + nonce + ",s=AAAA,i=4096", Errc::Unauthenticated},
      {"r=somethingelseentirelyandlong,s=AAAA,i=4096", Errc::Unauthenticated},
      {server_first("x", "", "4096"), Errc::Malformed},
      {server_first("x", "AAA", "4096"), Errc::Malformed},
      {server_first("x", "AB==", "4096"), Errc::Malformed},
      {server_first("x", crypto::base64_encode(Bytes(257)), "4096"), Errc::TooLarge},
      {server_first("x", "AAAA", ""), Errc::Malformed},
      {server_first("x", "AAAA", "0"), Errc::Malformed},
      {server_first("x", "AAAA", "-4096"), Errc::Malformed},
      {server_first("x", "AAAA", "+4096"), Errc::Malformed},
      {server_first("x", "AAAA", "04096"), Errc::Malformed},
      {server_first("x", "AAAA", " 4096"), Errc::Malformed},
      {server_first("x", "AAAA", "4096x"), Errc::Malformed},
      {server_first("x", "AAAA", "4096") + ",", Errc::Malformed},
      {server_first("x", "AAAA", "4096") + ",x=1", Errc::Malformed},
      {server_first("x", "AAAA", "4096") + std::string(1, '\0'), Errc::Malformed},
      {server_first("x", "AAAA", "1"), Errc::PermissionDenied},
      {server_first("x", "AAAA", "4095"), Errc::PermissionDenied},
      {server_first("x", "AAAA", "100001"), Errc::PermissionDenied},
      {server_first("x", "AAAA", "4294967296"), Errc::PermissionDenied},
      {server_first("x", "AAAA", "99999999999999999999999999"), Errc::PermissionDenied},
      {server_first(std::string(4000, 'x'), "AAAA", "4096"), Errc::TooLarge},
      {std::string(1 << 20, 'r'), Errc::TooLarge},
  };
  for (const auto& c : cases) {
    CAPTURE(c.data.substr(0, 120));
    auto client = make_client();
    const auto parsed = client.parse_server_first(c.data);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == c.code);
    check_dead(client);
  }
}

TEST_CASE("iteration counts within the limits are taken") {
  for (const auto* count : {"4096", "4097", "100000"}) {
    auto client = make_client();
    CHECK(client.parse_server_first(server_first("x", "AAAA", count)));
  }
  auto lenient = make_client(kAnyCount);
  CHECK(lenient.parse_server_first(server_first("x", "AAAA", "1"))->iterations == 1);
}

TEST_CASE("the server must prove that it knows the password") {
  const auto recording = test::read_exchanges();
  const auto& exchange = recording.exchanges.front();
  const auto good = crypto::base64_decode(exchange.server_final.substr(2), 32);
  const auto salt_and_count = ScramVerifier::parse(recording.verifier);
  REQUIRE(good);
  const auto keys = derive_scram_client_keys("pencil", salt_and_count->salt(), salt_and_count->iterations());
  REQUIRE(keys);
  const auto verdict = [&](const std::string& server_final) {
    ScramClient client({}, exchange.client_nonce(), {});
    (void)client.client_first();
    REQUIRE(client.parse_server_first(exchange.server_first));
    REQUIRE(client.client_final(*keys));
    auto result = client.verify_server_final(server_final);
    REQUIRE_FALSE(result);
    check_dead(client);
    return std::move(result).error();
  };
  for (std::size_t bit = 0; bit < 256; ++bit) {
    Bytes flipped = *good;
    flipped[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    CHECK(verdict("v=" + crypto::base64_encode(flipped)).code == Errc::Unauthenticated);
  }
  for (const std::string& data :
       {std::string(), std::string("v"), "x" + exchange.server_final.substr(1), exchange.server_final + ",",
        exchange.server_final + ",x=1", exchange.server_final + std::string(1, '\0'),
        exchange.server_final.substr(0, exchange.server_final.size() - 1), std::string("v=*")})
    CHECK(verdict(data).code == Errc::Malformed);
  CHECK(verdict("v=").code == Errc::Unauthenticated);
  CHECK(verdict("v=AAAA").code == Errc::Unauthenticated);
  CHECK(verdict("v=" + crypto::base64_encode(Bytes(33))).code == Errc::TooLarge);
  CHECK(verdict("v=" + std::string(4000, 'A')).code == Errc::TooLarge);

  const auto known = verdict("e=invalid-proof");
  CHECK(known.code == Errc::Unauthenticated);
  CHECK(known.detail.find("invalid-proof") != std::string::npos);
  const auto made_up = verdict("e=<script>");
  CHECK(made_up.code == Errc::Unauthenticated);
  CHECK(made_up.detail.find("script") == std::string::npos);
}

TEST_CASE("steps out of order fail and end the exchange") {
  SUBCASE("server-first before client-first") {
    ScramClient client({}, std::string(kNonce), {});
    CHECK(client.parse_server_first(server_first("x", "AAAA", "4096")).error().code == Errc::FailedPrecondition);
    check_dead(client);
  }
  SUBCASE("client-final before server-first") {
    auto client = make_client();
    CHECK(client.client_final(fixed_keys()).error().code == Errc::FailedPrecondition);
    check_dead(client);
  }
  SUBCASE("server-final before client-final: no empty signature is accepted") {
    auto client = make_client();
    REQUIRE(client.parse_server_first(server_first("x", "AAAA", "4096")));
    CHECK(client.verify_server_final("v=").error().code == Errc::FailedPrecondition);
    check_dead(client);
  }
  SUBCASE("server-first twice") {
    auto client = make_client();
    REQUIRE(client.parse_server_first(server_first("x", "AAAA", "4096")));
    CHECK(client.parse_server_first(server_first("x", "AAAA", "4096")).error().code == Errc::FailedPrecondition);
    check_dead(client);
  }
  SUBCASE("keys of the wrong size") {
    auto client = make_client();
    REQUIRE(client.parse_server_first(server_first("x", "AAAA", "4096")));
    CHECK(client.client_final({SecretBytes(31), SecretBytes(32)}).error().code == Errc::InvalidArgument);
    check_dead(client);
  }
}

TEST_CASE("cached keys serve the same salt and count only") {
  const ScramKeyCacheEntry entry{to_bytes("salt of 16 bytes"), 4096, fixed_keys()};
  CHECK(entry.matches({"nonce", to_bytes("salt of 16 bytes"), 4096}));
  CHECK_FALSE(entry.matches({"nonce", to_bytes("salt of 16 bytes"), 4097}));
  CHECK_FALSE(entry.matches({"nonce", to_bytes("salt of 16 bytez"), 4096}));
  CHECK_FALSE(entry.matches({"nonce", to_bytes("salt"), 4096}));
  CHECK_FALSE(ScramKeyCacheEntry{}.matches({"nonce", {}, 0}));
}

TEST_CASE("choice of mechanism and binding") {
  const Bytes hash(32, std::byte{1});
  using Offer = std::vector<std::string_view>;
  const struct {
    Offer offered;
    bool has_hash;
    bool required;
    std::optional<Kind> kind;
    Errc code;
  } cases[] = {
      {{kScramSha256Plus, kScramSha256}, true, false, Kind::EndPoint, {}},
      {{kScramSha256Plus, kScramSha256}, true, true, Kind::EndPoint, {}},
      {{kScramSha256, kScramSha256Plus}, true, false, Kind::EndPoint, {}},
      {{kScramSha256Plus}, true, false, Kind::EndPoint, {}},
      {{kScramSha256}, true, false, Kind::NotOffered, {}},
      {{kScramSha256}, false, false, Kind::None, {}},
      {{kScramSha256Plus, kScramSha256}, false, false, Kind::None, {}},
      {{"OAUTHBEARER", kScramSha256}, false, false, Kind::None, {}},
      {{kScramSha256}, true, true, std::nullopt, Errc::FailedPrecondition},
      {{kScramSha256Plus, kScramSha256}, false, true, std::nullopt, Errc::FailedPrecondition},
      {{kScramSha256Plus}, false, false, std::nullopt, Errc::Unsupported},
      {{}, true, false, std::nullopt, Errc::Unsupported},
      {{"SCRAM-SHA-1", "PLAIN"}, false, false, std::nullopt, Errc::Unsupported},
  };
  for (const auto& c : cases) {
    const auto binding = choose_scram_binding(c.offered, c.has_hash ? std::optional(hash) : std::nullopt, c.required);
    REQUIRE(binding.has_value() == c.kind.has_value());
    if (!binding) {
      CHECK(binding.error().code == c.code);
      continue;
    }
    CHECK(binding->kind == *c.kind);
    CHECK(binding->end_point_hash == (*c.kind == Kind::EndPoint ? hash : Bytes{}));
    ScramClient client(*binding, std::string(kNonce), {});
    const std::string_view header = *c.kind == Kind::None         ? "n,,"
                                    : *c.kind == Kind::NotOffered ? "y,,"
                                                                  : "p=tls-server-end-point,,";
    CHECK(client.client_first() == std::string(header) + "n=,r=" + std::string(kNonce));
  }
}

}  // namespace
}  // namespace bartizan::identity
