// Messages as the tests write them, by the manual's "Message Formats".
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "bartizan/base/bytes.hpp"
#include "bartizan/pgwire/writer.hpp"

namespace bartizan::session::test {

inline std::string i16(unsigned value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}
inline std::string i32(std::uint32_t value) { return i16(value >> 16) + i16(value & 0xffff); }
inline std::string cstr(std::string_view text) { return std::string(text) + '\0'; }
inline std::string message(char type, std::string_view payload) {
  return std::string(1, type) + i32(static_cast<std::uint32_t>(payload.size() + 4)) + std::string(payload);
}
/// The header alone of a message of that many bytes of payload.
inline std::string header(char type, std::uint32_t payload_bytes) {
  return std::string(1, type) + i32(payload_bytes + 4);
}

// ---- of clients ----
inline std::string query(std::string_view text) { return message('Q', cstr(text)); }
inline std::string parse(std::string_view name, std::string_view text) {
  return message('P', cstr(name) + cstr(text) + i16(0));
}
inline std::string bind_portal(std::string_view portal, std::string_view statement) {
  return message('B', cstr(portal) + cstr(statement) + i16(0) + i16(0) + i16(0));
}
inline std::string execute(std::string_view portal, std::uint32_t rows = 0) {
  return message('E', cstr(portal) + i32(rows));
}
inline std::string describe(char kind, std::string_view name) { return message('D', kind + cstr(name)); }
inline std::string close(char kind, std::string_view name) { return message('C', kind + cstr(name)); }
inline std::string function_call(std::uint32_t oid) { return message('F', i32(oid) + i16(0) + i16(0) + i16(0)); }
inline std::string sync() { return message('S', ""); }
inline std::string flush() { return message('H', ""); }
inline std::string terminate() { return message('X', ""); }
inline std::string copy_data(std::string_view data) { return message('d', data); }
inline std::string copy_done() { return message('c', ""); }
inline std::string copy_fail() { return message('f', cstr("no")); }

// ---- of servers ----
inline std::string parse_complete() { return message('1', ""); }
inline std::string bind_complete() { return message('2', ""); }
inline std::string close_complete() { return message('3', ""); }
inline std::string no_data() { return message('n', ""); }
inline std::string empty_query() { return message('I', ""); }
inline std::string suspended() { return message('s', ""); }
inline std::string row_description() {
  return message('T', i16(1) + cstr("c") + i32(0) + i16(0) + i32(23) + i16(4) + i32(0xffffffff) + i16(0));
}
inline std::string parameter_description() { return message('t', i16(0)); }
inline std::string data_row(std::string_view value) {
  return message('D', i16(1) + i32(static_cast<std::uint32_t>(value.size())) + std::string(value));
}
inline std::string complete(std::string_view tag) { return message('C', cstr(tag)); }
inline std::string ready(char status = 'I') { return message('Z', std::string(1, status)); }
inline std::string error(std::string_view sqlstate, std::string_view severity = "ERROR") {
  return message(
      'E', 'S' + cstr(severity) + 'V' + cstr(severity) + 'C' + cstr(sqlstate) + 'M' + cstr("it went wrong") + '\0');
}
inline std::string notice() {
  return message('N',
                 'S' + cstr("NOTICE") + 'V' + cstr("NOTICE") + 'C' + cstr("00000") + 'M' + cstr("by the way") + '\0');
}
inline std::string notification() { return message('A', i32(7) + cstr("channel") + cstr("")); }
inline std::string parameter(std::string_view name, std::string_view value) {
  return message('S', cstr(name) + cstr(value));
}
inline std::string copy_in() { return message('G', std::string(1, '\0') + i16(1) + i16(0)); }
inline std::string copy_out() { return message('H', std::string(1, '\0') + i16(1) + i16(0)); }
inline std::string function_result() { return message('V', i32(0xffffffff)); }

/// An ErrorResponse of the gateway's own.
inline std::string gateway_error(std::string_view sqlstate, std::string text, std::string hint) {
  pgwire::ErrorReport report;
  report.sqlstate = *pgwire::SqlState::parse(sqlstate);
  report.message = std::move(text);
  report.hint = std::move(hint);
  Bytes out;
  pgwire::MessageWriter writer(out);
  pgwire::write_error_response(writer, report);
  return std::string(as_chars(out));
}
inline std::string expired() {
  return gateway_error("42501", "your access to this depot has ended",
                       "Ask an administrator of the depot to renew the grant.");
}
inline std::string unaudited() {
  return gateway_error("58030", "the audit log can't take this statement, so it was not run",
                       "Try again; operators find the reason in Bartizan's log under audit.write_failed.");
}
inline std::string control_away() {
  return gateway_error("57P03", "Bartizan's control database is away, so this statement was not run",
                       "Try again shortly.");
}

inline constexpr std::string_view kPoisonText = "BARTIZAN REFUSED THIS STATEMENT";
inline std::string poison_query() { return query(kPoisonText); }
inline std::string poison_parse(std::string_view name) { return parse(name, kPoisonText); }
inline std::string poison_execute() { return parse("bartizan refused", kPoisonText); }

}  // namespace bartizan::session::test
