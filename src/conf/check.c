/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/check.h"
#include "base/addr.h"
#include "base/logframe.h"
#include "codec/peer_rule.h"
#include "codec/token_uri.h"
#include "conf/check_balance.h"
#include "conf/check_dns.h"
#include "conf/check_limits.h"
#include "conf/check_own.h"
#include "conf/check_psk.h"
#include "conf/check_routes.h"
#include "conf/floor.h"
#include "conf/proxy.h"
#include "conf/schema.h"
#include "conf/seen.h"
#include <stdio.h>
#include <string.h>

enum { POLICY_TEXT_MAX = 160 }; /* bytes; what is said of a policy */

/* One service and what could be read of it. */
struct subject {
    const struct sl_conf_service *service;
    struct sl_findings *findings;
    uint32_t flawed; /* bits of options */
    bool knows_listen, knows_connect;
    bool has_tls_listen, has_tls_connect; /* meaningful when known; connect: of a route, too */
};

static void SL_PRINTF(3, 4)
    error(const struct subject *subject, struct sl_conf_pos pos, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    sl_findings_add(subject->findings, SL_FINDING_ERROR, pos, "%s", text);
}

static bool is_flawed(const struct subject *subject, size_t at)
{
    const struct sl_schema_option *option = sl_schema_stored_at(SL_SECTION_SERVICE, at);
    return option != NULL && (subject->flawed & sl_schema_bit(option)) != 0;
}

static size_t tls_count(const struct sl_conf_url *urls, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        found += urls[i].url.scheme == SL_SCHEME_TLS ? 1 : 0;
    }
    return found;
}

/* Reports the first URL that is not as the first one of the list is. */
static void mixture_check(const struct subject *subject, const struct sl_conf_url *urls,
                          size_t count)
{
    for (size_t i = 1; i < count; i++) {
        bool is_tls = urls[i].url.scheme == SL_SCHEME_TLS;
        if (is_tls != (urls[0].url.scheme == SL_SCHEME_TLS)) {
            error(subject, urls[i].pos,
                  "tls:// and other URLs cannot be mixed in one list: the first, on line %u, is %s",
                  urls[0].pos.line, is_tls ? "not" : "tls://");
            return;
        }
    }
}

static void alpn_check(const struct subject *subject)
{
    const struct sl_conf_service *service = subject->service;
    if (service->alpn_count > 0 && subject->knows_listen && subject->knows_connect &&
        !subject->has_tls_listen && !subject->has_tls_connect) {
        error(subject, service->alpn[0].pos,
              "'alpn' needs a tls:// URL: this service has none, neither listen nor connect");
    }
}

static bool is_on_token(const struct sl_conf_file *file)
{
    return file->path != NULL && sl_token_uri_is(sl_slice_cstr(file->path));
}

