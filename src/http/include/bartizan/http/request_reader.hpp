// The bytes of one connection, in; requests, out (RFC 9112). Sans-I/O.
//
// Stricter than the RFC asks wherever leniency lets two programs see different requests in the
// same bytes: bare LF or CR, obs-fold, white space before a colon, both Content-Length and
// Transfer-Encoding, any transfer coding but a single "chunked", lists or repetitions of
// Content-Length, an encoded slash or dot segment in the path are all refused.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "bartizan/base/bytes.hpp"
#include "bartizan/http/request.hpp"

namespace bartizan::http {

/// All bytes were looked at: feed() more.
struct NeedMore {};
/// The client waits with its body for "100 Continue" (RFC 9110 section 10.1.1): write
/// kContinue, or answer and close. next() goes on in either case.
struct SendContinue {};
/// The end of the connection: answer with status and close, since where the next request
/// begins is unknown. detail names the fault and holds no byte of the input.
struct Refusal {
  unsigned status = 400;
  std::string detail;
};

inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

/// One per connection; not thread-safe. Invariants: the same bytes give the same events however
/// they are cut; after a Refusal comes only that Refusal again, after a request without
/// keep_alive only NeedMore, and bytes fed then are dropped; memory stays within Limits plus
/// what one feed() brings, as long as feed() is called only after NeedMore.
class RequestReader {
 public:
  using Event = std::variant<NeedMore, SendContinue, Request, Refusal>;

  explicit RequestReader(Limits limits);
  ~RequestReader();
  RequestReader(RequestReader&&) noexcept;
  RequestReader& operator=(RequestReader&&) noexcept;

  void feed(ByteView bytes);
  [[nodiscard]] Event next();
  /// True between requests with no byte of the next one there.
  [[nodiscard]] bool idle() const noexcept;

 private:
  class Parsing;

  [[nodiscard]] Event read_head();
  [[nodiscard]] Event read_body();
  [[nodiscard]] Event need_more();
  [[nodiscard]] Event refuse(Refusal refusal);
  /// Moves scanned_ on; true once it is the head's length.
  [[nodiscard]] bool find_head_end(std::optional<Refusal>& refusal);
  [[nodiscard]] std::string_view unread() const noexcept { return std::string_view(bytes_).substr(read_); }

  Limits limits_;
  std::string bytes_;
  std::size_t read_ = 0;     // of bytes_: behind us
  std::size_t scanned_ = 0;  // of the current head, from read_ on
  bool empty_line_skipped_ = false;
  bool ended_ = false;                // no request follows
  std::unique_ptr<Parsing> parsing_;  // from the head's end to the body's
  std::optional<Refusal> refusal_;
};

}  // namespace bartizan::http
