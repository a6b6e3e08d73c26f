/* SPDX-License-Identifier: Apache-2.0 */
/** @file Folders whose entries change (inotify(7)). */
#pragma once
#include "base/err.h"
#include <stdbool.h>

/** A descriptor to be watched for input. SL_OK, SL_EMFILE, SL_ENOENT (the system has none). */
SL_CHECKED enum sl_err sl_folders_open(int *ret_fd);

/**
 * From now on the descriptor tells of what is written, made, renamed and removed in that folder; a
 * folder that was added before is not added twice.
 * @return SL_OK, SL_ENOENT (no such folder, or it cannot be read), SL_EMFILE (as many as the system
 *         allows to this user: fs.inotify.max_user_watches)
 */
SL_CHECKED enum sl_err sl_folders_add(int fd, const char *path);

/** Throws away what it has told. True when there was something. */
bool sl_folders_clear(int fd);

/**
 * Adds every folder in which a change can make `path` another file: the one that it stands in, and
 * those of the symbolic links on the way, so that a link that is swapped is seen, too.
 * @return as sl_folders_add; the others were added all the same
 */
SL_CHECKED enum sl_err sl_folders_add_for(int fd, const char *path);
