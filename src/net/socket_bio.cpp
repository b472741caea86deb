#include "socket_bio.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace bartizan::net {
namespace {

int bio_read(BIO* bio, char* into, std::size_t size, std::size_t* done) {
  auto& reads = *static_cast<SocketReads*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const ssize_t n = receive(reads, {reinterpret_cast<std::byte*>(into), size});
  *done = n > 0 ? static_cast<std::size_t>(n) : 0;
  if (n == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  if (n < 0 && BIO_sock_non_fatal_error(errno) != 0) BIO_set_retry_read(bio);
  return n > 0 ? 1 : 0;
}

int bio_write(BIO* bio, const char* from, std::size_t size, std::size_t* done) {
  const auto& reads = *static_cast<SocketReads*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const ssize_t n = ::send(reads.socket, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  *done = n > 0 ? static_cast<std::size_t>(n) : 0;
  if (n < 0 && BIO_sock_non_fatal_error(errno) != 0) BIO_set_retry_write(bio);
  return n > 0 ? 1 : 0;
}

long bio_control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_EOF: return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    default: return 0;
  }
}

const BIO_METHOD* method() noexcept {
  static const BIO_METHOD* const kMethod = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "bartizan socket");
    if (made == nullptr) return made;
    BIO_meth_set_read_ex(made, bio_read);
    BIO_meth_set_write_ex(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return kMethod;
}

}  // namespace

ssize_t receive(SocketReads& reads, std::span<std::byte> into) noexcept {
  if (reads.drained) {
    errno = EAGAIN;
    return -1;
  }
  const ssize_t n = ::recv(reads.socket, into.data(), into.size(), MSG_DONTWAIT);
  // Less than there was room for: nothing more has come. The end and errors show again when asked
  // for, and once the end has come no event will tell that there is more.
  reads.drained = n > 0 ? !reads.ended && static_cast<std::size_t>(n) < into.size()
                        : n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  return n;
}

BIO* make_socket_bio(SocketReads& reads) noexcept {
  const BIO_METHOD* how = method();
  BIO* bio = how == nullptr ? nullptr : BIO_new(how);
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, &reads);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace bartizan::net
