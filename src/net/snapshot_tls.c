/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/proxy.h"
#include "conf/rules.h"
#include "net/snapshot_impl.h"
#include "tls/own_cert.h"
#include <string.h>

static uint32_t service_number(const struct sl_snapshot_builder *b,
                               const struct sl_conf_service *conf)
{
    return (uint32_t)(conf - b->snapshot->conf->services);
}

static void complain(struct sl_snapshot_builder *b, struct sl_conf_pos pos,
                     const struct sl_diag *diag)
{
    sl_findings_add(b->findings, SL_FINDING_ERROR, pos, "%s", diag->text);
}

static void store_cleanup(struct sl_tls_store **store)
{
    sl_tls_store_unref(*store);
}

static enum sl_err file_find(struct sl_snapshot_builder *b, const struct sl_conf_file *file,
                             struct sl_slice *ret_bytes)
{
    return sl_bundle_find(b->source->files, SL_BUNDLE_FILE, sl_slice_cstr(file->path), ret_bytes);
}

/* A file that is missing was complained of by who made the bundle. */
static enum sl_err store_load(struct sl_snapshot_builder *b, const struct sl_conf_file *file,
                              struct sl_conf_pos system_pos, struct sl_tls_store **ret_store)
{
    struct sl_slice pem;
    struct sl_diag diag = { 0 };
    if (file->path != NULL) {
        enum sl_err rc = file_find(b, file, &pem);
        if (rc == SL_OK && (rc = sl_tls_store_create(pem, &diag, ret_store)) != SL_OK) {
            sl_findings_add(b->findings, SL_FINDING_ERROR, file->pos, "%s: %s", file->path,
                            diag.text);
        }
        return rc;
    }
    if (b->system_store == NULL) {
        enum sl_err rc =
            sl_bundle_find(b->source->files, SL_BUNDLE_SYSTEM_CAS, sl_slice_cstr(""), &pem);
        if (rc == SL_OK) {
            rc = sl_tls_store_create(pem, &diag, &b->system_store);
        }
        if (rc != SL_OK) {
            sl_findings_add(
                b->findings, SL_FINDING_ERROR, system_pos,
                "the system has no CA certificates to verify the upstream with: install "
                "ca-certificates or set upstream.ca");
            return rc;
        }
    }
    *ret_store = sl_tls_store_ref(b->system_store);
    return SL_OK;
}

static void crls_cleanup(struct sl_tls_crls **crls)
{
    sl_tls_crls_unref(*crls);
}

static enum sl_err crls_load(struct sl_snapshot_builder *b, const struct sl_conf_crl *crl,
                             struct sl_tls_crls **ret_crls)
{
    struct sl_slice *ders = sl_arena_calloc(&b->snapshot->arena, crl->files_count, sizeof(*ders));
    struct sl_diag diag = { 0 };
    enum sl_err rc = ders == NULL ? SL_ENOMEM : SL_OK;
    if (crl->files_count == 0) {
        return SL_OK;
    }
    for (size_t i = 0; rc == SL_OK && i < crl->files_count; i++) {
        rc = sl_bundle_find(b->source->files, SL_BUNDLE_CRL, sl_slice_cstr(crl->files[i].path),
                            &ders[i]);
    }
    rc = rc == SL_OK ? sl_tls_crls_create(ders, crl->files_count, &diag, ret_crls) : rc;
    if (rc == SL_EINVAL) {
        complain(b, crl->pos, &diag);
    }
    return rc;
}

/* Views of the configuration, which lives as long as the snapshot. */
static enum sl_err rules_make(struct sl_snapshot_builder *b, const struct sl_conf_clients *clients,
                              struct sl_tls_demands *demands)
{
    struct sl_peer_rule *rules =
        sl_arena_calloc(&b->snapshot->arena, clients->rules_count, sizeof(*rules));
    for (size_t i = 0; rules != NULL && i < clients->rules_count; i++) {
        rules[i] = sl_rules_peer_rule(&clients->rules[i]);
    }
    demands->rules = rules;
    demands->rules_count = clients->rules_count;
    return rules == NULL && clients->rules_count > 0 ? SL_ENOMEM : SL_OK;
}

