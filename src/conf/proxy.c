/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/proxy.h"

/* What costs nothing to find out. */
static const uint8_t DEFAULTS[] = {
    SL_PROXY_TLV_ALPN,       SL_PROXY_TLV_AUTHORITY,   SL_PROXY_TLV_UNIQUE_ID,
    SL_PROXY_TLV_SSL,        SL_PROXY_TLV_SSL_VERSION, SL_PROXY_TLV_SSL_CN,
    SL_PROXY_TLV_SSL_CIPHER, SL_PROXY_TLV_SSL_GROUP,   SL_PROXY_TLV_RESUMED,
};

/* What is only known of a client that speaks TLS. */
static const struct {
    uint8_t type;
    const char *name;
} OF_TLS[] = {
    { SL_PROXY_TLV_ALPN, "alpn" },
    { SL_PROXY_TLV_AUTHORITY, "authority" },
    { SL_PROXY_TLV_SSL, "ssl" },
    { SL_PROXY_TLV_SSL_VERSION, "ssl_version" },
    { SL_PROXY_TLV_SSL_CN, "ssl_cn" },
    { SL_PROXY_TLV_SSL_CIPHER, "ssl_cipher" },
    { SL_PROXY_TLV_SSL_SIG_ALG, "ssl_sig_alg" },
    { SL_PROXY_TLV_SSL_KEY_ALG, "ssl_key_alg" },
    { SL_PROXY_TLV_SSL_GROUP, "ssl_group" },
    { SL_PROXY_TLV_SSL_SIG_SCHEME, "ssl_sig_scheme" },
    { SL_PROXY_TLV_SSL_CLIENT_CERT, "ssl_client_cert" },
    { SL_PROXY_TLV_RESUMED, "resumed" },
};

struct sl_proxy_types sl_proxy_told(const struct sl_conf_upstream *upstream)
{
    struct sl_proxy_types types = { 0 };
    if (upstream->proxy_tlvs_pos.line != 0) {
        return upstream->proxy_tlvs;
    }
    for (size_t i = 0; i < SL_COUNT(DEFAULTS); i++) {
        sl_proxy_types_add(&types, DEFAULTS[i]);
    }
    return types;
}

static void plain_check(const struct sl_conf_service *service, struct sl_findings *findings)
{
    const struct sl_conf_upstream *upstream = &service->upstream;
    for (size_t i = 0; i < SL_COUNT(OF_TLS); i++) {
        if (OF_TLS[i].type == SL_PROXY_TLV_AUTHORITY && service->routes_count > 0) {
            continue; /* of TLS that is passed on the name is known */
        }
        if (sl_proxy_types_have(&upstream->proxy_tlvs, OF_TLS[i].type)) {
            sl_findings_add(findings, SL_FINDING_ERROR, upstream->proxy_tlvs_pos,
                            "'%s' tells of TLS with the client: this service has no tls:// listen "
                            "URL",
                            OF_TLS[i].name);
            return;
        }
    }
}

static void out_check(const struct sl_conf_service *service, struct sl_proxy_sides sides,
                      struct sl_findings *findings)
{
    const struct sl_conf_upstream *upstream = &service->upstream;
    if (upstream->proxy_tlvs_pos.line == 0) {
        return;
    }
    if (upstream->proxy_out != SL_PROXY_V2) {
        sl_findings_add(findings, SL_FINDING_ERROR, upstream->proxy_tlvs_pos,
                        "'proxy_tlvs' needs 'proxy_protocol: v2' beside it: no other header has "
                        "any");
        return;
    }
    if (sides.knows_listen && !sides.has_tls_listen) {
        plain_check(service, findings);
    } else if (sl_proxy_types_have(&upstream->proxy_tlvs, SL_PROXY_TLV_SSL_CLIENT_CERT) &&
               service->clients.verify == SL_CLIENT_VERIFY_OFF) {
        sl_findings_add(findings, SL_FINDING_ERROR, upstream->proxy_tlvs_pos,
                        "'ssl_client_cert' needs 'clients.verify': clients are asked for no "
                        "certificate");
    }
}

static bool has_unix(const struct sl_conf_service *service)
{
    for (size_t i = 0; i < service->listens_count; i++) {
        if (service->listens[i].url.scheme == SL_SCHEME_UNIX) {
            return true;
        }
    }
    return false;
}

static void in_check(const struct sl_conf_service *service, struct sl_proxy_sides sides,
                     struct sl_findings *findings)
{
    const struct sl_conf_proxy *in = &service->proxy_in;
    for (size_t i = 0; i < in->from_count; i++) {
        const bool is_unix = in->from[i].family == SL_PREFIX_UNIX;
        if (!is_unix && in->from[i].bits_count == 0) {
            sl_findings_add(findings, SL_FINDING_WARNING, in->from_pos,
                            "PROXY headers are believed from anywhere: whoever can connect may say "
                            "any client address");
            break;
        }
        if (is_unix && sides.knows_listen && !has_unix(service)) {
            sl_findings_add(findings, SL_FINDING_ERROR, in->from_pos,
                            "'unix' is for a unix: listen URL: this service has none");
        }
    }
    if (in->pass_pos.line != 0 && service->upstream.proxy_out != SL_PROXY_V2) {
        sl_findings_add(findings, SL_FINDING_ERROR, in->pass_pos,
                        "'pass' needs 'upstream.proxy_protocol: v2': there is no header to pass "
                        "them on in");
    }
}

void sl_proxy_check(const struct sl_conf_service *service, struct sl_proxy_sides sides,
                    struct sl_findings *findings)
{
    out_check(service, sides, findings);
    in_check(service, sides, findings);
}
