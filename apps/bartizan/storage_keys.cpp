#include "storage_keys.hpp"

#include "files.hpp"

namespace bartizan::app {

Result<std::unique_ptr<control::CellKeys>> open_cell_keys(const config::Configuration& configuration) {
  const auto folder = configuration.control.root_key_file.parent_path();
  BZ_CHECK(make_folder(folder, 0700));
  BZ_TRY(auto passphrase, load_or_create_secret(folder / "passphrase"));
  return std::make_unique<control::CellKeys>(folder, std::move(passphrase), system_clock(), system_random());
}

atrest::KeySource storage_keys(control::CellKeys& keys) {
  return [&keys](const Uuid& storage, std::optional<std::uint32_t> id) -> Result<atrest::StorageKey> {
    BZ_TRY(auto key, keys.storage_key(storage, id ? std::optional(keys::KeyId(*id)) : std::nullopt));
    return atrest::StorageKey{key.id.get(), std::move(key.bytes)};
  };
}

}  // namespace bartizan::app
