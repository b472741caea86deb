#include "bartizan/vault/process_hardening.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace bartizan::vault {

Result<void> exclude_from_dumps() {
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0)
    return fail(Errc::Io, std::string("core files cannot be forbidden: ") + std::strerror(errno));
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    return fail(Errc::Io, std::string("the process cannot be made undumpable: ") + std::strerror(errno));
  return {};
}

}  // namespace bartizan::vault
