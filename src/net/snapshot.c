/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/proxy.h"
#include "net/balance.h"
#include "net/health.h"
#include "net/server.h"
#include "net/snapshot_impl.h"
#include "net/tally.h"
#include <stdlib.h>
#include <string.h>

enum { CHUNKS_IN_BUDGET = 2 }; /* of one flow in one turn */

static bool has_tls_checks(const struct sl_conf_service *conf)
{
    return conf->health.pos.line != 0 && conf->health.type == SL_HEALTH_TLS;
}

static enum sl_err server_find(struct sl_snapshot_builder *b, const struct sl_conf_service *conf,
                               struct sl_upstream *upstream)
{
    if (b->source->servers == NULL) {
        return SL_OK;
    }
    enum sl_err rc =
        sl_servers_take(b->source->servers, conf->name, upstream->text, &upstream->server);
    if (rc == SL_OK) {
        const bool is_checked = conf->health.pos.line != 0 && b->source->health != NULL;
        upstream->health =
            is_checked ? sl_health_find(b->source->health, upstream->server->key_hash) : NULL;
    }
    return rc;
}

static enum sl_err addrs_make(struct sl_snapshot_builder *b, const struct sl_conf_url *url,
                              struct sl_upstream *upstream)
{
    struct sl_arena *arena = &b->snapshot->arena;
    struct sl_addr_set set;
    struct sl_slice bytes;
    upstream->addrs = sl_arena_calloc(arena, SL_UPSTREAM_ADDRS_MAX, sizeof(*upstream->addrs));
    upstream->ranks = sl_arena_calloc(arena, SL_UPSTREAM_ADDRS_MAX, sizeof(*upstream->ranks));
    if (upstream->addrs == NULL || upstream->ranks == NULL) {
        return SL_ENOMEM;
    }
    enum sl_err rc =
        sl_bundle_find(b->source->files, SL_BUNDLE_ADDRS, sl_slice_cstr(url->text), &bytes);
    rc = rc == SL_OK ? sl_addr_set_parse(bytes, &set) : rc;
    if (rc == SL_OK) {
        sl_upstream_use(upstream, &set);
    }
    if (!url->url.is_ip && url->url.scheme != SL_SCHEME_UNIX) {
        sl_list_append(&b->snapshot->named, &upstream->named);
    }
    return rc;
}

static enum sl_err upstream_build(struct sl_snapshot_builder *b, const struct sl_conf_service *conf,
                                  const struct sl_conf_url *url, const struct sl_trust *trust,
                                  struct sl_upstream *upstream)
{
    upstream->text = url->text;
    enum sl_err rc = addrs_make(b, url, upstream);
    enum sl_err tls = SL_OK;
    if (url->url.scheme == SL_SCHEME_TLS && trust != NULL) {
        tls =
            sl_snapshot_client_ctx(b, conf, url, trust, conf->upstream.is_resuming, &upstream->tls);
        if (tls == SL_OK && has_tls_checks(conf)) { /* a resumed session shows no certificate */
            tls = sl_snapshot_client_ctx(b, conf, url, trust, false, &upstream->check_tls);
        }
    }
    upstream->weight = url->weight;
    upstream->is_backup = url->is_backup;
    rc = rc == SL_OK ? server_find(b, conf, upstream) : rc;
    return rc != SL_OK ? rc : tls;
}

static struct sl_socket_tuning *tuning_make(struct sl_snapshot_builder *b,
                                            const struct sl_conf_upstream *conf)
{
    struct sl_socket_tuning *tuning = sl_arena_alloc(&b->snapshot->arena, sizeof(*tuning));
    if (tuning != NULL) {
        for (size_t i = 0; i < conf->sources_count && i < SL_COUNT(tuning->sources); i++) {
            tuning->sources[i] = conf->sources[i].addr;
        }
        sl_upstream_tune(&conf->keepalive, conf->user_timeout_ms, tuning);
    }
    return tuning;
}

/* Where the turns begin is left to chance: else all workers would begin with the same server. */
static int64_t *turns_make(struct sl_snapshot_builder *b, const struct sl_conf_url *urls,
                           size_t count)
{
    int64_t *turns = sl_arena_calloc(&b->snapshot->arena, count, sizeof(*turns));
    struct sl_servers *servers = b->source->servers;
    for (size_t i = 0; turns != NULL && servers != NULL && i < count; i++) {
        const uint64_t range = (uint64_t)urls[i].weight * SL_BALANCE_WEIGHT_ONE + 1;
        turns[i] = (int64_t)(sl_balance_random(&servers->random) % range);
    }
    return turns;
}

