/* A disk with a switch, loaded before the C library of a server under test.
 *
 * Power cut: remembers every write to the database and its log that was not synchronised yet, with
 * what it replaced. A few writes after SIGUSR1, so mostly in the middle of a commit, it takes those
 * writes back, as a disk loses what only its cache or the kernel held, and ends the process in the same
 * moment. With DISK_TORN set each such write is lost or kept by chance, as disks write in any order. With DISK_CHECKPOINT set the cut needs no signal: it comes
 * among the writes that move the log into the database file.
 *
 * Full disk: while the file that DISK_FULL names is there, writes to the database files fail; while the file that
 * ARCHIVE_FULL names is there, writes of recordings.
 *
 * Stuck disk: while the file that DISK_STUCK names is there, synchronisations of the database files do not return.
 *
 * One mutex makes writes, synchronisations and the cut exclude one another: what a synchronisation
 * that returned has covered is safe, and nothing else is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define CUT 77     /* the exit code after a cut */
#define BROKEN 78  /* the exit code if this library itself fails */

struct undo {
    struct undo *before;
    off_t at;
    size_t length; /* of what follows */
    unsigned char old[];
};

struct file {
    struct file *next;
    dev_t device;
    ino_t inode;
    int fd;               /* our own, so that the server may close its */
    off_t length;         /* when it was last synchronised */
    struct undo *unsynced; /* the newest first */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *files;
static int writes_left;              /* until the cut; 0 while there is none to come */
static int checkpoint_writes_left;   /* the same, of the database file only */
static char shared_memory[PATH_MAX]; /* the index of the log: made anew after a crash */

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);

static void die(const char *what) {
    dprintf(2, "disk.c: %s\n", what);
    _exit(BROKEN);
}

static int ends_with(const char *text, const char *end) {
    size_t text_length = strlen(text), length = strlen(end);
    return text_length >= length && strcmp(text + text_length - length, end) == 0;
}

/* The path of an open file of the database, or 0. */
static int database_path(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return strstr(path, "/linecard.db") != NULL;
}

static int full(const char *path) {
    const char *flag = getenv("DISK_FULL");
    return flag && path && access(flag, F_OK) == 0;
}

/* The record of a file whose writes are to be remembered; NULL for any other. */
static struct file *tracked(int fd, const char *path) {
    struct stat status;
    if (!ends_with(path, "/linecard.db") && !ends_with(path, "/linecard.db-wal")) return NULL;
    if (fstat(fd, &status) != 0) die("fstat");
    for (struct file *file = files; file; file = file->next)
        if (file->device == status.st_dev && file->inode == status.st_ino) return file;
    struct file *file = calloc(1, sizeof *file);
    if (!file) die("no memory");
    if ((file->fd = dup(fd)) < 0) die("dup");
    file->device = status.st_dev;
    file->inode = status.st_ino;
    file->length = status.st_size;
    file->next = files;
    files = file;
    if (ends_with(path, "/linecard.db")) snprintf(shared_memory, sizeof shared_memory, "%.4000s-shm", path);
    return file;
}

/* Keeps what is in the file from `at` on for `length` bytes, as far as the file goes. */
static void remember(struct file *file, off_t at, size_t length) {
    struct undo *undo = malloc(sizeof *undo + length);
    if (!undo) die("no memory");
    size_t had = 0;
    while (had < length) {
        ssize_t got = pread(file->fd, undo->old + had, length - had, at + (off_t)had);
        if (got < 0) die("pread");
        if (got == 0) break;
        had += (size_t)got;
    }
    /* Past the end there was nothing; a torn disk shows zeros there. */
    memset(undo->old + had, 0, length - had);
    undo->at = at;
    undo->length = length;
    undo->before = file->unsynced;
    file->unsynced = undo;
}

static void synchronised(struct file *file) {
    struct stat status;
    if (fstat(file->fd, &status) != 0) die("fstat");
    file->length = status.st_size;
    for (struct undo *undo = file->unsynced, *before; undo; undo = before) {
        before = undo->before;
        free(undo);
    }
    file->unsynced = NULL;
}

/* With the lock held. */
static void cut(void) {
    int torn = getenv("DISK_TORN") != NULL, lost = 0, kept = 0;
    for (struct file *file = files; file; file = file->next) {
        for (struct undo *undo = file->unsynced; undo; undo = undo->before) {
            if (torn && rand() % 2) {
                kept++;
                continue;
            }
            lost++;
            if (real_pwrite(file->fd, undo->old, undo->length, undo->at) != (ssize_t)undo->length) die("undo");
        }
        if (!torn && real_ftruncate(file->fd, file->length) != 0) die("undo of the length");
    }
    if (*shared_memory) unlink(shared_memory);
    dprintf(2, "power cut: %d writes lost, %d kept\n", lost, kept);
    _exit(CUT);
}