static bool has_pin_source(const struct sl_conf_file *file)
{
    uint8_t bytes[SL_TOKEN_URI_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    return is_on_token(file) && sl_token_uri_put_pin(sl_slice_cstr(file->path), &out) == SL_OK;
}

/* What opens the key: a passphrase is for a file, a PIN for a token. */
static void secrets_check(const struct subject *subject,
                          const struct sl_conf_certificate *certificate)
{
    const struct sl_conf_file *pin = &certificate->pin_file;
    const struct sl_conf_file *passphrase = &certificate->passphrase_file;
    const struct sl_conf_file *key =
        certificate->key.path != NULL ? &certificate->key : &certificate->chain;
    const bool is_bad = (certificate->key.path == NULL && certificate->key.pos.line != 0) ||
                        (certificate->chain.path == NULL && certificate->chain.pos.line != 0);
    if (is_bad) {
        return;
    }
    if (passphrase->path != NULL && is_on_token(key)) {
        error(subject, passphrase->pos,
              "'passphrase_file' is for a key in a file: this one is on a token ('pin_file')");
    }
    if (pin->path != NULL && !is_on_token(key) && !is_on_token(&certificate->chain)) {
        error(subject, pin->pos, "'pin_file' is for what is on a token (pkcs11:): here is none");
    }
    if (pin->path != NULL && (has_pin_source(key) || has_pin_source(&certificate->chain))) {
        error(subject, pin->pos,
              "'pin_file' contradicts the pin-source of the URI: leave one of the two out");
    }
}

/* What is strict toward clients. */
static void strict_check(const struct subject *subject)
{
    const struct sl_conf_service *service = subject->service;
    const bool is_plain = subject->knows_listen && !subject->has_tls_listen;
    if (service->sni_pos.line != 0 && is_plain) {
        error(subject, service->sni_pos, "'sni' is for a tls:// listen URL: this service has none");
    }
    if (service->alpn_strict_pos.line != 0 && is_plain) {
        error(subject, service->alpn_strict_pos,
              "'alpn_strict' is for a tls:// listen URL: this service has none");
    }
    /* a PROXY header v2 is sent after the handshake with the client, so nobody else chooses */
    const bool may_choose = subject->has_tls_connect && service->upstream.proxy_out != SL_PROXY_V2;
    if (service->is_alpn_strict && subject->has_tls_listen && subject->knows_connect &&
        service->alpn_count == 0 && !may_choose &&
        !is_flawed(subject, offsetof(struct sl_conf_service, alpn))) {
        error(subject, service->alpn_strict_pos,
              "'alpn_strict' needs 'alpn', the protocols that are spoken");
    }
}

static void certificates_check(const struct subject *subject)
{
    const struct sl_conf_service *service = subject->service;
    if (!subject->knows_listen ||
        is_flawed(subject, offsetof(struct sl_conf_service, certificates))) {
        return;
    }
    if (subject->has_tls_listen && service->certificates_count == 0 &&
        service->clients.psks_count == 0 && !sl_check_routes_all_pass(service) &&
        !is_flawed(subject, offsetof(struct sl_conf_service, clients))) {
        error(subject, service->listens[0].pos,
              "a tls:// listen URL needs 'certificates': a chain and its key");
    }
    if (!subject->has_tls_listen && service->certificates_count > 0) {
        error(subject, service->certificates[0].chain.pos,
              "'certificates' are for a tls:// listen URL: this service has none");
    }
}

/* What needs certificates to be verified, and whether it is set (line 0: not). */
struct setting {
    const char *key;
    struct sl_conf_pos pos;
};

static void off_check(const struct subject *subject, const struct setting *settings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (settings[i].pos.line != 0) {
            error(subject, settings[i].pos,
                  "'%s' contradicts 'verify: off': leave one of the two out", settings[i].key);
        }
    }
}

static void clients_check(const struct subject *subject)
{
    const struct sl_conf_clients *clients = &subject->service->clients;
    const bool has_ca = clients->ca.path != NULL;
    const struct setting settings[] = {
        { "crl", clients->crl.pos },
        { "rules", clients->rules_pos },
    };
    if (is_flawed(subject, offsetof(struct sl_conf_service, clients))) {
        return;
    }
    if (subject->knows_listen && !subject->has_tls_listen) {
        const struct sl_conf_pos psk_pos =
            clients->psks_count > 0 ? clients->psks[0].identity.pos : (struct sl_conf_pos){ 0 };
        const struct sl_conf_pos places[] = { clients->ca.pos, clients->verify_pos,
                                              clients->rules_pos, clients->crl.pos, psk_pos };
        for (size_t i = 0; i < SL_COUNT(places); i++) {
            if (places[i].line != 0) {
                error(subject, places[i],
                      "'clients' is for a tls:// listen URL: this service has none");
                break;
            }
        }
        return;
    }
    if (clients->verify != SL_CLIENT_VERIFY_OFF && !has_ca) {
        error(subject, clients->verify_pos,
              "clients cannot be verified without 'ca', the file of those who sign for them");
    }
    if (clients->verify == SL_CLIENT_VERIFY_OFF && has_ca) {
        error(subject, clients->ca.pos,
              "'ca' contradicts 'verify: off': set verify to request or require, or leave ca out");
    }
    if (clients->verify == SL_CLIENT_VERIFY_OFF) {
        off_check(subject, settings, SL_COUNT(settings));
    }
}

