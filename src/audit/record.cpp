#include "bartizan/audit/record.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "bartizan/base/bytes.hpp"
#include "bartizan/crypto/hash.hpp"

namespace bartizan::audit {
namespace {

constexpr std::size_t kMaxUnparsed = 2048;
constexpr std::size_t kMaxTag = 128;

struct Classification {
  unsigned class_uid;
  unsigned category_uid;
  unsigned activity_id;
};

constexpr unsigned kDatastoreActivity = 6005;
constexpr unsigned kAuthentication = 3002;
constexpr unsigned kApiActivity = 6003;
constexpr unsigned kUserAccess = 3005;
constexpr unsigned kGroupManagement = 3006;
constexpr unsigned kOther = 99;

void append_number(std::string& out, std::uint64_t value) {
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, end);
}

void append_field(std::string& out, std::string_view name, std::uint64_t value) {
  out.append(name);
  append_number(out, value);
}

bool is_string(std::string_view json) { return json.size() >= 2 && json.front() == '"'; }

/// A value as a JSON string, whatever it was.
void append_as_string(std::string& out, std::string_view json) {
  if (is_string(json)) {
    out.append(json);
    return;
  }
  out.push_back('"');
  out.append(json);
  out.push_back('"');
}

/// The members of a record, each taken at most once; what nobody took goes into the extension.
class Found {
 public:
  Found(std::vector<Member>& who, std::vector<Member>& what) : lists_{&who, &what} {}
  [[nodiscard]] std::string_view take(std::string_view name) {
    for (auto* list : lists_)
      for (auto& member : *list)
        if (member.name == name) {
          member.name = {};
          return member.value;
        }
    return {};
  }
  [[nodiscard]] std::string_view peek(std::string_view name) const {
    for (const auto* list : lists_)
      for (const auto& member : *list)
        if (member.name == name) return member.value;
    return {};
  }
  void append_rest(std::string& out) const {
    for (const auto* list : lists_)
      for (const auto& member : *list) {
        if (member.name.empty() || member.name == "event" || member.name == "time_us" || member.name == "outcome" ||
            member.name.starts_with("unparsed"))
          continue;
        out.append(",\"").append(member.name).append("\":").append(member.value);
      }
  }

