/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/names.h"
#include "tls/policy_apply.h"
#include <openssl/err.h>

static void ctx_cleanup(SSL_CTX **ctx)
{
    SSL_CTX_free(*ctx);
}

const char *sl_tls_list_of(const struct sl_policy *policy, enum sl_tls_list list)
{
    const char *const names[] = { [SL_TLS_SUITES] = policy->suites,
                                  [SL_TLS_CIPHERS] = policy->ciphers,
                                  [SL_TLS_GROUPS] = policy->groups,
                                  [SL_TLS_SIGNATURES] = policy->signatures };
    return names[list] == NULL ? "" : names[list];
}

enum sl_err sl_tls_names_put(enum sl_tls_list list, const char *names, bool is_known,
                             const char *between, struct sl_wbuf *out)
{
    static const struct {
        bool (*one)(SSL_CTX *, struct sl_slice);
    } KNOWS[] = {
        [SL_TLS_SUITES] = { sl_tls_knows_suite },
        [SL_TLS_CIPHERS] = { sl_tls_knows_cipher },
        [SL_TLS_GROUPS] = { sl_tls_knows_group },
        [SL_TLS_SIGNATURES] = { sl_tls_knows_signature },
    };
    SL_CLEANUP(ctx_cleanup) SSL_CTX *trial = SSL_CTX_new(TLS_method());
    if (trial == NULL) {
        ERR_clear_error();
        return SL_ENOMEM;
    }
    SSL_CTX_set_security_level(trial, 0); /* what it forbids is there nevertheless */
    struct sl_slice rest = sl_slice_cstr(names);
    enum sl_err rc = SL_OK;
    bool is_first = true;
    while (rc == SL_OK && rest.len != 0) {
        struct sl_slice name = sl_slice_cut(&rest, sl_slice_find(rest, ':'));
        (void)sl_slice_cut(&rest, 1);
        if (KNOWS[list].one(trial, name) == is_known) {
            rc = sl_wbuf_printf(out, "%s%.*s", is_first ? "" : between, SL_SLICE_FMT(name));
            is_first = false;
        }
    }
    return rc;
}
