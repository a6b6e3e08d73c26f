/* SPDX-License-Identifier: Apache-2.0 */
#include "app/check_offer.h"
#include "app/check_routes.h"
#include "codec/certificate_der.h"
#include "codec/pem.h"
#include "conf/value.h"
#include "tls/certificate.h"
#include "tls/library.h"
#include "tls/names.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    CERTIFICATES_SHOWN_MAX = 8, /* of a service */
    LIST_MAX_BYTES = 8192,      /* of names */
    DAY_S = 24 * 60 * 60,
};

/* The certificate that a chain file begins with, by itself. SL_EINVAL: it is not a plain one. */
static enum sl_err leaf_load(struct sl_slice pem, struct sl_tls_cert_info *ret_info)
{
    struct sl_pem_block block;
    struct sl_certificate_der leaf;
    struct sl_tls_cert *cert = NULL;
    enum sl_err rc = SL_OK;
    do {
        rc = sl_pem_next(&pem, &block);
    } while (rc == SL_OK && !sl_pem_is_certificate(&block));
    if (rc != SL_OK) {
        return SL_EINVAL;
    }
    struct sl_wbuf der = sl_wbuf_of(malloc(block.whole.len), block.whole.len);
    rc = der.ptr == NULL ? SL_ENOMEM : sl_pem_decode(&block, &der);
    rc = rc == SL_OK ? sl_certificate_der_parse(sl_wbuf_slice(&der), &leaf) : rc;
    if (rc == SL_OK) {
        const struct sl_tls_key key = { .public_der = leaf.spki };
        struct sl_diag diag;
        rc = sl_tls_cert_create_apart(block.whole, &key, &diag, &cert);
    }
    if (rc == SL_OK) {
        sl_tls_cert_info(cert, ret_info);
    }
    sl_tls_cert_unref(cert);
    free(der.ptr);
    return rc;
}

static void certificate_print(const struct sl_conf_certificate *conf)
{
    SL_CLEANUP(sl_blob_fini) struct sl_blob pem = { 0 };
    struct sl_tls_cert_info info;
    if (sl_file_read(conf->chain.path, SL_TLS_PEM_MAX, NULL, &pem) != SL_OK ||
        leaf_load(sl_blob_slice(&pem), &info) != SL_OK) {
        (void)printf("    certificate: %s\n", conf->chain.path);
        return;
    }
    const int64_t left_s = info.not_after_s - (int64_t)time(NULL);
    (void)printf("    certificate: %s (%s", info.names[0] != '\0' ? info.names : info.subject,
                 info.key_type);
    if (info.key_bits != 0) {
        (void)printf(" %" PRIu32 " bits", info.key_bits);
    }
    if (left_s < 0) {
        (void)printf(", expired)\n");
    } else {
        (void)printf(", %" PRId64 " day%s left)\n", left_s / DAY_S, left_s / DAY_S == 1 ? "" : "s");
    }
}

static bool has_tls_listen(const struct sl_conf_service *service)
{
    return service->listens[0].url.scheme == SL_SCHEME_TLS;
}

static bool has_tls_connect(const struct sl_conf_service *service)
{
    bool has_tls = service->connects_count > 0 && service->connects[0].url.scheme == SL_SCHEME_TLS;
    for (size_t i = 0; !has_tls && i < service->routes_count; i++) {
        has_tls = service->routes[i].connects[0].url.scheme == SL_SCHEME_TLS;
    }
    return has_tls;
}

static void alpn_print(const struct sl_conf_service *service)
{
    for (size_t i = 0; i < service->alpn_count; i++) {
        (void)printf("%s%s", i == 0 ? "; ALPN " : ", ", service->alpn[i].text);
    }
}

static void crl_print(const struct sl_conf_crl *crl)
{
    if (crl->files_count != 0) {
        (void)printf(", %zu file%s of revocations", crl->files_count,
                     crl->files_count == 1 ? "" : "s");
    }
}

