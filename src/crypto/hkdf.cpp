#include "bartizan/crypto/hkdf.hpp"

#include <algorithm>

#include "bartizan/crypto/hash.hpp"

namespace bartizan::crypto {

SecretBytes hkdf_extract(ByteView salt, ByteView input_key) {
  // HMAC pads its key with zeros, so an empty salt is the RFC's HashLen zeros.
  Digest256 digest = hmac_sha256(salt, input_key);
  SecretBytes key{ByteView(digest)};
  secure_wipe(digest.data(), digest.size());
  return key;
}

Result<SecretBytes> hkdf_expand(ByteView pseudo_random_key, ByteView info, std::size_t length) {
  if (length == 0 || length > kHkdfMaxLength) return fail(Errc::InvalidArgument, "HKDF: length out of range");
  SecretBytes output(length);
  SecretBytes block_input(kSha256Size + info.size() + 1);  // T(i-1) || info || i
  const auto input = block_input.reveal_mutable();
  std::copy(info.begin(), info.end(), input.begin() + kSha256Size);

  std::size_t done = 0;
  for (unsigned counter = 1; done < length; ++counter) {
    input.back() = static_cast<std::byte>(counter);
    Digest256 block = hmac_sha256(pseudo_random_key, counter == 1 ? input.subspan(kSha256Size) : input);
    const auto count = std::min(block.size(), length - done);
    std::copy_n(block.begin(), count, output.reveal_mutable().begin() + static_cast<std::ptrdiff_t>(done));
    std::copy(block.begin(), block.end(), input.begin());
    secure_wipe(block.data(), block.size());
    done += count;
  }
  return output;
}

Result<SecretBytes> hkdf(ByteView input_key, ByteView salt, ByteView info, std::size_t length) {
  const SecretBytes pseudo_random_key = hkdf_extract(salt, input_key);
  return hkdf_expand(pseudo_random_key.reveal(), info, length);
}

}  // namespace bartizan::crypto
