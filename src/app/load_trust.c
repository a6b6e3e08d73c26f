/* SPDX-License-Identifier: Apache-2.0 */
#include "app/load_impl.h"
#include "codec/pem.h"
#include "tls/crl.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { CRL_FILE_MAX = 64 * 1024 * 1024, PATH_BYTES = 4096 };

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Only the certificates of a file: it may hold private keys as well. */
static enum sl_err certificates_put(struct sl_loader *l, const struct sl_conf_file *file,
                                    struct sl_wbuf *out, struct sl_blob *pem)
{
    const size_t before = out->len;
    uint8_t *grown = realloc(out->ptr, out->len + pem->len + 1);
    if (grown == NULL) {
        return SL_ENOMEM;
    }
    *out = (struct sl_wbuf){ .ptr = grown, .len = before, .cap = before + pem->len };
    if (sl_pem_certificates(sl_blob_slice(pem), out) != SL_OK) {
        return sl_load_damaged(l, file);
    }
    if (out->len == before) {
        sl_findings_add(&l->load->findings, SL_FINDING_ERROR, file->pos,
                        "%s: there is no PEM certificate in it", file->path);
        return SL_EINVAL;
    }
    return SL_OK;
}

static enum sl_err file_put(struct sl_loader *l, const struct sl_conf_file *file,
                            struct sl_wbuf *out)
{
    SL_CLEANUP(sl_blob_fini) struct sl_blob pem = { 0 };
    enum sl_err rc = sl_load_file(l, file, SL_LOAD_STORE_MAX, &pem);
    rc = rc == SL_OK ? certificates_put(l, file, out, &pem) : rc;
    if (rc == SL_OK && out->len > SL_LOAD_STORE_MAX) {
        sl_findings_add(&l->load->findings, SL_FINDING_ERROR, file->pos,
                        "%s: more than %d bytes of certificates", file->path, SL_LOAD_STORE_MAX);
        return SL_ERANGE;
    }
    return rc;
}

static int is_certificate_name(const struct dirent *entry)
{
    const struct sl_slice name = sl_slice_cstr(entry->d_name);
    return entry->d_name[0] != '.' &&
           (sl_slice_ends(name, SL_SLICE(".pem")) || sl_slice_ends(name, SL_SLICE(".crt")));
}

static enum sl_err entry_put(struct sl_loader *l, const struct sl_conf_file *folder,
                             const char *name, struct sl_wbuf *out)
{
    char path[PATH_BYTES];
    const int len = snprintf(path, sizeof(path), "%s/%s", folder->path, name);
    const char *kept = len > 0 && (size_t)len < sizeof(path)
                           ? sl_arena_strdup(&l->load->arena, sl_slice_cstr(path))
                           : NULL;
    const struct sl_conf_file file = { .path = kept, .pos = folder->pos };
    return kept == NULL ? SL_ENOMEM : file_put(l, &file, out);
}

/* Every *.pem and *.crt, in the order of their names, which every machine has the same. */
static enum sl_err folder_put(struct sl_loader *l, const struct sl_conf_file *folder,
                              struct sl_wbuf *out)
{
    struct dirent **entries = NULL;
    sl_load_see(l->load, folder->path);
    const int count = scandir(folder->path, &entries, is_certificate_name, alphasort);
    enum sl_err result = SL_OK;
    for (int i = 0; i < count; i++) {
        sl_load_note(&result, entry_put(l, folder, entries[i]->d_name, out));
        free(entries[i]);
    }
    free(entries);
    if (count <= 0) {
        sl_findings_add(&l->load->findings, SL_FINDING_ERROR, folder->pos,
                        count == 0 ? "%s: no *.pem or *.crt is in this folder"
                                   : "%s: the folder cannot be read",
                        folder->path);
        return SL_EINVAL;
    }
    return result;
}

enum sl_err sl_load_cas(struct sl_loader *l, const struct sl_conf_file *file)
{
    const struct sl_slice name = sl_slice_cstr(file->path);
    struct sl_wbuf out = { 0 };
    if (sl_collection_has(&l->files, SL_BUNDLE_FILE, name)) {
        return SL_OK;
    }
    enum sl_err rc = is_folder(file->path) ? folder_put(l, file, &out) : file_put(l, file, &out);
    rc = rc == SL_OK ? sl_collection_add_named(&l->files, SL_BUNDLE_FILE, name, sl_wbuf_slice(&out))
                     : rc;
    free(out.ptr);
    return rc;
}

static enum sl_err crl_examine(struct sl_loader *l, const struct sl_conf_file *file,
                               struct sl_slice ders)
{
    struct sl_tls_crls *crls = NULL;
    struct sl_diag diag = { 0 };
    const enum sl_err rc = sl_tls_crls_create(&ders, 1, &diag, &crls);
    if (rc == SL_EINVAL) {
        sl_findings_add(&l->load->findings, SL_FINDING_ERROR, file->pos, "%s: %s", file->path,
                        diag.text);
    } else if (rc == SL_OK && sl_tls_crls_until_s(crls) <= (int64_t)time(NULL)) {
        sl_findings_add(&l->load->findings, SL_FINDING_WARNING, file->pos,
                        "%s: a CRL in it is past its nextUpdate", file->path);
    }
    sl_tls_crls_unref(crls);
    return rc;
}

static enum sl_err crl_load(struct sl_loader *l, const struct sl_conf_file *file)
{
    SL_CLEANUP(sl_blob_fini) struct sl_blob bytes = { 0 };
    SL_CLEANUP(sl_blob_fini) struct sl_blob ders = { 0 };
    const struct sl_slice name = sl_slice_cstr(file->path);
    struct sl_diag diag = { 0 };
    if (sl_collection_has(&l->files, SL_BUNDLE_CRL, name)) {
        return SL_OK;
    }
    enum sl_err rc = sl_load_file(l, file, CRL_FILE_MAX, &bytes);
    if (rc != SL_OK) {
        return rc;
    }
    ders.ptr = malloc(bytes.len + 1);
    struct sl_wbuf out = sl_wbuf_of(ders.ptr, bytes.len);
    rc = ders.ptr == NULL ? SL_ENOMEM : sl_tls_crls_take(sl_blob_slice(&bytes), &diag, &out);
    ders.len = out.len;
    if (rc == SL_EINVAL) {
        sl_findings_add(&l->load->findings, SL_FINDING_ERROR, file->pos, "%s: %s", file->path,
                        diag.text);
    }
    rc = rc == SL_OK ? crl_examine(l, file, sl_wbuf_slice(&out)) : rc;
    return rc == SL_OK
               ? sl_collection_add_named(&l->files, SL_BUNDLE_CRL, name, sl_wbuf_slice(&out))
               : rc;
}

enum sl_err sl_load_crls(struct sl_loader *l, const struct sl_conf_crl *crl)
{
    enum sl_err result = SL_OK;
    for (size_t i = 0; i < crl->files_count; i++) {
        sl_load_note(&result, crl_load(l, &crl->files[i]));
    }
    return result;
}
