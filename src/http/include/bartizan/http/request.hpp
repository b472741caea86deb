// An HTTP request as a value (RFC 9110 section 6; RFC 9112 section 3): what is left once the
// framing, the percent-encoding and everything ambiguous are gone. A Request that exists has
// passed every check of RequestReader, so that handlers need not look at syntax again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bartizan::http {

/// Other: a well-formed token that is none of these, or CONNECT and TRACE, which are not offered.
enum class Method : std::uint8_t { Get, Head, Post, Put, Patch, Delete, Options, Other };

[[nodiscard]] std::string_view to_string(Method method) noexcept;

struct Field {
  std::string name;  ///< of a request: in lower case
  std::string value;
};

struct Parameter {
  std::string name;
  std::string value;
};

/// What one connection may make us hold. Each bound counts bytes as they come.
struct Limits {
  std::size_t head_bytes = 16 * 1024;  ///< request line and fields; of a chunked body, extensions and trailer: 431
  std::size_t target_bytes = 8 * 1024;  ///< the request target: 414
  std::size_t fields = 100;             ///< 431
  std::size_t parameters = 100;         ///< of the query: 400
  std::size_t body_bytes = 1024 * 1024;  ///< after chunks are joined: 413
};

struct Request {
  Method method = Method::Other;
  std::string path;  ///< decoded, begins with '/', without "." and ".." segments; "*" for OPTIONS
  std::string host;  ///< of an absolute target, else of Host: may be empty
  std::vector<Parameter> query;  ///< decoded, in their order; '+' is a space
  std::vector<Field> fields;     ///< in their order; those that frame the message are checked and kept
  std::string body;
  bool keep_alive = false;  ///< the connection may carry another request after the answer

  /// The first field of that name (given in lower case). Those whose repetition would be
  /// ambiguous (Host, Content-Length, Content-Type, Authorization ...) stand at most once.
  [[nodiscard]] std::optional<std::string_view> field(std::string_view lower_name) const noexcept;
  /// The first query parameter of that name.
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const noexcept;
};

}  // namespace bartizan::http
