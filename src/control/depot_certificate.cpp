#include "depot_certificate.hpp"

#include <string>

#include "bartizan/crypto/x509.hpp"

namespace bartizan::control {
namespace {

constexpr std::size_t kMaxPemBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxKeyBytes = std::size_t{16} << 10;

}  // namespace

Result<std::optional<policy::ClientCertificate>> take_certificate(Args& args) {
  BZ_TRY(auto chain, args.text_or_none("certificate_pem", kMaxPemBytes));
  BZ_TRY(auto key, args.secret_or_none("private_key_pem", kMaxKeyBytes));
  if (!chain && !key) return std::optional<policy::ClientCertificate>();
  if (!chain || !key) return fail(Errc::InvalidArgument, "'certificate_pem' and 'private_key_pem' go together");
  if (const auto fits = crypto::check_private_key(*chain, *key); !fits)
    return fail(Errc::InvalidArgument, fits.error().code == Errc::InvalidArgument
                                           ? "the key in 'private_key_pem' is not that of 'certificate_pem'"
                                           : "'certificate_pem' holds no certificate, or 'private_key_pem' no key "
                                             "without a passphrase");
  return std::optional(policy::ClientCertificate{std::move(*chain), std::move(*key)});
}

}  // namespace bartizan::control
