#include "bartizan/vault/service_providers.hpp"

#include "bartizan/vault/pkcs11_provider.hpp"
#include "key_service.hpp"
#include "kms_provider.hpp"
#include "transit_provider.hpp"

namespace bartizan::vault {
namespace {

Result<std::unique_ptr<keys::KeyProvider>> open_token(const Pkcs11Address& address, const std::string& name,
                                                      bool may_make, Random& random) {
  BZ_TRY(const auto pin, secret_line(address.pin_file));
  BZ_TRY(auto token, Pkcs11Provider::open({address.module, address.token, address.object, name}, pin, random));
  if (may_make && !token->active_root()) BZ_CHECK(token->rotate());
  return std::unique_ptr<keys::KeyProvider>(std::move(token));
}

}  // namespace

Result<std::unique_ptr<keys::KeyProvider>> open_provider(const ProviderAddress& address, bool may_make,
                                                         const Clock& clock, Random& random) {
  if (const auto* token = std::get_if<Pkcs11Address>(&address.of))
    return open_token(*token, address.name, may_make, random);
  if (const auto* transit = std::get_if<TransitAddress>(&address.of))
    return TransitProvider::open(*transit, address.name);
  return KmsProvider::open(std::get<KmsAddress>(address.of), address.name, clock);
}

}  // namespace bartizan::vault
