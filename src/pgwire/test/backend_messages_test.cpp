#include "bartizan/pgwire/backend_messages.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "byte_script.hpp"

namespace bartizan::pgwire {
namespace {

using namespace test;

const std::string kErrorPayload = join({"S", cstr("FEHLER"), "V", cstr("ERROR"), "C", cstr("42P01"), "M",
                                        cstr("no such"), "x", cstr("?"), std::string(1, '\0')});
const std::string kRowDescriptionPayload =
    join({i16(2), cstr("id"), i32(16384), i16(1), i32(23), i16(4), i32(0xffffffff), i16(0), cstr(""), i32(0), i16(0),
          i32(25), i16(-1), i32(44), i16(1)});
const std::string kDataRowPayload = join({i16(3), i32(1), "7", i32(0xffffffff), i32(0)});

TEST_CASE("each decoder takes a whole payload and nothing shorter or longer") {
  CHECK(accepts_only_the_whole(i32(0), [](ByteView b) { return decode_authentication(b); }));
  CHECK(accepts_only_the_whole(i32(3), [](ByteView b) { return decode_authentication(b); }));
  CHECK(accepts_only_the_whole(i32(5) + "salt", [](ByteView b) { return decode_authentication(b); }));
  CHECK(accepts_only_the_whole(i32(10) + cstr("SCRAM-SHA-256") + '\0',
                               [](ByteView b) { return decode_authentication(b); }));
  CHECK(accepts_only_the_whole(cstr("TimeZone") + cstr("UTC"), [](ByteView b) { return decode_parameter_status(b); }));
  CHECK(accepts_only_the_whole("I", [](ByteView b) { return decode_ready_for_query(b); }));
  CHECK(accepts_only_the_whole(kErrorPayload, [](ByteView b) { return decode_report(b); }));
  CHECK(accepts_only_the_whole(cstr("SELECT 1"), [](ByteView b) { return decode_command_complete(b); }));
  CHECK(accepts_only_the_whole(kRowDescriptionPayload, [](ByteView b) { return decode_row_description(b); }));
  CHECK(accepts_only_the_whole(i16(2) + i32(23) + i32(25), [](ByteView b) { return decode_parameter_description(b); }));
  CHECK(accepts_only_the_whole(kDataRowPayload, [](ByteView b) { return decode_data_row(b); }));
  CHECK(accepts_only_the_whole(join({std::string(1, '\1'), i16(2), i16(1), i16(1)}),
                               [](ByteView b) { return decode_copy_response(b); }));
  CHECK(accepts_only_the_whole(join({i32(196608), i32(2), cstr("_pq_.a"), cstr("_pq_.b")}),
                               [](ByteView b) { return decode_negotiate_protocol_version(b); }));
  CHECK(accepts_only_the_whole(join({i32(1), cstr("ch"), cstr("hello")}),
                               [](ByteView b) { return decode_notification_response(b); }));
}

TEST_CASE("Authentication in all its kinds") {
  CHECK(std::holds_alternative<AuthenticationOk>(*decode_authentication(exact(i32(0)))));
  CHECK(std::holds_alternative<AuthenticationCleartextPassword>(*decode_authentication(exact(i32(3)))));
  const auto md5 = decode_authentication(exact(i32(5) + "salt"));
  CHECK(as_chars(std::get<AuthenticationMd5Password>(*md5).salt) == "salt");

  const auto sasl_bytes =
      exact(join({i32(10), cstr("SCRAM-SHA-256-PLUS"), cstr("SCRAM-SHA-256"), std::string(1, '\0')}));
  const auto sasl = decode_authentication(sasl_bytes);
  const auto& mechanisms = std::get<AuthenticationSasl>(*sasl).mechanisms;
  CHECK(std::vector<std::string_view>(mechanisms.begin(), StringListView::Iterator{}) ==
        std::vector<std::string_view>{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"});
  CHECK(mechanisms.contains("SCRAM-SHA-256"));
  CHECK_FALSE(mechanisms.contains("SCRAM"));
  const auto none_bytes = exact(i32(10) + '\0');
  CHECK(std::get<AuthenticationSasl>(*decode_authentication(none_bytes)).mechanisms.empty());

  const auto data_bytes = exact(i32(11) + "r=x");
  CHECK(as_chars(std::get<AuthenticationSaslContinue>(*decode_authentication(data_bytes)).data) == "r=x");
  const auto final_bytes = exact(i32(12) + "v=y");
  CHECK(as_chars(std::get<AuthenticationSaslFinal>(*decode_authentication(final_bytes)).data) == "v=y");
  for (const std::uint32_t code : {1u, 2u, 7u, 8u, 9u, 13u, 0xffffffffu}) {
    const auto unknown = decode_authentication(exact(i32(code) + "whatever"));
    CHECK(std::get<AuthenticationUnsupported>(*unknown).code == code);
  }
}

TEST_CASE("BackendKeyData takes keys of 4 to 256 bytes") {
  const auto bytes = exact(i32(99) + "KEY!");
  CHECK(decode_backend_key_data(bytes)->process_id == 99);
  CHECK(as_chars(decode_backend_key_data(bytes)->key) == "KEY!");
  CHECK(decode_backend_key_data(exact(i32(99) + std::string(256, 'k')))->key.size() == 256);
  CHECK(decode_backend_key_data(exact(i32(99) + "KEY")).error() == DecodeError::Truncated);
  CHECK_FALSE(decode_backend_key_data(exact(i32(99) + std::string(257, 'k'))).has_value());
}

TEST_CASE("ReadyForQuery knows three states") {
  CHECK(decode_ready_for_query(exact("I"))->status == TransactionStatus::Idle);
  CHECK(decode_ready_for_query(exact("T"))->status == TransactionStatus::InTransaction);
  CHECK(decode_ready_for_query(exact("E"))->status == TransactionStatus::Failed);
  CHECK(decode_ready_for_query(exact("i")).error() == DecodeError::BadValue);
}

TEST_CASE("an error's fields, also when some are missing") {
  const auto bytes = exact(kErrorPayload);
  const auto report = decode_report(bytes);
  REQUIRE(report.has_value());
  CHECK(report->severity() == "ERROR");
  CHECK(report->sqlstate() == "42P01");
  CHECK(report->message() == "no such");
  CHECK(report->get(ReportField::Detail).empty());
  std::string codes;
  for (const auto field : *report) codes += field.code;
  CHECK(codes == "SVCMx");

  const auto empty_bytes = exact(std::string(1, '\0'));
  const auto empty = decode_report(empty_bytes);
  REQUIRE(empty.has_value());
  CHECK(empty->sqlstate().empty());
  CHECK(empty->severity().empty());
  const auto old_bytes = exact(join({"S", cstr("FATAL"), "C", cstr(""), std::string(1, '\0')}));
  CHECK(decode_report(old_bytes)->severity() == "FATAL");
  CHECK(decode_report(old_bytes)->sqlstate().empty());
}

TEST_CASE("the number of rows in a command tag") {
  struct Case {
    const char* tag;
    std::optional<std::uint64_t> rows;
  };
  for (const auto& [tag, rows] :
       {Case{"SELECT 5", 5}, Case{"INSERT 0 12", 12}, Case{"DELETE 0", 0},
        Case{"COPY 18446744073709551615", 18446744073709551615u}, Case{"COPY 18446744073709551616", std::nullopt},
        Case{"BEGIN", std::nullopt}, Case{"CREATE TABLE", std::nullopt}, Case{"", std::nullopt},
        Case{"SELECT ", std::nullopt}, Case{"SELECT -1", std::nullopt}, Case{"SELECT 1x", std::nullopt},
        Case{"5", std::nullopt}}) {
    CAPTURE(tag);
    CHECK(rows_of(tag) == rows);
  }
}

TEST_CASE("RowDescription") {
  const auto bytes = exact(kRowDescriptionPayload);
  const auto row = decode_row_description(bytes);
  REQUIRE(row.has_value());
  CHECK(row->size() == 2);
  std::vector<FieldDescription> fields;
  for (const auto field : *row) fields.push_back(field);
  REQUIRE(fields.size() == 2);
  CHECK(fields[0].name == "id");
  CHECK(fields[0].table_oid == 16384);
  CHECK(fields[0].attribute_number == 1);
  CHECK(fields[0].type_oid == 23);
  CHECK(fields[0].type_size == 4);
  CHECK(fields[0].type_modifier == -1);
  CHECK(fields[0].format == 0);
  CHECK(fields[1].name.empty());
  CHECK(fields[1].type_size == -1);
  CHECK(fields[1].type_modifier == 44);
  CHECK(fields[1].format == 1);
  CHECK(decode_row_description(exact(i16(0)))->size() == 0);
  CHECK(decode_row_description(exact(i16(0xffff) + cstr("a"))).error() == DecodeError::Truncated);
}

TEST_CASE("DataRow, and a negative field length that is not NULL") {
  const auto bytes = exact(kDataRowPayload);
  const auto row = decode_data_row(bytes);
  REQUIRE(row.has_value());
  std::vector<std::optional<std::string>> columns;
  for (const auto column : row->columns) {
    columns.push_back(column ? std::optional(std::string(as_chars(*column))) : std::nullopt);
  }
  CHECK(columns == std::vector<std::optional<std::string>>{"7", std::nullopt, ""});
  for (const std::uint32_t length : {0xfffffffeu, 0x80000000u}) {
    CHECK(decode_data_row(exact(i16(1) + i32(length) + "abc")).error() == DecodeError::BadValue);
  }
  CHECK(decode_data_row(exact(i16(1) + i32(4) + "abc")).error() == DecodeError::Truncated);
  CHECK(decode_data_row(exact(i16(-1))).error() == DecodeError::Truncated);
  CHECK(decode_data_row(exact(i16(0)))->columns.size() == 0);
}

TEST_CASE("COPY responses, notifications and version negotiation") {
  const auto copy_bytes = exact(join({std::string(1, '\1'), i16(2), i16(1), i16(0)}));
  const auto copy = decode_copy_response(copy_bytes);
  CHECK(copy->overall_format == 1);
  CHECK(copy->column_formats[0] == 1);
  CHECK(copy->column_formats[1] == 0);
  CHECK(decode_copy_response(exact("\2" + i16(0))).error() == DecodeError::BadValue);

  const auto notice_bytes = exact(join({i32(7), cstr("ch"), cstr("")}));
  CHECK(decode_notification_response(notice_bytes)->process_id == 7);
  CHECK(decode_notification_response(notice_bytes)->channel == "ch");
  CHECK(decode_notification_response(notice_bytes)->payload.empty());

  const auto version_bytes = exact(join({i32(196608), i32(2), cstr("_pq_.a"), cstr("")}));
  const auto version = decode_negotiate_protocol_version(version_bytes);
  REQUIRE(version.has_value());
  CHECK(version->newest_version == 196608);
  std::vector<std::string_view> options;
  for (const auto option : version->unrecognised_options) options.push_back(option);
  CHECK(options == std::vector<std::string_view>{"_pq_.a", ""});
  CHECK(decode_negotiate_protocol_version(exact(i32(196608) + i32(0xffffffff) + cstr("a"))).error() ==
        DecodeError::Truncated);
}

}  // namespace
}  // namespace bartizan::pgwire
