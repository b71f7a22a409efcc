/* A disk that fails: preloaded, it makes the N-th change to a file below a folder fail.

   FAILING_FOLDER   the folder, absolute; without it nothing is touched
   FAILING_TRACE    a file outside of it that takes one line for every change: "operation path"
   FAILING_AT       N, from 1; without it nothing fails
   FAILING_ERRNO    what it fails with, as a number
   FAILING_ONWARDS  set: every later change fails, too

   The environment is read at every call, so that a process may set it after a fork. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_int changes;

/* Straight to the kernel: the trace must not be counted. */
static void trace(const char *line, size_t length)
{
    const char *path = getenv("FAILING_TRACE");
    if (path == NULL)
        return;
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    syscall(SYS_write, fd, line, length);
    syscall(SYS_close, fd);
}

/* Count a change of `path`; nonzero, with errno set, where it is to fail. */
static int fails(const char *operation, const char *path)
{
    const char *folder = getenv("FAILING_FOLDER");
    if (folder == NULL)
        return 0;
    char absolute[2 * PATH_MAX];
    if (path[0] == '/') {
        snprintf(absolute, sizeof absolute, "%s", path);
    } else {
        char here[PATH_MAX];
        if (getcwd(here, sizeof here) == NULL)
            return 0;
        snprintf(absolute, sizeof absolute, "%s/%s", here, path);
    }
    size_t length = strlen(folder);
    if (strncmp(absolute, folder, length) != 0 || absolute[length] != '/')
        return 0;
    int number = atomic_fetch_add(&changes, 1) + 1;
    char line[2 * PATH_MAX + 64];
    int written = snprintf(line, sizeof line, "%s %s\n", operation, absolute + length + 1);
    trace(line, written);
    const char *at = getenv("FAILING_AT");
    if (at == NULL || number < atoi(at) || (number > atoi(at) && getenv("FAILING_ONWARDS") == NULL))
        return 0;
    errno = atoi(getenv("FAILING_ERRNO"));
    return 1;
}

static int fails_fd(const char *operation, int fd)
{
    char link[64], path[PATH_MAX];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = saved;
    if (length <= 0 || path[0] != '/')
        return 0;
    path[length] = '\0';
    return fails(operation, path);
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (real == NULL) \
        real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define CHANGE(type, name, parameters, arguments) \
    type name parameters \
    { \
        REAL(name); \
        return fails_fd(#name, fd) ? -1 : real arguments; \
    }

CHANGE(ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size))
CHANGE(ssize_t, writev, (int fd, const struct iovec *data, int count), (fd, data, count))
CHANGE(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
CHANGE(ssize_t, pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at))
CHANGE(int, fsync, (int fd), (fd))
CHANGE(int, fdatasync, (int fd), (fd))
CHANGE(int, ftruncate, (int fd, off_t size), (fd, size))
CHANGE(int, ftruncate64, (int fd, off64_t size), (fd, size))

int rename(const char *from, const char *to)
{
    REAL(rename);
    return fails("rename", to) ? -1 : real(from, to);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    REAL(renameat);
    return fails("rename", to) ? -1 : real(from_folder, from, to_folder, to);
}

int mkdir(const char *path, mode_t mode)
{
    REAL(mkdir);
    /* A folder that is there already takes no room. */
    return access(path, F_OK) != 0 && fails("mkdir", path) ? -1 : real(path, mode);
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) \
    { \
        REAL(name); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        return flags & O_CREAT && access(path, F_OK) != 0 && fails("create", path) ? -1 : real(path, flags, mode); \
    }

OPEN(open)
OPEN(open64)
