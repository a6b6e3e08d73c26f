/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/reason.h"

static const struct sl_reason_row ROWS[SL_REASON_COUNT] = {
    [SL_REASON_DONE] = { "done", SL_LOG_INFO, "Both sides ended cleanly." },
    [SL_REASON_CLIENT_RESET] = { "client_reset", SL_LOG_INFO,
                                 "The client reset the connection; the upstream got a reset." },
    [SL_REASON_UPSTREAM_RESET] = { "upstream_reset", SL_LOG_WARN,
                                   "The upstream reset the connection; the client got a reset." },
    [SL_REASON_TRUNCATED] = { "truncated", SL_LOG_INFO,
                              "A side (field `side`) ended TCP without close_notify; the other "
                              "side "
                              "got a reset, since it cannot know whether it has everything." },
    [SL_REASON_TLS_ERROR] = { "tls_error", SL_LOG_INFO,
                              "A broken record or a fatal alert of a side (field `side`) after the "
                              "handshake; `warn` when it was the upstream's." },
    [SL_REASON_IDLE_TIMEOUT] = { "idle_timeout", SL_LOG_INFO,
                                 "No byte moved for `timeouts.idle`." },
    [SL_REASON_HALF_CLOSE_TIMEOUT] = { "half_close_timeout", SL_LOG_INFO,
                                       "One side had ended, and of the other no byte came for "
                                       "`timeouts.half_close`, which is shorter than "
                                       "`timeouts.idle`." },
    [SL_REASON_SESSION_TIMEOUT] = { "session_timeout", SL_LOG_INFO,
                                    "The connection was as old as `timeouts.session` lets one "
                                    "become." },
    [SL_REASON_ADDRESS_DENIED] = { "address_denied", SL_LOG_INFO,
                                   "`from` does not let the client's address in." },
    [SL_REASON_RATE_LIMIT] = { "rate_limit", SL_LOG_INFO,
                               "The client's address had made more connections than "
                               "`limits.rate` of the service." },
    [SL_REASON_CONNECTIONS_LIMIT] = { "connections_limit", SL_LOG_WARN,
                                      "`limits.connections` was reached, of the service or of all "
                                      "(refused with `over: refuse`)." },
    [SL_REASON_HANDSHAKES_LIMIT] = { "handshakes_limit", SL_LOG_WARN,
                                     "`limits.handshakes` was reached, in the same way." },
    [SL_REASON_MEMORY_LIMIT] = { "memory_limit", SL_LOG_WARN,
                                 "`limits.memory` was reached, in the same way." },
    [SL_REASON_CLIENT_CLOSED] = { "client_closed", SL_LOG_INFO,
                                  "The client went away before relaying began." },
    [SL_REASON_PROXY_HEADER_TIMEOUT] = { "proxy_header_timeout", SL_LOG_INFO,
                                         "A peer in `proxy_protocol.from` did not send a PROXY "
                                         "header within `timeouts.handshake`." },
    [SL_REASON_PROXY_HEADER_MISSING] = { "proxy_header_missing", SL_LOG_INFO,
                                         "A peer in `proxy_protocol.from` began with something "
                                         "else than a PROXY header." },
    [SL_REASON_PROXY_HEADER_INVALID] = { "proxy_header_invalid", SL_LOG_INFO,
                                         "The PROXY header was malformed, too long, or its "
                                         "checksum was wrong; `detail` says which." },
    [SL_REASON_HANDSHAKE_TIMEOUT] = { "handshake_timeout", SL_LOG_INFO,
                                      "The client did not finish its ClientHello or handshake "
                                      "within "
                                      "`timeouts.handshake`." },
    [SL_REASON_HANDSHAKE_FAILED] = { "handshake_failed", SL_LOG_INFO,
                                     "The handshake with the client failed; `detail` says how." },
    [SL_REASON_NOT_TLS] = { "not_tls", SL_LOG_INFO,
                            "The client did not speak TLS; `detail` says what it looks like." },
    [SL_REASON_CLIENT_HELLO_TOO_LARGE] = { "client_hello_too_large", SL_LOG_INFO,
                                           "The ClientHello was over `limits.client_hello`." },
    [SL_REASON_UNRECOGNIZED_NAME] = { "unrecognized_name", SL_LOG_INFO,
                                      "The client asked for no name, or for one that no "
                                      "certificate is for, and `sni` is strict." },
    [SL_REASON_NO_ROUTE] = { "no_route", SL_LOG_INFO,
                             "No route was for the connection, and the service has no `connect` of "
                             "its own." },
    [SL_REASON_NO_APPLICATION_PROTOCOL] = { "no_application_protocol", SL_LOG_INFO,
                                            "Of the ALPN protocols that the client offered none "
                                            "is spoken, and `alpn_strict` is on." },
    [SL_REASON_CLIENT_UNVERIFIED] = { "client_unverified", SL_LOG_INFO,
                                      "The client's certificate or pre-shared key was not "
                                      "accepted, or it had none." },
    [SL_REASON_CLIENT_DENIED] = { "client_denied", SL_LOG_INFO,
                                  "The client's certificate was good, and `clients.rules` did not "
                                  "let it in; `detail` says which." },
    [SL_REASON_UPSTREAM_REFUSED] = { "upstream_refused", SL_LOG_WARN,
                                     "Every upstream refused; `upstream` is the last one tried." },
    [SL_REASON_UPSTREAM_UNREACHABLE] = { "upstream_unreachable", SL_LOG_WARN,
                                         "No upstream could be reached." },
    [SL_REASON_UPSTREAM_UNRESOLVED] = { "upstream_unresolved", SL_LOG_WARN,
                                        "DNS has said no address yet of the upstream's name "
                                        "(`dns: {unresolved: later}`)." },
    [SL_REASON_CONNECT_TIMEOUT] = { "connect_timeout", SL_LOG_WARN,
                                    "No upstream answered within `timeouts.connect`." },
    [SL_REASON_UPSTREAM_CLOSED] = { "upstream_closed", SL_LOG_WARN,
                                    "The upstream went away before its handshake was done." },
    [SL_REASON_UPSTREAM_HANDSHAKE_TIMEOUT] = { "upstream_handshake_timeout", SL_LOG_WARN,
                                               "The upstream did not finish its handshake within "
                                               "`timeouts.upstream_handshake`." },
    [SL_REASON_UPSTREAM_HANDSHAKE_FAILED] = { "upstream_handshake_failed", SL_LOG_WARN,
                                              "The handshake with the upstream failed." },
    [SL_REASON_UPSTREAM_NOT_TLS] = { "upstream_not_tls", SL_LOG_WARN,
                                     "The upstream does not speak TLS." },
    [SL_REASON_UPSTREAM_UNVERIFIED] = { "upstream_unverified", SL_LOG_WARN,
                                        "The upstream's certificate was not accepted, or it did "
                                        "not use the pre-shared key; no byte of "
                                        "the "
                                        "client's was sent to it." },
    [SL_REASON_KEYS_TIMEOUT] = { "keys_timeout", SL_LOG_ERROR,
                                 "A private key did not sign in time; the handshake was ended." },
    [SL_REASON_KEYS_OVERLOAD] = { "keys_overload", SL_LOG_ERROR,
                                  "Too many handshakes of the worker waited for private keys." },
    [SL_REASON_KEYS_FAILED] = { "keys_failed", SL_LOG_ERROR,
                                "The private key was lost when it was read again: the event "
                                "`key_failed` said why." },
    [SL_REASON_NO_MEMORY] = { "no_memory", SL_LOG_ERROR, "There was no memory." },
    [SL_REASON_NO_DESCRIPTORS] = { "no_descriptors", SL_LOG_ERROR,
                                   "There was no file descriptor for the upstream." },
    [SL_REASON_SHUTDOWN] = { "shutdown", SL_LOG_INFO,
                             "Sluice was told to stop and did not wait longer." },
    [SL_REASON_INTERNAL] = { "internal", SL_LOG_ERROR,
                             "A mistake of Sluice's own: please report." },
};

const struct sl_reason_row *sl_reason_row(enum sl_reason reason)
{
    return &ROWS[(unsigned)reason < SL_REASON_COUNT ? reason : SL_REASON_INTERNAL];
}

enum sl_log_level sl_reason_level(enum sl_reason reason, bool is_upstream)
{
    return reason == SL_REASON_TLS_ERROR && is_upstream ? SL_LOG_WARN
                                                        : sl_reason_row(reason)->level;
}
