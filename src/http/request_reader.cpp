#include "bartizan/http/request_reader.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <utility>

#include "characters.hpp"
#include "chunked_body.hpp"
#include "head_rules.hpp"

namespace bartizan::http {
namespace {

namespace beast = boost::beast;
using beast::error_code;
using BeastText = beast::string_view;

std::string_view view(BeastText text) { return {text.data(), text.size()}; }

/// What is wrong with the byte c of a head, if anything. before: the byte in front of it, NUL at
/// the beginning. Beast would unfold an obs-fold, and would wait for more behind a bare LF.
const char* fault_of(char before, char c) {
  if (c == '\n' && before != '\r') return "a line ends without CR";
  if (c != '\n' && before == '\r') return "a CR stands alone";
  if ((c == ' ' || c == '\t') && before == '\n') return "a header field is folded";
  if (is_control(c) && c != '\r' && c != '\n') return "a control character in the head";
  return nullptr;
}

/// Whether the request line in head names a version at all: then it is one that we don't speak.
bool names_a_version(std::string_view head) {
  const auto line = head.substr(0, head.find('\r'));
  if (line.size() < 9) return false;
  const auto version = line.substr(line.size() - 9);
  return version.starts_with(" HTTP/") && is_digit(version[6]) && version[7] == '.' && is_digit(version[8]);
}

}  // namespace

/// Beast's grammar of request line and fields, with our rules on what it finds; then the body.
class RequestReader::Parsing final : public beast::http::basic_parser<true> {
 public:
  explicit Parsing(const Limits& limits) : rules_(limits), chunks_(limits) {
    header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(limits.head_bytes, UINT32_MAX)));
    skip(true);  // ends with the head
  }

  /// head: from the request line to the empty line.
  std::optional<Refusal> read(std::string_view head) {
    error_code error;
    const auto taken = put({head.data(), head.size()}, error);
    if (refusal_) return refusal_;
    if (error == beast::http::error::bad_version && names_a_version(head))
      return Refusal{505, "HTTP/1.1 is spoken here"};
    if (error) return Refusal{400, "the request is malformed: " + error.message()};
    if (!is_done() || taken != head.size()) return Refusal{400, "the request head is malformed"};
    return std::nullopt;
  }

  bool expects_continue() const { return rules_.expects_continue(); }
  Request& request() { return rules_.request(); }

  std::size_t take_body(std::string_view bytes) {
    auto& body = request().body;
    if (rules_.chunked()) return chunks_.take(bytes, body);
    const auto piece = bytes.substr(0, rules_.content_length() - body.size());
    body += piece;
    return piece.size();
  }
  bool whole() { return rules_.chunked() ? chunks_.done() : request().body.size() == rules_.content_length(); }
  const std::optional<Refusal>& body_refusal() const { return chunks_.refusal(); }

 private:
  void keep(HeadRules::Verdict verdict, error_code& error) {
    if (!verdict) return;
    refusal_ = std::move(verdict);
    error = beast::http::error::bad_value;  // any; refusal_ says why
  }

  void on_request_impl(beast::http::verb, BeastText method, BeastText target, int version, error_code& error) override {
    keep(rules_.request_line(view(method), view(target), version == 11), error);
  }
  void on_field_impl(beast::http::field, BeastText name, BeastText value, error_code& error) override {
    keep(rules_.field(view(name), view(value)), error);
  }
  void on_header_impl(error_code& error) override { keep(rules_.end(keep_alive()), error); }
  // Responses and bodies never come this way.
  void on_response_impl(int, BeastText, int, error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(BeastText body, error_code&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, BeastText, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastText body, error_code&) override { return body.size(); }
  void on_finish_impl(error_code&) override {}

  HeadRules rules_;
  HeadRules::Verdict refusal_;
  ChunkedBody chunks_;
};

RequestReader::RequestReader(Limits limits) : limits_(limits) {}
RequestReader::~RequestReader() = default;
RequestReader::RequestReader(RequestReader&&) noexcept = default;
RequestReader& RequestReader::operator=(RequestReader&&) noexcept = default;

void RequestReader::feed(ByteView bytes) {
  if (!refusal_ && !ended_) bytes_.append(as_chars(bytes));
}

bool RequestReader::idle() const noexcept { return !parsing_ && !refusal_ && unread().empty(); }

RequestReader::Event RequestReader::next() {
  if (refusal_) return *refusal_;
  if (ended_) return NeedMore{};
  return parsing_ ? read_body() : read_head();
}

RequestReader::Event RequestReader::need_more() {
  bytes_.erase(0, read_);
  read_ = 0;
  return NeedMore{};
}

RequestReader::Event RequestReader::refuse(Refusal refusal) {
  refusal_ = std::move(refusal);
  parsing_.reset();
  bytes_.clear();
  read_ = scanned_ = 0;
  return *refusal_;
}

bool RequestReader::find_head_end(std::optional<Refusal>& refusal) {
  auto head = unread();
  while (scanned_ < head.size()) {
    if (scanned_ == limits_.head_bytes) {
      refusal = Refusal{431, "the request head is too large"};
      return false;
    }
    const char c = head[scanned_];
    if (const char* fault = fault_of(scanned_ == 0 ? '\0' : head[scanned_ - 1], c)) {
      refusal = Refusal{400, fault};
      return false;
    }
    ++scanned_;
    if (c != '\n') continue;
    if (head.substr(0, scanned_).ends_with("\r\n\r\n")) return true;
    if (scanned_ == 2) {  // an empty line in front: RFC 9112 section 2.2 forgives one
      if (std::exchange(empty_line_skipped_, true)) {
        refusal = Refusal{400, "empty lines instead of a request"};
        return false;
      }
      read_ += 2;
      scanned_ = 0;
      head = unread();
    }
  }
  return false;
}

RequestReader::Event RequestReader::read_head() {
  std::optional<Refusal> fault;
  const bool whole = find_head_end(fault);
  if (fault) return refuse(std::move(*fault));
  if (!whole) return need_more();

  parsing_ = std::make_unique<Parsing>(limits_);
  if (auto refusal = parsing_->read(unread().substr(0, scanned_))) return refuse(std::move(*refusal));
  read_ += std::exchange(scanned_, 0);
  empty_line_skipped_ = false;
  if (parsing_->expects_continue()) return SendContinue{};
  return read_body();
}

RequestReader::Event RequestReader::read_body() {
  read_ += parsing_->take_body(unread());
  if (parsing_->body_refusal()) return refuse(*parsing_->body_refusal());
  if (!parsing_->whole()) return need_more();
  Request request = std::move(parsing_->request());
  parsing_.reset();
  ended_ = !request.keep_alive;
  return request;
}

}  // namespace bartizan::http
