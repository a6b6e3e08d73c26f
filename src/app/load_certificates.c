/* SPDX-License-Identifier: Apache-2.0 */
#include "app/load_impl.h"
#include "codec/pem.h"
#include "tls/certificate.h"
#include <stdlib.h>

/* Only the certificates of a file go into the bundle: it may hold private keys as well. */
static enum sl_err add_certificates(struct sl_loader *l, const struct sl_conf_file *file,
                                    const struct sl_blob *pem)
{
    struct sl_slice name = sl_slice_cstr(file->path);
    if (sl_collection_has(&l->files, SL_BUNDLE_FILE, name)) {
        return SL_OK;
    }
    SL_CLEANUP(sl_blob_fini)
    struct sl_blob certificates = { .ptr = malloc(pem->len + 1), .len = pem->len };
    if (certificates.ptr == NULL) {
        return SL_ENOMEM;
    }
    struct sl_wbuf out = sl_wbuf_of(certificates.ptr, pem->len);
    if (sl_pem_certificates(sl_blob_slice(pem), &out) != SL_OK) {
        sl_findings_add(&l->load->findings, SL_FINDING_ERROR, file->pos,
                        "%s is damaged: a BEGIN line has no matching END line", file->path);
        return SL_EINVAL;
    }
    certificates.len = out.len;
    return sl_collection_add(&l->files, SL_BUNDLE_FILE, name, &certificates);
}

enum sl_err sl_load_ca_file(struct sl_loader *l, const struct sl_conf_file *file)
{
    SL_CLEANUP(sl_blob_fini) struct sl_blob pem = { 0 };
    enum sl_err rc = sl_load_file(l, file, SL_LOAD_STORE_MAX, &pem);
    return rc == SL_OK ? add_certificates(l, file, &pem) : rc;
}

enum sl_err sl_load_certificate(struct sl_loader *l, const struct sl_conf_certificate *conf,
                                bool may_premaster)
{
    SL_CLEANUP(sl_blob_fini) struct sl_blob chain = { 0 };
    enum sl_err rc = sl_load_file(l, &conf->chain, SL_TLS_PEM_MAX, &chain);
    if (rc == SL_OK) {
        rc = add_certificates(l, &conf->chain, &chain);
    }
    if (conf->key.path == NULL && rc != SL_OK) {
        return rc; /* one file, one finding */
    }
    enum sl_err key_rc =
        sl_load_key(l, conf->key.path == NULL ? &conf->chain : &conf->key, may_premaster);
    return rc == SL_OK ? key_rc : rc;
}

/* RFC 5246 7.4.7.1: the ciphers whose name begins with no key exchange. */
static bool has_key_transport(const struct sl_policy *policy)
{
    struct sl_slice rest = sl_slice_cstr(policy->ciphers);
    while (rest.len != 0) {
        struct sl_slice one = sl_slice_cut(&rest, sl_slice_find(rest, ':'));
        (void)sl_slice_cut(&rest, 1);
        if (one.len != 0 && !sl_slice_starts(one, SL_SLICE("ECDHE-")) &&
            !sl_slice_starts(one, SL_SLICE("DHE-"))) {
            return true;
        }
    }
    return false;
}

enum sl_err sl_load_certificates(struct sl_loader *l, const struct sl_conf_service *service)
{
    const bool may_premaster = has_key_transport(service->policy);
    enum sl_err result = SL_OK;
    for (size_t i = 0; i < service->certificates_count; i++) {
        sl_load_note(&result, sl_load_certificate(l, &service->certificates[i], may_premaster));
    }
    return result;
}
