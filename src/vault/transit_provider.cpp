#include "transit_provider.hpp"

#include <fmt/format.h>

#include <charconv>

#include "bartizan/crypto/base64.hpp"

namespace bartizan::vault {
namespace {

/// 400 is a key that is gone, a version that may not be used any more, or bytes that are not its own.
Error refusal(unsigned status, bool wraps) {
  const auto says = [&](Errc code, const char* what) {
    return Error{code, fmt::format("the transit engine {} ({})", what, status)};
  };
  if (status == 401 || status == 403) return says(Errc::PermissionDenied, "refuses");
  if (status == 404) return says(Errc::NotFound, "has no such key");
  if (status == 400) return says(wraps ? Errc::FailedPrecondition : Errc::Crypto, "can't do it");
  return says(Errc::Unavailable, "does not answer as it should");
}

SecretBytes body_of(std::string_view name, std::string_view value, const keys::WrapContext& context) {
  auto text = fmt::format(R"({{"{}":"{}","associated_data":"{}"}})", name, value,
                          crypto::base64_encode(keys::encode_wrap_context(context)));
  SecretBytes out{std::string_view(text)};
  secure_wipe(text.data(), text.size());
  return out;
}

/// "vault:v3:…"
Result<std::uint32_t> version_in(std::string_view ciphertext) {
  std::uint32_t version = 0;
  constexpr std::string_view kStart = "vault:v";
  const char* const end = ciphertext.data() + ciphertext.size();
  if (!ciphertext.starts_with(kStart)) return fail(Errc::Malformed, "the transit engine's ciphertext is not one");
  const auto [at, error] = std::from_chars(ciphertext.data() + kStart.size(), end, version);
  if (error != std::errc{} || at == end || *at != ':' || version == 0)
    return fail(Errc::Malformed, "the transit engine's ciphertext is not one");
  return version;
}

bool is_ciphertext(ByteView bytes) {
  for (const char c : as_chars(bytes))
    if (c <= ' ' || c > '~' || c == '"' || c == '\\') return false;
  return !bytes.empty();
}

}  // namespace

Result<std::unique_ptr<keys::KeyProvider>> TransitProvider::open(const TransitAddress& address, std::string name) {
  BZ_TRY(auto service, KeyService::open(address.service));
  return std::unique_ptr<keys::KeyProvider>(new TransitProvider(address, std::move(name), std::move(service)));
}

Result<KeyService::Answer> TransitProvider::ask(std::string_view what, const SecretBytes& body) const {
  // Read each time: tokens are renewed beside us.
  BZ_TRY(const auto token, secret_line(address_.token_file));
  for (const char c : token.reveal_chars())
    if (c <= ' ' || c > '~') return fail(Errc::InvalidArgument, "the transit engine's token is not one");
  auto headers = fmt::format("X-Vault-Request: true\r\nContent-Type: application/json\r\nX-Vault-Token: {}\r\n",
                             token.reveal_chars());
  if (!address_.name_space.empty()) headers += fmt::format("X-Vault-Namespace: {}\r\n", address_.name_space);
  auto answer = service_->post(fmt::format("/v1/{}/{}/{}", address_.mount, what, address_.key), headers, body);
  secure_wipe(headers.data(), headers.size());
  return answer;
}

Result<keys::WrappedSecret> TransitProvider::wrap(const SecretBytes& secret, const keys::WrapContext& context) {
  auto plaintext = crypto::base64_encode(secret.reveal());
  const auto body = body_of("plaintext", plaintext, context);
  secure_wipe(plaintext.data(), plaintext.size());
  BZ_TRY(const auto answer, ask("encrypt", body));
  if (answer.status != 200) return tl::unexpected(refusal(answer.status, true));
  BZ_TRY(const auto ciphertext, text_at(answer.body, {"data", "ciphertext"}));
  BZ_TRY(const auto version, version_in(ciphertext.reveal_chars()));
  if (!is_ciphertext(ciphertext.reveal()) || ciphertext.size() > keys::kMaxWrappedBytes)
    return fail(Errc::Malformed, "the transit engine's ciphertext is not one");
  return keys::WrappedSecret{{name_, version}, Bytes(ciphertext.reveal().begin(), ciphertext.reveal().end())};
}

Result<SecretBytes> TransitProvider::unwrap(const keys::WrappedSecret& wrapped, const keys::WrapContext& context) {
  if (wrapped.root.provider != name_) return fail(Errc::NotFound, "the key provider has no such root key");
  if (!is_ciphertext(wrapped.bytes)) return fail(Errc::Crypto, "the wrapped key does not open");
  BZ_TRY(const auto answer, ask("decrypt", body_of("ciphertext", as_chars(wrapped.bytes), context)));
  if (answer.status != 200) return tl::unexpected(refusal(answer.status, false));
  BZ_TRY(const auto text, text_at(answer.body, {"data", "plaintext"}));
  BZ_TRY(auto bytes, crypto::base64_decode(text.reveal_chars(), keys::kMaxWrappedBytes));
  SecretBytes out{ByteView(bytes)};
  secure_wipe(bytes.data(), bytes.size());
  return out;
}

/// There is no other word for it than what it encrypts with.
Result<keys::RootRef> TransitProvider::active_root() {
  keys::WrapContext context;
  context.id = keys::KeyId(1);
  BZ_TRY(const auto probe, wrap(SecretBytes(std::size_t{32}), context));
  return probe.root;
}

}  // namespace bartizan::vault