static enum sl_err pins_make(struct sl_snapshot_builder *b, const struct sl_conf_upstream *upstream,
                             struct sl_tls_demands *demands)
{
    const char **pins = sl_arena_calloc(&b->snapshot->arena, upstream->pins_count, sizeof(*pins));
    for (size_t i = 0; pins != NULL && i < upstream->pins_count; i++) {
        pins[i] = upstream->pins[i].text;
    }
    demands->pins = pins;
    demands->pins_count = upstream->pins_count;
    return pins == NULL && upstream->pins_count > 0 ? SL_ENOMEM : SL_OK;
}

static const char **alpn_names(struct sl_snapshot_builder *b, const struct sl_conf_service *conf)
{
    const char **names = sl_arena_calloc(&b->snapshot->arena, conf->alpn_count + 1, sizeof(*names));
    for (size_t i = 0; names != NULL && i < conf->alpn_count; i++) {
        names[i] = conf->alpn[i].text;
    }
    return names;
}

static enum sl_tls_verify verify_of(const struct sl_conf_service *conf)
{
    switch (conf->clients.verify) {
    case SL_CLIENT_VERIFY_REQUEST:
        return SL_TLS_VERIFY_REQUEST;
    case SL_CLIENT_VERIFY_REQUIRE:
        return SL_TLS_VERIFY_REQUIRE;
    default:
        return SL_TLS_VERIFY_OFF;
    }
}

/* SL_ENOENT: who made the bundle complained of the file. */
static enum sl_err psk_find(struct sl_snapshot_builder *b, const struct sl_conf_psk *conf,
                            struct sl_tls_psk *ret_psk)
{
    struct sl_slice key;
    enum sl_err rc =
        sl_bundle_find(b->source->files, SL_BUNDLE_PSK, sl_slice_cstr(conf->key_file.path), &key);
    if (rc == SL_OK) {
        *ret_psk = (struct sl_tls_psk){ .identity = conf->identity.text, .key = key };
    }
    return rc;
}

static enum sl_err psks_find(struct sl_snapshot_builder *b, const struct sl_conf_clients *clients,
                             struct sl_tls_psk **ret_psks)
{
    struct sl_tls_psk *psks =
        sl_arena_calloc(&b->snapshot->arena, clients->psks_count + 1, sizeof(*psks));
    enum sl_err rc = psks == NULL ? SL_ENOMEM : SL_OK;
    for (size_t i = 0; rc == SL_OK && i < clients->psks_count; i++) {
        rc = psk_find(b, &clients->psks[i], &psks[i]);
    }
    *ret_psks = psks;
    return rc;
}

/* A service with pre-shared keys may do without certificates. */
static struct sl_tls_shelf *shelf_of(struct sl_snapshot_builder *b,
                                     const struct sl_conf_service *conf)
{
    struct sl_shelf_entry entry;
    const bool has_none = conf->clients.psks_count > 0 &&
                          sl_shelf_entry_find(b->source->files, service_number(b, conf),
                                              SL_SHELF_CLIENTS, &entry) == SL_ENOENT;
    return has_none ? NULL : b->shelf;
}

/* What only some PROXY headers tell is read out and kept for them alone. */
static bool has_peer_cert(const struct sl_conf_upstream *upstream)
{
    const struct sl_proxy_types told = sl_proxy_told(upstream);
    return upstream->proxy_out == SL_PROXY_V2 &&
           sl_proxy_types_have(&told, SL_PROXY_TLV_SSL_CLIENT_CERT);
}

static bool has_facts(const struct sl_conf_upstream *upstream)
{
    const struct sl_proxy_types told = sl_proxy_told(upstream);
    return upstream->proxy_out == SL_PROXY_V2 &&
           (sl_proxy_types_have(&told, SL_PROXY_TLV_SSL_SIG_ALG) ||
            sl_proxy_types_have(&told, SL_PROXY_TLV_SSL_KEY_ALG) ||
            sl_proxy_types_have(&told, SL_PROXY_TLV_SSL_SIG_SCHEME) || has_peer_cert(upstream));
}

