#include "bartizan/pgwire/startup.hpp"

#include <doctest/doctest.h>

#include "bartizan/pgwire/frame.hpp"
#include "byte_script.hpp"

namespace bartizan::pgwire {
namespace {

using namespace test;

std::string startup(std::initializer_list<std::pair<std::string, std::string>> parameters,
                    std::uint32_t protocol = kProtocol30) {
  std::string body = i32(protocol);
  for (const auto& [name, value] : parameters) body += cstr(name) + cstr(value);
  return packet(body + '\0');
}

/// The packet must outlive the message.
StartupMessage decoded(const Bytes& bytes) {
  auto result = decode_startup(bytes);
  REQUIRE(result.has_value());
  REQUIRE(std::holds_alternative<StartupMessage>(*result));
  return std::get<StartupMessage>(*result);
}

TEST_CASE("the three requests, exact in length") {
  const auto ssl = exact(packet(i32(80877103)));
  const auto gss = exact(packet(i32(80877104)));
  CHECK(std::holds_alternative<SslRequest>(decode_startup(ssl).value()));
  CHECK(std::holds_alternative<GssEncRequest>(decode_startup(gss).value()));

  const auto cancel_bytes = exact(packet(i32(80877102) + i32(4711) + "KEY!"));
  const auto cancel = decode_startup(cancel_bytes).value();
  REQUIRE(std::holds_alternative<CancelRequest>(cancel));
  CHECK(std::get<CancelRequest>(cancel).process_id == 4711);
  CHECK(as_chars(std::get<CancelRequest>(cancel).key) == "KEY!");
  const auto long_key = exact(packet(i32(80877102) + i32(1) + std::string(256, 'k')));
  CHECK(std::get<CancelRequest>(decode_startup(long_key).value()).key.size() == 256);

  for (const auto& bad : {packet(i32(80877103) + "x"), packet(i32(80877104) + '\0'), packet(i32(80877102)),
                          packet(i32(80877102) + i32(1)), packet(i32(80877102) + i32(1) + "KEY"),
                          packet(i32(80877102) + i32(1) + std::string(257, 'k'))}) {
    const auto result = decode_startup(exact(bad));
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == Errc::Malformed);
    CHECK(result.error().detail == "invalid length of startup packet");
  }
}

TEST_CASE("a startup message as psql sends it") {
  const auto bytes = exact(startup({{"user", "alice"},
                                    {"database", "clinic"},
                                    {"application_name", "psql"},
                                    {"client_encoding", "UTF8"},
                                    {"options", "-c geqo=off"}}));
  const auto message = decoded(bytes);
  CHECK(message.major == 3);
  CHECK(message.minor == 0);
  CHECK(message.user() == "alice");
  CHECK(message.database() == "clinic");
  CHECK(message.options() == "-c geqo=off");
  const auto settings = message.settings();
  REQUIRE(settings.size() == 2);
  CHECK(settings[0] == StartupMessage::Parameter{"application_name", "psql"});
  CHECK(settings[1] == StartupMessage::Parameter{"client_encoding", "UTF8"});
  CHECK(message.protocol_options().empty());
}

TEST_CASE("defaults, duplicates and case as in PostgreSQL") {
  SUBCASE("the database defaults to the user, also when given empty") {
    const auto alone = exact(startup({{"user", "bob"}}));
    CHECK(decoded(alone).database() == "bob");
    const auto bytes = exact(startup({{"database", ""}, {"user", "bob"}}));
    CHECK(decoded(bytes).database() == "bob");
  }
  SUBCASE("the last of equal names wins") {
    const auto bytes = exact(startup({{"user", "mallory"}, {"database", "a"}, {"user", "bob"}, {"database", "b"}}));
    CHECK(decoded(bytes).user() == "bob");
    CHECK(decoded(bytes).database() == "b");
    CHECK(decoded(bytes).settings().empty());
  }
  SUBCASE("names are compared exactly, so User is a setting") {
    const auto bytes = exact(startup({{"User", "bob"}}));
    CHECK(decoded(bytes).user().empty());
    CHECK(decoded(bytes).settings().size() == 1);
  }
  SUBCASE("no user is for the caller to refuse") {
    const auto bytes = exact(startup({}));
    CHECK(decoded(bytes).user().empty());
    CHECK(decoded(bytes).database().empty());
  }
  SUBCASE("protocol options are collected and are no settings") {
    const auto bytes = exact(startup({{"user", "u"}, {"_pq_.report", "x"}, {"_pq_.", ""}, {"_pq", "y"}}, 196610));
    const auto message = decoded(bytes);
    CHECK(message.minor == 2);
    CHECK(message.protocol_options() == std::vector<std::string_view>{"_pq_.report", "_pq_."});
    REQUIRE(message.settings().size() == 1);
    CHECK(message.settings()[0].first == "_pq");
  }
}

TEST_CASE("another major version is told apart without reading on") {
  for (const std::uint32_t protocol : {std::uint32_t{131072}, std::uint32_t{4} << 16, 80877105u}) {
    const auto bytes = exact(packet(i32(protocol) + "no parameters"));
    const auto message = decoded(bytes);
    CHECK(message.major == protocol >> 16);
    CHECK(message.parameters.empty());
  }
}

TEST_CASE("a startup packet must end with its terminator") {
  const auto body = i32(kProtocol30);
  for (const auto& bad :
       {body, body + cstr("user"), body + cstr("user") + "bob", body + cstr("user") + cstr("bob"),
        body + cstr("user") + cstr("bob") + "x",        // PostgreSQL takes this one by accident
        body + cstr("user") + cstr("bob") + '\0' + '\0', body + cstr("user") + cstr("bob") + '\0' + "trailing",
        body + '\0' + cstr("user") + cstr("bob") + '\0'}) {
    const auto result = decode_startup(exact(packet(bad)));
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == Errc::Malformed);
    CHECK(result.error().detail == "invalid startup packet layout: expected terminator as last byte");
  }
}

