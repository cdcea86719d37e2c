/* Counts what a process does to the files under one folder, and at a chosen event ends it, fills the
 * disk or writes half. Preloaded, so that writers in C++ and Rust are seen as well as Python's.
 *
 * An event is a call that changes a file: an open for writing, a write, a rename, a removal, a new
 * folder, a cut, an fsync. A write is two events: nothing of it is on disk, and half of it is.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COUNT, KILL, FULL, SHORT };

static char root[PATH_MAX];
static int mode = -1;
static long at, n;
static int listing = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(type, name, ...)                                  \
    static type (*real)(__VA_ARGS__);                          \
    if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

void events_arm(const char *folder, int what, long event, int list)
{
    strncpy(root, folder, sizeof root - 1);
    at = event;
    n = 0;
    listing = list;
    mode = what;
}

long events_seen(void) { return n; }

static ssize_t raw_write(int fd, const void *bytes, size_t size)
{
    REAL(ssize_t, "write", int, const void *, size_t);
    return real(fd, bytes, size);
}

static int inside(const char *path) { return strncmp(path, root, strlen(root)) == 0; }

static int path_of(int fd, char *path)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = 0;
    return length >= 0 && inside(path);
}

static int whole_path(int folder, const char *name, char *path)
{
    if (!name) return 0;
    if (name[0] == '/') {
        snprintf(path, PATH_MAX, "%s", name);
    } else {
        char start[PATH_MAX];
        if (folder == AT_FDCWD) {
            if (!getcwd(start, sizeof start)) return 0;
        } else {
            path_of(folder, start);
        }
        snprintf(path, PATH_MAX, "%.2000s/%.2000s", start, name);
    }
    return inside(path);
}

/* Count one event; true if it is to be refused with ENOSPC. */
static int event(const char *kind, const char *path, int takes_space)
{
    pthread_mutex_lock(&lock);
    long mine = ++n;
    pthread_mutex_unlock(&lock);
    if (listing >= 0) {
        char line[PATH_MAX + 64];
        int length = snprintf(line, sizeof line, "%ld %s %s\n", mine, kind, path + strlen(root) - 1);
        raw_write(listing, line, length);
    }
    if (mode == KILL && mine == at) _exit(137);
    return mode == FULL && takes_space && mine >= at;
}

static ssize_t guarded(int fd, const char *path, const void *bytes, size_t size, off_t offset)
{
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    if (event("write", path, 1)) {
        errno = ENOSPC;
        return -1;
    }
    size_t part = size > 1 ? size / 2 : size;
    pthread_mutex_lock(&lock);
    int torn = mode == KILL && n + 1 == at;
    int cut = (mode == SHORT) || (mode == FULL && n + 1 == at);
    pthread_mutex_unlock(&lock);
    size_t now = torn || cut ? part : size;
    ssize_t done = offset < 0 ? raw_write(fd, bytes, now) : real(fd, bytes, now, offset);
    event("half", path, 0);
    return done;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    char path[PATH_MAX];
    if (mode < 0 || !path_of(fd, path)) return raw_write(fd, bytes, size);
    return guarded(fd, path, bytes, size, -1);
}

static ssize_t positioned(int fd, const void *bytes, size_t size, off_t offset)
{
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    char path[PATH_MAX];
    if (mode < 0 || !path_of(fd, path)) return real(fd, bytes, size, offset);
    return guarded(fd, path, bytes, size, offset);
}
ssize_t pwrite(int fd, const void *b, size_t s, off_t o) { return positioned(fd, b, s, o); }
ssize_t pwrite64(int fd, const void *b, size_t s, off_t o) { return positioned(fd, b, s, o); }

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    char path[PATH_MAX];
    if (mode < 0 || !path_of(fd, path)) return real(fd, parts, count);
    for (int i = 0; i < count; i++) /* a short write of the first part that is not empty */
        if (parts[i].iov_len) return guarded(fd, path, parts[i].iov_base, parts[i].iov_len, -1);
    return 0;
}

