// The socket under OpenSSL, by a BIO of our own in place of OpenSSL's: it remembers that the last
// read emptied the socket, so that "is there more?" is answered without a system call, and a peer
// that has gone raises no SIGPIPE. OpenSSL reads ahead into it (tls.cpp): one system call brings a
// record's header and body.
#pragma once

#include <openssl/bio.h>
#include <sys/types.h>

#include <cstddef>
#include <span>

namespace bartizan::net {

struct SocketReads {
  int socket = -1;
  bool drained = false;  ///< a read got less than it asked for; until the socket is readable again
  bool ended = false;    ///< the peer has closed or broken off: what is left is read until that shows
};

/// As recv(2), without waiting; EAGAIN at once while the socket is known to be drained.
[[nodiscard]] ssize_t receive(SocketReads& reads, std::span<std::byte> into) noexcept;

/// reads outlives the BIO. Null where memory is short.
[[nodiscard]] BIO* make_socket_bio(SocketReads& reads) noexcept;

}  // namespace bartizan::net
