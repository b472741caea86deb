// A connection as a script: the client's bytes, and what the reader made of them, one line an
// event. play_any_cut() feeds them whole, byte by byte and cut in two at every place, and the
// events must be the same.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "bartizan/http/request_reader.hpp"

namespace bartizan::http::test {

inline std::string describe(const Request& request) {
  std::string line(to_string(request.method));
  line += ' ' + request.path;
  for (const auto& [name, value] : request.query) line += " ?" + name + '=' + value;
  line += " host=" + request.host + (request.keep_alive ? " keep" : " close");
  if (!request.body.empty()) line += " body=" + request.body;
  return line;
}

using Events = std::vector<std::string>;

/// Takes events until the reader asks for more. A refusal is noted once.
inline void take(RequestReader& reader, Events& events, bool& refused) {
  while (!refused) {
    const auto event = reader.next();
    if (std::holds_alternative<NeedMore>(event)) return;
    if (std::holds_alternative<SendContinue>(event)) events.push_back("continue");
    if (const auto* request = std::get_if<Request>(&event)) events.push_back(describe(*request));
    if (const auto* refusal = std::get_if<Refusal>(&event)) {
      events.push_back(std::to_string(refusal->status) + ' ' + refusal->detail);
      refused = true;
    }
  }
}

inline Events play(const std::vector<std::string_view>& pieces, const Limits& limits) {
  RequestReader reader(limits);
  Events events;
  bool refused = false;
  for (const auto piece : pieces) {
    const Bytes exact = to_bytes(piece);  // of its own size in memory: a sanitizer sees one byte beyond
    reader.feed(exact);
    take(reader, events, refused);
  }
  return events;
}

inline Events play_any_cut(std::string_view bytes, const Limits& limits = {}) {
  const auto whole = play({bytes}, limits);
  std::vector<std::string_view> single;
  for (std::size_t i = 0; i < bytes.size(); ++i) single.push_back(bytes.substr(i, 1));
  CHECK(play(single, limits) == whole);
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    const auto halves = play({bytes.substr(0, cut), bytes.substr(cut)}, limits);
    if (halves != whole) CHECK_MESSAGE(halves == whole, "cut at " << cut);
  }
  return whole;
}

}  // namespace bartizan::http::test
