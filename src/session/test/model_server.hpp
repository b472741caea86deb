// A server as the manual describes it: what it does with each message, without SQL of its own. It
// says which statements it really ran, for the audit log to be held against.
//
// Its statements: "select <n>" (n rows), "insert", "delete", "begin", "commit", "rollback",
// "fail" (when it runs), "copy t from stdin", "copy t to stdout", "deallocate <name>",
// "prepare <name> as <statement>", "close <name>", and "" (empty); anything else is a syntax error.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/pgwire/frame.hpp"
#include "wire.hpp"

namespace bartizan::session::test {

class ModelServer {
 public:
  struct Ran {
    std::string tag;  ///< as the analysis names it
    bool ok = false;
    std::string via;  ///< statement or execute
  };
  std::vector<Ran> ran;
  bool gone = false;

  [[nodiscard]] bool copying() const { return copying_; }
  /// What the server answers; unread bytes are kept.
  std::string on_bytes(std::string_view bytes) {
    input_ += bytes;
    out_.clear();
    pgwire::FrameHeader header;
    while (!gone && pgwire::peek_frame(as_bytes(input_), header) == pgwire::FrameStatus::Ok &&
           input_.size() >= header.total_bytes()) {
      const std::string payload = input_.substr(5, header.payload_bytes());
      input_.erase(0, header.total_bytes());
      message_from_client(header.type, payload);
    }
    return out_;
  }

 private:
  static std::string take(std::string& rest) {
    const auto end = rest.find('\0');
    std::string text = rest.substr(0, end);
    rest.erase(0, end == std::string::npos ? rest.size() : end + 1);
    return text;
  }
  static std::string trim(std::string text) {
    while (!text.empty() && text.front() == ' ') text.erase(0, 1);
    while (!text.empty() && text.back() == ' ') text.pop_back();
    return text;
  }
  static bool readable(const std::string& text) {
    for (const std::string_view word :
         {"select ", "insert ", "delete ", "deallocate ", "prepare ", "close ", "copy t "})
      if (text.starts_with(word)) return true;
    return text.empty() || text == "begin" || text == "commit" || text == "rollback" || text == "do 'fail'";
  }
  static std::string tag_of(const std::string& text) {
    if (text.starts_with("select")) return "SELECT";
    if (text.starts_with("insert")) return "INSERT";
    if (text.starts_with("delete")) return "DELETE";
    if (text.starts_with("copy")) return "COPY";
    if (text.starts_with("deallocate")) return "DEALLOCATE";
    if (text.starts_with("prepare")) return "PREPARE";
    if (text.starts_with("close")) return "CLOSE CURSOR";
    if (text == "begin") return "BEGIN";
    if (text == "commit") return "COMMIT";
    if (text == "rollback") return "ROLLBACK";
    return text.empty() ? "" : "DO";
  }
  static std::vector<std::string> split(std::string text) {
    std::vector<std::string> all;
    for (std::size_t at = 0; at <= text.size();) {
      const auto end = std::min(text.find(';', at), text.size());
      if (auto one = trim(text.substr(at, end - at)); !one.empty()) all.push_back(std::move(one));
      at = end + 1;
    }
    return all;
  }
  /// PostgreSQL cuts names.
  static std::string cut(std::string name) { return name.substr(0, 63); }

  void fail(std::string_view sqlstate, bool extended) {
    out_ += error(sqlstate);
    if (in_block_)
      failed_block_ = true;
    else
      portals_.clear();
    queued_.clear();
    if (extended)
      skipping_ = true;
    else
      ready_now();
  }
  void ready_now() {
    if (!in_block_) portals_.clear();
    out_ += ready(failed_block_ ? 'E' : in_block_ ? 'T' : 'I');
  }

  /// False: it failed, which has been said. COPY in: it waits.
  bool run(const std::string& text, bool extended, bool rows_described) {
    const auto tag = tag_of(text);
    const std::string via = extended ? "execute" : "statement";
    if (text.empty()) {
      ran.push_back({tag, true, via});
      out_ += empty_query();
      return true;
    }
    if (failed_block_ && tag != "COMMIT" && tag != "ROLLBACK") {
      ran.push_back({tag, false, via});
      fail("25P02", extended);
      return false;
    }
    if (text == "do 'fail'") {
      ran.push_back({tag, false, via});
      fail("P0001", extended);
      return false;
    }
    if (text == "copy t from stdin") {
      out_ += copy_in();
      copying_ = true;
      copy_extended_ = extended;
      return true;
    }
    std::string done = tag;
    if (tag == "SELECT") {
      const int rows = std::atoi(text.c_str() + 7);
      if (rows_described) out_ += row_description();
      for (int i = 0; i < rows; ++i) out_ += data_row("v");
      done += " " + std::to_string(rows);
    } else if (tag == "INSERT") {
      done = "INSERT 0 1";
    } else if (tag == "DELETE" || tag == "COPY") {
      if (tag == "COPY") out_ += copy_out() + copy_data("1\n") + copy_done();
      done += " 1";
    } else if (!apply(text, tag, extended, via)) {
      return false;
    }
    ran.push_back({tag, true, via});
    out_ += complete(done);
    return true;
  }
  bool apply(const std::string& text, const std::string& tag, bool extended, const std::string& via) {
    if (tag == "BEGIN") in_block_ = true;
    if (tag == "COMMIT" || tag == "ROLLBACK") in_block_ = failed_block_ = false;
    if (tag == "CLOSE CURSOR") portals_.erase(cut(text.substr(6)));
    if (tag == "DEALLOCATE" && statements_.erase(cut(text.substr(11))) == 0) {
      ran.push_back({tag, false, via});
      fail("26000", extended);
      return false;
    }
    if (tag == "PREPARE") {
      const auto as = text.find(" as ");
      const auto name = as == std::string::npos ? std::string() : cut(text.substr(8, as - 8));
      if (name.empty() || !statements_.emplace(name, text.substr(as + 4)).second) {
        ran.push_back({tag, false, via});
        fail("42P05", extended);
        return false;
      }
    }
    return true;
  }
  void run_queued() {
    while (!queued_.empty()) {
      const auto text = queued_.front();
      queued_.erase(queued_.begin());
      if (!run(text, false, true)) return;
      if (copying_) return;
    }
    ready_now();
  }

