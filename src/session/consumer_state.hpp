// What a Relay keeps of a consumer session (see consumer.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bartizan/session/consumer.hpp"
#include "context_signer.hpp"
#include "search_path.hpp"

namespace bartizan::session {

struct ConsumerState {
  explicit ConsumerState(Consumer what)
      : facts(std::move(what)), signer(values_of(facts), facts.valid_until), search_path(facts.search_path) {}

  Consumer facts;
  ContextSigner signer;
  SearchPath search_path;
  /// A statement that may change search_path has been sent, and its transaction has not ended.
  bool search_path_in_doubt = false;
  bool replies_asked_for = false;  ///< by a Flush of ours, and not all of them are here
  bool failed = false;             ///< an error since the last ReadyForQuery

  /// The context has been sent, and nothing behind it that would take it away. Behind a Sync, and
  /// behind a Query, only the server's word that the transaction goes on makes it certain.
  bool context_sent = false;
  bool context_by_query = false;
  std::uint64_t context_segment = 0;
  bool settled_before_segment = false;  ///< nothing was owed when the messages since the last Sync began
  WallTime context_expires{};

  static std::vector<wall::ContextValue> values_of(const Consumer& consumer) {
    std::vector<wall::ContextValue> values;
    values.reserve(consumer.context.size() + 1);
    for (const auto& value : consumer.context) values.push_back({value.name, value.value});
    values.push_back({"bz_user", consumer.shown_user});  // what current_user gives
    return values;
  }
};

}  // namespace bartizan::session
