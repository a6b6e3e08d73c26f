/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/failure.h"
#include "relay/close.h"

static const char *words(struct sl_conn *conn)
{
    return conn->env->scratch->diag.text;
}

static enum sl_reason hello_reason(const struct sl_conn *conn)
{
    switch (sl_tls_refusal(conn->client_tls.tls)) {
    case SL_TLS_REFUSED_NAME:
        return SL_REASON_UNRECOGNIZED_NAME;
    case SL_TLS_REFUSED_ALPN:
        return SL_REASON_NO_APPLICATION_PROTOCOL;
    default:
        return SL_REASON_HANDSHAKE_FAILED;
    }
}

enum sl_err sl_conn_client_failed(struct sl_conn *conn, enum sl_err rc)
{
    static const struct {
        enum sl_err rc;
        enum sl_reason reason;
        enum sl_farewell farewell;
    } ENDS[] = {
        { SL_EOF, SL_REASON_CLIENT_CLOSED, SL_FAREWELL_RESET },
        { SL_ERESET, SL_REASON_CLIENT_CLOSED, SL_FAREWELL_RESET },
        { SL_EPROTO, SL_REASON_NOT_TLS, SL_FAREWELL_TELL_CLIENT },
        { SL_ERANGE, SL_REASON_CLIENT_HELLO_TOO_LARGE, SL_FAREWELL_TELL_CLIENT },
        { SL_EVERIFY, SL_REASON_CLIENT_UNVERIFIED, SL_FAREWELL_TELL_CLIENT },
        { SL_EDENIED, SL_REASON_CLIENT_DENIED, SL_FAREWELL_TELL_CLIENT },
        { SL_ETLS, SL_REASON_HANDSHAKE_FAILED, SL_FAREWELL_TELL_CLIENT },
        { SL_ETIMEDOUT, SL_REASON_KEYS_TIMEOUT, SL_FAREWELL_TELL_CLIENT },
        { SL_EBUSY, SL_REASON_KEYS_OVERLOAD, SL_FAREWELL_TELL_CLIENT },
        { SL_ENOENT, SL_REASON_KEYS_FAILED, SL_FAREWELL_TELL_CLIENT },
        { SL_ENOMEM, SL_REASON_NO_MEMORY, SL_FAREWELL_RESET },
    };
    for (size_t i = 0; i < SL_COUNT(ENDS); i++) {
        if (ENDS[i].rc == rc) {
            sl_conn_end(conn, rc == SL_ETLS ? hello_reason(conn) : ENDS[i].reason, SL_SIDE_CLIENT,
                        ENDS[i].farewell, words(conn));
            return rc;
        }
    }
    sl_conn_end(conn, SL_REASON_INTERNAL, SL_SIDE_NONE, SL_FAREWELL_RESET, sl_err_name(rc));
    return rc;
}

enum sl_reason sl_conn_upstream_reason(enum sl_err rc)
{
    static const struct {
        enum sl_err rc;
        enum sl_reason reason;
    } ENDS[] = {
        { SL_EOF, SL_REASON_UPSTREAM_CLOSED },
        { SL_ERESET, SL_REASON_UPSTREAM_CLOSED },
        { SL_EPROTO, SL_REASON_UPSTREAM_NOT_TLS },
        { SL_EVERIFY, SL_REASON_UPSTREAM_UNVERIFIED },
        { SL_ETLS, SL_REASON_UPSTREAM_HANDSHAKE_FAILED },
        { SL_ETIMEDOUT, SL_REASON_KEYS_TIMEOUT },
        { SL_EBUSY, SL_REASON_KEYS_OVERLOAD },
        { SL_ENOENT, SL_REASON_KEYS_FAILED },
        { SL_ENOMEM, SL_REASON_NO_MEMORY },
    };
    enum sl_reason reason = SL_REASON_INTERNAL;
    for (size_t i = 0; i < SL_COUNT(ENDS); i++) {
        if (ENDS[i].rc == rc) {
            reason = ENDS[i].reason;
        }
    }
    return reason;
}

void sl_conn_relay_ended(struct sl_conn *conn, enum sl_err rc)
{
    enum sl_side by = conn->relay.ended_by;
    bool is_client = by == SL_SIDE_CLIENT;
    switch (rc) {
    case SL_EOF:
        sl_conn_end(conn, SL_REASON_DONE, SL_SIDE_NONE, SL_FAREWELL_CLEAN, NULL);
        break;
    case SL_ERESET:
        sl_conn_end(conn, is_client ? SL_REASON_CLIENT_RESET : SL_REASON_UPSTREAM_RESET, by,
                    SL_FAREWELL_DELIVER, NULL);
        break;
    case SL_ETRUNC:
        sl_conn_end(conn, SL_REASON_TRUNCATED, by, SL_FAREWELL_DELIVER, NULL);
        break;
    case SL_ETLS:
        sl_conn_end(conn, SL_REASON_TLS_ERROR, by,
                    is_client ? SL_FAREWELL_TELL_CLIENT : SL_FAREWELL_TELL_UPSTREAM, words(conn));
        break;
    case SL_ENOMEM:
        sl_conn_end(conn, SL_REASON_NO_MEMORY, by, SL_FAREWELL_RESET, NULL);
        break;
    default:
        sl_conn_end(conn, SL_REASON_INTERNAL, by, SL_FAREWELL_RESET, sl_err_name(rc));
        break;
    }
}