 private:
  std::array<std::vector<Member>*, 2> lists_;
};

unsigned activity_of(std::string_view tag, std::string_view effect) {
  struct Row {
    std::string_view tag;
    unsigned activity;
  };
  static constexpr Row kRows[] = {{"\"SELECT\"", 4},         {"\"VALUES\"", 4}, {"\"FETCH\"", 4},  {"\"SHOW\"", 4},
                                  {"\"EXPLAIN\"", 4},        {"\"INSERT\"", 6}, {"\"UPDATE\"", 2}, {"\"DELETE\"", 7},
                                  {"\"TRUNCATE TABLE\"", 7}, {"\"MERGE\"", 5}};
  for (const Row& row : kRows)
    if (row.tag == tag) return row.activity;
  if (tag == "\"COPY\"") return effect == "\"read\"" ? 4 : 5;
  return kOther;
}

/// The word after the dot: of "identity.create", "config.update".
std::string_view verb_of(std::string_view operation) {
  if (!is_string(operation)) return {};
  operation = operation.substr(1, operation.size() - 2);
  const auto dot = operation.find('.');
  return dot == std::string_view::npos ? operation : operation.substr(dot + 1);
}

unsigned api_activity_of(std::string_view operation) {
  struct Row {
    std::string_view verb;
    unsigned activity;
  };
  static constexpr Row kRows[] = {
      {"create", 1},      {"add", 1},          {"assign", 1},  {"publish", 1},      {"list", 2},     {"show", 2},
      {"get", 2},         {"history", 2},      {"diff", 2},    {"test", 2},         {"explain", 2},  {"status", 2},
      {"set", 3},         {"enable", 3},       {"disable", 3}, {"set-password", 3}, {"login", 3},    {"update", 3},
      {"rollback", 3},    {"erase", 4},        {"delete", 4},  {"remove", 4},       {"unassign", 4}, {"kill", 4},
      {"who-can-see", 2}, {"what-can-see", 2}, {"unwrap", 2},  {"rewrap", 3},       {"rotate", 3},   {"destroy", 4}};
  const auto verb = verb_of(operation);
  for (const Row& row : kRows)
    if (row.verb == verb) return row.activity;
  return kOther;
}

/// Privileges assigned 1, revoked 2; a member added to a group 3, removed 4.
unsigned access_activity_of(std::string_view operation) {
  const auto verb = verb_of(operation);
  if (verb == "add" || verb == "give") return 1;
  if (verb == "remove" || verb == "withdraw") return 2;
  if (verb == "assign") return 3;
  return verb == "unassign" ? 4 : kOther;
}

Classification classify(Event event, const Found& found) {
  switch (event) {
    case Event::SignIn: return {kAuthentication, 3, 1};
    case Event::SignOut: return {kAuthentication, 3, 2};
    case Event::Statement:
    case Event::Execute: return {kDatastoreActivity, 6, activity_of(found.peek("tag"), found.peek("effect"))};
    case Event::FunctionCall:
    case Event::Cancel: return {kDatastoreActivity, 6, kOther};
    case Event::LogRead: return {kApiActivity, 6, 2};
    case Event::BreakGlass: return {kApiActivity, 6, 3};
    case Event::ApiCall:
    case Event::ConfigChange:
    case Event::KeyUse:
    case Event::Backup:
    case Event::Counts:
    case Event::Drill: return {kApiActivity, 6, api_activity_of(found.peek("operation"))};
    case Event::Grant:
    case Event::Consent:
      return {found.peek("group").empty() ? kUserAccess : kGroupManagement, 3,
              access_activity_of(found.peek("operation"))};
  }
  return {kDatastoreActivity, 6, kOther};
}

void append_status(std::string& out, const Outcome& outcome) {
  switch (outcome.status) {
    case Status::Ok: out.append(",\"status_id\":1"); break;
    case Status::Failed: out.append(",\"status_id\":2"); break;
    case Status::Refused: out.append(",\"status_id\":2,\"status_detail\":\"refused by the gateway\""); break;
    case Status::NotRun: out.append(",\"status_id\":99,\"status\":\"not run\""); break;
    case Status::Unknown: out.append(",\"status_id\":0"); break;
  }
  out.append(",\"status_code\":\"");
  for (const char c : outcome.sqlstate) out.push_back((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ? c : '?');
  out.push_back('"');
}

/// "host:port", "[v6]:port" or a name without a port.
void append_endpoint(std::string& out, Found& found) {
  const std::string_view json = found.take("address");
  out.append(",\"src_endpoint\":{");
  if (json.empty() && !found.peek("sealed").empty()) {
    out.append("\"name\":\"sealed\"}");
    return;
  }
  std::string_view text = is_string(json) ? json.substr(1, json.size() - 2) : std::string_view();
  const auto colon = text.rfind(':');
  const std::string_view port = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(port.data(), port.data() + port.size(), number);
  const bool numeric =
      !port.empty() && parsed.ec == std::errc{} && parsed.ptr == port.data() + port.size() && number <= 65535;
  if (!numeric) {
    out.append("\"name\":\"").append(text.empty() ? "unknown" : text).append("\"}");
    return;
  }
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  append_field(out.append("\"ip\":\"").append(host).append("\""), ",\"port\":", number);
  out.push_back('}');
}

void append_metadata(std::string& out, Ticket ticket, std::string_view tenant, bool truncated) {
  out.append(",\"metadata\":{\"version\":\"1.8.0\",\"product\":{\"name\":\"Bartizan\",\"vendor_name\":\"Bartizan\"}");
  append_field(out, ",\"uid\":\"", ticket.get());
  if (!tenant.empty()) append_as_string(out.append("\",\"tenant_uid\":"), tenant);
  if (tenant.empty()) out.push_back('"');
  if (truncated) out.append(",\"is_truncated\":true");
  out.push_back('}');
}

void append_identity(std::string& out, std::string_view key, std::string_view identity) {
  out.append(key).append("{\"name\":");
  append_as_string(out, identity.empty() ? "\"unknown\"" : identity);
  out.push_back('}');
}

void append_datastore(std::string& out, Found& found, Event event, const Classification& kind, const Outcome& outcome) {
  const auto identity = found.take("identity");
  const auto session = found.take("session");
  append_identity(out.append(",\"actor\":{"), "\"user\":", identity);
  if (!session.empty()) append_as_string(out.append(",\"session\":{\"uid\":"), session);
  out.append(session.empty() ? "}" : "}}");
  append_endpoint(out, found);
  const auto depot = found.take("depot");
  append_as_string(out.append(",\"database\":{\"name\":"), depot.empty() ? "\"unknown\"" : depot);
  out.append(",\"type_id\":1},\"type_id\":1");
  auto tag = found.peek("tag");
  if (tag.size() > kMaxTag || !is_string(tag)) tag = {};
  if (kind.activity_id == kOther) {
    out.append(",\"activity_name\":");
    if (!tag.empty())
      out.append(tag);
    else
      out.append("\"").append(to_string(event)).append("\"");
  }
  const auto digest = found.take("digest");
  auto text = found.take("text");
  if (text.empty()) text = tag;
  if (digest.empty() || text.empty()) return;
  append_as_string(out.append(",\"query_info\":{\"uid\":"), digest);
  append_as_string(out.append(",\"query_string\":"), text);
  append_field(out, ",\"bytes\":", outcome.bytes);
  out.push_back('}');
}

void append_authentication(std::string& out, Found& found) {
  const auto session = found.take("session");
  append_identity(out, ",\"user\":", found.take("identity"));
  if (!session.empty()) append_as_string(out.append(",\"session\":{\"uid\":"), session);
  if (!session.empty()) out.push_back('}');
  append_endpoint(out, found);
  // OCSF asks for one of the two: who got no further than the gateway has asked for no depot.
  const auto depot = found.take("depot");
  if (depot.empty()) {
    out.append(",\"dst_endpoint\":{\"name\":\"Bartizan\"}");
    return;
  }
  append_as_string(out.append(",\"service\":{\"name\":"), depot);
  out.push_back('}');
}

void append_resource(std::string& out, Found& found) {
  const auto resource = found.take("resource_kind");
  if (resource.empty()) return;
  append_as_string(out.append(",\"resources\":[{\"type\":"), resource);
  const auto uid = found.take("resource_uid");
  if (!uid.empty()) append_as_string(out.append(",\"uid\":"), uid);
  const auto name = found.take("resource_name");
  if (!name.empty()) append_as_string(out.append(",\"name\":"), name);
  out.append("}]");
}

void append_api(std::string& out, Found& found, const Classification& kind) {
  append_identity(out.append(",\"actor\":{"), "\"user\":", found.take("identity"));
  out.push_back('}');
  append_endpoint(out, found);
  const auto operation = found.take("operation");
  append_as_string(out.append(",\"api\":{\"operation\":"), operation.empty() ? "\"unknown\"" : operation);
  out.push_back('}');
  if (kind.activity_id == kOther)
    append_as_string(out.append(",\"activity_name\":"), operation.empty() ? "\"unknown\"" : operation);
  append_resource(out, found);
}

/// To whom what was given or taken, by whom.
void append_access(std::string& out, Found& found, const Classification& kind) {
  append_identity(out.append(",\"actor\":{"), "\"user\":", found.take("identity"));
  out.push_back('}');
  append_endpoint(out, found);
  if (const auto group = found.take("group"); !group.empty()) append_identity(out, ",\"group\":", group);
  const auto user = found.take("user");
  if (!user.empty() || kind.class_uid == kUserAccess) append_identity(out, ",\"user\":", user);
  if (const auto privilege = found.take("privilege"); !privilege.empty()) {
    append_as_string(out.append(",\"privileges\":["), privilege);
    out.push_back(']');
  }
  if (kind.activity_id == kOther) out.append(",\"activity_name\":\"other\"");
  if (kind.class_uid == kUserAccess) append_resource(out, found);
}

void append_extension(std::string& out, const Found& found, const Intent& intent, const Outcome& outcome) {
  out.append(",\"unmapped\":{\"bartizan\":{\"event\":\"").append(to_string(intent.event));
  append_field(out, "\",\"time_us\":",
               static_cast<std::uint64_t>(std::max<std::int64_t>(0, intent.at.time_since_epoch().count())));
  found.append_rest(out);
  out.append(",\"outcome\":{\"status\":\"").append(to_string(outcome.status));
  append_field(out, "\",\"rows\":", outcome.rows);
  append_field(out, ",\"bytes\":", outcome.bytes);
  append_field(out,
               ",\"duration_us\":", static_cast<std::uint64_t>(std::max<std::int64_t>(0, outcome.duration.count())));
  out.append("}}}}");
}

/// Into the extension, whose three brackets are already closed.
void append_unparsed(std::string& out, std::string_view name, std::string_view members) {
  out.resize(out.size() - 3);
  append_member(out, name, members.substr(0, kMaxUnparsed));
  out.append("}}}");
}

}  // namespace

void append_record(std::string& out, Ticket ticket, const Intent& intent, const Outcome& outcome) {
  thread_local std::vector<Member> who;
  thread_local std::vector<Member> what;
  const bool who_split = split_members(intent.session, who);
  const bool what_split = split_members(intent.statement, what);
  Found found(who, what);
  const Classification kind = classify(intent.event, found);
  append_field(out, "{\"class_uid\":", kind.class_uid);
  append_field(out, ",\"category_uid\":", kind.category_uid);
  append_field(out, ",\"activity_id\":", kind.activity_id);
  append_field(out, ",\"type_uid\":", std::uint64_t{kind.class_uid} * 100 + kind.activity_id);
  out.append(intent.event == Event::BreakGlass ? ",\"severity_id\":4" : ",\"severity_id\":1");
  append_field(out, ",\"time\":",
               static_cast<std::uint64_t>(std::max<std::int64_t>(0, intent.at.time_since_epoch().count() / 1000)));
  append_status(out, outcome);
  append_metadata(out, ticket, found.take("tenant"), !found.peek("omitted_bytes").empty());
  if (kind.class_uid == kAuthentication)
    append_authentication(out, found);
  else if (kind.class_uid == kApiActivity)
    append_api(out, found, kind);
  else if (kind.class_uid != kDatastoreActivity)
    append_access(out, found, kind);
  else
    append_datastore(out, found, intent.event, kind, outcome);
  append_extension(out, found, intent, outcome);
  // Members that are not what they should be are kept as text rather than lost.
  if (!who_split) append_unparsed(out, "unparsed_session", intent.session);
  if (!what_split) append_unparsed(out, "unparsed_statement", intent.statement);
}

}  // namespace bartizan::audit
