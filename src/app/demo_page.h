/* SPDX-License-Identifier: Apache-2.0 */
/** @file What the demo's page says about a connection. Pure: no socket, clock, file or heap. */
#pragma once
#include "codec/proxy_v2.h"

enum {
    SL_DEMO_TEXT_MAX = 257,       /* bytes of a fact, NUL included: SNI and ALPN have up to 255 */
    SL_DEMO_BODY_MAX = 16 * 1024, /* bytes; the longest page: every byte of the facts escaped */
};

/** What was negotiated with a client. "" is "there is none". */
struct sl_demo_facts {
    char version[SL_DEMO_TEXT_MAX], cipher[SL_DEMO_TEXT_MAX], group[SL_DEMO_TEXT_MAX];
    char alpn[SL_DEMO_TEXT_MAX], sni[SL_DEMO_TEXT_MAX];
    char client[SL_ADDR_TEXT_MAX]; /* address and port */
    bool is_resumed;
};

/** Copies them out of a header; what is longer than a fact may be is cut. */
void sl_demo_facts_read(const struct sl_proxy_v2 *header, struct sl_demo_facts *ret_facts);

/** Appends the page, or the same as JSON. What a client sent is escaped. SL_OK, SL_ENOSPC. */
SL_CHECKED enum sl_err sl_demo_page_html(const struct sl_demo_facts *facts, struct sl_wbuf *out);
SL_CHECKED enum sl_err sl_demo_page_json(const struct sl_demo_facts *facts, struct sl_wbuf *out);
