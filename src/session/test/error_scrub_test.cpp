#include "bartizan/session/error_scrub.hpp"

#include <doctest/doctest.h>

#include <map>

#include "bartizan/pgwire/backend_messages.hpp"
#include "bartizan/pgwire/frame.hpp"
#include "wire.hpp"

namespace bartizan::session::test {
namespace {

constexpr std::string_view kView = "v_0123456789abcdef01234567";
constexpr std::string_view kWriteView = "w_0123456789abcdef01234567";
constexpr std::string_view kRole = "bz_1a2b3c4d_c_0011223344556677";

policy::WallClass make_class() {
  sql::CatalogContents contents;
  sql::CatalogRelation customers;
  customers.oid = 4711;
  customers.schema = "clinic";
  customers.name = "customers";
  contents.relations.push_back(customers);
  auto catalog = sql::Catalog::make(std::move(contents));
  REQUIRE(catalog.has_value());
  sql::ViewMap views;
  sql::ClassView view;
  view.view = {"bartizan_views", std::string(kView)};
  view.write_view = {"bartizan_views", std::string(kWriteView)};
  views.relations.emplace(4711, view);
  policy::WallClass made;
  made.login_role = kRole;
  made.catalog = std::move(*catalog);
  made.views = std::make_shared<const sql::ViewMap>(std::move(views));
  return made;
}

using Fields = std::map<char, std::string>;

std::string payload(const Fields& fields) {
  std::string out;
  for (const auto& [code, text] : fields) out += code + cstr(text);
  return out + std::string(1, '\0');
}

/// What comes out, which must be one whole message, or nothing.
Fields fields_of(char type, const Bytes& out) {
  Fields fields;
  if (out.empty()) return fields;
  pgwire::FrameHeader header;
  REQUIRE(pgwire::peek_frame(out, header) == pgwire::FrameStatus::Ok);
  CHECK(header.type == type);
  REQUIRE(header.total_bytes() == out.size());
  const auto report = pgwire::decode_report(ByteView(out).subspan(pgwire::kFrameHeaderBytes));
  REQUIRE(report.has_value());
  for (const auto field : *report) fields.emplace(field.code, field.value);
  return fields;
}

Fields error(const Fields& fields) {
  static const auto wall_class = make_class();
  Bytes out;
  scrub_error(as_bytes(payload(fields)), {&wall_class, "ana"}, out);
  return fields_of('E', out);
}

Fields full(std::string code, std::string message) {
  Fields out = {{'S', "FEHLER"}, {'V', "ERROR"}, {'C', std::move(code)}, {'M', std::move(message)}};
  for (const char other : std::string_view("DHPpqWstcdnFLR?x")) out.emplace(other, "MARKER");
  return out;
}

TEST_CASE("messages that can hold no value pass, under the client's names") {
  struct Row {
    std::string code, message, shown;
  };
  const Row rows[] = {
      {"42883", "operator does not exist: text = integer", "operator does not exist: text = integer"},
      {"42804", "column \"a\" is of type integer but expression is of type text",
       "column \"a\" is of type integer but expression is of type text"},
      {"42803", "column \"" + std::string(kView) + ".name\" must appear in the GROUP BY clause",
       "column \"customers.name\" must appear in the GROUP BY clause"},
      {"42702", "\"bartizan_views." + std::string(kWriteView) + "\"", "\"customers\""},
      {"42P03", "cursor \"" + std::string(kRole) + "\"", "cursor \"ana\""},
      {"40001", "could not serialize access due to concurrent update",
       "could not serialize access due to concurrent update"},
      {"42701",
       "column \"gr\xc3\xb6\xc3\x9f"
       "e\" specified more than once",
       "column \"gr\xc3\xb6\xc3\x9f"
       "e\" specified more than once"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.code);
    const auto shown = error(full(row.code, row.message));
    CHECK(shown == Fields{{'S', "ERROR"}, {'V', "ERROR"}, {'C', row.code}, {'M', row.shown}});
  }
}

TEST_CASE("messages that can hold a value have a fixed text") {
  for (const std::string code :
       {"22P02", "22003", "22007", "22008", "22012", "22023", "22001",  "22021", "2201B", "22004",
        "22999", "23502", "23503", "23505", "23514", "23P01", "23999",  "42501", "42601", "42704",
        "42703", "42P01", "44000", "0A000", "P0001", "P0999", "XX000",  "XX001", "58P01", "53300",
        "54000", "55P03", "38000", "F0000", "HV000", "99999", "57014x", "ZZZZZ"}) {
    CAPTURE(code);
    const auto one = error(full(code, "invalid input: \"MARKER\""));
    const auto other = error(full(code, "something else"));
    CHECK(one == other);
    CHECK(one.at('M').find("MARKER") == std::string::npos);
    CHECK(one.size() == 4);
  }
  CHECK(error(full("22P02", "x")).at('M') == "invalid input syntax");
  CHECK(error(full("22999", "x")).at('M') == "a value does not fit its type or use");
  CHECK(error(full("23505", "x")).at('C') == "23505");
}

TEST_CASE("what the owner's DDL holds up is to be tried again") {
  static const auto wall_class = make_class();
  const auto scrubbed = [](const Fields& fields, bool interrupted) {
    Bytes out;
    ScrubNames names{&wall_class, "ana"};
    names.interrupted = interrupted;
    scrub_error(as_bytes(payload(fields)), names, out);
    return fields_of('E', out);
  };
  const std::string text = "what this statement is about is being changed by its owner; try again";
  for (const auto view : {kView, kWriteView}) {
    // In any language: the name tells.
    const auto lifted = error(full("42P01", "Relation \"bartizan_views." + std::string(view) + "\" existiert nicht"));
    CHECK(lifted == Fields{{'S', "ERROR"}, {'V', "ERROR"}, {'C', "57P03"}, {'M', text}});
  }
  CHECK(error(full("42P01", "relation \"nothing\" does not exist")).at('C') == "42P01");
  CHECK(error(full("42P01", "relation \"v_12\" does not exist")).at('C') == "42P01");
  CHECK(error(full("42883", std::string(kView))).at('C') == "42883");
  auto deadlock = full("40P01", "deadlock detected");
  CHECK(scrubbed(deadlock, false).at('C') == "40P01");
  deadlock['D'] =
      "Process 7 waits for ShareLock on transaction 9; blocked by process 8.\nProcess 8 waits for ShareLock on "
      "transaction 6; blocked by process 7.";
  CHECK(scrubbed(deadlock, false).at('C') == "40P01");
  deadlock['D'] =
      "Prozess 7 wartet auf AccessShareLock-Sperre auf Relation 16405; blockiert von Prozess 8.\nProzess 8 wartet "
      "auf AccessExclusiveLock-Sperre auf Relation 16399; blockiert von Prozess 7.";
  CHECK(scrubbed(deadlock, false) == Fields{{'S', "ERROR"}, {'V', "ERROR"}, {'C', "57P03"}, {'M', text}});
  const auto cancelled = full("57014", "canceling statement due to user request");
  CHECK(scrubbed(cancelled, false).at('C') == "57014");
  CHECK(scrubbed(cancelled, true).at('C') == "57P03");
  CHECK(scrubbed(cancelled, true).at('M') == text);
  CHECK(scrubbed(full("22012", "x"), true).at('C') == "22012");
  CHECK(is_cancelled(as_bytes(payload(cancelled))));
  CHECK_FALSE(is_cancelled(as_bytes(payload(full("57P01", "x")))));
  CHECK_FALSE(is_cancelled({}));
}

TEST_CASE("a name of the wall that has no other name takes the message with it") {
  for (const std::string& name :
       {std::string("v_ffffffffffffffffffffffff"), std::string("bz_1a2b3c4d_c_ffffffffffffffff"),
        std::string("bz_1a2b3c4d_wall"), std::string("bartizan.mask_hash"), std::string("bartizan"),
        std::string("xbartizanx"), std::string("bartizan_views")}) {
    CAPTURE(name);
    const auto shown = error(full("42883", "function " + name + "(text) does not exist"));
    CHECK(shown.at('M') == "the server has refused the statement");
    CHECK(shown.at('C') == "42883");
  }
  // Only whole words of that shape are the wall's.
  CHECK(error(full("42883", "v_0123 w_xyz")).at('M') == "v_0123 w_xyz");
  // Without a class none is known.
  Bytes out;
  scrub_error(as_bytes(payload(full("42883", std::string(kView)))), {}, out);
  CHECK(fields_of('E', out).at('M') == "the server has refused the statement");
}

TEST_CASE("long texts, lines and what can't be read") {
  CHECK(error(full("42883", std::string(kMaxScrubbedMessage + 1, 'a'))).at('M') ==
        "the server has refused the statement");
  CHECK(error(full("42883", "two\nlines")).at('M') == "the server has refused the statement");
  const std::string broken[] = {"",
                                "C",
                                "C42883",
                                std::string(1, '\0'),
                                payload({{'M', "MARKER"}}),
                                payload({{'C', "4288"}, {'M', "MARKER"}}),
                                payload({{'C', "4288 "}, {'M', "MARKER"}})};
  for (const auto& bytes : broken) {
    Bytes out;
    scrub_error(as_bytes(bytes), {}, out);
    const auto shown = fields_of('E', out);
    CHECK(shown.at('C') == "XX000");
    CHECK(shown.at('M').find("MARKER") == std::string::npos);
  }
  Bytes out;
  scrub_unread_error(out);
  CHECK(fields_of('E', out).at('C') == "XX000");
}

TEST_CASE("the severity that ends a session stays") {
  auto fields = full("57P01", "terminating connection due to administrator command");
  fields['V'] = "FATAL";
  CHECK(error(fields).at('S') == "FATAL");
  CHECK(error(fields).at('M') == "terminating connection due to administrator command");
  fields['V'] = "MARKER";
  CHECK(error(fields).at('S') == "ERROR");
}

TEST_CASE("notices: a closed list") {
  const auto notice = [](const std::string& code, const std::string& message) {
    Bytes out;
    auto fields = full(code, message);
    fields['V'] = "WARNING";
    scrub_notice(as_bytes(payload(fields)), out);
    return fields_of('N', out);
  };
  CHECK(notice("25P01", "there is no transaction in progress") ==
        Fields{{'S', "WARNING"}, {'V', "WARNING"}, {'C', "25P01"}, {'M', "there is no transaction in progress"}});
  CHECK(notice("25001", "there is already a transaction in progress").size() == 4);
  for (const std::string code : {"00000", "01000", "42622", "42P07", "P0000", "25P0", ""})
    CHECK(notice(code, "MARKER").empty());
  CHECK(notice("25P01", "bartizan").empty());
  CHECK(notice("25P01", "").empty());
  Bytes out;
  scrub_notice(as_bytes("C25P01"), out);
  CHECK(out.empty());
}

}  // namespace
}  // namespace bartizan::session::test