enum sl_err sl_snapshot_server_ctx(struct sl_snapshot_builder *b,
                                   const struct sl_conf_service *conf, struct sl_tls_ctx **ret_ctx)
{
    SL_CLEANUP(store_cleanup) struct sl_tls_store *clients = NULL;
    SL_CLEANUP(crls_cleanup) struct sl_tls_crls *crls = NULL;
    struct sl_tls_demands demands = { .steps_max = conf->clients.depth + 1,
                                      .may_be_stale = conf->clients.crl.stale == SL_STALE_WARN };
    const char **alpn = alpn_names(b, conf);
    struct sl_tls_psk *psks = NULL;
    struct sl_diag diag = { 0 };
    enum sl_err rc = alpn == NULL ? SL_ENOMEM : psks_find(b, &conf->clients, &psks);
    if (rc == SL_OK && verify_of(conf) != SL_TLS_VERIFY_OFF) {
        rc = store_load(b, &conf->clients.ca, conf->clients.ca.pos, &clients);
        rc = rc == SL_OK ? crls_load(b, &conf->clients.crl, &crls) : rc;
        rc = rc == SL_OK ? rules_make(b, &conf->clients, &demands) : rc;
        demands.crls = crls;
    }
    if (rc != SL_OK) {
        return rc;
    }
    const struct sl_tls_server_conf server = { .service = conf->name,
                                               .policy = conf->policy,
                                               .psks = psks,
                                               .psks_count = conf->clients.psks_count,
                                               .shelf = shelf_of(b, conf),
                                               .shelf_service = service_number(b, conf),
                                               .alpn = alpn,
                                               .alpn_count = conf->alpn_count,
                                               .is_alpn_strict = conf->is_alpn_strict,
                                               .is_sni_strict = conf->sni == SL_SNI_STRICT,
                                               .verify = verify_of(conf),
                                               .clients = clients,
                                               .demands = demands,
                                               .has_facts = has_facts(&conf->upstream),
                                               .has_peer_cert = has_peer_cert(&conf->upstream),
                                               .tickets = b->source->tickets };
    rc = sl_tls_server_ctx_create(&server, &diag, ret_ctx);
    if (rc == SL_EINVAL) {
        complain(b, conf->pos, &diag);
    }
    return rc; /* SL_ENOENT: who made the bundle complained of the certificates */
}

/* The name to send and verify; NULL without memory. What SRV records say is not to be trusted: the
 * name is that of the domain that was asked for (RFC 9525 6.1). */
static const char *upstream_name(struct sl_snapshot_builder *b, const struct sl_conf_service *conf,
                                 const struct sl_conf_url *url)
{
    const struct sl_slice host = url->url.is_srv ? sl_url_srv_domain(&url->url) : url->url.host;
    return conf->upstream.name.text != NULL ? conf->upstream.name.text
                                            : sl_arena_strdup(&b->snapshot->arena, host);
}

void sl_trust_fini(struct sl_trust *trust)
{
    sl_tls_store_unref(trust->store);
    sl_tls_crls_unref(trust->demands.crls);
    for (size_t i = 0; i < trust->owns_count; i++) {
        sl_tls_cert_unref(trust->owns[i].cert);
    }
}

/* SL_ENOENT: who made the bundle complained of the certificates. */
static enum sl_err owns_load(struct sl_snapshot_builder *b, const struct sl_conf_service *conf,
                             struct sl_trust *trust)
{
    const struct sl_conf_upstream *upstream = &conf->upstream;
    struct sl_slice numbers;
    uint32_t number;
    enum sl_key_kind kind;
    enum sl_err rc = SL_OK;
    if (upstream->certificates_count == 0) {
        return SL_OK;
    }
    trust->owns =
        sl_arena_calloc(&b->snapshot->arena, upstream->certificates_count, sizeof(*trust->owns));
    if (trust->owns == NULL) {
        return SL_ENOMEM;
    }
    rc = sl_own_find(b->source->files, service_number(b, conf), &numbers);
    for (size_t i = 0; rc == SL_OK && i < upstream->certificates_count; i++) {
        struct sl_tls_own *own = &trust->owns[i];
        rc = sl_candidate_next(&numbers, &number, &kind);
        rc = rc == SL_OK ? sl_tls_shelf_get(b->shelf, number, &own->cert) : rc;
        own->label = upstream->certificates[i].chain.path;
        trust->owns_count += rc == SL_OK;
    }
    return rc;
}

