#include "key_service.hpp"

#include <array>
#include <boost/json.hpp>

#include "bartizan/vault/private_file.hpp"

namespace bartizan::vault {
namespace {

constexpr auto kLongest = std::chrono::seconds(4);
constexpr std::size_t kMaxSecretFile = 16 * 1024;

}  // namespace

Result<std::unique_ptr<KeyService>> KeyService::open(shipping::Url url) {
  BZ_TRY(auto tls, shipping::TlsContext::open(url.peer));
  return std::unique_ptr<KeyService>(new KeyService(std::move(url), std::move(tls)));
}

Result<KeyService::Answer> KeyService::post(std::string_view target, std::string_view headers,
                                            const SecretBytes& body) const {
  auto url = url_;
  url.target = std::string(target);
  BZ_TRY(auto got, shipping::http_post(url, &tls_, headers, body.reveal_chars(), stopper_, kLongest));
  Answer out{got.status, SecretBytes(std::string_view(got.body))};
  secure_wipe(got.body.data(), got.body.size());
  return out;
}

Result<SecretBytes> text_at(const SecretBytes& json, std::initializer_list<std::string_view> path) {
  namespace bj = boost::json;
  // Copies of the texts lie in here alone, as far as it goes; answers of key services are short.
  std::array<unsigned char, 32 * 1024> room{};
  bj::monotonic_resource memory(room.data(), room.size());
  Result<SecretBytes> out = fail(Errc::Malformed, "the key service's answer is not understood");
  {
    bj::error_code error;
    const auto value = bj::parse(json.reveal_chars(), error, &memory);
    const bj::value* at = error ? nullptr : &value;
    for (const auto name : path) {
      const auto* const object = at == nullptr ? nullptr : at->if_object();
      at = object == nullptr ? nullptr : object->if_contains(name);
    }
    if (const auto* const text = at == nullptr ? nullptr : at->if_string())
      out = SecretBytes(std::string_view(text->data(), text->size()));
  }
  secure_wipe(room.data(), room.size());
  return out;
}

Result<SecretBytes> secret_line(const std::filesystem::path& file) {
  auto content = read_private_file(file, kMaxSecretFile);
  if (!content) return fail(content.error().code, file.string() + ": " + content.error().detail);
  const auto text = content->reveal_chars();
  return SecretBytes(text.substr(0, text.find_first_of("\r\n")));
}

}  // namespace bartizan::vault