static enum sl_err target_init(struct sl_snapshot_builder *b, const struct sl_conf_service *conf,
                               const struct sl_conf_url *urls, size_t count,
                               struct sl_target *target)
{
    *target = (struct sl_target){ .upstreams = sl_arena_calloc(&b->snapshot->arena, count,
                                                               sizeof(*target->upstreams)),
                                  .upstreams_count = count,
                                  .balance = conf->balance,
                                  .tries_count = conf->tries_count,
                                  .slow_start_ms = conf->slow_start_ms,
                                  .ejection = &conf->ejection,
                                  .health = conf->health.pos.line != 0 ? &conf->health : NULL,
                                  .tuning = tuning_make(b, &conf->upstream),
                                  .proxy_out = conf->upstream.proxy_out,
                                  .servers = b->source->servers,
                                  .turns = turns_make(b, urls, count) };
    return target->upstreams == NULL || target->tuning == NULL || target->turns == NULL ? SL_ENOMEM
                                                                                        : SL_OK;
}

static enum sl_err target_build(struct sl_snapshot_builder *b, const struct sl_conf_service *conf,
                                const struct sl_trust *trust, const struct sl_conf_url *urls,
                                size_t count, struct sl_target *target)
{
    enum sl_err result = target_init(b, conf, urls, count, target);
    for (size_t i = 0; target->upstreams != NULL && i < count; i++) {
        enum sl_err rc = upstream_build(b, conf, &urls[i], trust, &target->upstreams[i]);
        result = result == SL_OK ? rc : result;
    }
    return result;
}

/* Whether a bridge lets the upstream choose; a PROXY header tells of a finished handshake. */
static bool is_alpn_held(const struct sl_conf_service *conf, const struct sl_conf_url *urls)
{
    return conf->listens[0].url.scheme == SL_SCHEME_TLS && urls[0].url.scheme == SL_SCHEME_TLS &&
           conf->upstream.proxy_out != SL_PROXY_V2;
}

static enum sl_err routes_build(struct sl_snapshot_builder *b, const struct sl_conf_service *conf,
                                const struct sl_trust *trust, struct sl_service *service)
{
    struct sl_arena *arena = &b->snapshot->arena;
    enum sl_err result = SL_OK;
    service->routes = sl_arena_calloc(arena, conf->routes_count, sizeof(*service->routes));
    if (conf->routes_count > 0 && service->routes == NULL) {
        return SL_ENOMEM;
    }
    for (size_t i = 0; i < conf->routes_count; i++) {
        const struct sl_conf_route *from = &conf->routes[i];
        struct sl_route *route = &service->routes[i];
        enum sl_err rc = sl_route_init(route, conf, from, arena);
        route->way.is_alpn_held = from->is_terminated && is_alpn_held(conf, from->connects);
        rc = rc != SL_OK ? rc
                         : target_build(b, conf, trust, from->connects, from->connects_count,
                                        &route->target);
        result = rc == SL_OK ? result : rc;
        if (service->plan.client_tls != NULL) {
            sl_route_check_names(conf, from, service->plan.client_tls, b->findings);
        }
    }
    return result;
}

static struct sl_conn_plan plan_of(struct sl_snapshot_builder *b,
                                   const struct sl_conf_service *conf)
{
    const struct sl_conf_limits *limits = &b->snapshot->conf->limits;
    return (struct sl_conn_plan){ .service = conf->name,
                                  .conns_count = &b->snapshot->conns_count,
                                  .has_routes = conf->routes_count > 0,
                                  .is_hello_wanted = sl_route_wants_hello(conf),
                                  .proxy_in = { .from = conf->proxy_in.from,
                                                .from_count = conf->proxy_in.from_count,
                                                .pass = conf->proxy_in.pass },
                                  .proxy_out = { .version = conf->upstream.proxy_out,
                                                 .told = sl_proxy_told(&conf->upstream) },
                                  .handshake_ms = conf->timeouts.handshake_ms,
                                  .upstream_handshake_ms = conf->timeouts.upstream_handshake_ms,
                                  .idle_ms = conf->timeouts.idle_ms,
                                  .half_close_ms = conf->timeouts.half_close_ms,
                                  .session_ms = conf->timeouts.session_ms,
                                  .linger_ms = conf->timeouts.linger_ms,
                                  .hello_max_bytes = limits->client_hello_bytes,
                                  .budget_bytes = limits->buffer_bytes * CHUNKS_IN_BUDGET };
}