/* What of them an upstream will never take. */
static void owns_examine(struct sl_snapshot_builder *b, const struct sl_conf_upstream *upstream,
                         const struct sl_trust *trust)
{
    for (size_t i = 0; i < trust->owns_count; i++) {
        const struct sl_conf_file *chain = &upstream->certificates[i].chain;
        struct sl_diag diag = { 0 };
        if (!sl_tls_own_is_useful(trust->owns, i, upstream->policy, &diag)) {
            sl_findings_add(b->findings, SL_FINDING_WARNING, chain->pos, "%s: %s", chain->path,
                            diag.text);
        }
    }
}

enum sl_err sl_trust_load(struct sl_snapshot_builder *b, const struct sl_conf_service *conf,
                          struct sl_trust *trust)
{
    const struct sl_conf_upstream *upstream = &conf->upstream;
    const struct sl_conf_url *url = sl_route_tls_url(conf);
    enum sl_err result = SL_OK;
    if (url == NULL) {
        return SL_OK;
    }
    if (upstream->psk.identity.text != NULL) {
        trust->psk = sl_arena_calloc(&b->snapshot->arena, 1, sizeof(*trust->psk));
        return trust->psk == NULL ? SL_ENOMEM : psk_find(b, &upstream->psk, trust->psk);
    }
    if (upstream->is_verified) {
        trust->demands.steps_max = upstream->depth + 1;
        trust->demands.may_be_stale = upstream->crl.stale == SL_STALE_WARN;
        result = store_load(b, &upstream->ca, url->pos, &trust->store);
        result = result == SL_OK ? crls_load(b, &upstream->crl, &trust->demands.crls) : result;
        result = result == SL_OK ? pins_make(b, upstream, &trust->demands) : result;
    }
    enum sl_err rc = owns_load(b, conf, trust);
    owns_examine(b, upstream, trust);
    return result == SL_OK ? rc : result;
}

/* True when the policy refuses one of them, which has been said then. */
static bool complain_of_owns(struct sl_snapshot_builder *b, const struct sl_conf_upstream *upstream,
                             const struct sl_trust *trust)
{
    bool is_said = false;
    for (size_t i = 0; i < trust->owns_count; i++) {
        const struct sl_conf_file *chain = &upstream->certificates[i].chain;
        struct sl_diag diag = { 0 };
        if (sl_tls_own_check(&trust->owns[i], upstream->policy, &diag) == SL_EINVAL) {
            sl_findings_add(b->findings, SL_FINDING_ERROR, chain->pos, "%s: %s", chain->path,
                            diag.text);
            is_said = true;
        }
    }
    return is_said;
}

enum sl_err sl_snapshot_client_ctx(struct sl_snapshot_builder *b,
                                   const struct sl_conf_service *conf,
                                   const struct sl_conf_url *url, const struct sl_trust *trust,
                                   bool is_resuming, struct sl_tls_ctx **ret_ctx)
{
    const struct sl_conf_upstream *upstream = &conf->upstream;
    bool is_bridge = conf->listens[0].url.scheme == SL_SCHEME_TLS;
    struct sl_diag diag = { 0 };
    const char **alpn = alpn_names(b, conf);
    const char *name = upstream_name(b, conf, url);
    if (alpn == NULL || name == NULL) {
        return SL_ENOMEM;
    }
    const struct sl_tls_client_conf client = { .policy = upstream->policy,
                                               .is_verified = upstream->is_verified,
                                               .store = trust->store,
                                               .demands = trust->demands,
                                               .psk = trust->psk,
                                               .owns = trust->owns,
                                               .owns_count = trust->owns_count,
                                               .has_full_handshakes = !is_resuming,
                                               .has_bare_tls_1_3 = !upstream->has_middlebox_mode,
                                               .name = name,
                                               .alpn = alpn,
                                               /* a bridge offers what its client does */
                                               .alpn_count = is_bridge ? 0 : conf->alpn_count };
    enum sl_err rc = sl_tls_client_ctx_create(&client, &diag, ret_ctx);
    if (rc == SL_EINVAL && !complain_of_owns(b, upstream, trust)) {
        complain(b, url->pos, &diag);
    }
    return rc;
}
