/* SPDX-License-Identifier: Apache-2.0 */
#include "app/load_impl.h"
#include "codec/psk_key.h"
#include "sys/socket.h"
#include <stdlib.h>
#include <string.h>

static enum sl_err complain(struct sl_loader *l, const struct sl_conf_file *file, const char *text)
{
    sl_findings_add(&l->load->findings, SL_FINDING_ERROR, file->pos, "%s: %s", file->path, text);
    return SL_EINVAL;
}

static enum sl_err text_read(struct sl_loader *l, const struct sl_conf_file *file,
                             struct sl_blob *ret_text)
{
    struct sl_diag diag = { 0 };
    int fd = -1;
    unsigned mode = 0;
    const char *path = NULL;
    enum sl_err rc = sl_load_secret_path(l->load, file, &path);
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_file_open(path, &diag, &fd, &mode);
    if (rc != SL_OK) {
        sl_findings_add(&l->load->findings, SL_FINDING_ERROR, file->pos, "%s", diag.text);
        return rc;
    }
    sl_load_secret_warn(l->load, file, "pre-shared key", mode);
    rc = sl_file_read_fd(fd, SL_PSK_TEXT_MAX, &diag, ret_text);
    sl_socket_close(&fd);
    return rc == SL_OK || rc == SL_ENOMEM ? rc : complain(l, file, diag.text);
}

static enum sl_err key_read(struct sl_loader *l, const struct sl_conf_file *file,
                            struct sl_wbuf *key)
{
    SL_CLEANUP(sl_blob_fini) struct sl_blob text = { 0 };
    enum sl_err rc = text_read(l, file, &text);
    if (rc != SL_OK) {
        return rc;
    }
    switch (sl_psk_key_parse(sl_blob_slice(&text), key)) {
    case SL_OK:
        return SL_OK;
    case SL_ERANGE:
        return complain(l, file,
                        "a pre-shared key has 16 to 64 bytes, in hexadecimal or base64: "
                        "openssl rand -hex 32");
    default:
        return complain(l, file, "this is neither hexadecimal nor base64");
    }
}

/* The key as it stands in the bundle; a file is read once. */
static enum sl_err key_put(struct sl_loader *l, const struct sl_conf_psk *conf,
                           struct sl_slice *ret_key)
{
    uint8_t bytes[SL_PSK_KEY_MAX];
    struct sl_wbuf key = sl_wbuf_of(bytes, sizeof(bytes));
    for (size_t i = 0; i < l->psks_count; i++) {
        if (strcmp(l->psks[i].conf->key_file.path, conf->key_file.path) == 0) {
            *ret_key = l->psks[i].key;
            return SL_OK;
        }
    }
    enum sl_err rc = key_read(l, &conf->key_file, &key);
    if (rc == SL_OK) {
        rc = sl_collection_add(&l->files, SL_BUNDLE_PSK, sl_slice_cstr(conf->key_file.path),
                               sl_wbuf_slice(&key));
    }
    if (rc == SL_OK) {
        *ret_key = sl_collection_last(&l->files);
    }
    explicit_bzero(bytes, sizeof(bytes));
    return rc;
}

/* RFC 9257 4: who has a key of two names can stand for both. */
static enum sl_err same_check(struct sl_loader *l, const struct sl_load_psk *psk)
{
    for (size_t i = 0; i < l->psks_count; i++) {
        const struct sl_load_psk *before = &l->psks[i];
        if (sl_slice_eq(before->key, psk->key) &&
            strcmp(before->conf->identity.text, psk->conf->identity.text) != 0) {
            sl_findings_add(&l->load->findings, SL_FINDING_ERROR, psk->conf->key_file.pos,
                            "%s: the same key is that of another identity, on line %u: each has "
                            "one of its own",
                            psk->conf->key_file.path, before->conf->key_file.pos.line);
            return SL_EINVAL;
        }
    }
    return SL_OK;
}

static enum sl_err psk_load(struct sl_loader *l, const struct sl_conf_psk *conf)
{
    struct sl_load_psk psk = { .conf = conf };
    if (l->psks_count == l->psks_cap) {
        const size_t cap = l->psks_cap == 0 ? 16 : l->psks_cap * 2;
        struct sl_load_psk *grown = realloc(l->psks, cap * sizeof(*grown));
        if (grown == NULL) {
            return SL_ENOMEM;
        }
        l->psks = grown;
        l->psks_cap = cap;
    }
    enum sl_err rc = key_put(l, conf, &psk.key);
    rc = rc == SL_OK ? same_check(l, &psk) : rc;
    if (psk.key.len > 0) {
        l->psks[l->psks_count++] = psk;
    }
    return rc;
}

enum sl_err sl_load_psks(struct sl_loader *l, const struct sl_conf_service *service)
{
    enum sl_err result = SL_OK;
    for (size_t i = 0; i < service->clients.psks_count; i++) {
        sl_load_note(&result, psk_load(l, &service->clients.psks[i]));
    }
    if (service->upstream.psk.identity.text != NULL) {
        sl_load_note(&result, psk_load(l, &service->upstream.psk));
    }
    return result;
}

void sl_load_psks_wipe(struct sl_loader *l)
{
    for (size_t i = 0; i < l->psks_count; i++) {
        explicit_bzero((uint8_t *)(uintptr_t)l->psks[i].key.ptr, l->psks[i].key.len);
    }
}