static enum sl_err service_build(struct sl_snapshot_builder *b, const struct sl_conf_service *conf,
                                 struct sl_service *service)
{
    enum sl_err result = SL_OK;
    service->conf = conf;
    service->plan = plan_of(b, conf);
    service->plan.gate = &service->gate;
    if (conf->listens[0].url.scheme == SL_SCHEME_TLS) {
        result = sl_snapshot_server_ctx(b, conf, &service->plan.client_tls);
    }
    if (b->source->tallies != NULL) {
        enum sl_err rc = sl_tallies_take(b->source->tallies, conf->name, &service->plan.tally);
        result = rc == SL_OK ? result : rc;
    }
    SL_CLEANUP(sl_trust_fini) struct sl_trust trust = { 0 };
    enum sl_err trusted = sl_trust_load(b, conf, &trust);
    result = trusted == SL_OK ? result : trusted;
    const struct sl_trust *used = trusted == SL_OK ? &trust : NULL;
    if (conf->connects_count > 0) {
        service->plan.way.target = &service->target;
        service->plan.way.is_alpn_held = is_alpn_held(conf, conf->connects);
        enum sl_err rc =
            target_build(b, conf, used, conf->connects, conf->connects_count, &service->target);
        result = rc == SL_OK ? result : rc;
    }
    enum sl_err routed = routes_build(b, conf, used, service);
    result = routed == SL_OK ? result : routed;
    return result;
}

static enum sl_err conf_load(struct sl_snapshot_builder *b)
{
    struct sl_slice yaml, folder;
    const struct sl_bundle *files = b->source->files;
    struct sl_snapshot *snapshot = b->snapshot;
    if (sl_bundle_find(files, SL_BUNDLE_YAML, sl_slice_cstr(""), &yaml) != SL_OK ||
        sl_bundle_find(files, SL_BUNDLE_FOLDER, sl_slice_cstr(""), &folder) != SL_OK) {
        return SL_EINVAL;
    }
    char *path = sl_arena_strdup(&snapshot->arena, folder);
    if (path == NULL) {
        return SL_ENOMEM;
    }
    const struct sl_conf_source source = { .yaml = yaml,
                                           .folder = folder.len == 0 ? NULL : path,
                                           .are_certificates_cut = true };
    return sl_conf_parse(&source, &snapshot->arena, b->findings, &snapshot->conf);
}

/* There are so many slots for what checks find. */
static enum sl_err checks_count_check(struct sl_snapshot_builder *b)
{
    size_t count = 0;
    for (size_t i = 0; i < b->snapshot->conf->services_count; i++) {
        const struct sl_conf_service *service = &b->snapshot->conf->services[i];
        count += service->health.pos.line != 0 ? sl_route_connects_count(service) : 0;
        if (count > SL_HEALTH_SERVERS_MAX) {
            sl_findings_add(b->findings, SL_FINDING_ERROR, service->health.pos,
                            "more than %d servers are checked: that is all that can be",
                            SL_HEALTH_SERVERS_MAX);
            return SL_EINVAL;
        }
    }
    return SL_OK;
}

static enum sl_err begin(struct sl_snapshot_builder *b)
{
    struct sl_snapshot *snapshot = b->snapshot;
    enum sl_err rc = conf_load(b);
    rc = rc == SL_OK ? checks_count_check(b) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    snapshot->services = sl_arena_calloc(&snapshot->arena, snapshot->conf->services_count,
                                         sizeof(*snapshot->services));
    return snapshot->services == NULL
               ? SL_ENOMEM
               : sl_tls_shelf_create(b->source->files, b->source->keys,
                                     snapshot->conf->limits.certificates_count, &b->shelf);
}

enum sl_err sl_snapshot_begin(const struct sl_snapshot_source *source, struct sl_findings *findings,
                              struct sl_snapshot_builder **ret_builder)
{
    struct sl_snapshot_builder *b = calloc(1, sizeof(*b));
    struct sl_snapshot *snapshot = calloc(1, sizeof(*snapshot));
    if (b == NULL || snapshot == NULL) {
        free(b);
        free(snapshot);
        return SL_ENOMEM;
    }
    sl_list_init(&snapshot->named);
    *b = (struct sl_snapshot_builder){ .own_source = *source,
                                       .findings = findings,
                                       .snapshot = snapshot };
    b->source = &b->own_source;
    b->result = begin(b);
    *ret_builder = b;
    return SL_OK;
}

