/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/proxy_in.h"
#include "relay/close.h"
#include "sys/socket.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool sl_proxy_in_is_wanted(const struct sl_proxy_in_plan *plan, const struct sl_addr *peer)
{
    return plan->from_count > 0 && sl_prefixes_have(plan->from, plan->from_count, peer);
}

static enum sl_err refuse(struct sl_conn *conn, enum sl_err rc)
{
    static const struct {
        enum sl_err rc;
        enum sl_reason reason;
        const char *detail;
    } ENDS[] = {
        { SL_EOF, SL_REASON_CLIENT_CLOSED, NULL },
        { SL_ERESET, SL_REASON_CLIENT_CLOSED, NULL },
        { SL_ENOENT, SL_REASON_PROXY_HEADER_MISSING, NULL },
        { SL_EPROTO, SL_REASON_PROXY_HEADER_INVALID, "the PROXY header is malformed" },
        { SL_ERANGE, SL_REASON_PROXY_HEADER_INVALID, "the PROXY header is too long" },
        { SL_EVERIFY, SL_REASON_PROXY_HEADER_INVALID, "the PROXY header's checksum is wrong" },
        { SL_ENOMEM, SL_REASON_NO_MEMORY, NULL },
    };
    for (size_t i = 0; i < SL_COUNT(ENDS); i++) {
        if (ENDS[i].rc == rc) {
            sl_conn_end(conn, ENDS[i].reason, SL_SIDE_CLIENT, SL_FAREWELL_RESET, ENDS[i].detail);
            return rc;
        }
    }
    sl_conn_end(conn, SL_REASON_INTERNAL, SL_SIDE_NONE, SL_FAREWELL_RESET, sl_err_name(rc));
    return rc;
}

/*
 * What came is looked at and left where it is: what stands behind the header belongs to the next
 * stage. Only of a header that has not come whole, all of which is the header's, the parts are kept
 * here: a Unix socket takes only so many, however short, that nobody reads.
 */
static enum sl_err peek(struct sl_conn *conn, struct sl_slice *ret_bytes)
{
    struct sl_ep_tcp *tcp = conn->client_tcp;
    struct sl_scratch *scratch = conn->env->scratch;
    struct sl_proxy_part *part = conn->proxy_part;
    const size_t held = part == NULL ? 0 : part->len;
    uint8_t *at = part == NULL ? scratch->recv : part->bytes + held;
    size_t len = 0;
    if (!tcp->is_readable) {
        return SL_AGAIN;
    }
    const enum sl_err rc = sl_socket_peek(
        tcp->watch.fd, at, part == NULL ? scratch->chunk_bytes : part->cap - held, &len);
    if (rc == SL_OK) {
        *ret_bytes = sl_slice_of(at - held, held + len);
    } else if (rc == SL_AGAIN) {
        tcp->is_readable = false;
    }
    return rc;
}

/* Takes what was looked at out of the kernel; a Unix socket may give it in pieces. */
static enum sl_err discard(struct sl_conn *conn, size_t len)
{
    while (len > 0) {
        size_t taken = 0;
        const enum sl_err rc = sl_socket_recv(conn->client_tcp->watch.fd, conn->env->scratch->recv,
                                              SL_MIN(len, conn->env->scratch->chunk_bytes), &taken);
        if (rc != SL_OK) {
            return rc == SL_AGAIN ? SL_ERESET : rc;
        }
        len -= taken;
    }
    return SL_OK;
}

/* Keeps the begin of a header, with room for as much of it as is known to come. */
static enum sl_err part_keep(struct sl_conn *conn, struct sl_slice seen)
{
    struct sl_proxy_part *part = conn->proxy_part;
    const size_t held = part == NULL ? 0 : part->len;
    const size_t bound = sl_proxy_bound(seen);
    if (part == NULL || part->cap < bound) {
        part = sl_arena_alloc(&conn->arena, sizeof(*part) + bound);
        if (part == NULL) {
            return SL_ENOMEM;
        }
        part->cap = bound;
        memcpy(part->bytes, seen.ptr, seen.len);
        conn->proxy_part = part;
    }
    part->len = seen.len;
    return discard(conn, seen.len - held);
}

static enum sl_err keep(struct sl_conn *conn, const struct sl_proxy_v2 *header)
{
    struct sl_conn_proxy *kept = calloc(1, sizeof(*kept) + header->tlvs.len);
    if (kept == NULL) {
        return SL_ENOMEM;
    }
    struct sl_wbuf out = sl_wbuf_of(kept->tlvs, header->tlvs.len);
    const enum sl_err rc = sl_proxy_tlvs_copy(header->tlvs, &conn->plan->proxy_in.pass, &out);
    assert(rc == SL_OK); /* a part of them has room where all have */
    SL_UNUSED(rc);
    kept->tlvs_len = out.len;
    if (header->source.len > 0) {
        kept->via = conn->client_addr;
        conn->client_addr = header->source;
        kept->destination = header->destination;
    }
    conn->proxy = kept;
    return SL_OK;
}

static enum sl_err header_read(struct sl_conn *conn)
{
    for (;;) {
        struct sl_slice seen = { 0 };
        struct sl_proxy_v2 header;
        enum sl_err rc = peek(conn, &seen);
        if (rc != SL_OK) {
            return rc;
        }
        struct sl_slice rest = seen;
        rc = sl_proxy_cut(&rest, &header);
        if (rc == SL_OK) {
            const size_t held = conn->proxy_part == NULL ? 0 : conn->proxy_part->len;
            /* LOCAL is the sender's own connection, and tells of nobody */
            rc = header.is_local ? SL_OK : keep(conn, &header);
            return rc == SL_OK ? discard(conn, seen.len - rest.len - held) : rc;
        }
        rc = rc == SL_AGAIN ? part_keep(conn, seen) : rc;
        if (rc != SL_OK) {
            return rc;
        }
    }
}

enum sl_err sl_conn_proxy_in(struct sl_conn *conn)
{
    const enum sl_err rc = header_read(conn);
    if (rc == SL_AGAIN) {
        return rc;
    }
    if (rc != SL_OK) {
        return refuse(conn, rc);
    }
    conn->is_proxy_awaited = false;
    const struct sl_conn_hooks *hooks = conn->env->hooks;
    const enum sl_reason verdict = hooks->admit == NULL ? SL_REASON_DONE : hooks->admit(conn);
    if (verdict != SL_REASON_DONE) {
        sl_conn_end(conn, verdict, SL_SIDE_CLIENT, SL_FAREWELL_RESET, NULL);
        return SL_EDENIED;
    }
    return SL_OK;
}
