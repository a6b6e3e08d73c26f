/* SPDX-License-Identifier: Apache-2.0 */
/** @file As much of HTTP/1.1 as the demo's page needs (RFC 9110, RFC 9112). Pure. */
#pragma once
#include "app/demo_page.h"

enum {
    SL_DEMO_HEAD_MAX = 8 * 1024, /* bytes of a request's head */
    SL_DEMO_ANSWER_MAX = SL_DEMO_BODY_MAX + 1024,
};

enum sl_demo_resource { SL_DEMO_PAGE, SL_DEMO_JSON, SL_DEMO_ELSE };

struct sl_demo_request {
    uint16_t status; /* that the answer has to have */
    enum sl_demo_resource resource;
    bool is_head;       /* HEAD: the answer has no body */
    bool is_keep_alive; /* the connection may have another request */
};

/**
 * Takes a request's head off the front of `in`. One that is not acceptable is taken too, and its
 * status says why. A body is not read: its request is the connection's last.
 * @return SL_OK, SL_AGAIN (more is wanted; never once `in` has SL_DEMO_HEAD_MAX bytes)
 */
SL_CHECKED enum sl_err sl_demo_http_cut(struct sl_slice *in, struct sl_demo_request *ret_request);

/** Appends the whole answer. SL_OK, SL_ENOSPC (less room than SL_DEMO_ANSWER_MAX). */
SL_CHECKED enum sl_err sl_demo_http_answer(const struct sl_demo_request *request,
                                           const struct sl_demo_facts *facts, int64_t now_s,
                                           struct sl_wbuf *out);
