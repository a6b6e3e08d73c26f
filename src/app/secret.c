/* SPDX-License-Identifier: Apache-2.0 */
#include "app/secret.h"
#include "conf/conf.h"
#include "sys/file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 16 * 1024 };

enum sl_err sl_secret_read(int fd, struct sl_secret *secret)
{
    SL_CLEANUP(sl_blob_fini) struct sl_blob blob = { 0 };
    sl_secret_wipe(secret);
    enum sl_err rc = sl_file_read_fd(fd, FILE_BYTES_MAX, NULL, &blob);
    if (rc != SL_OK) {
        return rc;
    }
    struct sl_slice line = sl_blob_slice(&blob);
    line.len = sl_slice_find(line, '\n');
    if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
        line.len--;
    }
    if (line.len == 0) {
        return SL_EINVAL;
    }
    if (line.len > SL_SECRET_MAX || sl_slice_find(line, 0) < line.len) {
        return SL_ERANGE;
    }
    secret->text = malloc(line.len + 1);
    if (secret->text == NULL) {
        return SL_ENOMEM;
    }
    memcpy(secret->text, line.ptr, line.len);
    secret->text[line.len] = '\0';
    secret->len = line.len;
    return SL_OK;
}

struct sl_slice sl_secret_slice(const struct sl_secret *secret)
{
    return sl_slice_of(secret->text, secret->len);
}

void sl_secret_wipe(struct sl_secret *secret)
{
    if (secret->text != NULL) {
        explicit_bzero(secret->text, secret->len);
    }
    free(secret->text);
    *secret = (struct sl_secret){ 0 };
}

enum sl_err sl_secret_path(const char *name, struct sl_diag *diag,
                           char ret_path[static SL_SECRET_PATH_MAX])
{
    const bool is_credential = sl_slice_starts(sl_slice_cstr(name), SL_SLICE(SL_CONF_CREDENTIAL));
    const char *folder = is_credential ? getenv("CREDENTIALS_DIRECTORY") : "";
    if (folder == NULL) {
        sl_diag_set(diag, "%s: the service manager has set no CREDENTIALS_DIRECTORY", name);
        return SL_ENOENT;
    }
    const char *rest = is_credential ? name + sizeof(SL_CONF_CREDENTIAL) - 1 : name;
    int len =
        snprintf(ret_path, SL_SECRET_PATH_MAX, "%s%s%s", folder, is_credential ? "/" : "", rest);
    if (len < 0 || len >= SL_SECRET_PATH_MAX) {
        sl_diag_set(diag, "%s: its path is too long", name);
        return SL_ERANGE;
    }
    return SL_OK;
}
