/* SPDX-License-Identifier: Apache-2.0 */
#include "svc/access_log.h"

static void put_known(struct sl_logline *line, const char *key, struct sl_slice value)
{
    if (value.len > 0) {
        sl_logline_str(line, key, value);
    }
}

static void put_addr(struct sl_logline *line, const char *key, const struct sl_addr *addr)
{
    char text[SL_ADDR_TEXT_MAX];
    if (addr->len > 0) {
        sl_addr_format(addr, text);
        sl_logline_cstr(line, key, text);
    }
}

static void put_client_tls(struct sl_logline *line, const struct sl_conn *conn)
{
    struct sl_tls_info info;
    sl_tls_info(conn->client_tls.tls, &info);
    put_known(line, "sni", info.server_name);
    if (!conn->is_ready) {
        return; /* the rest is known when the handshake is done */
    }
    put_known(line, "alpn", info.alpn);
    put_known(line, "version", sl_slice_cstr(info.version));
    put_known(line, "cipher", sl_slice_cstr(info.cipher));
    put_known(line, "group", sl_slice_cstr(info.group));
    sl_logline_bool(line, "resumed", info.is_resumed);
    put_known(line, "peer", sl_slice_cstr(info.peer_subject));
    put_known(line, "peer_id", info.peer_id);
    if (info.is_crl_stale) {
        sl_logline_bool(line, "crl_stale", true);
    }
    put_known(line, "psk_identity", info.psk_identity);
}

/* Of a connection that goes by routes. */
static void put_way(struct sl_logline *line, const struct sl_conn *conn)
{
    const struct sl_asked *asked = conn->asked;
    if (asked != NULL) {
        put_known(line, "sni", sl_slice_cstr(asked->server_name));
        put_known(line, "alpn_offered", sl_slice_cstr(asked->alpn));
    }
    if (conn->has_ech) {
        sl_logline_bool(line, "ech", true);
    }
    if (conn->way != NULL && conn->way->route > 0) {
        sl_logline_u64(line, "route", conn->way->route);
    }
    if (conn->way != NULL && asked != NULL) {
        sl_logline_cstr(line, "mode", "pass-through");
    }
}

static void put_upstream_tls(struct sl_logline *line, const struct sl_conn *conn)
{
    struct sl_tls_info info;
    sl_tls_info(conn->upstream_tls.tls, &info);
    put_known(line, "upstream_alpn", info.alpn);
    put_known(line, "upstream_version", sl_slice_cstr(info.version));
    put_known(line, "upstream_cipher", sl_slice_cstr(info.cipher));
    put_known(line, "upstream_group", sl_slice_cstr(info.group));
    sl_logline_bool(line, "upstream_resumed", info.is_resumed);
    if (info.is_crl_stale) {
        sl_logline_bool(line, "upstream_crl_stale", true);
    }
}

/* Known before the upstream has said what it thinks of it. */
static void put_own_cert(struct sl_logline *line, const struct sl_conn *conn)
{
    struct sl_tls_info info;
    sl_tls_info(conn->upstream_tls.tls, &info);
    put_known(line, "upstream_certificate", sl_slice_cstr(info.own_cert));
}

static void put_times(struct sl_logline *line, const struct sl_conn *conn)
{
    static const struct {
        enum sl_stage stage;
        const char *key;
    } TIMES[] = {
        { SL_STAGE_PROXY_IN, "proxy_in_ms" },
        { SL_STAGE_PEEK, "peek_ms" },
        { SL_STAGE_HANDSHAKE, "handshake_ms" },
        { SL_STAGE_CONNECT, "connect_ms" },
        { SL_STAGE_UPSTREAM_HANDSHAKE, "upstream_handshake_ms" },
    };
    const bool is_walked[SL_STAGE_COUNT] = {
        [SL_STAGE_PROXY_IN] = conn->proxy != NULL || conn->is_proxy_awaited,
        [SL_STAGE_PEEK] = conn->plan->is_hello_wanted,
        [SL_STAGE_HANDSHAKE] = conn->client_tls.tls != NULL,
        [SL_STAGE_CONNECT] = conn->upstream_text != NULL,
        [SL_STAGE_UPSTREAM_HANDSHAKE] = conn->upstream_tls.tls != NULL,
    };
    for (size_t i = 0; i < SL_COUNT(TIMES); i++) {
        if (is_walked[TIMES[i].stage]) {
            sl_logline_u64(line, TIMES[i].key, conn->stage_ms[TIMES[i].stage]);
        }
    }
    sl_logline_u64(line, "total_ms", conn->env->loop->now_ms - conn->begin_ms);
}

/* The first of each sample is written. */
static bool is_wanted(const struct sl_log *log, const struct sl_conf_service_log *rule,
                      const struct sl_conn *conn, enum sl_log_level level)
{
    if (level < (rule->level == SL_LOG_DEBUG ? log->level : rule->level)) {
        return false;
    }
    struct sl_tally *tally = conn->plan->tally;
    return conn->reason != SL_REASON_DONE || rule->sample_count <= 1 || tally == NULL ||
           tally->done_count++ % rule->sample_count == 0;
}

void sl_access_log_put(struct sl_log *log, const struct sl_conf_service_log *rule,
                       const struct sl_conn *conn, uint32_t worker_index)
{
    struct sl_logline line;
    char id[SL_CONN_ID_MAX];
    const struct sl_reason_row *reason = sl_reason_row(conn->reason);
    const enum sl_log_level level =
        sl_reason_level(conn->reason, conn->ended_by == SL_SIDE_UPSTREAM);
    if (!is_wanted(log, rule, conn, level)) {
        return;
    }
    sl_log_begin(log, &line, level, "connection");
    sl_logline_cstr(&line, "service", conn->plan->service);
    sl_logline_u64(&line, "worker", worker_index);
    sl_conn_id_text(conn, id);
    sl_logline_cstr(&line, "id", id);
    put_addr(&line, "client", &conn->client_addr);
    if (conn->proxy != NULL) {
        put_addr(&line, "via", &conn->proxy->via);
    }
    sl_logline_cstr(&line, "listen", conn->listen_text);
    if (conn->client_tls.tls != NULL) {
        put_client_tls(&line, conn);
    }
    put_way(&line, conn);
    put_known(&line, "connect", sl_slice_cstr(conn->upstream_text));
    put_addr(&line, "upstream", &conn->upstream_addr);
    if (conn->tries.count > 1) {
        sl_logline_u64(&line, "tries", conn->tries.count);
    }
    if (conn->upstream_tls.tls != NULL && conn->is_upstream_ready) {
        put_upstream_tls(&line, conn);
    }
    if (conn->upstream_tls.tls != NULL) {
        put_own_cert(&line, conn);
    }
    sl_logline_u64(&line, "bytes_to_upstream", conn->relay.to_upstream.bytes_count);
    sl_logline_u64(&line, "bytes_to_client", conn->relay.to_client.bytes_count);
    put_times(&line, conn);
    sl_logline_cstr(&line, "stage", sl_stage_name(conn->last_stage));
    sl_logline_cstr(&line, "reason", reason->word);
    put_known(&line, "side", sl_slice_cstr(sl_side_name(conn->ended_by)));
    put_known(&line, "detail", sl_slice_cstr(conn->detail));
    if (conn->reason == SL_REASON_DONE && rule->sample_count > 1) {
        sl_logline_u64(&line, "sample", rule->sample_count);
    }
    sl_log_force(log, &line);
}
