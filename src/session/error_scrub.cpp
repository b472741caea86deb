#include "bartizan/session/error_scrub.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "bartizan/pgwire/backend_messages.hpp"
#include "bartizan/pgwire/frame.hpp"
#include "bartizan/pgwire/message_types.hpp"
#include "bartizan/pgwire/writer.hpp"

namespace bartizan::session {
namespace {

constexpr std::string_view kCancelled = "57014";
constexpr std::string_view kUnread = "the server's error can't be shown under a policy";

/// Raised before any row is read (parsing, transaction control) or with a constant text: what they
/// hold is the client's own or a type's name. Sorted.
constexpr std::array kMessagePasses = std::to_array<std::string_view>({
    "21000", "25000", "25001", "25002", "25006", "25P01", "25P02", "25P03", "26000", "34000", "3B001", "40001", "40P01",
    "42611", "42701", "42702", "42712", "42725", "42803", "42804", "42846", "42883", "428C9", "42P02", "42P03", "42P05",
    "42P08", "42P10", "42P18", "42P19", "42P20", "42P21", "42P22", "57014", "57P01", "57P02", "57P03", "57P05",
});

struct FixedText {
  std::string_view code;  ///< of five characters, or a class of two
  std::string_view text;
};
/// Sorted by code; a class stands before its codes.
constexpr std::array kFixed = std::to_array<FixedText>({
    {"08", "the connection to the server has failed"},
    {"08P01", "the message does not fit the protocol, or the statement that it is for"},
    {"0A", "this is not offered under a policy"},
    {"22", "a value does not fit its type or use"},
    {"22001", "value too long for its type"},
    {"22003", "numeric value out of range"},
    {"22004", "null value not allowed"},
    {"22007", "invalid datetime format"},
    {"22008", "datetime field overflow"},
    {"22012", "division by zero"},
    {"2201B", "invalid regular expression"},
    {"22021", "character not in repertoire"},
    {"22023", "invalid parameter value"},
    {"22025", "invalid escape sequence"},
    {"22P02", "invalid input syntax"},
    {"22P03", "invalid binary representation"},
    {"22P05", "untranslatable character"},
    {"23", "an integrity constraint is violated"},
    {"23502", "null value violates a not-null constraint"},
    {"23503", "a foreign key constraint is violated"},
    {"23505", "duplicate key value violates a unique constraint"},
    {"23514", "a check constraint is violated"},
    {"23P01", "an exclusion constraint is violated"},
    {"42501", "permission denied, or the row lies outside of what you may write"},
    {"42601", "syntax error"},
    {"42703", "column does not exist"},
    {"42704", "object does not exist"},
    {"42P01", "relation does not exist"},
    {"44000", "the row lies outside of what you may write"},
    {"53", "the server is short of resources"},
    {"53300", "the server has too many connections"},
    {"54", "a limit of the server is exceeded"},
    {"55P03", "a lock is not available"},
    {"57", "the server has ended the statement"},
    {"P0", "a function of the database has raised an error"},
});
constexpr std::string_view kLifted = "what this statement is about is being changed by its owner; try again";
constexpr std::string_view kFixedDefault = "the server has refused the statement";

/// Warnings with a constant text about the client's own transaction. Sorted.
constexpr std::array kNoticePasses = std::to_array<std::string_view>({"25001", "25P01"});

bool is_sqlstate(std::string_view code) {
  return code.size() == 5 &&
         std::ranges::all_of(code, [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
}

std::string_view fixed_text(std::string_view sqlstate) {
  std::string_view text = kFixedDefault;
  for (const auto& [code, fixed] : kFixed)
    if (sqlstate.starts_with(code)) text = fixed;  // a code comes behind its class
  return text;
}

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

/// The relation that the class sees through this view.
const sql::CatalogRelation* relation_of(std::string_view view, const policy::WallClass& wall_class) {
  if (wall_class.views == nullptr || wall_class.catalog == nullptr) return nullptr;
  for (const auto& [oid, seen] : wall_class.views->relations)
    if (seen.view.name == view || seen.write_view.name == view) return wall_class.catalog->relation(oid);
  return nullptr;
}

/// A name that only the wall gives (docs/formats/wall-objects.md).
bool of_the_wall(std::string_view word) {
  const auto hex = [](std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  };
  constexpr std::size_t kViewName = 2 + 24;
  const bool view =
      word.size() == kViewName && (word.starts_with("v_") || word.starts_with("w_")) && hex(word.substr(2));
  return view || word.starts_with("bz_") || word.find("bartizan") != std::string_view::npos;
}

/// The message under the client's own names; nullopt: it may not pass.
std::optional<std::string> renamed(std::string_view message, const ScrubNames& names) {
  if (message.empty() || message.size() > kMaxScrubbedMessage) return std::nullopt;
  std::string out;
  for (std::size_t at = 0; at < message.size();) {
    const auto end = static_cast<std::size_t>(
        std::find_if_not(message.begin() + static_cast<std::ptrdiff_t>(at), message.end(), is_word) - message.begin());
    if (end == at) {
      if (static_cast<unsigned char>(message[at]) < 0x20) return std::nullopt;  // lines are of values, not of names
      out += message[at++];
      continue;
    }
    auto word = message.substr(at, end - at);
    at = end;
    if (!of_the_wall(word)) {
      out += word;
      continue;
    }
    if (names.wall_class == nullptr) return std::nullopt;
    if (word == names.wall_class->login_role) {
      out += names.shown_user;
      continue;
    }
    if (word == "bartizan_views" && at < message.size() && message[at] == '.') {
      ++at;
      continue;
    }
    const auto* relation = relation_of(word, *names.wall_class);
    if (relation == nullptr) return std::nullopt;
    out += relation->name;
  }
  return out;
}

/// A view of a class is missing: taken away for the owner's DDL, and not built anew yet.
bool is_lifted(const pgwire::ReportFieldsView& report) {
  if (report.sqlstate() != "42P01") return false;
  const auto text = report.message();
  for (auto at = text.begin(); at != text.end();) {
    const auto begin = std::find_if(at, text.end(), is_word);
    at = std::find_if_not(begin, text.end(), is_word);
    const std::string_view word(begin, at);
    if (!word.starts_with("bz_") && word.find("bartizan") == std::string_view::npos && of_the_wall(word)) return true;
  }
  return false;
}

/// A deadlock with somebody who changes a table: the one of the two whom PostgreSQL has picked is told what the one
/// is told who came a moment later. Names of lock modes are in no other language than English.
bool lost_to_ddl(const pgwire::ReportFieldsView& report) {
  return report.sqlstate() == "40P01" &&
         report.get(pgwire::ReportField::Detail).find("AccessExclusiveLock") != std::string_view::npos;
}

std::string_view severity_of(std::string_view told, std::string_view fallback) {
  for (const std::string_view known : {"ERROR", "FATAL", "PANIC", "WARNING", "NOTICE", "DEBUG", "INFO", "LOG"})
    if (told == known) return known;
  return fallback;
}

void write(char type, std::string_view severity, std::string_view sqlstate, std::string_view message, Bytes& out) {
  const auto put = [&](char code, std::string_view text) {
    out.push_back(static_cast<std::byte>(code));
    const auto bytes = as_bytes(text);
    out.insert(out.end(), bytes.begin(), bytes.end());
    out.push_back(std::byte{0});
  };
  const std::size_t start = out.size();
  out.resize(start + pgwire::kFrameHeaderBytes);
  put('S', severity);
  put('V', severity);
  put('C', sqlstate);
  put('M', message);
  out.push_back(std::byte{0});
  out[start] = static_cast<std::byte>(type);
  store_be32(out.data() + start + 1, static_cast<std::uint32_t>(out.size() - start - 1));
}

}  // namespace

void scrub_unread_error(Bytes& out) { write(pgwire::backend::kErrorResponse, "ERROR", "XX000", kUnread, out); }

void scrub_error(ByteView payload, const ScrubNames& names, Bytes& out) {
  const auto report = pgwire::decode_report(payload);
  if (!report || !is_sqlstate(report->sqlstate())) return scrub_unread_error(out);
  const auto sqlstate = report->sqlstate();
  const auto severity = severity_of(report->severity(), "ERROR");
  if (is_lifted(*report) || lost_to_ddl(*report) || (names.interrupted && sqlstate == kCancelled))
    return write(pgwire::backend::kErrorResponse, severity, "57P03", kLifted, out);
  std::optional<std::string> message;
  if (std::ranges::binary_search(kMessagePasses, sqlstate)) message = renamed(report->message(), names);
  write(pgwire::backend::kErrorResponse, severity, sqlstate, message ? *message : fixed_text(sqlstate), out);
}

bool is_cancelled(ByteView payload) {
  const auto report = pgwire::decode_report(payload);
  return report && report->sqlstate() == kCancelled;
}

void scrub_notice(ByteView payload, Bytes& out) {
  const auto report = pgwire::decode_report(payload);
  if (!report || !std::ranges::binary_search(kNoticePasses, report->sqlstate())) return;
  const auto message = renamed(report->message(), {});
  if (message)
    write(pgwire::backend::kNoticeResponse, severity_of(report->severity(), "NOTICE"), report->sqlstate(), *message,
          out);
}

}  // namespace bartizan::session
