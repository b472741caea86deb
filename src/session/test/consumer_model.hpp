// PostgreSQL as far as a consumer's context hangs on it: transactions, implicit ones too, savepoints,
// a transaction-local setting, prepared statements, portals and cursors (manual, "SET", "Message
// Flow", "Multiple Statements in a Simple Query"). It holds against each statement that reads or
// writes a view the context that stands there: a wrong one, or none, is a violation.
//
// The same model takes a client's own texts, over tables: what it says then is what a consumer
// should be told.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bartizan/pgwire/frame.hpp"
#include "wire.hpp"

namespace bartizan::session::test {

class ConsumerModel {
 public:
  /// A comment that stands in every text of a client.
  static constexpr std::string_view kMark = "/*mark*/";
  /// What a context for who is being served now looks like; empty: none is asked for.
  std::string expected_context;
  std::vector<std::string> violations;
  std::vector<std::string> texts;  ///< all that came, as it came
  std::size_t checked = 0;         ///< statements that had to have a context

  std::string on_bytes(std::string_view bytes) {
    input_ += bytes;
    out_.clear();
    pgwire::FrameHeader header;
    while (pgwire::peek_frame(as_bytes(input_), header) == pgwire::FrameStatus::Ok &&
           input_.size() >= header.total_bytes()) {
      std::string payload = input_.substr(5, header.payload_bytes());
      input_.erase(0, header.total_bytes());
      on_message(header.type, std::move(payload));
    }
    return out_;
  }
  [[nodiscard]] bool in_transaction() const { return block_; }

 private:
  static constexpr std::string_view kSetLiteral = "SELECT pg_catalog.set_config('bartizan.ctx', '";
  static constexpr std::string_view kSetParameter = "SELECT pg_catalog.set_config('bartizan.ctx', $1, true)";

  struct Portal {
    std::string text;
    std::optional<std::string> parameter;
  };
  struct Savepoint {
    std::string name;
    std::optional<std::string> context;
  };

  static std::string take(std::string& rest) {
    const auto end = rest.find('\0');
    std::string text = rest.substr(0, end);
    for (auto at = text.find(kMark); at != std::string::npos; at = text.find(kMark)) text.erase(at, kMark.size());
    rest.erase(0, end == std::string::npos ? rest.size() : end + 1);
    return text;
  }
  static std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> all;
    for (std::size_t at = 0; at <= text.size();) {
      const auto end = std::min(text.find(';', at), text.size());
      std::string one = text.substr(at, end - at);
      one.erase(0, std::min(one.find_first_not_of(' '), one.size()));
      one.erase(one.find_last_not_of(' ') + 1);
      if (!one.empty()) all.push_back(std::move(one));
      at = end + 1;
    }
    return all;
  }
  static bool over_view(const std::string& text) {
    return text.find("bz_v.") != std::string::npos || text.starts_with("FETCH") || text.starts_with("EXECUTE");
  }
  static bool unreadable(const std::string& text) {
    return text.find("BARTIZAN") != std::string::npos || text.find("secrets") != std::string::npos;
  }
  static bool ends_failure(const std::string& text) {
    return text.starts_with("ROLLBACK") || text.starts_with("COMMIT");
  }

  void check(const std::string& text) {
    if (expected_context.empty() || !over_view(text)) return;
    ++checked;
    if (!context_)
      violations.push_back("none before " + text);
    else if (*context_ != expected_context)
      violations.push_back("another's before " + text);
  }

  void end_transaction() {
    block_ = failed_ = running_ = false;
    context_.reset();
    savepoints_.clear();
    portals_.clear();
  }
  void fail(std::string_view sqlstate, bool extended) {
    out_ += error(sqlstate);
    queued_.clear();
    if (block_)
      failed_ = true;
    else
      end_transaction();
    if (extended)
      skipping_ = true;
    else
      ready_now();
  }
  void ready_now() {
    if (!block_) end_transaction();
    out_ += ready(failed_ ? 'E' : block_ ? 'T' : 'I');
  }
  bool refuse(std::string_view sqlstate, bool extended) {
    fail(sqlstate, extended);
    return false;
  }

