// A consumer's text as it goes to the server: what sql::rewrite made of it, joined with what the
// relay has to know of each statement. Nothing in it comes from one session, so that all sessions
// of a class share it; what a session adds (its context, the values of virtual settings) goes in
// by compose().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/policy/decision.hpp"
#include "bartizan/policy/wall_class.hpp"
#include "bartizan/sql/analysis.hpp"
#include "bartizan/sql/digest.hpp"
#include "bartizan/sql/rewrite.hpp"

namespace bartizan::session {

struct ConsumerStatement {
  std::string server_text;     ///< empty: an empty statement, or a setting of the gateway's own
  bool needs_context = false;  ///< the signed context must stand before it
  bool drops_context = false;  ///< after it the context may stand no more
  std::optional<sql::VirtualSetting> setting;
  std::string audit;  ///< members for the audit log: relations and columns by their base names
};

/// Immutable.
struct ConsumerText {
  sql::Analysis analysis;  ///< one entry a statement; relations by their base names
  std::vector<ConsumerStatement> statements;
  std::string server_text;  ///< of all statements; not of use where has_setting
  std::optional<policy::Refuse> refusal;
  std::uint32_t position = 0;  ///< of what is refused, in the client's text; 0: none
  sql::Digest digest;          ///< the client's text, constants folded
  bool needs_context = false;
  bool drops_context = false;
  bool has_setting = false;
  bool plain_parameters = false;  ///< these may be declared as sql::is_plain_parameter_type() alone

  [[nodiscard]] std::size_t bytes() const noexcept;
  /// What is needed of it once it is prepared on the server: all but the texts.
  [[nodiscard]] ConsumerText without_texts() const;
};

/// By which names a text is read.
struct ConsumerReading {
  const policy::WallClass* wall_class = nullptr;
  const std::vector<std::string>* search_path = nullptr;
  sql::LexOptions lex;
};

/// REQUIRES: 4 MiB of stack.
[[nodiscard]] ConsumerText make_consumer_text(std::string_view text, const ConsumerReading& reading);

}  // namespace bartizan::session
