#include "bartizan/shipping/record.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

namespace bartizan::shipping {
namespace {

namespace json = boost::json;

/// The text at that path, "" where there is none.
std::string text_at(const json::value& from, std::initializer_list<std::string_view> path) {
  const json::value* at = &from;
  for (const auto name : path) {
    const auto* object = at->if_object();
    at = object == nullptr ? nullptr : object->if_contains(name);
    if (at == nullptr) return {};
  }
  const auto* text = at->if_string();
  return text == nullptr ? std::string() : std::string(*text);
}

std::int64_t number_at(const json::value& from, std::initializer_list<std::string_view> path) {
  const json::value* at = &from;
  for (const auto name : path) {
    const auto* object = at->if_object();
    at = object == nullptr ? nullptr : object->if_contains(name);
    if (at == nullptr) return 0;
  }
  return at->is_int64() ? at->get_int64() : 0;
}

std::string first_of(std::string one, std::string other) { return one.empty() ? std::move(other) : std::move(one); }

}  // namespace

Result<Record> read_record(std::string text) {
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 32;
  const json::value value = json::parse(text, error, {}, options);
  const std::int64_t micros = error ? 0 : number_at(value, {"unmapped", "bartizan", "time_us"});
  if (error || !value.is_object() || text_at(value, {"metadata", "uid"}).empty())
    return fail(Errc::Malformed, "not a record of the audit log");
  Record out;
  out.at = WallTime(std::chrono::microseconds(micros));
  out.event = text_at(value, {"unmapped", "bartizan", "event"});
  out.uid = text_at(value, {"metadata", "uid"});
  out.tenant = text_at(value, {"metadata", "tenant_uid"});
  out.identity = first_of(text_at(value, {"actor", "user", "name"}), text_at(value, {"user", "name"}));
  out.address = first_of(text_at(value, {"src_endpoint", "ip"}), text_at(value, {"src_endpoint", "name"}));
  out.depot = first_of(text_at(value, {"database", "name"}), text_at(value, {"service", "name"}));
  out.action = first_of(text_at(value, {"unmapped", "bartizan", "tag"}),
                        first_of(text_at(value, {"api", "operation"}), std::string(out.event)));
  out.outcome = text_at(value, {"unmapped", "bartizan", "outcome", "status"});
  out.sqlstate = text_at(value, {"status_code"});
  out.digest = text_at(value, {"query_info", "uid"});
  out.rows = number_at(value, {"unmapped", "bartizan", "outcome", "rows"});
  out.important = out.outcome != "ok" || out.event == "break_glass";
  out.json = std::move(text);
  return out;
}

std::string otlp_request(std::span<const Record> records, std::string_view host, WallTime now) {
  const auto attribute = [](std::string_view key, std::string_view value) {
    return json::object{{"key", key}, {"value", json::object{{"stringValue", value}}}};
  };
  const auto nanos = [](WallTime time) { return std::to_string(time.time_since_epoch().count()) + "000"; };
  json::array logs;
  for (const Record& record : records) {
    json::array attributes{attribute("event.name", "bartizan.audit." + record.event),
                           attribute("bartizan.audit.uid", record.uid), attribute("user.name", record.identity)};
    if (!record.tenant.empty()) attributes.push_back(attribute("bartizan.tenant", record.tenant));
    if (!record.depot.empty()) attributes.push_back(attribute("db.namespace", record.depot));
    logs.push_back(json::object{{"timeUnixNano", nanos(record.at)},
                                {"observedTimeUnixNano", nanos(now)},
                                {"severityNumber", record.important ? 13 : 9},
                                {"severityText", record.important ? "WARN" : "INFO"},
                                {"body", json::object{{"stringValue", record.json}}},
                                {"attributes", std::move(attributes)}});
  }
  const json::object scope{{"scope", json::object{{"name", "bartizan.audit"}}}, {"logRecords", std::move(logs)}};
  const json::object resource{
      {"resource",
       json::object{{"attributes", json::array{attribute("service.name", "bartizan"), attribute("host.name", host)}}}},
      {"scopeLogs", json::array{scope}}};
  return json::serialize(json::object{{"resourceLogs", json::array{resource}}});
}

std::uint64_t otlp_rejected(std::string_view answer) {
  boost::system::error_code error;
  const json::value value = json::parse(answer, error);
  if (error) return 0;
  // int64 is a string in protobuf's JSON; some write a number.
  const std::string text = text_at(value, {"partialSuccess", "rejectedLogRecords"});
  const std::int64_t number = number_at(value, {"partialSuccess", "rejectedLogRecords"});
  if (!text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos)
    return std::stoull(text);
  return number > 0 ? static_cast<std::uint64_t>(number) : 0;
}

}  // namespace bartizan::shipping
