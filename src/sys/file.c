/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES_MAX = 4096 };
enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

void sl_blob_fini(struct sl_blob *blob)
{
    if (blob == NULL || blob->ptr == NULL) {
        return;
    }
    if (blob->is_mapped) {
        (void)munmap(blob->ptr, blob->len);
    } else {
        explicit_bzero(blob->ptr, blob->len);
        free(blob->ptr);
    }
    *blob = (struct sl_blob){ 0 };
}

struct sl_slice sl_blob_slice(const struct sl_blob *blob)
{
    return sl_slice_of(blob->ptr, blob->len);
}

static void close_fd(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

static enum sl_err read_all(int fd, uint8_t *buf, size_t cap, size_t *ret_len)
{
    size_t len = 0;
    while (len < cap) {
        ssize_t got = read(fd, buf + len, cap - len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return SL_ESYS;
        }
        if (got == 0) {
            break;
        }
        len += (size_t)got;
    }
    *ret_len = len;
    return SL_OK;
}

enum sl_err sl_file_open(const char *path, struct sl_diag *diag, int *ret_fd, unsigned *ret_mode)
{
    /* O_NONBLOCK: a named pipe without a writer must not hold up the start */
    SL_CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st = { 0 };
    if (fd < 0 || fstat(fd, &st) != 0) {
        sl_diag_set(diag, "cannot read %s: %s", path, strerror(errno));
        return errno == ENOENT ? SL_ENOENT : SL_ESYS;
    }
    if (!S_ISREG(st.st_mode)) {
        sl_diag_set(diag, "cannot read %s: it is not a regular file", path);
        return SL_ESYS;
    }
    *ret_mode = st.st_mode & 07777;
    *ret_fd = fd;
    fd = -1;
    return SL_OK;
}

enum sl_err sl_file_append(const char *path, unsigned mode, struct sl_diag *diag, int *ret_fd)
{
    const int fd =
        open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode);
    if (fd < 0) {
        sl_diag_set(diag, "cannot open %s: %s", path, strerror(errno));
        return SL_ESYS;
    }
    *ret_fd = fd;
    return SL_OK;
}

/* `name` stands in the diag. */
static enum sl_err read_named(int fd, const char *name, size_t max_bytes, struct sl_diag *diag,
                              struct sl_blob *ret_blob)
{
    struct stat st = { 0 };
    if (fstat(fd, &st) != 0) {
        sl_diag_set(diag, "cannot read %s: %s", name, strerror(errno));
        return SL_ESYS;
    }
    if ((uint64_t)st.st_size > max_bytes) {
        sl_diag_set(diag, "%s is too large: at most %zu bytes", name, max_bytes);
        return SL_ERANGE;
    }
    size_t cap = (size_t)st.st_size;
    SL_CLEANUP(sl_blob_fini) struct sl_blob blob = { .ptr = malloc(cap + 1), .len = cap };
    if (blob.ptr == NULL) {
        return SL_ENOMEM;
    }
    enum sl_err rc = read_all(fd, blob.ptr, cap, &blob.len);
    if (rc != SL_OK) {
        sl_diag_set(diag, "cannot read %s: %s", name, strerror(errno));
        return rc;
    }
    *ret_blob = blob;
    blob.ptr = NULL;
    return SL_OK;
}

enum sl_err sl_file_read_fd(int fd, size_t max_bytes, struct sl_diag *diag,
                            struct sl_blob *ret_blob)
{
    /* no fstat: in its cage the reader may only read */
    SL_CLEANUP(sl_blob_fini) struct sl_blob blob = { .ptr = malloc(max_bytes + 1), .len = 0 };
    if (blob.ptr == NULL) {
        return SL_ENOMEM;
    }
    enum sl_err rc = read_all(fd, blob.ptr, max_bytes + 1, &blob.len);
    if (rc != SL_OK) {
        sl_diag_set(diag, "cannot read it: %s", strerror(errno));
        return rc;
    }
    if (blob.len > max_bytes) {
        sl_diag_set(diag, "it is too large: at most %zu bytes", max_bytes);
        return SL_ERANGE;
    }
    *ret_blob = blob;
    blob.ptr = NULL;
    return SL_OK;
}

