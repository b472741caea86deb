#include "bartizan/vault/process_hardening.hpp"

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bartizan::vault {
namespace {

TEST_CASE("a process that is excluded from dumps is so") {
  const pid_t child = ::fork();  // it cannot be undone, so not in the test's own process
  REQUIRE(child >= 0);
  if (child == 0) {
    const bool done = exclude_from_dumps().has_value();
    rlimit limit{1, 1};
    const bool no_core = ::getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0;
    ::_exit(done && no_core && ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

}  // namespace
}  // namespace bartizan::vault