static void upstream_plain_check(const struct subject *subject)
{
    const struct sl_conf_upstream *upstream = &subject->service->upstream;
    const struct setting settings[] = {
        { "verify", upstream->verify_pos },
        { "ca", upstream->ca.pos },
        { "name", upstream->name.pos },
        { "certificate", sl_check_own_pos(upstream) },
        { "policy", upstream->policy_pos },
        { "crl", upstream->crl.pos },
        { "pins", upstream->pins_pos },
        { "psk", upstream->psk.identity.pos },
        { "resumption", upstream->resumption_pos },
        { "middlebox", upstream->middlebox_pos },
    };
    for (size_t i = 0; i < SL_COUNT(settings); i++) {
        if (settings[i].pos.line != 0) {
            error(subject, settings[i].pos,
                  "'%s' is for a tls:// connect URL: this service has none", settings[i].key);
        }
    }
}

static void pins_check(const struct subject *subject)
{
    const struct sl_conf_upstream *upstream = &subject->service->upstream;
    for (size_t i = 0; i < upstream->pins_count; i++) {
        struct sl_diag diag = { 0 };
        if (sl_peer_pattern_check(SL_PEER_SPKI, sl_slice_cstr(upstream->pins[i].text), &diag) !=
            SL_OK) {
            error(subject, upstream->pins[i].pos, "%s", diag.text);
        }
    }
}

static void upstream_check(const struct subject *subject)
{
    const struct sl_conf_upstream *upstream = &subject->service->upstream;
    const struct setting settings[] = {
        { "ca", upstream->ca.pos },
        { "crl", upstream->crl.pos },
        { "pins", upstream->pins_pos },
    };
    if (is_flawed(subject, offsetof(struct sl_conf_service, upstream))) {
        return;
    }
    if (subject->knows_connect && !subject->has_tls_connect) {
        upstream_plain_check(subject);
        return;
    }
    if (upstream->psk.identity.text != NULL) {
        sl_check_psk_upstream(upstream, subject->findings);
        return;
    }
    sl_check_own(upstream, subject->findings);
    pins_check(subject);
    if (!upstream->is_verified) {
        off_check(subject, settings, SL_COUNT(settings));
        sl_findings_add(subject->findings, SL_FINDING_WARNING, upstream->verify_pos,
                        "the upstream is not verified: anyone on the path can answer for it");
    }
}

/* One policy of a service, which stands at the first of the places that is set. */
static void policy_check(const struct subject *subject, const struct sl_conf *conf,
                         const struct sl_policy *policy, bool has_psk,
                         const struct sl_conf_pos *places, size_t places_count)
{
    char text[POLICY_TEXT_MAX] = "";
    struct sl_wbuf out = sl_wbuf_of(text, sizeof(text) - 1);
    struct sl_conf_pos pos = subject->service->pos;
    for (size_t i = places_count; i-- > 0;) {
        pos = places[i].line != 0 ? places[i] : pos;
    }
    if (conf->floor != NULL && sl_floor_is_above(conf->floor, policy, &out)) {
        error(subject, pos, "policy %s %s, which is below the floor, %s", policy->name, text,
              conf->floor->name);
    } else if (!has_psk && sl_check_psk_is_all(policy)) {
        error(
            subject, pos,
            "policy %s has no ciphers for TLS 1.2 but those for pre-shared keys ('psk'), and here "
            "is none",
            policy->name);
    } else if (sl_floor_is_weak(policy, &out)) {
        sl_findings_add(subject->findings, SL_FINDING_WARNING, pos, "policy %s %s", policy->name,
                        text);
    }
}

