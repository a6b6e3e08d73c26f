/* SPDX-License-Identifier: Apache-2.0 */
#include "app/load_impl.h"
#include "app/secret.h"
#include "sys/socket.h"
#include <stdlib.h>

enum { MODE_OTHERS = 0044 };            /* group or all may read it */
enum { CREDENTIAL_MODE_OTHERS = 0004 }; /* the same of what a service manager hands over */

/* The group's bits of a credential are those of the list by which its service may read it. */
static unsigned others_mode(const char *path)
{
    struct sl_slice rest = sl_slice_cstr(path);
    struct sl_slice folder = sl_slice_cstr(getenv("CREDENTIALS_DIRECTORY"));
    if (folder.len == 0 || !sl_slice_starts(rest, folder)) {
        return MODE_OTHERS;
    }
    (void)sl_slice_cut(&rest, folder.len);
    return sl_slice_starts(rest, SL_SLICE("/")) ? CREDENTIAL_MODE_OTHERS : MODE_OTHERS;
}

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
    *ret_path = copy;
    return SL_OK;
}

void sl_load_secret_warn(struct sl_load *load, const struct sl_conf_file *file, const char *path,
                         const char *what, unsigned mode)
{
    if ((mode & others_mode(path)) != 0) {
        sl_findings_add(&load->findings, SL_FINDING_WARNING, file->pos,
                        "%s: others than its owner can read this %s (mode %04o)", file->path, what,
                        mode);
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
        sl_load_secret_warn(load, file, path, "secret", mode);
        *ret_path = path;
    }
    return rc;
}
