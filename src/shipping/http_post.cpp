#include "bartizan/shipping/http_post.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "bartizan/base/secret.hpp"

namespace bartizan::shipping {
namespace {

constexpr std::size_t kMaxAnswer = 64 * 1024;
constexpr std::string_view kEnd = "\r\n\r\n";

bool same_name(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other, [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  });
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

std::string unchunked(std::string_view body) {
  std::string out;
  while (!body.empty()) {
    std::size_t length = 0;
    const auto line = body.find("\r\n");
    if (line == std::string_view::npos) break;
    const auto [end, error] = std::from_chars(body.data(), body.data() + line, length, 16);
    if (error != std::errc{} || length == 0) break;
    body.remove_prefix(line + 2);
    out.append(body.substr(0, length));
    body.remove_prefix(std::min(body.size(), length + 2));
  }
  return out;
}

}  // namespace

Result<std::string> header_lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const auto colon = line.find(':');
    const auto name = line.substr(0, colon);
    const bool ours = same_name(name, "host") || same_name(name, "content-length") || same_name(name, "connection") ||
                      same_name(name, "transfer-encoding") || same_name(name, "content-type");
    const bool printable =
        std::ranges::none_of(line, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
    if (colon == std::string_view::npos || !is_token(name) || ours || !printable)
      return fail(Errc::Malformed, "a header is a line \"Name: value\", and none that Bartizan sends itself");
    out.append(line).append("\r\n");
  }
  return out;
}

Result<HttpAnswer> parse_answer(std::string_view bytes) {
  const auto head_end = bytes.find(kEnd);
  if (!bytes.starts_with("HTTP/1.") || bytes.size() < 12 || head_end == std::string_view::npos)
    return fail(Errc::Malformed, "the receiver does not answer in HTTP/1.1");
  HttpAnswer out;
  const auto [end, error] = std::from_chars(bytes.data() + 9, bytes.data() + 12, out.status);
  if (error != std::errc{} || end != bytes.data() + 12) return fail(Errc::Malformed, "an answer without a status");
  std::string head(bytes.substr(0, head_end));
  std::ranges::transform(head, head.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto body = bytes.substr(head_end + kEnd.size());
  out.body = head.find("\r\ntransfer-encoding: chunked") != std::string::npos ? unchunked(body) : std::string(body);
  return out;
}

Result<HttpAnswer> http_post(const Url& url, const TlsContext* tls, std::string_view headers, std::string_view body,
                             const Stopper& stopper, std::chrono::milliseconds longest) {
  const auto deadline = std::chrono::steady_clock::now() + longest;
  BZ_TRY(const auto transport, Transport::connect(url.peer, tls, stopper, deadline));
  BZ_CHECK(transport->write(fmt::format("POST {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: bartizan\r\nConnection: close\r\n"
                                        "Content-Length: {}\r\n{}\r\n",
                                        url.target, url.authority, body.size(), headers),
                            deadline));
  BZ_CHECK(transport->write(body, deadline));
  std::string answer;
  while (answer.size() < kMaxAnswer) {
    std::array<char, 8192> chunk{};
    const auto got = transport->read(chunk, deadline);
    // Some end the connection without TLS's farewell: what was said counts.
    if (!got && answer.find(kEnd) != std::string::npos && got.error().code == Errc::Unavailable) break;
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) break;
    answer.append(chunk.data(), *got);
  }
  auto parsed = parse_answer(answer);
  secure_wipe(answer.data(), answer.size());  // a key service's answer holds keys
  return parsed;
}

}  // namespace bartizan::shipping