static void policies_check(const struct subject *subject, const struct sl_conf *conf)
{
    const struct sl_conf_service *service = subject->service;
    const struct sl_conf_pos places[] = { service->upstream.policy_pos, service->policy_pos,
                                          conf->policy_pos };
    if (service->policy == NULL || service->upstream.policy == NULL) {
        return; /* what is wrong with it has been said */
    }
    const bool has_clients = subject->knows_listen && subject->has_tls_listen;
    if (has_clients) {
        policy_check(subject, conf, service->policy, service->clients.psks_count > 0, places + 1,
                     2);
    }
    bool is_new = !has_clients || service->upstream.policy != service->policy ||
                  sl_check_psk_is_all(service->policy);
    if (subject->knows_connect && subject->has_tls_connect && is_new) {
        policy_check(subject, conf, service->upstream.policy,
                     service->upstream.psk.identity.text != NULL, places, 3);
    }
}

static void connects_check(struct subject *subject)
{
    const struct sl_conf_service *service = subject->service;
    const bool are_flawed = is_flawed(subject, offsetof(struct sl_conf_service, connects)) ||
                            is_flawed(subject, offsetof(struct sl_conf_service, routes));
    size_t tls_connects = tls_count(service->connects, service->connects_count);
    mixture_check(subject, service->connects, service->connects_count);
    for (size_t i = 0; i < service->routes_count; i++) {
        const struct sl_conf_route *route = &service->routes[i];
        tls_connects += tls_count(route->connects, route->connects_count);
        mixture_check(subject, route->connects, route->connects_count);
    }
    subject->has_tls_connect = tls_connects > 0;
    subject->knows_connect =
        (service->connects_count > 0 || service->routes_count > 0) && !are_flawed;
    if (subject->knows_listen && subject->knows_connect) {
        sl_check_routes(service, subject->findings);
    }
}

static void service_check(const struct sl_conf *conf, const struct sl_conf_service *service,
                          uint32_t flawed, struct sl_findings *findings)
{
    struct subject subject = { .service = service, .findings = findings, .flawed = flawed };
    const size_t tls_listens = tls_count(service->listens, service->listens_count);
    subject.has_tls_listen = tls_listens > 0;
    subject.knows_listen = service->listens_count > 0 &&
                           !is_flawed(&subject, offsetof(struct sl_conf_service, listens));
    for (size_t i = 0; i < service->certificates_count; i++) {
        secrets_check(&subject, &service->certificates[i]);
    }
    for (size_t i = 0; i < service->upstream.certificates_count; i++) {
        secrets_check(&subject, &service->upstream.certificates[i]);
    }
    mixture_check(&subject, service->listens, service->listens_count);
    connects_check(&subject);
    certificates_check(&subject);
    alpn_check(&subject);
    strict_check(&subject);
    clients_check(&subject);
    sl_check_psk_clients(&service->clients, findings);
    upstream_check(&subject);
    sl_check_balance(service, subject.knows_connect, findings);
    if (!is_flawed(&subject, offsetof(struct sl_conf_service, upstream))) {
        sl_proxy_check(service,
                       (struct sl_proxy_sides){ .knows_listen = subject.knows_listen,
                                                .has_tls_listen = subject.has_tls_listen },
                       findings);
    }
    policies_check(&subject, conf);
    sl_check_limits(conf, service, findings);
}

/* Notes one address of a listen URL; an error when it is bound already. */
static enum sl_err address_note(const struct sl_conf_url *url, const char *ip, struct sl_seen *seen,
                                struct sl_arena *arena, struct sl_findings *findings)
{
    char text[SL_ADDR_TEXT_MAX];
    struct sl_addr addr = { 0 };
    struct sl_conf_pos first;
    enum sl_err rc = url->url.scheme == SL_SCHEME_UNIX
                         ? sl_addr_from_path(url->url.path, &addr)
                         : sl_addr_from_ip(sl_slice_cstr(ip), url->url.port, &addr);
    if (rc != SL_OK) {
        return SL_OK; /* cannot be: parsing has looked at both */
    }
    sl_addr_format(&addr, text);
    const char *copy = sl_arena_strdup(arena, sl_slice_cstr(text));
    if (copy == NULL) {
        return SL_ENOMEM;
    }
    if (!sl_seen_add(seen, sl_slice_cstr(copy), url->pos, &first)) {
        sl_findings_add(findings, SL_FINDING_ERROR, url->pos,
                        "%s is listened on twice: first on line %u", copy, first.line);
    }
    return SL_OK;
}

