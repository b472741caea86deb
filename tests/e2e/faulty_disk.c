/* Preloaded into the program under test: a disk that is slow, fails, is full or read-only on command.
 *
 *   cc -shared -fPIC -o faulty_disk.so faulty_disk.c
 *   LD_PRELOAD=faulty_disk.so FAULTY_DISK=/file FAULTY_BELOW=/audit/
 *
 * The file says "slow MILLISECONDS" (syncs), "fail" (syncs), "full" or "readonly" (whatever writes: those fail at
 * once, as a file system that the kernel has put so does with files already open) or nothing. Only files whose path
 * holds FAULTY_BELOW are touched. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is_below(const char *path) {
  const char *part = getenv("FAULTY_BELOW");
  return part != NULL && strstr(path, part) != NULL;
}

static int below(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 0) return 0;
  path[n] = 0;
  return is_below(path);
}

static void read_order(char *order, int size) {
  const char *name = getenv("FAULTY_DISK");
  static FILE *(*real)(const char *, const char *);
  if (real == NULL) real = (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, "fopen");
  FILE *file = name != NULL ? real(name, "re") : NULL;
  order[0] = 0;
  if (file == NULL) return;
  if (fgets(order, size, file) == NULL) order[0] = 0;
  fclose(file);
}

/* The error that writing ends with now, 0 for none. */
static int write_error(void) {
  char order[64];
  read_order(order, sizeof order);
  if (strncmp(order, "full", 4) == 0) return ENOSPC;
  if (strncmp(order, "readonly", 8) == 0) return EROFS;
  return 0;
}

/* -1 when the sync is to fail. */
static int suffer(int fd) {
  char order[64];
  if (!below(fd)) return 0;
  read_order(order, sizeof order);
  if (strncmp(order, "fail", 4) == 0 || strncmp(order, "readonly", 8) == 0) {
    errno = order[0] == 'f' ? EIO : EROFS;
    return -1;
  }
  if (strncmp(order, "slow ", 5) == 0) usleep((useconds_t)atoi(order + 5) * 1000);
  return 0;
}

static int refuse_write(int on_file) {
  const int error = on_file ? write_error() : 0;
  if (error != 0) errno = error;
  return error != 0;
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

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) {
  static ssize_t (*real)(int, const void *, size_t, off_t);
  if (real == NULL) real = (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");
  return refuse_write(below(fd)) ? -1 : real(fd, bytes, size, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t offset) { return pwrite(fd, bytes, size, offset); }

int fallocate(int fd, int mode, off_t offset, off_t size) {
  static int (*real)(int, int, off_t, off_t);
  if (real == NULL) real = (int (*)(int, int, off_t, off_t))dlsym(RTLD_NEXT, "fallocate");
  return refuse_write(below(fd)) ? -1 : real(fd, mode, offset, size);
}

int fallocate64(int fd, int mode, off_t offset, off_t size) { return fallocate(fd, mode, offset, size); }

int open(const char *path, int flags, ...) {
  static int (*real)(const char *, int, ...);
  mode_t mode = 0;
  if (real == NULL) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
  }
  return refuse_write((flags & O_ACCMODE) != O_RDONLY && is_below(path)) ? -1 : real(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
  }
  return open(path, flags, mode);
}

int rename(const char *from, const char *to) {
  static int (*real)(const char *, const char *);
  if (real == NULL) real = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
  return refuse_write(is_below(to)) ? -1 : real(from, to);
}
