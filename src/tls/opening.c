/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/opening.h"
#include "codec/hello_scan.h"
#include <string.h>

enum { CONTENT_ALERT = 0x15, TLS_MAJOR = 0x03 }; /* RFC 8446 5.1 */

/* A browser shows this, and would not say what an alert is. */
static const char HTTP_ANSWER[] = "HTTP/1.1 400 Bad Request\r\n"
                                  "Content-Type: text/plain\r\n"
                                  "Content-Length: 55\r\n"
                                  "Connection: close\r\n\r\n"
                                  "A plain HTTP request was sent to a port that wants TLS.";

enum sl_err sl_tls_alert_put(struct sl_wbuf *out, uint8_t alert)
{
    return sl_hello_scan_alert(out, alert);
}

/* A peer that does not speak TLS: an answer of our own, for libssl has seen nothing of it. */
static enum sl_err not_tls(struct sl_tls *tls, enum sl_first_bytes what, struct sl_wbuf *out,
                           struct sl_diag *diag)
{
    uint8_t alert = what == SL_FIRST_SSLV2 ? SSL_AD_PROTOCOL_VERSION : SSL_AD_UNEXPECTED_MESSAGE;
    const char *peer = tls->ctx->is_server ? "client" : "upstream";
    tls->is_broken = true;
    if (what == SL_FIRST_PROXY) {
        sl_diag_set(diag, "the %s sends a PROXY header, which nobody asked it for", peer);
    } else if (what == SL_FIRST_OTHER) {
        sl_diag_set(diag, "the %s does not speak TLS", peer);
    } else {
        sl_diag_set(diag, "the %s speaks %s, not TLS", peer, sl_first_bytes_name(what));
    }
    const struct sl_slice first = sl_slice_of(tls->first, tls->first_len);
    const bool is_request = what == SL_FIRST_HTTP && tls->ctx->is_server &&
                            !sl_slice_starts(first, SL_SLICE("HTTP/")); /* no answer to an answer */
    enum sl_err rc =
        is_request ? sl_wbuf_put(out, SL_SLICE(HTTP_ANSWER)) : sl_tls_alert_put(out, alert);
    return rc == SL_OK ? SL_EPROTO : rc;
}

enum sl_err sl_tls_opening_read(struct sl_tls *tls, struct sl_slice *in, struct sl_wbuf *out,
                                struct sl_diag *diag)
{
    enum sl_first_bytes what = SL_FIRST_MORE;
    while (what == SL_FIRST_MORE) {
        if (in->len == 0) {
            return SL_AGAIN;
        }
        tls->first[tls->first_len++] = sl_slice_cut(in, 1).ptr[0];
        what = sl_first_bytes_classify(sl_slice_of(tls->first, tls->first_len));
        if (tls->first[0] == CONTENT_ALERT) { /* a peer that gives up at once still speaks TLS */
            what = tls->first_len == 1          ? SL_FIRST_MORE
                   : tls->first[1] == TLS_MAJOR ? SL_FIRST_TLS
                                                : SL_FIRST_OTHER;
        }
    }
    if (what != SL_FIRST_TLS) {
        return not_tls(tls, what, out, diag);
    }
    tls->is_tls = true;
    tls->io.before = sl_slice_of(tls->first, tls->first_len);
    return SL_OK;
}

void sl_tls_denial_name(struct sl_wbuf *out)
{
    static const uint8_t HEAD[] = { CONTENT_ALERT, TLS_MAJOR };
    static const uint8_t TAIL[] = { 0, 2, SSL3_AL_FATAL, SSL_AD_CERTIFICATE_UNKNOWN };
    enum { MINOR_LEN = 1, ALERT_LEN = sizeof(HEAD) + MINOR_LEN + sizeof(TAIL) };
    uint8_t *alert = out->len < ALERT_LEN ? NULL : out->ptr + out->len - ALERT_LEN;
    if (alert != NULL && memcmp(alert, HEAD, sizeof(HEAD)) == 0 &&
        memcmp(alert + sizeof(HEAD) + MINOR_LEN, TAIL, sizeof(TAIL)) == 0) {
        alert[ALERT_LEN - 1] = SSL_AD_ACCESS_DENIED;
    }
}