static void clients_print(const struct sl_conf_service *service)
{
    static const char *const VERIFIES[] = {
        [SL_CLIENT_VERIFY_OFF] = "no certificates asked for",
        [SL_CLIENT_VERIFY_REQUEST] = "certificates asked for",
        [SL_CLIENT_VERIFY_REQUIRE] = "certificates demanded",
    };
    (void)printf("    clients: %s", VERIFIES[service->clients.verify]);
    if (service->clients.ca.path != NULL) {
        (void)printf(", signed by %s", service->clients.ca.path);
    }
    crl_print(&service->clients.crl);
    if (service->clients.rules_count != 0) {
        (void)printf(", %zu rule%s", service->clients.rules_count,
                     service->clients.rules_count == 1 ? "" : "s");
    }
    if (service->clients.psks_count != 0) {
        (void)printf(", %zu pre-shared key%s", service->clients.psks_count,
                     service->clients.psks_count == 1 ? "" : "s");
    }
    (void)printf("; other names %s",
                 service->sni == SL_SNI_STRICT ? "refused" : "get the first certificate");
    alpn_print(service);
    if (service->is_alpn_strict) {
        (void)printf("; other protocols refused");
    }
    (void)printf("\n");
}

/* The names of upstreams that TLS is spoken with, behind `count` others; gives how many then. */
static size_t hosts_print(const struct sl_conf_url *urls, size_t urls_count, size_t count)
{
    for (size_t i = 0; i < urls_count; i++) {
        if (urls[i].url.scheme == SL_SCHEME_TLS) {
            (void)printf("%s%.*s", count++ == 0 ? "" : ", ", SL_SLICE_FMT(urls[i].url.host));
        }
    }
    return count;
}

static void upstream_print(const struct sl_conf_service *service)
{
    const struct sl_conf_upstream *upstream = &service->upstream;
    const bool has_psk = upstream->psk.identity.text != NULL;
    const bool is_verified = upstream->is_verified && !has_psk;
    if (has_psk) {
        (void)printf("    upstream: has the pre-shared key '%s'", upstream->psk.identity.text);
    } else if (!upstream->is_verified) {
        (void)printf("    upstream: NOT verified");
    } else {
        (void)printf("    upstream: verified by %s as ",
                     upstream->ca.path == NULL ? "the system's authorities" : upstream->ca.path);
    }
    if (is_verified && upstream->name.text != NULL) {
        (void)printf("%s", upstream->name.text);
    } else if (is_verified) {
        size_t count = hosts_print(service->connects, service->connects_count, 0);
        for (size_t i = 0; i < service->routes_count; i++) {
            const struct sl_conf_route *route = &service->routes[i];
            count = hosts_print(route->connects, route->connects_count, count);
        }
    }
    crl_print(&upstream->crl);
    if (upstream->pins_count != 0) {
        (void)printf(", %zu pin%s", upstream->pins_count, upstream->pins_count == 1 ? "" : "s");
    }
    (void)printf("; policy %s", upstream->policy->name);
    if (!has_tls_listen(service)) {
        alpn_print(service);
    }
    for (size_t i = 0; i < upstream->certificates_count; i++) {
        (void)printf("%s%s", i == 0 ? "; shows " : ", or else ",
                     upstream->certificates[i].chain.path);
    }
    (void)printf("%s\n", upstream->certificates_count > 1 ? ", by what it asks for" : "");
}

