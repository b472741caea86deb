#include "bartizan/net/stream.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

namespace bartizan::net {
namespace {

std::string pem_of(BIO* bio) {
  std::string out(BIO_ctrl_pending(bio), '\0');
  BIO_read(bio, out.data(), static_cast<int>(out.size()));
  BIO_free(bio);
  return out;
}

/// A key and a certificate for server.test that signs itself.
std::pair<std::string, std::string> certificate_and_key() {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("server.test"), -1, -1,
                             0);
  X509_set_issuer_name(certificate, name);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  auto certificate_pem = pem_of(bio);
  bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  auto key_pem = pem_of(bio);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return {certificate_pem, key_pem};
}

std::array<int, 2> socket_pair() {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
  return ends;
}

/// Passes bytes on between two sockets, at most `most` at a time, until both have ended.
void pass_on(std::array<int, 2> ends, std::size_t most) {
  std::array<bool, 2> over{};
  Bytes chunk(most);
  while (!over[0] || !over[1]) {
    std::array<pollfd, 2> wait{};
    for (std::size_t i = 0; i < 2; ++i) wait[i] = {over[i] ? -1 : ends[i], POLLIN, 0};
    ::poll(wait.data(), 2, -1);
    for (std::size_t i = 0; i < 2; ++i) {
      if (wait[i].revents == 0) continue;
      const ssize_t n = ::recv(ends[i], chunk.data(), most, 0);
      if (n > 0) {
        ssize_t done = 0;
        while (done < n) {
          const ssize_t sent =
              ::send(ends[1 - i], chunk.data() + done, static_cast<std::size_t>(n - done), MSG_NOSIGNAL);
          if (sent < 0) std::this_thread::yield();
          if (sent < 0 && errno != EAGAIN) break;
          done += sent > 0 ? sent : 0;
        }
      } else if (n == 0 || errno != EAGAIN) {
        over[i] = true;
        ::shutdown(ends[1 - i], SHUT_WR);
      }
    }
  }
  ::close(ends[0]);
  ::close(ends[1]);
}

Bytes pattern(std::size_t size, unsigned seed) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>((i * 31 + seed) & 0xff);
  return out;
}

Task<void> echo(Stream& stream, std::size_t rounds_of, IoStatus& end) {
  Bytes scratch(rounds_of);
  for (;;) {
    const auto read = stream.try_read(scratch);
    if (read.status == IoStatus::WouldBlock) {
      const bool ready = co_await stream.wait_readable();
      if (!ready) co_return;
      continue;
    }
    end = read.status;
    if (read.status != IoStatus::Ok) {
      // The end stays the end.
      end = stream.try_read(scratch).status;
      stream.close();
      co_return;
    }
    auto sent = co_await stream.write_all(ByteView(scratch).first(read.bytes));
    if (!sent) co_return;
  }
}

Task<void> expect_back(Stream& stream, ByteView sent, bool& same) {
  Bytes back(sent.size());
  auto got = co_await stream.read_exactly(back);
  same = got && std::equal(back.begin(), back.end(), sent.begin());
}

/// Under TLS, what was sent comes back whole: several records at once, long ones and, through
/// pass_on(), in pieces that end anywhere in a record.
TEST_CASE("a stream under TLS reads all that came, however it was cut") {
  const auto [certificate, key] = certificate_and_key();
  TlsServerOptions server_options;
  server_options.certificate_chain_pem = certificate;
  server_options.private_key_pem = SecretBytes(std::string_view(key));
  TlsClientOptions client_options;
  client_options.ca_pem = certificate;
  auto server_tls = TlsContext::server(server_options).value();
  auto client_tls = TlsContext::client(client_options).value();
  struct Row {
    std::size_t piece;
    std::size_t read_size;
  };
  for (const Row& row : {Row{65536, 65536}, Row{65536, 7}, Row{1, 65536}, Row{4099, 16384}, Row{17, 100}}) {
    CAPTURE(row.piece);
    CAPTURE(row.read_size);
    const auto near = socket_pair();
    const auto far = socket_pair();
    std::thread between(pass_on, std::array<int, 2>{near[1], far[1]}, row.piece);
    asio::io_context context;
    Stream server(context, near[0]);
    Stream client(context, far[0]);
    IoStatus server_end = IoStatus::Ok;
    int rounds = 0;
    asio::co_spawn(
        context,
        [&]() -> Task<void> {
          auto secured = co_await server.handshake_server(server_tls);
          if (!secured) co_return;
          co_await echo(server, row.read_size, server_end);
        },
        asio::detached);
    asio::co_spawn(
        context,
        [&]() -> Task<void> {
          auto secured = co_await client.handshake_client(client_tls, "server.test");
          if (!secured) co_return;
          // Several records in one go, then a pause in which the server finds its socket empty.
          for (const std::size_t size : {1u, 5u, 100u, 3000u}) {
            Bytes all;
            for (unsigned record = 0; record < 4; ++record) {
              const auto part = pattern(size, record);
              auto sent = co_await client.write_all(part);
              if (!sent) co_return;
              all.insert(all.end(), part.begin(), part.end());
            }
            bool same = false;
            co_await expect_back(client, all, same);
            if (!same) co_return;
            ++rounds;
          }
          const auto large = pattern(30000, 9);
          auto sent = co_await client.write_all(large);
          bool same = false;
          if (sent) co_await expect_back(client, large, same);
          if (same) ++rounds;
          client.close();
        },
        asio::detached);
    context.run_for(std::chrono::seconds(20));
    client.close();
    server.close();
    between.join();
    CHECK(rounds == 5);
    CHECK(server_end == IoStatus::EndOfStream);
  }
}

TEST_CASE("a stream in the clear sees what comes after it was empty, and the end") {
  const auto ends = socket_pair();
  asio::io_context context;
  Stream stream(context, ends[0]);
  int step = 0;
  asio::co_spawn(
      context,
      [&]() -> Task<void> {
        std::array<std::byte, 16> into{};
        if (stream.try_read(into).status != IoStatus::WouldBlock) co_return;
        [[maybe_unused]] const auto first = ::write(ends[1], "ab", 2);
        if (!(co_await stream.wait_readable()) || stream.try_read(into).bytes != 2) co_return;
        step = 1;
        // Comes while nobody waits.
        [[maybe_unused]] const auto second = ::write(ends[1], "cde", 3);
        if (!(co_await stream.wait_readable()) || stream.try_read(into).bytes != 3) co_return;
        step = 2;
        // The last bytes and the end at once.
        [[maybe_unused]] const auto third = ::write(ends[1], "f", 1);
        ::close(ends[1]);
        if (!(co_await stream.wait_readable()) || stream.try_read(into).bytes != 1) co_return;
        step = 3;
        if (!(co_await stream.wait_readable()) || stream.try_read(into).status != IoStatus::EndOfStream) co_return;
        if (stream.try_read(into).status == IoStatus::EndOfStream) step = 4;
      },
      asio::detached);
  context.run_for(std::chrono::seconds(5));
  CHECK(step == 4);
}

}  // namespace
}  // namespace bartizan::net
