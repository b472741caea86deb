#include <openssl/evp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "bartizan/crypto/buffered_random.hpp"
#include "bartizan/crypto/hash.hpp"
#include "bartizan/crypto/hmac_key.hpp"
#include "bartizan/crypto/xaes_256_gcm.hpp"
#include "vector_file.hpp"

namespace bartizan::crypto {
namespace {

constexpr std::size_t kTag = Xaes256Gcm::kTagSize;

Xaes256Gcm cipher_of(ByteView key) {
  auto cipher = Xaes256Gcm::from_key(key);
  REQUIRE(cipher);
  return std::move(*cipher);
}
Xaes256Gcm::NonceView nonce_of(ByteView bytes) {
  REQUIRE(bytes.size() == Xaes256Gcm::kNonceSize);
  return Xaes256Gcm::NonceView(bytes);
}

TEST_CASE("XAES-256-GCM: the specification's vectors") {
  for (const auto& row : test::read_vectors("xaes_256_gcm.tsv", 5)) {
    auto cipher = cipher_of(test::unhex(row[0]));
    const Bytes nonce = test::unhex(row[1]), aad = test::unhex(row[2]), plaintext = test::unhex(row[3]);
    Bytes sealed(plaintext.size() + kTag);
    for (int again = 0; again < 2; ++again) {  // a context that was used gives the same
      cipher.seal(nonce_of(nonce), aad, plaintext, sealed);
      CHECK(hex_encode(sealed) == row[4]);
      Bytes opened(plaintext.size());
      CHECK(cipher.open(nonce_of(nonce), aad, sealed, opened));
      CHECK(opened == plaintext);
    }
  }
}

Bytes shake_128(ByteView data, std::size_t size) {
  Bytes out(size);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  REQUIRE(EVP_DigestInit_ex(context, EVP_shake128(), nullptr) == 1);
  REQUIRE(EVP_DigestUpdate(context, data.data(), data.size()) == 1);
  REQUIRE(EVP_DigestFinalXOF(context, reinterpret_cast<unsigned char*>(out.data()), size) == 1);
  EVP_MD_CTX_free(context);
  return out;
}

TEST_CASE("XAES-256-GCM: the specification's 10 000 accumulated messages") {
  const Bytes stream = shake_128({}, std::size_t{10000} * (32 + 24 + 2 + 255 + 255));
  ByteReaderView in(stream);
  Bytes all;
  for (int i = 0; i < 10000; ++i) {
    const auto key = *in.bytes(32);
    const auto nonce = *in.bytes(24);
    const auto plaintext = *in.bytes(*in.u8());
    const auto aad = *in.bytes(*in.u8());
    auto cipher = cipher_of(key);
    Bytes sealed(plaintext.size() + kTag);
    cipher.seal(nonce_of(nonce), aad, plaintext, sealed);
    all.insert(all.end(), sealed.begin(), sealed.end());
    Bytes opened(plaintext.size());
    if (!cipher.open(nonce_of(nonce), aad, sealed, opened)) FAIL("message " << i << " does not open");
  }
  CHECK(hex_encode(shake_128(all, 32)) == "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
}

TEST_CASE("XAES-256-GCM: no bit of key, nonce, associated data or message may differ, and nothing is left") {
  const Bytes key(32, std::byte{7}), nonce(24, std::byte{9}), aad = to_bytes("column"), plaintext = to_bytes("secret");
  auto cipher = cipher_of(key);
  Bytes sealed(plaintext.size() + kTag);
  cipher.seal(nonce_of(nonce), aad, plaintext, sealed);
  const auto flipped = [](const Bytes& bytes, std::size_t bit) {
    Bytes changed = bytes;
    changed[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    return changed;
  };
  const auto refused = [&](Xaes256Gcm& with, const Bytes& n, const Bytes& a, const Bytes& s) {
    Bytes out(s.size() - kTag, std::byte{0x55});
    CHECK_FALSE(with.open(nonce_of(n), a, s, out));
    CHECK(out == Bytes(out.size()));
  };
  for (std::size_t bit = 0; bit < nonce.size() * 8; ++bit) refused(cipher, flipped(nonce, bit), aad, sealed);
  for (std::size_t bit = 0; bit < aad.size() * 8; ++bit) refused(cipher, nonce, flipped(aad, bit), sealed);
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) refused(cipher, nonce, aad, flipped(sealed, bit));
  for (std::size_t bit = 0; bit < key.size() * 8; ++bit) {
    auto other = cipher_of(flipped(key, bit));
    refused(other, nonce, aad, sealed);
  }
  for (const std::size_t size : {0U, 16U, 31U, 33U}) CHECK_FALSE(Xaes256Gcm::from_key(Bytes(size)));
}

TEST_CASE("HmacSha256Key gives what hmac_sha256 gives, again and again") {
  for (const std::size_t key_size : {0U, 1U, 32U, 64U, 65U, 200U}) {
    const Bytes key(key_size, std::byte{0x5a});
    HmacSha256Key reused(key);
    for (const std::size_t size : {0U, 1U, 63U, 64U, 65U, 1000U}) {
      const Bytes data(size, std::byte{0xa5});
      CHECK(reused.mac({data}) == hmac_sha256(key, data));
      const auto half = ByteView(data).first(size / 2), rest = ByteView(data).subspan(size / 2);
      CHECK(reused.mac({half, {}, rest}) == hmac_sha256(key, data));
    }
  }
}

/// Counts its calls and never gives the same byte sequence twice.
class CountingRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override {
    ++calls;
    for (auto& byte : out) byte = static_cast<std::byte>(next_++ * 167 >> 3);
  }
  int calls = 0;

 private:
  unsigned next_ = 0;
};

TEST_CASE("BufferedRandom hands out each byte of its source once, in order") {
  CountingRandom plain, source;
  BufferedRandom buffered(source);
  Bytes all, expected(4096);
  plain.fill(expected);
  for (int i = 0; i < 128; ++i) {
    Bytes piece(32);
    buffered.fill(piece);
    all.insert(all.end(), piece.begin(), piece.end());
  }
  CHECK(all == expected);
  CHECK(source.calls == 1);
  Bytes piece(32);
  buffered.fill(piece);
  CHECK(source.calls == 2);
  buffered.drop();
  buffered.fill(piece);
  CHECK(source.calls == 3);
  Bytes large(2000);  // goes past the buffer
  buffered.fill(large);
  CHECK(source.calls == 4);
}

TEST_CASE("BufferedRandom: parent and child of a fork never draw the same bytes") {
  BufferedRandom buffered(system_random());
  Bytes first(32);
  buffered.fill(first);  // what follows it in the buffer, both processes have
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  Bytes drawn(32);
  buffered.fill(drawn);
  if (child == 0) ::_exit(::write(ends[1], drawn.data(), drawn.size()) == 32 ? 0 : 1);
  Bytes of_child(32);
  CHECK(::read(ends[0], of_child.data(), of_child.size()) == 32);
  int status = -1;
  CHECK(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(of_child != drawn);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace bartizan::crypto