static void service_print(const struct sl_conf_service *service, bool is_detailed)
{
    (void)printf("  %s:", service->name);
    for (size_t i = 0; i < service->listens_count; i++) {
        (void)printf(" %s", service->listens[i].text);
    }
    (void)printf(" ->");
    for (size_t i = 0; i < service->connects_count; i++) {
        (void)printf(" %s", service->connects[i].text);
    }
    if (service->routes_count > 0) {
        (void)printf("%s %zu route%s", service->connects_count > 0 ? "," : "",
                     service->routes_count, service->routes_count == 1 ? "" : "s");
    }
    (void)printf(" (%s)\n", service->policy->name);
    if (!is_detailed) {
        return;
    }
    for (size_t i = 0; i < service->certificates_count; i++) {
        if (i == CERTIFICATES_SHOWN_MAX) {
            (void)printf("    and %zu more certificates\n", service->certificates_count - i);
            break;
        }
        certificate_print(&service->certificates[i]);
    }
    sl_check_routes_print(service);
    if (has_tls_listen(service)) {
        clients_print(service);
    }
    if (has_tls_connect(service)) {
        upstream_print(service);
    }
}

static void list_print(const struct sl_policy *policy, enum sl_tls_list list, const char *what)
{
    char bytes[LIST_MAX_BYTES];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    const char *names = sl_tls_list_of(policy, list);
    if (names[0] == '\0') {
        return;
    }
    enum sl_err rc = sl_tls_names_put(list, names, true, " ", &out);
    (void)printf("    %s: %.*s", what, SL_SLICE_FMT(sl_wbuf_slice(&out)));
    out.len = 0;
    rc = rc == SL_OK ? sl_tls_names_put(list, names, false, " ", &out) : rc;
    if (rc == SL_OK && out.len != 0) {
        (void)printf(" (left out, not in this library: %.*s)", SL_SLICE_FMT(sl_wbuf_slice(&out)));
    }
    (void)printf("%s\n", rc == SL_OK ? "" : " …");
}

static void policy_print(const struct sl_policy *policy)
{
    char session[SL_VALUE_TEXT_MAX];
    sl_value_format_duration((uint64_t)policy->session_s * 1000, session);
    (void)printf("  policy %s: TLS 1.%d", policy->name, (policy->min_version & 0xff) - 1);
    if (policy->max_version != policy->min_version) {
        (void)printf(" to 1.%d", (policy->max_version & 0xff) - 1);
    }
    (void)printf(", the %s order, security level %u, ",
                 policy->is_server_order ? "server's" : "client's", policy->security_level);
    (void)printf(policy->has_tickets ? "tickets for %s\n" : "no tickets\n", session);
    if (policy->max_version > 0x0303) {
        list_print(policy, SL_TLS_SUITES, "suites");
    }
    if (policy->min_version < 0x0304) {
        list_print(policy, SL_TLS_CIPHERS, "ciphers");
    }
    list_print(policy, SL_TLS_GROUPS, "groups");
    list_print(policy, SL_TLS_SIGNATURES, "signatures");
}

/* Each once, in the order in which services use them. */
struct policies {
    const struct sl_policy **seen;
    size_t count;
};

static void policy_see(struct policies *policies, const struct sl_policy *policy)
{
    for (size_t i = 0; i < policies->count; i++) {
        if (policies->seen[i] == policy) {
            return;
        }
    }
    policies->seen[policies->count++] = policy;
    policy_print(policy);
}

void sl_check_offer_print(const struct sl_load *load, bool is_verbose)
{
    const struct sl_conf *conf = load->conf;
    const bool is_detailed = is_verbose || conf->services_count <= SL_CHECK_DETAILED_MAX;
    for (size_t i = 0; i < conf->services_count; i++) {
        service_print(&conf->services[i], is_detailed);
    }
    struct policies policies = {
        .seen = calloc(conf->services_count * 2 + 1, sizeof(*policies.seen)),
    };
    for (size_t i = 0; policies.seen != NULL && i < conf->services_count; i++) {
        const struct sl_conf_service *service = &conf->services[i];
        if (has_tls_listen(service)) {
            policy_see(&policies, service->policy);
        }
        if (has_tls_connect(service)) {
            policy_see(&policies, service->upstream.policy);
        }
    }
    free(policies.seen);
}