TEST_CASE("no proper prefix and no extension of a packet is one") {
  const auto whole = startup({{"user", "alice"}, {"database", "d"}});
  CHECK(accepts_only_the_whole(whole, [](const Bytes& bytes) { return decode_startup(bytes); }));
}

TEST_CASE("the number of parameters and the packet's size are bounded") {
  std::string body = i32(kProtocol30) + cstr("user") + cstr("u");
  for (std::size_t i = 1; i < kMaxStartupParameters; ++i) body += cstr("a") + cstr("");
  CHECK(decode_startup(exact(packet(body + '\0'))).has_value());
  const auto result = decode_startup(exact(packet(body + cstr("a") + cstr("") + '\0')));
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == Errc::TooLarge);

  const auto fill = [](std::size_t size) {  // of a packet without its length word
    const auto head = i32(kProtocol30) + cstr("user");
    return packet(head + std::string(size - head.size() - 2, 'u') + '\0' + '\0');
  };
  CHECK(decode_startup(exact(fill(10000))).has_value());
  CHECK_FALSE(decode_startup(exact(fill(10001))).has_value());
}

TEST_CASE("replication takes PostgreSQL's booleans and database") {
  for (const auto* yes : {"true", "T", "yes", "y", "on", "ON", "1", "tr"}) {
    CHECK(parse_replication(yes).value() == ReplicationMode::Physical);
  }
  for (const auto* no : {"false", "f", "No", "off", "of", "0"}) {
    CHECK(parse_replication(no).value() == ReplicationMode::None);
  }
  CHECK(parse_replication("database").value() == ReplicationMode::Logical);
  for (const auto* bad : {"", "o", "Database", "truer", "2", "onn", "01"}) {
    CHECK(parse_replication(bad).error().code == Errc::InvalidArgument);
  }
}

}  // namespace
}  // namespace bartizan::pgwire