enum sl_err sl_snapshot_step(struct sl_snapshot_builder *b)
{
    struct sl_snapshot *snapshot = b->snapshot;
    if (b->shelf == NULL || b->built_count == snapshot->conf->services_count) {
        return SL_OK;
    }
    enum sl_err rc = service_build(b, &snapshot->conf->services[b->built_count],
                                   &snapshot->services[b->built_count]);
    b->built_count++;
    b->result = rc == SL_OK ? b->result : rc;
    return SL_AGAIN;
}

enum sl_err sl_snapshot_end(struct sl_snapshot_builder *b, struct sl_snapshot **ret_snapshot)
{
    if (b == NULL) {
        return SL_EINVAL;
    }
    enum sl_err result = b->result;
    const bool is_whole = b->shelf != NULL && b->built_count == b->snapshot->conf->services_count;
    sl_tls_store_unref(b->system_store);
    sl_tls_shelf_unref(b->shelf);
    if (result == SL_OK && is_whole) {
        sl_snapshot_portion(b->snapshot, &(const struct sl_portion){ 0 });
        *ret_snapshot = b->snapshot;
    } else {
        sl_snapshot_destroy(b->snapshot);
        result = result == SL_ENOMEM ? SL_ENOMEM : SL_EINVAL;
    }
    free(b);
    return result;
}

enum sl_err sl_snapshot_create(const struct sl_snapshot_source *source,
                               struct sl_findings *findings, struct sl_snapshot **ret_snapshot)
{
    struct sl_snapshot_builder *b = NULL;
    enum sl_err rc = sl_snapshot_begin(source, findings, &b);
    if (rc != SL_OK) {
        return rc;
    }
    do {
        rc = sl_snapshot_step(b);
    } while (rc == SL_AGAIN);
    return sl_snapshot_end(b, ret_snapshot);
}

void sl_snapshot_portion(struct sl_snapshot *snapshot, const struct sl_portion *portion)
{
    for (size_t i = 0; i < snapshot->conf->services_count; i++) {
        snapshot->services[i].gate = sl_gate_of(snapshot->conf, (uint32_t)i, portion);
    }
}

static void target_unref(const struct sl_target *target)
{
    for (size_t i = 0; target->upstreams != NULL && i < target->upstreams_count; i++) {
        sl_tls_ctx_unref(target->upstreams[i].tls);
        sl_tls_ctx_unref(target->upstreams[i].check_tls);
        sl_server_unref(target->upstreams[i].server);
    }
}

void sl_snapshot_destroy(struct sl_snapshot *snapshot)
{
    if (snapshot == NULL) {
        return;
    }
    for (size_t i = 0; snapshot->services != NULL && i < snapshot->conf->services_count; i++) {
        struct sl_service *service = &snapshot->services[i];
        sl_tls_ctx_unref(service->plan.client_tls);
        sl_tally_unref(service->plan.tally);
        target_unref(&service->target);
        for (size_t j = 0; service->routes != NULL && j < service->conf->routes_count; j++) {
            target_unref(&service->routes[j].target);
        }
    }
    sl_arena_fini(&snapshot->arena);
    free(snapshot);
}

const struct sl_conn_way *sl_service_way(const struct sl_service *service,
                                         const struct sl_hello *hello, const struct sl_addr *client)
{
    const struct sl_route *route =
        sl_route_find(service->routes, service->conf->routes_count, hello, client);
    if (route != NULL) {
        return &route->way;
    }
    return service->plan.way.target == NULL ? NULL : &service->plan.way;
}

void sl_snapshot_use(struct sl_snapshot *snapshot, struct sl_slice name, bool is_srv,
                     const struct sl_addr_set *set)
{
    const struct sl_list *head = &snapshot->named;
    for (struct sl_list *at = head->next; at != head; at = at->next) {
        struct sl_upstream *upstream = SL_CONTAINER_OF(at, struct sl_upstream, named);
        const struct sl_url url = sl_upstream_url(upstream);
        if (url.is_srv == is_srv && sl_slice_eq_nocase(url.host, name)) {
            sl_upstream_use(upstream, set);
        }
    }
}

const struct sl_service *sl_service_of(const struct sl_conn_plan *plan)
{
    return SL_CONST_CONTAINER_OF(plan, struct sl_service, plan);
}