enum sl_err sl_file_read(const char *path, size_t max_bytes, struct sl_diag *diag,
                         struct sl_blob *ret_blob)
{
    SL_CLEANUP(close_fd) int fd = -1;
    unsigned mode;
    enum sl_err rc = sl_file_open(path, diag, &fd, &mode);
    return rc == SL_OK ? read_named(fd, path, max_bytes, diag, ret_blob) : rc;
}

static enum sl_err write_all(int fd, struct sl_slice bytes)
{
    while (bytes.len > 0) {
        ssize_t put = write(fd, bytes.ptr, bytes.len);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return SL_ESYS;
        }
        (void)sl_slice_cut(&bytes, (size_t)put);
    }
    return SL_OK;
}

static int64_t ns_of(const struct timespec *time)
{
    return (int64_t)time->tv_sec * (int64_t)(SL_MS_PER_S * SL_NS_PER_MS) + time->tv_nsec;
}

struct sl_file_id sl_file_id_of(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return (struct sl_file_id){ 0 };
    }
    return (struct sl_file_id){ .device = st.st_dev,
                                .inode = st.st_ino,
                                .size_bytes = (uint64_t)st.st_size,
                                .written_ns = ns_of(&st.st_mtim),
                                .changed_ns = ns_of(&st.st_ctim) };
}

enum sl_err sl_file_write(const char *path, struct sl_slice bytes, unsigned mode,
                          struct sl_diag *diag)
{
    char temporary[PATH_BYTES_MAX];
    int len = snprintf(temporary, sizeof(temporary), "%s.%ld.new", path, (long)getpid());
    if (len < 0 || (size_t)len >= sizeof(temporary)) {
        sl_diag_set(diag, "cannot write %s: the path is too long", path);
        return SL_ESYS;
    }
    (void)unlink(temporary);
    SL_CLEANUP(close_fd)
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0 || write_all(fd, bytes) != SL_OK || fsync(fd) != 0 || rename(temporary, path) != 0) {
        sl_diag_set(diag, "cannot write %s: %s", path, strerror(errno));
        (void)unlink(temporary);
        return SL_ESYS;
    }
    return SL_OK;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

enum sl_err sl_file_mkdirs(const char *path, unsigned mode, struct sl_diag *diag)
{
    char part[PATH_BYTES_MAX];
    size_t len = strlen(path);
    if (len >= sizeof(part)) {
        sl_diag_set(diag, "the path is too long: %s", path);
        return SL_ESYS;
    }
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, mode) != 0 && (errno != EEXIST || !is_folder(part))) {
            sl_diag_set(diag, "cannot make %s: %s", part, strerror(errno));
            return SL_ESYS;
        }
    }
    return SL_OK;
}

enum sl_err sl_memfd_sealed(const char *name, struct sl_slice bytes, int *ret_fd)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        return SL_EMFILE;
    }
    if (write_all(fd, bytes) != SL_OK || fcntl(fd, F_ADD_SEALS, SEALS) != 0) {
        (void)close(fd);
        return SL_ENOSPC;
    }
    *ret_fd = fd;
    return SL_OK;
}

enum sl_err sl_memfd_map(int fd, struct sl_blob *ret_blob)
{
    int seals = fcntl(fd, F_GET_SEALS);
    off_t size = seals >= 0 && (seals & SEALS) == SEALS ? lseek(fd, 0, SEEK_END) : 0;
    if (size <= 0) {
        return SL_EPROTO;
    }
    void *ptr = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (ptr == MAP_FAILED) {
        return SL_ENOMEM;
    }
    *ret_blob = (struct sl_blob){ .ptr = ptr, .len = (size_t)size, .is_mapped = true };
    return SL_OK;
}

enum sl_err sl_shared_map(int fd, size_t size, void **ret_ptr)
{
    void *ptr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ptr == MAP_FAILED) {
        return SL_ENOMEM;
    }
    *ret_ptr = ptr;
    return SL_OK;
}

enum sl_err sl_shared_create(const char *name, size_t size, int *ret_fd, void **ret_ptr)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        return SL_EMFILE;
    }
    enum sl_err rc = SL_ENOMEM;
    if (ftruncate(fd, (off_t)size) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) == 0) {
        rc = sl_shared_map(fd, size, ret_ptr);
    }
    if (rc != SL_OK) {
        (void)close(fd);
        return rc;
    }
    *ret_fd = fd;
    return SL_OK;
}

void sl_shared_unmap(void *ptr, size_t size)
{
    if (ptr != NULL) {
        (void)munmap(ptr, size);
    }
}
