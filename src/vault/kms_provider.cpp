#include "kms_provider.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "aws_signature.hpp"
#include "bartizan/crypto/base64.hpp"
#include "bartizan/vault/private_file.hpp"

namespace bartizan::vault {
namespace {

constexpr std::size_t kMaxCredentials = 16 * 1024;

struct Credentials {
  std::string access_key;
  SecretBytes secret_key;
  SecretBytes session_token;
};

bool is_word(std::string_view text) {
  for (const char c : text)
    if (c <= ' ' || c > '~') return false;
  return !text.empty();
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

Result<Credentials> read_credentials(const std::filesystem::path& file) {
  auto content = read_private_file(file, kMaxCredentials);
  if (!content) return fail(content.error().code, file.string() + ": " + content.error().detail);
  Credentials out;
  std::string_view text = content->reveal_chars();
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const auto name = trimmed(line.substr(0, equals));
    const auto value = trimmed(line.substr(equals + 1));
    if (!is_word(value)) continue;
    if (name == "aws_access_key_id") out.access_key = value;
    if (name == "aws_secret_access_key") out.secret_key = SecretBytes(value);
    if (name == "aws_session_token") out.session_token = SecretBytes(value);
  }
  if (out.access_key.empty() || out.secret_key.empty())
    return fail(Errc::InvalidArgument, file.string() + " has no aws_access_key_id and aws_secret_access_key");
  return out;
}

/// KMS says nearly everything with 400 and a type: "AccessDeniedException", with or without a prefix and '#'.
Error refusal(const KeyService::Answer& answer) {
  const auto typed = text_at(answer.body, {"__type"});
  std::string type = typed ? std::string(typed->reveal_chars()) : std::string();
  type = type.substr(type.rfind('#') + 1);
  const auto says = [&](Errc code) {
    return Error{
        code, fmt::format("AWS KMS: {} ({})", is_word(type) && type.size() < 64 ? type : "no reason", answer.status)};
  };
  if (answer.status >= 500 || answer.status == 429 || type.find("Throttling") != std::string::npos ||
      type == "LimitExceededException" || type == "DependencyTimeoutException" || type == "KMSInternalException")
    return says(Errc::Unavailable);
  if (type == "NotFoundException") return says(Errc::NotFound);
  if (type == "InvalidCiphertextException" || type == "IncorrectKeyException") return says(Errc::Crypto);
  return says(answer.status >= 400 ? Errc::PermissionDenied : Errc::Unavailable);
}

}  // namespace

Result<std::unique_ptr<keys::KeyProvider>> KmsProvider::open(const KmsAddress& address, std::string name,
                                                             const Clock& clock) {
  BZ_TRY(auto service, KeyService::open(address.service));
  return std::unique_ptr<keys::KeyProvider>(new KmsProvider(address, std::move(name), std::move(service), clock));
}

Result<KeyService::Answer> KmsProvider::ask(std::string_view operation, std::string_view name, std::string_view value,
                                            const keys::WrapContext& context) const {
  BZ_TRY(const auto credentials, read_credentials(address_.credentials_file));
  auto text = fmt::format(R"({{"KeyId":"{}","{}":"{}","EncryptionContext":{{"bartizan":"{}"}}}})", address_.key, name,
                          value, hex_encode(keys::encode_wrap_context(context)));
  const SecretBytes body{std::string_view(text)};
  secure_wipe(text.data(), text.size());
  const auto now = std::chrono::floor<std::chrono::seconds>(clock_.wall());
  AwsRequest request;
  request.headers = {
      {"content-type", "application/x-amz-json-1.1"},
      {"host", service_->url().authority},
      {"x-amz-date", fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(now)))},
      {"x-amz-target", fmt::format("TrentService.{}", operation)}};
  if (!credentials.session_token.empty())
    request.headers.emplace("x-amz-security-token", credentials.session_token.reveal_chars());
  request.body = body.reveal();
  std::string headers;
  for (const auto& [header, of] : request.headers)
    if (header != "host") headers += fmt::format("{}: {}\r\n", header, of);
  headers += fmt::format("authorization: {}\r\n",
                         aws_authorization(request, {address_.region, "kms", request.headers.at("x-amz-date")},
                                           credentials.access_key, credentials.secret_key));
  return service_->post("/", headers, body);
}

Result<keys::WrappedSecret> KmsProvider::wrap(const SecretBytes& secret, const keys::WrapContext& context) {
  auto plaintext = crypto::base64_encode(secret.reveal());
  const auto answer = ask("Encrypt", "Plaintext", plaintext, context);
  secure_wipe(plaintext.data(), plaintext.size());
  if (!answer) return tl::unexpected(answer.error());
  if (answer->status != 200) return tl::unexpected(refusal(*answer));
  BZ_TRY(const auto blob, text_at(answer->body, {"CiphertextBlob"}));
  BZ_TRY(auto bytes, crypto::base64_decode(blob.reveal_chars(), keys::kMaxWrappedBytes));
  return keys::WrappedSecret{{name_, 1}, std::move(bytes)};
}

Result<SecretBytes> KmsProvider::unwrap(const keys::WrappedSecret& wrapped, const keys::WrapContext& context) {
  if (wrapped.root.provider != name_) return fail(Errc::NotFound, "the key provider has no such root key");
  BZ_TRY(const auto answer, ask("Decrypt", "CiphertextBlob", crypto::base64_encode(wrapped.bytes), context));
  if (answer.status != 200) return tl::unexpected(refusal(answer));
  BZ_TRY(const auto text, text_at(answer.body, {"Plaintext"}));
  BZ_TRY(auto bytes, crypto::base64_decode(text.reveal_chars(), keys::kMaxWrappedBytes));
  SecretBytes out{ByteView(bytes)};
  secure_wipe(bytes.data(), bytes.size());
  return out;
}

}  // namespace bartizan::vault
