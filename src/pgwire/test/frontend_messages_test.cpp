#include "bartizan/pgwire/frontend_messages.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "byte_script.hpp"

namespace bartizan::pgwire {
namespace {

using namespace test;

const std::string kBindPayload =
    join({cstr("p"), cstr("stmt"), i16(2), i16(0), i16(1), i16(2), i32(3), "abc", i32(0xffffffff), i16(1), i16(1)});
const std::string kParsePayload = join({cstr("s1"), cstr("select $1, $2"), i16(2), i32(23), i32(25)});

TEST_CASE("each decoder takes a whole payload and nothing shorter or longer") {
  CHECK(accepts_only_the_whole(cstr("select 1"), [](ByteView b) { return decode_query(b); }));
  CHECK(accepts_only_the_whole(kParsePayload, [](ByteView b) { return decode_parse(b); }));
  CHECK(accepts_only_the_whole(kBindPayload, [](ByteView b) { return decode_bind(b); }));
  CHECK(accepts_only_the_whole("S" + cstr("s1"), [](ByteView b) { return decode_describe(b); }));
  CHECK(accepts_only_the_whole("P" + cstr(""), [](ByteView b) { return decode_close(b); }));
  CHECK(accepts_only_the_whole(cstr("p") + i32(100), [](ByteView b) { return decode_execute(b); }));
  CHECK(accepts_only_the_whole(cstr("gave up"), [](ByteView b) { return decode_copy_fail(b); }));
  CHECK(accepts_only_the_whole(cstr("hunter2"), [](ByteView b) { return decode_password_message(b); }));
  CHECK(accepts_only_the_whole(cstr("SCRAM-SHA-256") + i32(4) + "n,,x",
                               [](ByteView b) { return decode_sasl_initial_response(b); }));
  CHECK(accepts_only_the_whole("", [](ByteView b) { return decode_empty(b); }));
}

TEST_CASE("Query and Parse") {
  const auto query = exact(cstr("select 1"));
  CHECK(decode_query(query)->query == "select 1");
  CHECK(decode_query(exact("a" + cstr("") + "b" + '\0')).error() == DecodeError::TrailingBytes);  // NUL inside

  const auto bytes = exact(kParsePayload);
  const auto parse = decode_parse(bytes);
  REQUIRE(parse.has_value());
  CHECK(parse->statement == "s1");
  CHECK(parse->query == "select $1, $2");
  REQUIRE(parse->parameter_types.size() == 2);
  CHECK(parse->parameter_types[0] == 23);
  CHECK(parse->parameter_types[1] == 25);
  CHECK(decode_parse(exact(join({cstr(""), cstr(""), i16(0xffff), i32(1)}))).error() == DecodeError::Truncated);
}

TEST_CASE("Bind: formats and values are iterated in place, and offsets point at each part") {
  const auto bytes = exact(kBindPayload);
  const auto bind = decode_bind(bytes);
  REQUIRE(bind.has_value());
  CHECK(bind->portal == "p");
  CHECK(bind->statement == "stmt");
  CHECK(format_of(bind->parameter_formats, 0) == 0);
  CHECK(format_of(bind->parameter_formats, 1) == 1);
  std::vector<std::optional<std::string>> values;
  for (const auto value : bind->parameters) {
    values.push_back(value ? std::optional(std::string(as_chars(*value))) : std::nullopt);
  }
  CHECK(values == std::vector<std::optional<std::string>>{"abc", std::nullopt});
  CHECK(bind->result_formats.size() == 1);
  CHECK(format_of(bind->result_formats, 7) == 1);
  CHECK(format_of(Int16ListView{}, 7) == 0);
  CHECK(bind->parameter_formats_offset == 7);
  CHECK(bind->parameters_offset == 13);
  CHECK(bind->result_formats_offset == 26);
}

TEST_CASE("Bind: hostile counts and lengths") {
  struct Case {
    const char* what;
    std::string rest;
    DecodeError error;
  };
  for (const auto& [what, rest, error] : {
           Case{"a length below -1", join({i16(0), i16(1), i32(0xfffffffe), i16(0)}), DecodeError::BadValue},
           Case{"the most negative length", join({i16(0), i16(1), i32(0x80000000), i16(0)}), DecodeError::BadValue},
           Case{"a length beyond the message", join({i16(0), i16(1), i32(0x7fffffff), i16(0)}), DecodeError::Truncated},
           Case{"more values than there are", join({i16(0), i16(0xffff), i32(0xffffffff), i16(0)}),
                DecodeError::Truncated},
           Case{"more formats than there are", join({i16(0xffff), i16(0), i16(0)}), DecodeError::Truncated},
           Case{"formats for another number of values", join({i16(2), i16(0), i16(0), i16(1), i32(0xffffffff), i16(0)}),
                DecodeError::BadValue},
           Case{"two formats for no value", join({i16(2), i16(0), i16(0), i16(0), i16(0)}), DecodeError::BadValue},
       }) {
    CAPTURE(what);
    const auto result = decode_bind(exact(cstr("") + cstr("") + rest));
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error() == error);
  }
  CHECK(decode_bind(exact(join({cstr(""), cstr(""), i16(1), i16(1), i16(0), i16(0)}))).has_value());  // as PostgreSQL
  std::string many = join({cstr(""), cstr(""), i16(0), i16(0xffff)});
  for (int i = 0; i < 0xffff; ++i) many += i32(0xffffffff);
  CHECK(decode_bind(exact(many + i16(0)))->parameters.size() == 65535);
}

TEST_CASE("the names in front of a message that is still coming") {
  for (std::size_t cut = 0; cut <= kBindPayload.size(); ++cut) {
    const auto prefix = exact(kBindPayload.substr(0, cut));
    const auto names = decode_bind_names(prefix);
    CAPTURE(cut);
    CHECK(names.has_value() == (cut >= 7));
    if (names) CHECK((names->portal == "p" && names->statement == "stmt"));
  }
  for (std::size_t cut = 0; cut <= kParsePayload.size(); ++cut) {
    const auto prefix = exact(kParsePayload.substr(0, cut));
    const auto parse = decode_parse_prefix(prefix);
    CAPTURE(cut);
    CHECK(parse.has_value() == (cut >= 17));
    if (parse) CHECK((parse->statement == "s1" && parse->query == "select $1, $2"));
  }
}

TEST_CASE("Describe, Close and Execute") {
  const auto statement = exact("S" + cstr("s1"));
  CHECK(decode_describe(statement)->kind == TargetKind::Statement);
  CHECK(decode_describe(statement)->name == "s1");
  CHECK(decode_close(exact("P" + cstr("")))->kind == TargetKind::Portal);
  CHECK(decode_describe(exact("s" + cstr("s1"))).error() == DecodeError::BadValue);
  CHECK(decode_close(exact(cstr("") + cstr(""))).error() == DecodeError::BadValue);
  CHECK(decode_execute(exact(cstr("p") + i32(0xffffffff)))->max_rows == -1);
  CHECK(decode_function_call(exact(i32(1598) + "anything"))->function_oid == 1598);
  CHECK(decode_function_call(exact("abc")).error() == DecodeError::Truncated);
}

TEST_CASE("SASL messages and passwords") {
  const auto with = exact(cstr("SCRAM-SHA-256") + i32(4) + "n,,x");
  CHECK(decode_sasl_initial_response(with)->mechanism == "SCRAM-SHA-256");
  CHECK(as_chars(*decode_sasl_initial_response(with)->data) == "n,,x");
  const auto without = exact(cstr("EXTERNAL") + i32(0xffffffff));
  REQUIRE(decode_sasl_initial_response(without).has_value());
  CHECK_FALSE(decode_sasl_initial_response(without)->data.has_value());
  const auto empty = exact(cstr("EXTERNAL") + i32(0));
  CHECK(decode_sasl_initial_response(empty)->data->empty());
  CHECK(decode_sasl_initial_response(exact(cstr("X") + i32(0xfffffffe))).error() == DecodeError::BadValue);
  CHECK(decode_sasl_initial_response(exact(cstr("X") + i32(0xffffffff) + "x")).error() == DecodeError::TrailingBytes);
  CHECK(as_chars(decode_sasl_response(as_bytes("c=biws"))->data) == "c=biws");
  CHECK(decode_password_message(exact("a" + cstr("") + "b" + '\0')).error() == DecodeError::TrailingBytes);
}

TEST_CASE("an error becomes Malformed with the message's name") {
  const auto error = as_error(DecodeError::Truncated, "Bind");
  CHECK(error.code == Errc::Malformed);
  CHECK(error.detail == "Bind: insufficient data left in message");
}

}  // namespace
}  // namespace bartizan::pgwire
