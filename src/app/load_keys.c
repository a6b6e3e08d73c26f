/* SPDX-License-Identifier: Apache-2.0 */
#include "app/confine.h"
#include "app/load_impl.h"
#include <stdlib.h>
#include <string.h>

enum { KEY_MODE_OTHERS = 0044 };        /* group or all may read it */
enum { CREDENTIAL_MODE_OTHERS = 0004 }; /* the same of what a service manager hands over */

enum sl_err sl_load_key(struct sl_loader *l, const struct sl_conf_file *file, bool may_premaster)
{
    for (size_t i = 0; i < l->keys_count; i++) {
        if (strcmp(l->keys[i].file->path, file->path) == 0) {
            l->keys[i].may_premaster = l->keys[i].may_premaster || may_premaster;
            return SL_OK;
        }
    }
    if (l->keys_count == l->keys_cap) {
        size_t cap = l->keys_cap == 0 ? 16 : l->keys_cap * 2;
        struct sl_load_key *grown = realloc(l->keys, cap * sizeof(*grown));
        if (grown == NULL) {
            return SL_ENOMEM;
        }
        l->keys = grown;
        l->keys_cap = cap;
    }
    l->keys[l->keys_count++] = (struct sl_load_key){ file, may_premaster };
    return SL_OK;
}

static enum sl_err keep_public(struct sl_loader *l, uint32_t index, struct sl_slice public_der)
{
    uint8_t bytes[SL_MESSAGE_KEY_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    enum sl_err rc = sl_wbuf_put_u32(&out, index);
    rc = rc == SL_OK ? sl_wbuf_put(&out, public_der) : rc;
    uint8_t *copy = sl_arena_alloc(&l->load->arena, public_der.len);
    if (copy == NULL) {
        return SL_ENOMEM;
    }
    memcpy(copy, public_der.ptr, public_der.len);
    l->load->key_files[index].public_der = sl_slice_of(copy, public_der.len);
    return rc == SL_OK ? sl_collection_add_copy(&l->files, SL_BUNDLE_KEY,
                                                sl_slice_cstr(l->keys[index].file->path),
                                                sl_wbuf_slice(&out))
                       : rc;
}

/* The group's bits of a credential are those of the list by which its service may read it. */
static unsigned others_mode(const char *path)
{
    struct sl_slice rest = sl_slice_cstr(path);
    struct sl_slice folder = sl_slice_cstr(getenv("CREDENTIALS_DIRECTORY"));
    if (folder.len == 0 || !sl_slice_starts(rest, folder)) {
        return KEY_MODE_OTHERS;
    }
    (void)sl_slice_cut(&rest, folder.len);
    return sl_slice_starts(rest, SL_SLICE("/")) ? CREDENTIAL_MODE_OTHERS : KEY_MODE_OTHERS;
}

static void note_key(struct sl_keeper_hearer *hearer, uint32_t index, unsigned mode,
                     struct sl_slice public_der, const struct sl_diag *diag)
{
    struct sl_loader *l = SL_CONTAINER_OF(hearer, struct sl_loader, hearer);
    const struct sl_conf_file *file = l->keys[index].file;
    if ((mode & others_mode(file->path)) != 0) {
        sl_findings_add(&l->load->findings, SL_FINDING_WARNING, file->pos,
                        "%s: others than its owner can read this private key (mode %04o)",
                        file->path, mode);
    }
    if (diag != NULL) {
        sl_findings_add(&l->load->findings, SL_FINDING_ERROR, file->pos, "%s", diag->text);
    }
    sl_load_note(&l->result, diag == NULL ? keep_public(l, index, public_der) : SL_EINVAL);
}

/* A process that lives for this alone reads the keys: what they are is known before anything
 * starts, and no key was ever in this one. */
enum sl_err sl_load_keys(struct sl_loader *l)
{
    struct sl_load *load = l->load;
    uint8_t bytes[SL_CONFINE_KEYS_BYTES];
    struct sl_wbuf cage = sl_wbuf_of(bytes, sizeof(bytes));
    pid_t pid = 0;
    int fd = -1;
    if (l->keys_count == 0) {
        return SL_OK;
    }
    load->key_files = sl_arena_calloc(&load->arena, l->keys_count, sizeof(*load->key_files));
    if (load->key_files == NULL) {
        return SL_ENOMEM;
    }
    for (size_t i = 0; i < l->keys_count; i++) {
        load->key_files[i] = (struct sl_keeper_file){ .path = l->keys[i].file->path,
                                                      .service = sl_load_service_of(
                                                          load->conf, l->keys[i].file->pos),
                                                      .may_premaster = l->keys[i].may_premaster };
    }
    load->keys_count = (uint32_t)l->keys_count;
    l->hearer.heard = note_key;
    enum sl_err rc = sl_confine_keys_put(load->conf, true, &cage);
    rc = rc == SL_OK ? sl_keeper_spawn(load->key_files, load->keys_count, sl_wbuf_slice(&cage),
                                       &l->hearer, &pid, &fd)
                     : rc;
    if (rc != SL_OK) {
        sl_findings_add(&load->findings, SL_FINDING_ERROR, l->keys[0].file->pos,
                        "the process that reads private keys failed: %s", sl_err_name(rc));
        return rc;
    }
    sl_keeper_dismiss(pid, &fd);
    return l->result;
}
