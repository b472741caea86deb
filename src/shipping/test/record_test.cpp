#include "bartizan/shipping/record.hpp"

#include <doctest/doctest.h>

#include "bartizan/crypto/hash.hpp"

namespace bartizan::shipping {
namespace {

constexpr const char* kRecord =
    R"({"class_uid":6005,"time":1700000000123,"status_code":"42501","metadata":{"uid":"42","tenant_uid":"acme"},)"
    R"("actor":{"user":{"name":"mia=x|y\\z"}},"src_endpoint":{"ip":"192.0.2.1","port":4711},"database":{"name":"demo"},)"
    R"("query_info":{"uid":"00ff"},"unmapped":{"bartizan":{"event":"statement","time_us":1700000000123456,)"
    R"("tag":"SELECT","outcome":{"status":"refused","rows":3,"bytes":99,"duration_us":7}}}})";

TEST_CASE("what receivers sort by is read from the record") {
  const auto record = read_record(kRecord);
  REQUIRE(record);
  CHECK(record->json == kRecord);
  CHECK(record->at.time_since_epoch().count() == 1700000000123456);
  CHECK(record->identity == "mia=x|y\\z");
  CHECK(record->action == "SELECT");
  CHECK(record->important);
  for (const char* text : {"", "{}", "[]", "log.example/t-acme\n1\n", R"({"metadata":{"uid":7}})"})
    CHECK_FALSE(read_record(text));
}

TEST_CASE("RFC 5424: facility, severity, time, and the record untouched") {
  auto record = read_record(kRecord).value();
  CHECK(syslog_message(record, "gw 1.example", Body::Json) ==
        std::string("<108>1 2023-11-14T22:13:20.123456Z gw1.example bartizan - statement - ") + kRecord);
  record.important = false;
  CHECK(syslog_message(record, "", Body::Json).starts_with("<110>1 2023-11-14T22:13:20.123456Z - bartizan"));
  record.event = "break_glass";
  CHECK(syslog_message(record, "gw", Body::Json).starts_with("<107>1 "));
}

TEST_CASE("CEF escapes what would end a field") {
  auto record = read_record(kRecord).value();
  CHECK(
      cef_body(record) ==
      R"(CEF:0|Bartizan|Bartizan|1|statement|SELECT|6|rt=1700000000123 externalId=42 suser=mia\=x|y\\z src=192.0.2.1 )"
      R"(act=SELECT outcome=refused reason=42501 cs1=acme cs1Label=tenant cs2=demo cs2Label=depot cs3=00ff )"
      R"(cs3Label=digest cn1=3 cn1Label=rows)");
  record.action = "a|b\\c";
  record.identity = "line\nbreak";
  CHECK(cef_body(record).find(R"(|a\|b\\c|6|)") != std::string::npos);
  CHECK(cef_body(record).find(R"(suser=line\nbreak )") != std::string::npos);
}

TEST_CASE("OTLP: one log record each, the leaf as its body") {
  const std::vector<Record> records{read_record(kRecord).value()};
  const auto request = otlp_request(records, "gw", WallTime(std::chrono::microseconds(1700000001000000)));
  CHECK(request.starts_with(R"({"resourceLogs":[{"resource":{"attributes":[{"key":"service.name")"));
  CHECK(request.find(R"("timeUnixNano":"1700000000123456000","observedTimeUnixNano":"1700000001000000000",)"
                     R"("severityNumber":13,"severityText":"WARN","body":{"stringValue":"{\"class_uid\":6005)") !=
        std::string::npos);
  CHECK(otlp_rejected(R"({"partialSuccess":{"rejectedLogRecords":"3"}})") == 3);
  CHECK(otlp_rejected(R"({"partialSuccess":{"rejectedLogRecords":2}})") == 2);
  for (const char* text : {"", "{}", "<html>", R"({"partialSuccess":{"rejectedLogRecords":"x"}})"})
    CHECK(otlp_rejected(text) == 0);
}

TEST_CASE("a webhook's signature covers time and body") {
  const WallTime at(std::chrono::seconds(1700000000));
  const auto key = as_bytes(std::string_view("sixteen bytes key"));
  const auto expected = hex_encode(crypto::hmac_sha256(key, as_bytes(std::string_view("1700000000.body"))));
  CHECK(webhook_signature(key, at, "body") == "t=1700000000,v1=" + expected);
  CHECK(webhook_signature(key, at, "bodz") != "t=1700000000,v1=" + expected);
}

}  // namespace
}  // namespace bartizan::shipping
