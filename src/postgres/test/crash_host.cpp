// A gateway to be killed: starts an embedded server on the folder of argv[1], says so, waits.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "bartizan/postgres/embedded_server.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  bartizan::postgres::EmbeddedOptions options;
  options.data_directory = argv[1];
  bartizan::postgres::EmbeddedServer server(options);
  if (const auto started = server.start(); !started) {
    std::printf("failed %s\n", started.error().detail.c_str());
    return 1;
  }
  std::printf("ready %d\n", server.status().postmaster_pid);
  std::fflush(stdout);
  for (;;) ::pause();
}
