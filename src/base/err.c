/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

static const char *const NAMES[SL_ERR_COUNT] = {
    [SL_OK] = "SL_OK",
    [SL_AGAIN] = "SL_AGAIN",
    [SL_EOF] = "SL_EOF",
    [SL_EPAUSED] = "SL_EPAUSED",
    [SL_EWAIT] = "SL_EWAIT",
    [SL_EPROTO] = "SL_EPROTO",
    [SL_ERESET] = "SL_ERESET",
    [SL_ETRUNC] = "SL_ETRUNC",
    [SL_ETLS] = "SL_ETLS",
    [SL_EVERIFY] = "SL_EVERIFY",
    [SL_EDENIED] = "SL_EDENIED",
    [SL_ENOSPC] = "SL_ENOSPC",
    [SL_ENOMEM] = "SL_ENOMEM",
    [SL_EBUSY] = "SL_EBUSY",
    [SL_EMFILE] = "SL_EMFILE",
    [SL_ERANGE] = "SL_ERANGE",
    [SL_EINVAL] = "SL_EINVAL",
    [SL_ENOENT] = "SL_ENOENT",
    [SL_EREFUSED] = "SL_EREFUSED",
    [SL_EUNREACH] = "SL_EUNREACH",
    [SL_ETIMEDOUT] = "SL_ETIMEDOUT",
    [SL_ESYS] = "SL_ESYS",
};

const char *sl_err_name(enum sl_err err)
{
    return (unsigned)err < SL_ERR_COUNT && NAMES[err] != NULL ? NAMES[err] : "SL_?";
}
