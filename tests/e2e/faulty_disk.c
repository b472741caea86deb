/* Preloaded into the program under test: a disk that is slow or fails on command.
 *
 *   cc -shared -fPIC -o faulty_disk.so faulty_disk.c
 *   LD_PRELOAD=faulty_disk.so FAULTY_DISK=/file FAULTY_BELOW=/audit/
 *
 * The file says "slow MILLISECONDS", "fail" or nothing. Only syncs of files whose path holds FAULTY_BELOW are
 * touched. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int below(int fd) {
  const char *part = getenv("FAULTY_BELOW");
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (part == NULL || n < 0) return 0;
  path[n] = 0;
  return strstr(path, part) != NULL;
}

/* -1 when the sync is to fail. */
static int suffer(int fd) {
  const char *name = getenv("FAULTY_DISK");
  FILE *file = name != NULL && below(fd) ? fopen(name, "re") : NULL;
  char order[64] = "";
  if (file == NULL) return 0;
  if (fgets(order, sizeof order, file) == NULL) order[0] = 0;
  fclose(file);
  if (strncmp(order, "fail", 4) == 0) {
    errno = EIO;
    return -1;
  }
  if (strncmp(order, "slow ", 5) == 0) usleep((useconds_t)atoi(order + 5) * 1000);
  return 0;
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  return suffer(fd) != 0 ? -1 : real(fd);
}

int fsync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  return suffer(fd) != 0 ? -1 : real(fd);
}