  void end_copy(std::optional<std::string_view> sqlstate) {
    copying_ = false;
    ran.push_back({"COPY", !sqlstate, copy_extended_ ? "execute" : "statement"});
    if (sqlstate) return fail(*sqlstate, copy_extended_);
    out_ += complete("COPY 1");
    if (!copy_extended_) run_queued();
  }
  void message_in_copy(char type, const std::string& payload) {
    switch (type) {
      case 'd':
        if (payload.starts_with("bad")) end_copy("22P04");
        return;
      case 'c': return end_copy(std::nullopt);
      case 'f': return end_copy("57014");
      case 'H':
      case 'S': return;
      default:
        end_copy("08P01");
        out_ += error("08P01", "FATAL");
        gone = true;
    }
  }

  void on_parse(std::string rest) {
    const auto name = cut(take(rest));
    const auto text = trim(take(rest));
    if (name.empty()) statements_.erase("");
    if (!readable(text) || split(text).size() > 1) return fail("42601", true);
    if (failed_block_ && !text.empty() && text != "commit" && text != "rollback") return fail("25P02", true);
    if (!name.empty() && statements_.contains(name)) return fail("42P05", true);
    statements_[name] = text;
    out_ += parse_complete();
  }
  void on_bind(std::string rest) {
    const auto portal = cut(take(rest));
    const auto found = statements_.find(cut(take(rest)));
    if (found == statements_.end()) return fail("26000", true);
    if (failed_block_ && found->second != "commit" && found->second != "rollback") return fail("25P02", true);
    if (!portal.empty() && portals_.contains(portal)) return fail("42P03", true);
    portals_[portal] = found->second;
    out_ += bind_complete();
  }
  void on_execute(std::string rest) {
    const auto found = portals_.find(cut(take(rest)));
    if (found == portals_.end()) {
      ran.push_back({"-", false, "execute"});
      return fail("34000", true);
    }
    const std::string text = found->second;
    run(text, true, false);
  }
  void on_query(std::string rest) {
    const auto text = take(rest);
    statements_.erase("");
    portals_.erase("");
    queued_ = split(text);
    for (const auto& each : queued_)
      if (!readable(each)) {
        ran.push_back({"-", false, "statement"});
        return fail("42601", false);
      }
    if (queued_.empty()) {
      run("", false, false);
      return ready_now();
    }
    run_queued();
  }
  void message_from_client(char type, std::string payload) {
    if (copying_) return message_in_copy(type, payload);
    if (type == 'X') {
      gone = true;
      return;
    }
    if (type == 'S') {
      skipping_ = false;
      return ready_now();
    }
    if (skipping_) return;
    switch (type) {
      case 'Q': return on_query(std::move(payload));
      case 'P': return on_parse(std::move(payload));
      case 'B': return on_bind(std::move(payload));
      case 'E': return on_execute(std::move(payload));
      case 'D': {
        const char kind = take(payload).front();
        return describe_target(kind);
      }
      case 'C': {
        const std::string name = take(payload);
        (name.front() == 'S' ? statements_ : portals_).erase(cut(name.substr(1)));
        out_ += close_complete();
        return;
      }
      case 'F': out_ += function_result(); return ready_now();
      default: return;  // Flush, and what belongs to a COPY that is over
    }
  }
  void describe_target(char kind) {
    if (failed_block_) return fail("25P02", true);
    if (kind == 'S') out_ += parameter_description();
    out_ += no_data();
  }

  std::string input_;
  std::string out_;
  std::map<std::string, std::string> statements_;
  std::map<std::string, std::string> portals_;
  std::vector<std::string> queued_;
  bool in_block_ = false;
  bool failed_block_ = false;
  bool skipping_ = false;
  bool copying_ = false;
  bool copy_extended_ = false;
};

}  // namespace bartizan::session::test
