// A connection's bytes: never more than the limits allow, and the same events whole and cut. The
// first byte says how long the pieces are.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "bartizan/http/request_reader.hpp"

namespace {

using namespace bartizan;

constexpr http::Limits kLimits{.head_bytes = 256, .target_bytes = 64, .fields = 8, .parameters = 4, .body_bytes = 128};

void check(bool holds) {
  if (!holds) std::abort();
}

void note(std::string& log, const http::Request& request) {
  check(request.body.size() <= kLimits.body_bytes && request.fields.size() <= kLimits.fields);
  check(request.query.size() <= kLimits.parameters && request.path.size() <= kLimits.target_bytes);
  check(request.path.starts_with('/') || (request.path == "*" && request.method == http::Method::Options));
  check((request.path + '/').find("/../") == std::string::npos && request.path.find('\0') == std::string::npos);
  check(!(request.field("content-length") && request.field("transfer-encoding")));
  log += std::string(to_string(request.method)) + request.path + '\1' + request.host + '\1' + request.body +
         (request.keep_alive ? 'k' : 'c');
  for (const auto& [name, value] : request.fields) log += name + '\2' + value + '\2';
  for (const auto& [name, value] : request.query) log += name + '\3' + value + '\3';
}

std::string play(ByteView bytes, std::size_t piece) {
  http::RequestReader reader(kLimits);
  std::string log;
  while (!bytes.empty()) {
    const auto size = std::min(piece, bytes.size());
    const Bytes exact(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    bytes = bytes.subspan(size);
    reader.feed(exact);
    for (;;) {
      const auto event = reader.next();
      if (std::holds_alternative<http::NeedMore>(event)) break;
      if (const auto* refusal = std::get_if<http::Refusal>(&event))
        return log + std::to_string(refusal->status) + refusal->detail;
      if (const auto* request = std::get_if<http::Request>(&event)) note(log, *request);
      log += '\n';
    }
  }
  return log;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto bytes = std::as_bytes(std::span(data + 1, size - 1));
  const auto whole = play(bytes, bytes.size());
  check(play(bytes, 1) == whole);
  check(play(bytes, std::size_t{data[0]} + 1) == whole);
  return 0;
}
