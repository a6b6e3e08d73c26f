/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/path.h"
#include <openssl/err.h>
#include <openssl/x509v3.h>

struct search {
    X509_STORE_CTX *verify;
    struct sl_tls_path_judge *judge;
    STACK_OF(X509) * links; /* of the path under way */
    unsigned judged_count, steps_count;
};

/* What can be told of a certificate by itself. */
static bool may_issue(X509 *issuer, X509 *cert)
{
    return X509_check_issued(issuer, cert) == X509_V_OK && X509_check_ca(issuer) != 0 &&
           X509_cmp_current_time(X509_get0_notBefore(issuer)) < 0 &&
           X509_cmp_current_time(X509_get0_notAfter(issuer)) > 0;
}

static bool is_linked(const struct search *s, const X509 *cert)
{
    for (int i = 0; i < sk_X509_num(s->links); i++) {
        if (X509_cmp(sk_X509_value(s->links, i), cert) == 0) {
            return true;
        }
    }
    return X509_cmp(X509_STORE_CTX_get0_cert(s->verify), cert) == 0;
}

/* The path that has been found wanting: leaf, links, anchor. */
static bool is_the_first(const struct search *s, const X509 *anchor)
{
    STACK_OF(X509) *first = X509_STORE_CTX_get0_chain(s->verify);
    const int count = sk_X509_num(s->links);
    bool is_same = sk_X509_num(first) == count + 2;
    for (int i = 0; is_same && i < count; i++) {
        is_same = X509_cmp(sk_X509_value(first, i + 1), sk_X509_value(s->links, i)) == 0;
    }
    return is_same && X509_cmp(sk_X509_value(first, count + 1), anchor) == 0;
}

static bool judge_below(struct search *s, X509 *cert)
{
    STACK_OF(X509) *anchors = X509_STORE_CTX_get1_certs(s->verify, X509_get_issuer_name(cert));
    bool is_found = false;
    for (int i = 0; !is_found && i < sk_X509_num(anchors); i++) {
        X509 *anchor = sk_X509_value(anchors, i);
        if (may_issue(anchor, cert) && !is_the_first(s, anchor) &&
            s->judged_count < SL_TLS_PATHS_MAX) {
            s->judged_count++;
            is_found = s->judge->is_good(s->judge, s->links, anchor);
        }
    }
    sk_X509_pop_free(anchors, X509_free);
    return is_found;
}

/* As deep as there are links at most. */
static bool search_above(struct search *s, X509 *cert)
{
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(s->verify);
    bool is_found = judge_below(s, cert);
    for (int i = 0; !is_found && i < sk_X509_num(sent); i++) {
        X509 *link = sk_X509_value(sent, i);
        if (s->steps_count >= SL_TLS_PATH_STEPS_MAX || s->judged_count >= SL_TLS_PATHS_MAX ||
            sk_X509_num(s->links) >= SL_TLS_PATH_LINKS_MAX) {
            break;
        }
        s->steps_count++;
        if (may_issue(link, cert) && !is_linked(s, link) && sk_X509_push(s->links, link) > 0) {
            is_found = search_above(s, link);
            (void)sk_X509_pop(s->links);
        }
    }
    return is_found;
}

bool sl_tls_paths_try(X509_STORE_CTX *verify, struct sl_tls_path_judge *judge)
{
    struct search s = { .verify = verify, .judge = judge, .links = sk_X509_new_null() };
    const bool is_found = s.links != NULL && search_above(&s, X509_STORE_CTX_get0_cert(verify));
    sk_X509_free(s.links);
    ERR_clear_error();
    return is_found;
}