  bool control(const std::string& text, bool extended) {
    const auto name = text.substr(text.rfind(' ') + 1);
    const auto named = [&](const Savepoint& one) { return one.name == name; };
    if (text.starts_with("ROLLBACK TO") || text.starts_with("RELEASE")) {
      const auto found = std::find_if(savepoints_.rbegin(), savepoints_.rend(), named);
      if (!block_) return refuse("25P01", extended);
      if (found == savepoints_.rend()) return refuse("3B001", extended);
      const auto at = static_cast<std::size_t>(savepoints_.rend() - found) - 1;
      const bool back = text.starts_with("ROLLBACK");
      if (back) context_ = savepoints_[at].context;
      if (back) failed_ = false;
      savepoints_.resize(back ? at + 1 : at);
      out_ += complete(back ? "ROLLBACK" : "RELEASE");
      return true;
    }
    if (text.starts_with("SAVEPOINT")) {
      if (!block_) return refuse("25P01", extended);
      savepoints_.push_back({name, context_});
      out_ += complete("SAVEPOINT");
      return true;
    }
    if (text.starts_with("BEGIN")) {
      block_ = true;
      out_ += complete("BEGIN");
      return true;
    }
    const bool chain = text.ends_with("AND CHAIN");
    if (chain && !block_) return refuse("25P01", extended);
    const bool rolled_back = failed_ || text.starts_with("ROLLBACK");
    end_transaction();
    running_ = true;
    block_ = chain;
    out_ += complete(rolled_back ? "ROLLBACK" : "COMMIT");
    return true;
  }

  /// False: it failed, which has been said.
  bool run(const std::string& text, const std::optional<std::string>& parameter, bool extended, bool described) {
    if (text.empty()) {
      out_ += empty_query();
      return true;
    }
    if (failed_ && !ends_failure(text)) return refuse("25P02", extended);
    if (text.starts_with(kSetLiteral) || text == kSetParameter) {
      const auto rest = text == kSetParameter ? std::string() : text.substr(kSetLiteral.size());
      context_ = text == kSetParameter ? parameter : rest.substr(0, rest.find('\''));
      if (described) out_ += row_description();
      out_ += data_row("context") + complete("SELECT 1");
      return true;
    }
    check(text);
    if (text.starts_with("BEGIN") || text.starts_with("COMMIT") || text.starts_with("ROLLBACK") ||
        text.starts_with("SAVEPOINT") || text.starts_with("RELEASE"))
      return control(text, extended);
    if (text.find("1 / 0") != std::string::npos) return refuse("22012", extended);
    return run_other(text, extended, described);
  }
  bool run_other(const std::string& text, bool extended, bool described) {
    const auto word = text.substr(0, text.find(' '));
    const auto name = text.substr(text.rfind(' ') + 1);
    if (text.starts_with("RESET ALL") || text.starts_with("DISCARD ALL")) {
      if (word == "DISCARD" && (block_ || running_)) return refuse("25001", extended);
      context_.reset();
      if (word == "DISCARD") statements_.clear();
      out_ += complete(word == "DISCARD" ? "DISCARD ALL" : "RESET");
    } else if (text.starts_with("DEALLOCATE ALL")) {
      statements_.clear();
      out_ += complete("DEALLOCATE ALL");
    } else if (word == "INSERT") {
      out_ += complete("INSERT 0 1");
    } else if (word == "PREPARE") {
      const auto called = text.substr(8, text.find(" AS ") - 8);
      if (!statements_.emplace(called, text.substr(text.find(" AS ") + 4)).second) return refuse("42P05", extended);
      out_ += complete("PREPARE");
    } else if (word == "EXECUTE") {
      const auto found = statements_.find(name);
      if (found == statements_.end()) return refuse("26000", extended);
      // Of what Parse has prepared PostgreSQL runs more than queries.
      if (!found->second.starts_with("SELECT") && !found->second.starts_with("RESET")) return refuse("0A000", extended);
      return run(found->second, {}, extended, described);
    } else if (word == "DECLARE") {
      portals_[text.substr(8, text.find(' ', 8) - 8)] = {text.substr(text.find("SELECT")), {}};
      out_ += complete("DECLARE CURSOR");
    } else if (word == "FETCH") {
      const auto found = portals_.find(name);
      if (found == portals_.end()) return refuse("34000", extended);
      if (described) out_ += row_description();
      out_ += data_row("v") + complete("FETCH 1");
    } else if (word == "SET" || word == "RESET") {
      out_ += complete(word);
    } else {
      if (described) out_ += row_description();
      out_ += data_row("v") + complete("SELECT 1");
    }
    running_ = true;
    return true;
  }

