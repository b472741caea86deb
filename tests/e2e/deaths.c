/* Preloaded into the program under test: it dies by SIGKILL at the n-th step that matters, before the step is made.
 *
 *   cc -shared -fPIC -o deaths.so deaths.c -ldl
 *   LD_PRELOAD=deaths.so DEATHS_AT=/file DEATHS_OF=words
 *
 * The file holds a number: at which step, counted from the start of the process; nothing: at none. A step is a rename of
 * a file whose path holds /keys/, and a send(2) of bytes that hold one of the words, which are parted by '|'. Its count
 * so far is written into the file DEATHS_AT.count. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long steps;

static long wanted(const char *name) {
  FILE *file = fopen(name, "re");
  long at = 0;
  if (file == NULL) return 0;
  if (fscanf(file, "%ld", &at) != 1) at = 0;
  fclose(file);
  return at;
}

static void step(void) {
  const char *name = getenv("DEATHS_AT");
  char count[4096];
  if (name == NULL) return;
  pthread_mutex_lock(&mutex);
  ++steps;
  snprintf(count, sizeof count, "%s.count", name);
  FILE *file = fopen(count, "we");
  if (file != NULL) {
    fprintf(file, "%ld\n", steps);
    fclose(file);
  }
  if (wanted(name) == steps) kill(getpid(), SIGKILL);
  pthread_mutex_unlock(&mutex);
}

int rename(const char *from, const char *to) {
  static int (*real)(const char *, const char *);
  if (real == NULL) real = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
  if (strstr(to, "/keys/") != NULL) step();
  return real(from, to);
}

static int matters(const void *bytes, size_t size) {
  char words[1024];
  const char *of = getenv("DEATHS_OF");
  if (of == NULL) return 0;
  snprintf(words, sizeof words, "%s", of);
  char *rest = NULL;
  for (char *word = strtok_r(words, "|", &rest); word != NULL; word = strtok_r(NULL, "|", &rest))
    if (memmem(bytes, size, word, strlen(word)) != NULL) return 1;
  return 0;
}

ssize_t send(int fd, const void *bytes, size_t size, int flags) {
  static ssize_t (*real)(int, const void *, size_t, int);
  if (real == NULL) real = (ssize_t(*)(int, const void *, size_t, int))dlsym(RTLD_NEXT, "send");
  if (matters(bytes, size)) step();
  return real(fd, bytes, size, flags);
}
