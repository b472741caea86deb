// One record on its way to a SIEM, and the bodies and envelopes it travels in. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"

namespace bartizan::shipping {

/// What receivers sort by, beside the record itself.
struct Record {
  std::string json;  ///< the leaf's exact bytes
  WallTime at{};
  std::string event;
  std::string uid;
  std::string tenant;    ///< empty: the system's
  std::string identity;
  std::string address;
  std::string depot;
  std::string action;    ///< command tag, operation or event
  std::string outcome;
  std::string sqlstate;
  std::string digest;
  std::int64_t rows = 0;
  bool important = false;  ///< refused, failed, of unknown outcome, or a break-glass
};

/// Malformed unless it is a record as docs/formats/audit-log.md describes it.
[[nodiscard]] Result<Record> read_record(std::string json);

enum class Body : std::uint8_t { Json, Cef };

/// Common Event Format, version 0.
[[nodiscard]] std::string cef_body(const Record& record);

/// RFC 5424, facility 13 (log audit). host: the sender's, of printable ASCII.
[[nodiscard]] std::string syslog_message(const Record& record, std::string_view host, Body body);

/// One OTLP/HTTP request of JSON (opentelemetry-proto, ExportLogsServiceRequest).
[[nodiscard]] std::string otlp_request(std::span<const Record> records, std::string_view host, WallTime now);
/// How many of them the receiver says it has rejected for good. 0 when the answer says nothing.
[[nodiscard]] std::uint64_t otlp_rejected(std::string_view answer);

/// What the receiver of a webhook checks: "t=<seconds>,v1=<hex of HMAC-SHA256 of t '.' body>".
[[nodiscard]] std::string webhook_signature(ByteView secret, WallTime now, std::string_view body);

}  // namespace bartizan::shipping