  void on_query(std::string rest) {
    texts.emplace_back(rest.c_str());
    const auto text = take(rest);
    statements_.erase("");
    portals_.erase("");
    queued_ = split(text);
    if (unreadable(text)) return fail("42P01", false);
    if (queued_.empty()) {
      run("", {}, false, false);
      return ready_now();
    }
    const bool several = queued_.size() > 1;
    while (!queued_.empty()) {
      const auto one = queued_.front();
      queued_.erase(queued_.begin());
      if (several) running_ = true;
      if (!run(one, {}, false, true)) return;
    }
    ready_now();
  }
  void on_parse(std::string rest) {
    const auto name = take(rest);
    texts.emplace_back(rest.c_str());
    const auto text = take(rest);
    if (name.empty()) statements_.erase("");
    const auto all = split(text);
    if (unreadable(text)) return fail("42P01", true);
    if (all.size() > 1) return fail("42601", true);
    if (failed_ && !all.empty() && !ends_failure(all.front())) return fail("25P02", true);
    if (!name.empty() && statements_.contains(name)) return fail("42P05", true);
    statements_[name] = all.empty() ? std::string() : all.front();
    out_ += parse_complete();
  }
  void on_bind(std::string rest) {
    const auto portal = take(rest);
    const auto found = statements_.find(take(rest));
    if (found == statements_.end()) return fail("26000", true);
    if (failed_ && !found->second.empty() && !ends_failure(found->second)) return fail("25P02", true);
    if (!portal.empty() && portals_.contains(portal)) return fail("42P03", true);
    check(found->second);  // the planner may ask for the context
    std::optional<std::string> parameter;
    if (found->second == kSetParameter) parameter = rest.substr(8, rest.size() - 10);
    portals_[portal] = {found->second, std::move(parameter)};
    out_ += bind_complete();
  }
  void on_message(char type, std::string payload) {
    if (type == 'S') {
      skipping_ = false;
      return ready_now();
    }
    if (skipping_) return;
    switch (type) {
      case 'Q': return on_query(std::move(payload));
      case 'P': return on_parse(std::move(payload));
      case 'B': return on_bind(std::move(payload));
      case 'E': {
        const auto found = portals_.find(take(payload));
        if (found == portals_.end()) return fail("34000", true);
        const Portal portal = found->second;
        run(portal.text, portal.parameter, true, false);
        return;
      }
      case 'C': {
        const auto name = take(payload);
        if (name.front() == 'S')
          statements_.erase(name.substr(1));
        else
          portals_.erase(name.substr(1));
        out_ += close_complete();
        return;
      }
      default: return;
    }
  }

  std::string input_;
  std::string out_;
  std::map<std::string, std::string> statements_;
  std::map<std::string, Portal> portals_;
  std::vector<std::string> queued_;
  std::optional<std::string> context_;
  std::vector<Savepoint> savepoints_;
  bool block_ = false;    ///< BEGIN
  bool failed_ = false;   ///< and an error in it
  bool running_ = false;  ///< something has run in the implicit transaction
  bool skipping_ = false;
};

}  // namespace bartizan::session::test
