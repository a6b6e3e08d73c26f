/* SPDX-License-Identifier: Apache-2.0 */
#include "app/ready.h"
#include "sys/file.h"
#include <stdlib.h>
#include <unistd.h>

/* A path may hold what JSON wants escaped (RFC 8259 7). */
static enum sl_err put_string(struct sl_wbuf *out, const char *text)
{
    enum sl_err rc = sl_wbuf_put_u8(out, '"');
    for (; rc == SL_OK && *text != '\0'; text++) {
        uint8_t c = (uint8_t)*text;
        if (c < 0x20 || c == '"' || c == '\\') {
            rc = sl_wbuf_printf(out, "\\u%04x", c);
        } else {
            rc = sl_wbuf_put_u8(out, c);
        }
    }
    return rc == SL_OK ? sl_wbuf_put_u8(out, '"') : rc;
}

static enum sl_err put_service(struct sl_wbuf *out, const char *name, size_t index,
                               const struct sl_listens *listens)
{
    bool is_first = true;
    enum sl_err rc = sl_wbuf_printf(out, "%s", index == 0 ? "" : ", ");
    rc = rc == SL_OK ? put_string(out, name) : rc;
    rc = rc == SL_OK ? sl_wbuf_printf(out, ": [") : rc;
    for (size_t i = 0; rc == SL_OK && i < listens->count; i++) {
        if (listens->list[i].service_index != index) {
            continue;
        }
        rc = sl_wbuf_printf(out, "%s", is_first ? "" : ", ");
        rc = rc == SL_OK ? put_string(out, listens->list[i].text) : rc;
        is_first = false;
    }
    return rc == SL_OK ? sl_wbuf_printf(out, "]") : rc;
}

enum sl_err sl_ready_file_write(const char *path, const struct sl_conf *conf,
                                const struct sl_listens *listens, struct sl_diag *diag)
{
    /* every byte of a name or URL can become six */
    size_t cap = 256 + conf->services_count * 512 + listens->count * (SL_URL_MAX * 6 + 8);
    SL_CLEANUP(sl_blob_fini) struct sl_blob blob = { .ptr = malloc(cap), .len = cap };
    if (blob.ptr == NULL) {
        return SL_ENOMEM;
    }
    struct sl_wbuf out = sl_wbuf_of(blob.ptr, cap);
    enum sl_err rc = sl_wbuf_printf(&out, "{\"pid\": %ld, \"services\": {", (long)getpid());
    for (size_t i = 0; rc == SL_OK && i < conf->services_count; i++) {
        rc = put_service(&out, conf->services[i].name, i, listens);
    }
    rc = rc == SL_OK ? sl_wbuf_printf(&out, "}}\n") : rc;
    return rc == SL_OK ? sl_file_write(path, sl_wbuf_slice(&out), 0644, diag) : rc;
}