static void *wait_for_the_cut(void *signals) {
    int signal;
    if (sigwait(signals, &signal) != 0) die("sigwait");
    pthread_mutex_lock(&lock);
    writes_left = 1 + rand() % 16;
    pthread_mutex_unlock(&lock);
    /* Should nobody write any more. */
    usleep(500 * 1000);
    pthread_mutex_lock(&lock);
    cut();
    return NULL;
}

static void *real(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (!function) die(name);
    return function;
}

__attribute__((constructor)) static void start(void) {
    static sigset_t signals;
    pthread_t thread;
    real_pwrite = real("pwrite64");
    real_write = real("write");
    real_ftruncate = real("ftruncate64");
    real_fsync = real("fsync");
    real_fdatasync = real("fdatasync");
    srand((unsigned)time(NULL) ^ (unsigned)getpid());
    if (getenv("DISK_CHECKPOINT")) checkpoint_writes_left = 1 + rand() % 200;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    /* Every later thread inherits the mask, so the signal reaches that one thread only. */
    if (pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0) die("pthread_sigmask");
    if (pthread_create(&thread, NULL, wait_for_the_cut, &signals) != 0) die("pthread_create");
}

static ssize_t write_at(int fd, const void *bytes, size_t length, off_t at, int by_position) {
    char path[PATH_MAX];
    if (!database_path(fd, path)) return by_position ? real_pwrite(fd, bytes, length, at) : real_write(fd, bytes, length);
    if (full(path)) {
        errno = ENOSPC;
        return -1;
    }
    pthread_mutex_lock(&lock);
    struct file *file = tracked(fd, path);
    if (file) remember(file, at, length);
    ssize_t written = by_position ? real_pwrite(fd, bytes, length, at) : real_write(fd, bytes, length);
    int why = errno;
    if (file && writes_left && --writes_left == 0) cut();
    if (file && checkpoint_writes_left && ends_with(path, ".db") && --checkpoint_writes_left == 0) cut();
    pthread_mutex_unlock(&lock);
    errno = why;
    return written;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) { return write_at(fd, bytes, length, at, 1); }

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return write_at(fd, bytes, length, at, 1); }

ssize_t write(int fd, const void *bytes, size_t length) {
    if (!real_write) real_write = real("write");
    return write_at(fd, bytes, length, lseek(fd, 0, SEEK_CUR), 0);
}

/* Recordings are written with this one alone. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
    char link[64], path[PATH_MAX];
    const char *flag = getenv("ARCHIVE_FULL");
    if (!real_writev) real_writev = real("writev");
    if (flag && access(flag, F_OK) == 0) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, path, PATH_MAX - 1);
        if (length > 0) path[length] = 0;
        if (length > 0 && ends_with(path, ".part")) {
            errno = ENOSPC;
            return -1;
        }
    }
    return real_writev(fd, parts, count);
}

int ftruncate64(int fd, off_t length) {
    char path[PATH_MAX];
    struct stat status;
    if (!database_path(fd, path)) return real_ftruncate(fd, length);
    pthread_mutex_lock(&lock);
    struct file *file = tracked(fd, path);
    if (file && fstat(fd, &status) == 0 && status.st_size > length)
        remember(file, length, (size_t)(status.st_size - length));
    int outcome = real_ftruncate(fd, length), why = errno;
    pthread_mutex_unlock(&lock);
    errno = why;
    return outcome;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int synchronise(int fd, int (*real_sync)(int)) {
    char path[PATH_MAX];
    if (!database_path(fd, path)) return real_sync(fd);
    const char *stuck = getenv("DISK_STUCK");
    while (stuck && access(stuck, F_OK) == 0) usleep(20 * 1000);
    pthread_mutex_lock(&lock);
    struct file *file = tracked(fd, path);
    int outcome = real_sync(fd), why = errno;
    if (outcome == 0 && file) synchronised(file);
    pthread_mutex_unlock(&lock);
    errno = why;
    return outcome;
}

int fsync(int fd) { return synchronise(fd, real_fsync); }

int fdatasync(int fd) { return synchronise(fd, real_fdatasync); }