static enum sl_err listen_note(const struct sl_conf_url *url, struct sl_seen *seen,
                               struct sl_arena *arena, struct sl_findings *findings)
{
    const struct sl_url *parsed = &url->url;
    if (parsed->scheme != SL_SCHEME_UNIX && parsed->port == 0) {
        return SL_OK;
    }
    if (parsed->scheme == SL_SCHEME_UNIX || parsed->host.len > 0) {
        const char *ip = sl_arena_strdup(arena, parsed->host);
        return ip == NULL ? SL_ENOMEM : address_note(url, ip, seen, arena, findings);
    }
    /* no host is all addresses of both families */
    size_t errors_count = findings->errors_count;
    enum sl_err rc = address_note(url, "::", seen, arena, findings);
    if (rc == SL_OK && findings->errors_count == errors_count) {
        rc = address_note(url, "0.0.0.0", seen, arena, findings);
    }
    return rc;
}

/* SO_REUSEPORT would let both bind, and deal out the connections between them. */
static enum sl_err listens_check(const struct sl_conf *conf, struct sl_arena *arena,
                                 struct sl_findings *findings)
{
    size_t count = 0;
    for (size_t i = 0; i < conf->services_count; i++) {
        count += conf->services[i].listens_count;
    }
    struct sl_seen seen;
    enum sl_err rc = sl_seen_init(&seen, arena, count * 2);
    for (size_t i = 0; i < conf->services_count; i++) {
        const struct sl_conf_service *service = &conf->services[i];
        for (size_t j = 0; j < service->listens_count && rc == SL_OK; j++) {
            rc = listen_note(&service->listens[j], &seen, arena, findings);
        }
    }
    return rc;
}

/* A relative path would be opened again from wherever the program stands then. */
static void check_log(const struct sl_conf *conf, struct sl_findings *findings)
{
    const struct sl_conf_string *to = &conf->log_to;
    const char *path = NULL;
    if (to->text == NULL || strcmp(to->text, SL_CONF_LOG_STDERR) == 0) {
        return;
    }
    const enum sl_log_way way = sl_logframe_way(to->text, &path);
    const bool is_long = way != SL_LOG_STREAM && strlen(path) >= SL_LOGFRAME_PATH_MAX;
    if ((path == NULL ? to->text : path)[0] != '/' || is_long) {
        sl_findings_add(findings, SL_FINDING_ERROR, to->pos,
                        "'%s' is neither stderr, syslog or journald nor an absolute path",
                        to->text);
    }
    if (way == SL_LOG_JOURNALD && conf->log_format == SL_LOG_JSON) {
        sl_findings_add(findings, SL_FINDING_ERROR, to->pos,
                        "'journald' contradicts 'format: json': it gets every field as one of its "
                        "own");
    }
}

enum sl_err sl_check_conf(const struct sl_conf *conf, const uint32_t *flawed,
                          struct sl_arena *arena, struct sl_findings *findings)
{
    if (!conf->is_kdf_fast && conf->record_layer == SL_RECORD_LAYER_OWN &&
        conf->record_layer_pos.line != 0) {
        sl_findings_add(findings, SL_FINDING_ERROR, conf->record_layer_pos,
                        "'record_layer: own' contradicts 'fast_kdf: off', which leaves no way to "
                        "the keys of a connection: set it to library, or fast_kdf to on");
    }
    sl_check_limits_top(conf, findings);
    for (size_t i = 0; i < conf->services_count; i++) {
        service_check(conf, &conf->services[i], flawed == NULL ? 0 : flawed[i], findings);
    }
    sl_check_dns(&conf->dns, findings);
    check_log(conf, findings);
    return listens_check(conf, arena, findings);
}