#define ALL_OF(name, type, call, prototype)                    \
    type name prototype                                        \
    {                                                          \
        REAL(type, #name, int, int, off_t *, size_t);          \
        char path[PATH_MAX];                                   \
        if (mode >= 0 && path_of(to, path) && event("copy", path, 1)) { \
            errno = ENOSPC;                                    \
            return -1;                                         \
        }                                                      \
        return real call;                                      \
    }
ALL_OF(sendfile, ssize_t, (to, from, offset, size), (int to, int from, off_t *offset, size_t size))
ALL_OF(sendfile64, ssize_t, (to, from, offset, size), (int to, int from, off_t *offset, size_t size))

ssize_t copy_file_range(int from, off_t *a, int to, off_t *b, size_t size, unsigned flags)
{
    REAL(ssize_t, "copy_file_range", int, off_t *, int, off_t *, size_t, unsigned);
    char path[PATH_MAX];
    if (mode >= 0 && path_of(to, path) && event("copy", path, 1)) {
        errno = ENOSPC;
        return -1;
    }
    return real(from, a, to, b, size, flags);
}

static int opened(int folder, const char *name, int flags, mode_t bits)
{
    REAL(int, "openat", int, const char *, int, ...);
    char path[PATH_MAX];
    int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT);
    if (mode >= 0 && writes && whole_path(folder, name, path) && event("open", path, flags & O_CREAT)) {
        errno = ENOSPC;
        return -1;
    }
    return real(folder, name, flags, bits);
}

#define OPEN(name, head, folder)                               \
    int name(head const char *path, int flags, ...)            \
    {                                                          \
        mode_t bits = 0;                                       \
        if (flags & (O_CREAT | O_TMPFILE)) {                   \
            va_list rest;                                      \
            va_start(rest, flags);                             \
            bits = va_arg(rest, mode_t);                       \
            va_end(rest);                                      \
        }                                                      \
        return opened(folder, path, flags, bits);              \
    }
#define NOTHING
OPEN(open, NOTHING, AT_FDCWD)
OPEN(open64, NOTHING, AT_FDCWD)
#define FOLDER int folder,
OPEN(openat, FOLDER, folder)
OPEN(openat64, FOLDER, folder)

#define FOPEN(name)                                            \
    FILE *name(const char *file, const char *how)              \
    {                                                          \
        REAL(FILE *, #name, const char *, const char *);       \
        char path[PATH_MAX];                                   \
        if (mode >= 0 && strpbrk(how, "wa+") && whole_path(AT_FDCWD, file, path) && \
            event("open", path, 1)) {                          \
            errno = ENOSPC;                                    \
            return NULL;                                       \
        }                                                      \
        return real(file, how);                                \
    }
FOPEN(fopen)
FOPEN(fopen64)

#define NAMED(kind, name, space, path_expression, prototype, types, call) \
    int name prototype                                         \
    {                                                          \
        REAL(int, #name, types);                               \
        char path[PATH_MAX];                                   \
        if (mode >= 0 && path_expression && event(kind, path, space)) { \
            errno = ENOSPC;                                    \
            return -1;                                         \
        }                                                      \
        return real call;                                      \
    }
#define T(...) __VA_ARGS__
NAMED("rename", rename, 0, whole_path(AT_FDCWD, b, path), (const char *a, const char *b),
      T(const char *, const char *), (a, b))
NAMED("rename", renameat, 0, whole_path(g, b, path), (int f, const char *a, int g, const char *b),
      T(int, const char *, int, const char *), (f, a, g, b))
NAMED("rename", renameat2, 0, whole_path(g, b, path),
      (int f, const char *a, int g, const char *b, unsigned flags),
      T(int, const char *, int, const char *, unsigned), (f, a, g, b, flags))
NAMED("unlink", unlink, 0, whole_path(AT_FDCWD, a, path), (const char *a), T(const char *), (a))
NAMED("unlink", unlinkat, 0, whole_path(f, a, path), (int f, const char *a, int flags),
      T(int, const char *, int), (f, a, flags))
NAMED("rmdir", rmdir, 0, whole_path(AT_FDCWD, a, path), (const char *a), T(const char *), (a))
NAMED("mkdir", mkdir, 1, whole_path(AT_FDCWD, a, path), (const char *a, mode_t m),
      T(const char *, mode_t), (a, m))
NAMED("mkdir", mkdirat, 1, whole_path(f, a, path), (int f, const char *a, mode_t m),
      T(int, const char *, mode_t), (f, a, m))
NAMED("cut", ftruncate, 0, path_of(fd, path), (int fd, off_t size), T(int, off_t), (fd, size))
NAMED("cut", ftruncate64, 0, path_of(fd, path), (int fd, off_t size), T(int, off_t), (fd, size))
NAMED("fsync", fsync, 0, path_of(fd, path), (int fd), T(int), (fd))
NAMED("fsync", fdatasync, 0, path_of(fd, path), (int fd), T(int), (fd))
