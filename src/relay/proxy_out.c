/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/proxy_out.h"
#include "codec/proxy_v1.h"
#include "relay/conn.h"
#include "sys/socket.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { OWN_ID_MAX = 40 }; /* bytes, NUL included */

static struct sl_slice passed_of(const struct sl_conn *conn)
{
    return conn->proxy == NULL ? sl_slice_of(NULL, 0)
                               : sl_slice_of(conn->proxy->tlvs, conn->proxy->tlvs_len);
}

/* The seed is random and of the worker alone. */
static void own_id_text(const struct sl_conn *conn, char ret_text[static OWN_ID_MAX])
{
    (void)snprintf(ret_text, OWN_ID_MAX, "%016" PRIx64 "-%" PRIx64, conn->env->id_seed,
                   conn->number);
}

static bool is_printable(struct sl_slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] <= ' ' || bytes.ptr[i] > '~') {
            return false;
        }
    }
    return true;
}

void sl_conn_id_text(const struct sl_conn *conn, char ret_text[static SL_CONN_ID_MAX])
{
    const struct sl_slice id = sl_proxy_tlvs_find(passed_of(conn), SL_PROXY_TLV_UNIQUE_ID);
    if (id.len == 0) {
        own_id_text(conn, ret_text);
        return;
    }
    if (is_printable(id)) {
        (void)snprintf(ret_text, SL_CONN_ID_MAX, "%.*s", SL_SLICE_FMT(id));
        return;
    }
    for (size_t i = 0; i < id.len; i++) {
        (void)snprintf(ret_text + 2 * i, 3, "%02x", id.ptr[i]);
    }
}

/* Both as the header that came in has them; else those of the connection. */
static void addresses_set(const struct sl_conn *conn, struct sl_proxy_v2 *header)
{
    header->source = conn->client_addr;
    if (conn->proxy != NULL && conn->proxy->destination.len > 0) {
        header->destination = conn->proxy->destination;
    } else if (sl_socket_local(conn->client_tcp->watch.fd, &header->destination) != SL_OK) {
        /* not known: then the header tells of neither */
        header->source.len = header->destination.len = 0;
    }
}

static bool tells(const struct sl_proxy_out_plan *plan, enum sl_proxy_tlv type)
{
    return sl_proxy_types_have(&plan->told, (uint8_t)type);
}

static bool tells_tls(const struct sl_proxy_out_plan *plan)
{
    for (unsigned type = SL_PROXY_TLV_SSL; type <= SL_PROXY_TLV_SSL_CLIENT_CERT; type++) {
        if (sl_proxy_types_have(&plan->told, (uint8_t)type)) {
            return true;
        }
    }
    return false;
}

static void tls_set(const struct sl_proxy_out_plan *plan, const struct sl_tls_info *info,
                    struct sl_proxy_v2 *header)
{
    const struct {
        enum sl_proxy_tlv type;
        struct sl_slice value;
        struct sl_slice *field;
    } facts[] = {
        { SL_PROXY_TLV_ALPN, info->alpn, &header->alpn },
        { SL_PROXY_TLV_AUTHORITY, info->server_name, &header->authority },
        { SL_PROXY_TLV_SSL_VERSION, sl_slice_cstr(info->version), &header->version },
        { SL_PROXY_TLV_SSL_CN, info->peer_name, &header->common_name },
        { SL_PROXY_TLV_SSL_CIPHER, sl_slice_cstr(info->cipher), &header->cipher },
        { SL_PROXY_TLV_SSL_SIG_ALG, sl_slice_cstr(info->facts.sig_alg), &header->sig_alg },
        { SL_PROXY_TLV_SSL_KEY_ALG, sl_slice_cstr(info->facts.key_alg), &header->key_alg },
        { SL_PROXY_TLV_SSL_GROUP, sl_slice_cstr(info->group), &header->group },
        { SL_PROXY_TLV_SSL_SIG_SCHEME, sl_slice_cstr(info->facts.sig_scheme), &header->sig_scheme },
        { SL_PROXY_TLV_SSL_CLIENT_CERT, info->facts.peer_cert, &header->client_cert },
    };
    for (size_t i = 0; i < SL_COUNT(facts); i++) {
        if (tells(plan, facts[i].type)) {
            *facts[i].field = facts[i].value;
        }
    }
    header->is_resumed = info->is_resumed;
    header->has_resumption = tells(plan, SL_PROXY_TLV_RESUMED);
    header->is_tls = tells_tls(plan) || header->has_resumption;
    header->has_client_cert = info->has_peer_cert;
    header->is_verified = info->is_peer_verified;
}

/* What came in is passed on in place of what we would say: no type comes twice. */
static void passed_set(const struct sl_conn *conn, struct sl_proxy_v2 *header)
{
    struct sl_proxy_types types = { 0 };
    header->passed = passed_of(conn);
    if (sl_proxy_tlvs_check(header->passed, &types) != SL_OK) {
        header->passed.len = 0; /* cannot be: it was checked when it came */
        return;
    }
    const struct {
        enum sl_proxy_tlv type;
        struct sl_slice *field;
    } fields[] = {
        { SL_PROXY_TLV_ALPN, &header->alpn },
        { SL_PROXY_TLV_AUTHORITY, &header->authority },
        { SL_PROXY_TLV_UNIQUE_ID, &header->unique_id },
    };
    for (size_t i = 0; i < SL_COUNT(fields); i++) {
        if (sl_proxy_types_have(&types, (uint8_t)fields[i].type)) {
            fields[i].field->len = 0;
        }
    }
    if (sl_proxy_types_have(&types, SL_PROXY_TLV_SSL)) {
        header->is_tls = false;
    }
    if (sl_proxy_types_have(&types, SL_PROXY_TLV_RESUMED)) {
        header->has_resumption = false;
    }
}

static enum sl_err header_put(struct sl_conn *conn, struct sl_wbuf *out)
{
    const struct sl_proxy_out_plan *plan = &conn->plan->proxy_out;
    struct sl_proxy_v2 header = { 0 };
    char id[OWN_ID_MAX];
    addresses_set(conn, &header);
    if (plan->version == SL_PROXY_V1) {
        return sl_proxy_v1_emit(&header.source, &header.destination, out);
    }
    struct sl_tls_info info;
    if (conn->client_tls.tls != NULL) {
        sl_tls_info(conn->client_tls.tls, &info);
        tls_set(plan, &info, &header);
    } else if (conn->asked != NULL && tells(plan, SL_PROXY_TLV_AUTHORITY)) {
        header.authority = sl_slice_cstr(conn->asked->server_name);
    }
    if (tells(plan, SL_PROXY_TLV_UNIQUE_ID)) {
        own_id_text(conn, id);
        header.unique_id = sl_slice_cstr(id);
    }
    header.has_checksum = tells(plan, SL_PROXY_TLV_CRC32C);
    passed_set(conn, &header);
    enum sl_err rc = sl_proxy_v2_emit(&header, out);
    if (rc == SL_ERANGE && header.client_cert.len > 0) {
        header.client_cert.len = 0; /* too long for any header */
        rc = sl_proxy_v2_emit(&header, out);
    }
    return rc;
}

enum sl_err sl_conn_proxy_out(struct sl_conn *conn)
{
    struct sl_scratch *scratch = conn->env->scratch;
    scratch->seal.len = 0;
    enum sl_err rc = header_put(conn, &scratch->seal);
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_ep_write(&conn->upstream_tcp->ep, scratch, sl_wbuf_slice(&scratch->seal));
    return rc == SL_AGAIN ? SL_OK : rc; /* what is pending goes before everything later */
}
