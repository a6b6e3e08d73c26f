/* SPDX-License-Identifier: Apache-2.0 */
/** @file Files and memory that is passed between processes. */
#pragma once
#include "base/diag.h"
#include "base/slice.h"

/** Memory from malloc, or a mapping. */
struct sl_blob {
    uint8_t *ptr; /* NULL for none */
    size_t len;   /* bytes */
    bool is_mapped;
};

/** Frees the memory; a blob from malloc is wiped first, since it may have been a key. */
void sl_blob_fini(struct sl_blob *blob);
struct sl_slice sl_blob_slice(const struct sl_blob *blob);

/** Reads a whole file of at most `max_bytes`. SL_OK, SL_ENOENT, SL_ERANGE, SL_ENOMEM, SL_ESYS
 * (diag). */
SL_CHECKED enum sl_err sl_file_read(const char *path, size_t max_bytes, struct sl_diag *diag,
                                    struct sl_blob *ret_blob);

/** Opens a regular file to be read, here or elsewhere. SL_OK, SL_ENOENT, SL_ESYS (diag).
 * @param ret_mode  its permission bits */
SL_CHECKED enum sl_err sl_file_open(const char *path, struct sl_diag *diag, int *ret_fd,
                                    unsigned *ret_mode);

/** As sl_file_read, of what is open; the diag does not know its path. `fd` stays the caller's. */
SL_CHECKED enum sl_err sl_file_read_fd(int fd, size_t max_bytes, struct sl_diag *diag,
                                       struct sl_blob *ret_blob);

/** Opens a file to append lines to, and makes it with `mode` when it is not there: non-blocking,
 * for it may be a pipe or a terminal. SL_OK, SL_ESYS (diag). */
SL_CHECKED enum sl_err sl_file_append(const char *path, unsigned mode, struct sl_diag *diag,
                                      int *ret_fd);

/** What tells a file from another, and from itself before it was written to; zeroed when there is
 * none. */
struct sl_file_id {
    uint64_t device, inode, size_bytes;
    int64_t written_ns, changed_ns; /* Unix time */
};

struct sl_file_id sl_file_id_of(const char *path);

/** Writes a file whole: into a new one beside it, flushed, then renamed over it. SL_OK, SL_ESYS
 * (diag). */
SL_CHECKED enum sl_err sl_file_write(const char *path, struct sl_slice bytes, unsigned mode,
                                     struct sl_diag *diag);

/** Makes a folder and those above it, `mode` for each that is new. SL_OK, SL_ESYS (diag). */
SL_CHECKED enum sl_err sl_file_mkdirs(const char *path, unsigned mode, struct sl_diag *diag);

/** A sealed memfd that holds `bytes`: nobody can change, grow or shrink it. SL_OK, SL_EMFILE,
 * SL_ENOSPC. */
SL_CHECKED enum sl_err sl_memfd_sealed(const char *name, struct sl_slice bytes, int *ret_fd);

/** Maps a memfd read-only; refuses one that is not sealed against writing. SL_OK, SL_EPROTO,
 * SL_ENOMEM. */
SL_CHECKED enum sl_err sl_memfd_map(int fd, struct sl_blob *ret_blob);

/** `size` zeroed bytes that children share, by a memfd that can be passed. SL_OK, SL_EMFILE,
 * SL_ENOMEM. */
SL_CHECKED enum sl_err sl_shared_create(const char *name, size_t size, int *ret_fd, void **ret_ptr);
SL_CHECKED enum sl_err sl_shared_map(int fd, size_t size, void **ret_ptr);
void sl_shared_unmap(void *ptr, size_t size); /* NULL is allowed */
