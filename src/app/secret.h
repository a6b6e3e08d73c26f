/* SPDX-License-Identifier: Apache-2.0 */
/** @file Passphrases and PINs, and where the service manager puts what it hands over. */
#pragma once
#include "base/diag.h"
#include "base/slice.h"

enum { SL_SECRET_MAX = 1024 };      /* bytes of a passphrase or PIN */
enum { SL_SECRET_PATH_MAX = 4096 }; /* bytes of a path, NUL included */

/** Zeroed is empty. */
struct sl_secret {
    char *text; /* NULL when empty; with a NUL behind it */
    size_t len; /* bytes */
};

/**
 * Reads the first line of a file, in place of what `secret` held; a line break is no part of it.
 * @return SL_OK, SL_ERANGE (longer than SL_SECRET_MAX, or a NUL in it), SL_EINVAL (an empty line),
 *         SL_ENOMEM, SL_ESYS; other than SL_OK leaves it empty. `fd` stays the caller's.
 */
SL_CHECKED enum sl_err sl_secret_read(int fd, struct sl_secret *secret);

/** What it holds; `ptr` is NULL when it is empty. */
struct sl_slice sl_secret_slice(const struct sl_secret *secret);
void sl_secret_wipe(struct sl_secret *secret);

/**
 * The path of a file as the configuration names it: "credential:NAME" is the file of that name in
 * $CREDENTIALS_DIRECTORY (systemd.exec(5)), all else stays as it is.
 * @return SL_OK, SL_ENOENT (there is no such folder: diag), SL_ERANGE (too long: diag)
 */
SL_CHECKED enum sl_err sl_secret_path(const char *name, struct sl_diag *diag,
                                      char ret_path[static SL_SECRET_PATH_MAX]);
