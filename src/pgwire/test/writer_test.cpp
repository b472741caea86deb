#include "bartizan/pgwire/writer.hpp"

#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <vector>

#include "bartizan/pgwire/frame.hpp"
#include "bartizan/pgwire/startup.hpp"
#include "byte_script.hpp"

namespace bartizan::pgwire {
namespace {

using namespace test;
using namespace std::string_view_literals;

std::string written(const std::function<void(MessageWriter&)>& write) {
  Bytes out;
  MessageWriter writer(out);
  write(writer);
  CHECK(writer.ok());
  return std::string(as_chars(out));
}

/// The payload of the one message in text, which must be of this type.
Bytes payload_of(char type, const std::string& text) {
  FrameHeader header;
  REQUIRE(peek_frame(as_bytes(text), header) == FrameStatus::Ok);
  REQUIRE(header.type == type);
  REQUIRE(header.total_bytes() == text.size());
  return exact(text.substr(kFrameHeaderBytes));
}

TEST_CASE("messages to clients, byte by byte") {
  CHECK(written([](auto& w) { write_authentication_ok(w); }) == message('R', i32(0)));
  CHECK(written([](auto& w) { write_authentication_cleartext_password(w); }) == message('R', i32(3)));
  CHECK(written([](auto& w) { write_authentication_sasl(w, std::array{"A"sv, "B"sv}); }) ==
        message('R', i32(10) + cstr("A") + cstr("B") + '\0'));
  CHECK(written([](auto& w) { write_authentication_sasl_continue(w, as_bytes("r=1")); }) ==
        message('R', i32(11) + "r=1"));
  CHECK(written([](auto& w) { write_authentication_sasl_final(w, as_bytes("v=1")); }) == message('R', i32(12) + "v=1"));
  CHECK(written([](auto& w) { write_parameter_status(w, "a", "b"); }) == message('S', cstr("a") + cstr("b")));
  CHECK(written([](auto& w) { write_backend_key_data(w, 7, as_bytes("KEY!")); }) == message('K', i32(7) + "KEY!"));
  CHECK(written([](auto& w) { write_ready_for_query(w, TransactionStatus::Failed); }) == message('Z', "E"));
  CHECK(written([](auto& w) { write_negotiate_protocol_version(w, kProtocol30, std::array{"_pq_.x"sv}); }) ==
        message('v', i32(196608) + i32(1) + cstr("_pq_.x")));
  CHECK(written([](auto& w) { write_command_complete(w, "SELECT 1"); }) == message('C', cstr("SELECT 1")));
  CHECK(written([](auto& w) { write_empty(w, backend::kParseComplete); }) == message('1', ""));
  CHECK(written([](auto& w) {
          write_data_row(w, std::array<std::optional<ByteView>, 2>{as_bytes("x"), std::nullopt});
        }) == message('D', i16(2) + i32(1) + "x" + i32(0xffffffff)));
}

TEST_CASE("messages to servers, byte by byte") {
  using Parameter = std::pair<std::string_view, std::string_view>;
  CHECK(written([](auto& w) {
          write_startup_message(w, kProtocol30, std::array{Parameter{"user", "u"}, Parameter{"a", ""}});
        }) == packet(i32(196608) + cstr("user") + cstr("u") + cstr("a") + cstr("") + '\0'));
  CHECK(written([](auto& w) { write_ssl_request(w); }) == packet(i32(80877103)));
  CHECK(written([](auto& w) { write_cancel_request(w, 7, as_bytes("KEY!")); }) ==
        packet(i32(80877102) + i32(7) + "KEY!"));
  CHECK(written([](auto& w) { write_sasl_initial_response(w, "M", as_bytes("x")); }) ==
        message('p', cstr("M") + i32(1) + "x"));
  CHECK(written([](auto& w) { write_sasl_initial_response(w, "M", std::nullopt); }) ==
        message('p', cstr("M") + i32(0xffffffff)));
  CHECK(written([](auto& w) { write_sasl_response(w, as_bytes("x")); }) == message('p', "x"));
  CHECK(written([](auto& w) { write_query(w, "select 1"); }) == message('Q', cstr("select 1")));
  CHECK(written([](auto& w) { write_describe(w, TargetKind::Portal, "p"); }) == message('D', "P" + cstr("p")));
  CHECK(written([](auto& w) { write_close(w, TargetKind::Statement, "s"); }) == message('C', "S" + cstr("s")));
  CHECK(written([](auto& w) { write_execute(w, "p", -1); }) == message('E', cstr("p") + i32(0xffffffff)));
  CHECK(written([](auto& w) { write_copy_fail(w, "no"); }) == message('f', cstr("no")));
  CHECK(written([](auto& w) {
          write_sync(w);
          write_terminate(w);
        }) == message('S', "") + message('X', ""));
}

TEST_CASE("what is written is decoded to the same") {
  const std::array<std::uint32_t, 2> types{23, 0};
  const auto parse_bytes = payload_of('P', written([&](auto& w) { write_parse(w, "s", "select $1", types); }));
  const auto parse = decode_parse(parse_bytes);
  REQUIRE(parse.has_value());
  CHECK((parse->statement == "s" && parse->query == "select $1"));
  CHECK((parse->parameter_types.size() == 2 && parse->parameter_types[0] == 23 && parse->parameter_types[1] == 0));

  const std::array<std::int16_t, 1> formats{1};
  const std::array<std::optional<ByteView>, 3> values{as_bytes("abc"), std::nullopt, ByteView{}};
  const auto bind_bytes = payload_of('B', written([&](auto& w) { write_bind(w, "p", "s", formats, values, formats); }));
  const auto bind = decode_bind(bind_bytes);
  REQUIRE(bind.has_value());
  REQUIRE(bind->parameters.size() == 3);
  auto value = bind->parameters.begin();
  CHECK(as_chars(**value) == "abc");
  CHECK_FALSE((*++value).has_value());
  CHECK((*++value)->empty());
  CHECK(format_of(bind->parameter_formats, 2) == 1);

  const std::array fields{FieldDescription{"id", 16384, 1, 23, 4, -1, 0}, FieldDescription{"n", 0, 0, 25, -1, 44, 1}};
  const auto row_bytes = payload_of('T', written([&](auto& w) { write_row_description(w, fields); }));
  const auto row = decode_row_description(row_bytes);
  REQUIRE(row.has_value());
  std::size_t i = 0;
  for (const auto field : *row) {
    CHECK(field.name == fields[i].name);
    CHECK(field.table_oid == fields[i].table_oid);
    CHECK(field.attribute_number == fields[i].attribute_number);
    CHECK(field.type_oid == fields[i].type_oid);
    CHECK(field.type_size == fields[i].type_size);
    CHECK(field.type_modifier == fields[i].type_modifier);
    CHECK(field.format == fields[i].format);
    ++i;
  }
  CHECK(i == 2);
}

TEST_CASE("an error report carries what is set, and nothing can be smuggled into it") {
  ErrorReport report;
  report.severity = Severity::Fatal;
  report.sqlstate = sqlstate::kInvalidPassword;
  report.message = std::string("no\0Dsmuggled", 12);
  report.hint = "try again";
  report.position = 12;
  report.constraint_name = "c";
  const auto bytes = payload_of('E', written([&](auto& w) { write_error_response(w, report); }));
  const auto fields = decode_report(bytes);
  REQUIRE(fields.has_value());
  CHECK(fields->severity() == "FATAL");
  CHECK(fields->get(ReportField::Severity) == "FATAL");
  CHECK(fields->sqlstate() == "28P01");
  CHECK(fields->message() == "no");
  CHECK(fields->get(ReportField::Detail).empty());
  CHECK(fields->get(ReportField::Hint) == "try again");
  CHECK(fields->get(ReportField::Position) == "12");
  CHECK(fields->get(ReportField::ConstraintName) == "c");
  std::string codes;
  for (const auto field : *fields) codes += field.code;
  CHECK(codes == "SVCMHPn");

  const auto notice = written([](auto& w) { write_notice_response(w, {}); });
  const auto notice_bytes = payload_of('N', notice);
  CHECK(decode_report(notice_bytes)->sqlstate() == "XX000");
}

TEST_CASE("a message that can't be written leaves no byte, and the error sticks") {
  using Parameter = std::pair<std::string_view, std::string_view>;
  struct Case {
    const char* what;
    std::function<void(MessageWriter&)> write;
    WriteError error;
  };
  const std::vector<std::int16_t> many(65536, 0);
  const std::string large(9990, 'x');
  const std::vector<Case> cases{
      {"NUL in a query", [](auto& w) { write_query(w, "a\0b"sv); }, WriteError::EmbeddedNul},
      {"NUL in a startup value",
       [](auto& w) { write_startup_message(w, kProtocol30, std::array{Parameter{"user", "a\0b"sv}}); },
       WriteError::EmbeddedNul},
      {"a startup name that would end the list",
       [](auto& w) { write_startup_message(w, kProtocol30, std::array{Parameter{"", "a"}}); }, WriteError::EmptyName},
      {"a mechanism that would end the list", [](auto& w) { write_authentication_sasl(w, std::array{""sv}); },
       WriteError::EmptyName},
      {"65536 formats", [&](auto& w) { write_bind(w, "", "", many, {}, {}); }, WriteError::TooLarge},
      {"a long startup packet",
       [&](auto& w) { write_startup_message(w, kProtocol30, std::array{Parameter{"user", large}}); },
       WriteError::TooLarge},
  };
  for (const auto& [what, write, error] : cases) {
    CAPTURE(what);
    Bytes out = to_bytes("before");
    MessageWriter writer(out);
    write_sync(writer);
    const auto good = out;
    write(writer);
    REQUIRE_FALSE(writer.ok());
    CHECK(*writer.error() == error);
    CHECK(out == good);
    write_sync(writer);
    CHECK(out == good);
  }
  CHECK(written([&](auto& w) {
          write_startup_message(w, kProtocol30, std::array{Parameter{"user", large.substr(0, 9989)}});
        }).size() == 10004);
}

TEST_CASE("lengths are checked before they are narrowed or copied") {
  // The writer must refuse by the size alone: the bytes behind these views do not exist.
  const std::byte one{};
  for (const std::size_t size :
       {std::size_t{kMaxMessageBytes} - 4, std::size_t{kMaxMessageBytes}, (std::size_t{1} << 32) + 1}) {
    const ByteView huge(&one, size);
    for (const auto& put : std::vector<std::function<void(MessageWriter&)>>{[&](MessageWriter& w) { w.bytes(huge); },
                                                                            [&](MessageWriter& w) { w.value(huge); },
                                                                            [&](MessageWriter& w) { w.count(size); }}) {
      Bytes out;
      MessageWriter writer(out);
      writer.begin(frontend::kCopyData);
      put(writer);
      writer.end();
      CAPTURE(size);
      CHECK(writer.error() == WriteError::TooLarge);
      CHECK(out.empty());
    }
  }
}

}  // namespace
}  // namespace bartizan::pgwire
