/* Preloaded into the program under test: keeps, beside a folder, what of it a power cut would leave, and cuts the power.
 *
 *   cc -shared -fPIC -o lossy_disk.so lossy_disk.c -ldl -lpthread
 *   LD_PRELOAD=lossy_disk.so LOSSY_ROOT=/folder LOSSY_SHADOW=/other LOSSY_KILL_AT=40
 *
 * A file's content is in the shadow as of its last sync, a name as of the last sync of its folder: what was written,
 * made, renamed or removed since is not. What is there at the start counts as durable. At the sync of that number,
 * before anything of it is kept, the process kills itself; 0: never. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH 4096
#define FDS 4096

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static const char *root, *shadow;
static long kill_at, syncs;
static struct { off_t from, to; } dirty[FDS]; /* by descriptor, since it was opened or synced */

static int path_of(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, path, PATH - 1);
  if (n < 0) return 0;
  path[n] = 0;
  const size_t length = strlen(root);
  return strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/* The shadow of a file's content, whatever its names: an inode's number may come a second time, not at that moment. */
static void content_of(const char *path, char *out) {
  struct statx info;
  memset(&info, 0, sizeof info);
  statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &info);
  snprintf(out, PATH, "%s/content/%llu-%lld-%u", shadow, (unsigned long long)info.stx_ino,
           (long long)info.stx_btime.tv_sec, info.stx_btime.tv_nsec);
}

static void copy(int from, int to, off_t at, off_t end) {
  static ssize_t (*real)(int, const void *, size_t, off_t);
  if (real == NULL) real = (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");
  char block[65536];
  while (at < end) {
    const size_t most = (size_t)(end - at) < sizeof block ? (size_t)(end - at) : sizeof block;
    const ssize_t n = pread(from, block, most, at);
    if (n <= 0 || real(to, block, (size_t)n, at) != n) return;
    at += n;
  }
}

/* The content becomes durable, from what was written since the last time. */
static void keep_content(int fd, const char *path) {
  char kept[PATH];
  struct stat info;
  content_of(path, kept);
  const int fresh = access(kept, F_OK) != 0;
  const int to = open(kept, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const int from = open(path, O_RDONLY | O_CLOEXEC);
  if (from >= 0 && to >= 0 && fstat(from, &info) == 0) {
    const int known = !fresh && fd >= 0 && fd < FDS && dirty[fd].to > dirty[fd].from;
    if (known) copy(from, to, dirty[fd].from, dirty[fd].to);
    else copy(from, to, 0, info.st_size);
    if (ftruncate(to, info.st_size) != 0) abort();
  }
  if (fd >= 0 && fd < FDS) dirty[fd].from = dirty[fd].to = 0;
  if (from >= 0) close(from);
  if (to >= 0) close(to);
}

static void shadow_of(const char *folder, char *out) { snprintf(out, PATH, "%s/names%s", shadow, folder + strlen(root)); }

/* The names in the folder become durable; a file that was never synced is an empty one. */
static void keep_names(const char *folder) {
  char kept[PATH], path[PATH], name[PATH], content[PATH], beside[PATH];
  struct stat here, there;
  shadow_of(folder, kept);
  mkdir(kept, 0700);
  DIR *entries = opendir(folder);
  for (struct dirent *entry = NULL; entries != NULL && (entry = readdir(entries)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (snprintf(path, PATH, "%s/%s", folder, entry->d_name) >= PATH || lstat(path, &here) != 0) continue;
    if (snprintf(name, PATH, "%s/%s", kept, entry->d_name) >= PATH) continue;
    if (S_ISDIR(here.st_mode)) mkdir(name, 0700);
    if (!S_ISREG(here.st_mode)) continue;
    content_of(path, content);
    const int made = open(content, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (made >= 0 && fstat(made, &here) == 0 && (lstat(name, &there) != 0 || there.st_ino != here.st_ino)) {
      snprintf(beside, PATH, "%s/beside", shadow);
      unlink(beside);
      if (link(content, beside) != 0 || rename(beside, name) != 0) abort();
    }
    if (made >= 0) close(made);
  }
  if (entries != NULL) closedir(entries);
  entries = opendir(kept);
  for (struct dirent *entry = NULL; entries != NULL && (entry = readdir(entries)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    snprintf(path, PATH, "%s/%s", folder, entry->d_name);
    snprintf(name, PATH, "%s/%s", kept, entry->d_name);
    if (lstat(path, &here) != 0 && unlink(name) != 0) rmdir(name);
  }
  if (entries != NULL) closedir(entries);
}

static void keep_all(const char *folder) {
  char path[PATH];
  struct stat info;
  DIR *entries = opendir(folder);
  for (struct dirent *entry = NULL; entries != NULL && (entry = readdir(entries)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    snprintf(path, PATH, "%s/%s", folder, entry->d_name);
    if (lstat(path, &info) == 0 && S_ISREG(info.st_mode)) keep_content(-1, path);
  }
  if (entries != NULL) rewinddir(entries);
  keep_names(folder);
  for (struct dirent *entry = NULL; entries != NULL && (entry = readdir(entries)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    snprintf(path, PATH, "%s/%s", folder, entry->d_name);
    if (lstat(path, &info) == 0 && S_ISDIR(info.st_mode)) keep_all(path);
  }
  if (entries != NULL) closedir(entries);
}

__attribute__((constructor)) static void begin(void) {
  char path[PATH];
  root = getenv("LOSSY_ROOT");
  shadow = getenv("LOSSY_SHADOW");
  kill_at = getenv("LOSSY_KILL_AT") != NULL ? atol(getenv("LOSSY_KILL_AT")) : 0;
  if (root == NULL || shadow == NULL) _exit(99);
  snprintf(path, PATH, "%s/content", shadow);
  if (mkdir(path, 0700) == 0) keep_all(root); /* else: a child of the program */
}

static int keep(int fd) {
  char path[PATH];
  struct stat info;
  if (!path_of(fd, path) || fstat(fd, &info) != 0) return 0;
  pthread_mutex_lock(&mutex);
  if (++syncs == kill_at) raise(SIGKILL);
  if (S_ISDIR(info.st_mode)) keep_names(path);
  else keep_content(fd, path);
  pthread_mutex_unlock(&mutex);
  return 0;
}

/* Nothing is really synced: only the shadow counts. */
int fdatasync(int fd) { return keep(fd); }
int fsync(int fd) { return keep(fd); }

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) {
  static ssize_t (*real)(int, const void *, size_t, off_t);
  if (real == NULL) real = (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");
  const ssize_t n = real(fd, bytes, size, offset);
  if (n > 0 && fd < FDS) {
    pthread_mutex_lock(&mutex);
    const int none = dirty[fd].to == dirty[fd].from;
    if (none || offset < dirty[fd].from) dirty[fd].from = offset;
    if (none || offset + n > dirty[fd].to) dirty[fd].to = offset + n;
    pthread_mutex_unlock(&mutex);
  }
  return n;
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t offset) { return pwrite(fd, bytes, size, offset); }

int close(int fd) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "close");
  if (fd >= 0 && fd < FDS) dirty[fd].from = dirty[fd].to = 0;
  return real(fd);
}
