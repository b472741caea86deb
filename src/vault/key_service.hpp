// One key service over HTTPS: a POST of JSON, its answer as texts, and what its refusals mean. Whatever
// held a key on the way is wiped.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/shipping/http_post.hpp"

namespace bartizan::vault {

/// Thread-safe: each call has a connection of its own.
class KeyService {
 public:
  /// Reads the file of authorities. TLS is always checked, certificate and name.
  [[nodiscard]] static Result<std::unique_ptr<KeyService>> open(shipping::Url url);

  struct Answer {
    unsigned status = 0;
    SecretBytes body;
  };
  /// headers: whole lines, each ended by CR LF. Unavailable, DeadlineExceeded, Unauthenticated (of the service).
  [[nodiscard]] Result<Answer> post(std::string_view target, std::string_view headers, const SecretBytes& body) const;
  [[nodiscard]] const shipping::Url& url() const noexcept { return url_; }

 private:
  KeyService(shipping::Url url, shipping::TlsContext tls) : url_(std::move(url)), tls_(std::move(tls)) {}
  shipping::Url url_;
  shipping::TlsContext tls_;
  shipping::Stopper stopper_;
};

/// A text at a path of members; Malformed where the answer isn't so. Nothing of it is left in memory but that.
[[nodiscard]] Result<SecretBytes> text_at(const SecretBytes& json, std::initializer_list<std::string_view> path);
/// The first line of a private file: a token, a PIN.
[[nodiscard]] Result<SecretBytes> secret_line(const std::filesystem::path& file);

}  // namespace bartizan::vault
