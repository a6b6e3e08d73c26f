/* SPDX-License-Identifier: Apache-2.0 */
#include "app/load_impl.h"
#include "app/secret.h"
#include "sys/socket.h"
#include <stdlib.h>

enum { MODE_ALL = 0004 }; /* all may read it; who is in its group was chosen for that */

enum sl_err sl_load_secret_path(struct sl_load *load, const struct sl_conf_file *file,
                                const char **ret_path)
{
    char path[SL_SECRET_PATH_MAX];
    struct sl_diag diag = { 0 };
    enum sl_err rc = sl_secret_path(file->path, &diag, path);
    if (rc != SL_OK) {
        sl_findings_add(&load->findings, SL_FINDING_ERROR, file->pos, "%s", diag.text);
        return SL_EINVAL;
    }
    const char *copy = sl_arena_strdup(&load->arena, sl_slice_cstr(path));
    if (copy == NULL) {
        return SL_ENOMEM;
    }
    sl_load_see(load, copy);
    *ret_path = copy;
    return SL_OK;
}

void sl_load_secret_warn(struct sl_load *load, const struct sl_conf_file *file, const char *what,
                         unsigned mode)
{
    if ((mode & MODE_ALL) != 0) {
        sl_findings_add(&load->findings, SL_FINDING_WARNING, file->pos,
                        "%s: everybody on this machine can read this %s (mode %04o)", file->path,
                        what, mode);
    }
}

enum sl_err sl_load_secret(struct sl_load *load, const struct sl_conf_file *file,
                           const char **ret_path)
{
    struct sl_diag diag = { 0 };
    int fd = -1;
    unsigned mode = 0;
    const char *path = NULL;
    enum sl_err rc = sl_load_secret_path(load, file, &path);
    if (rc == SL_OK && (rc = sl_file_open(path, &diag, &fd, &mode)) != SL_OK) {
        sl_findings_add(&load->findings, SL_FINDING_ERROR, file->pos, "%s", diag.text);
    }
    sl_socket_close(&fd);
    if (rc == SL_OK) {
        sl_load_secret_warn(load, file, "secret", mode);
        *ret_path = path;
    }
    return rc;
}
