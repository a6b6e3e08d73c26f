/* SPDX-License-Identifier: Apache-2.0 */
/** @file A TLS 1.3 connection whose handshake is over, without libssl: records, KeyUpdate, alerts
 * (RFC 8446 4.6, 5, 6). Inside tls/ only.
 *
 * libssl copies each record twice, allocates a buffer for each, and keeps 7.6 KiB of a connection;
 * here a record goes from the caller's one buffer into the other, and what is kept are two keys.
 */
#pragma once
#include "base/diag.h"
#include "tls/record.h"

enum {
    SL_ESTABLISHED_MESSAGE_HEAD_LEN = 4, /* RFC 8446 4 */
    SL_ESTABLISHED_EMPTIES_MAX = 32,     /* empty records in a row, as libssl has it */
};

/* Our key is updated before so many records: of AES-GCM 2^24.5 are allowed (RFC 8446 5.5). */
#define SL_ESTABLISHED_RECORDS_MAX (UINT64_C(1) << 24)

struct sl_established {
    struct sl_record_way read, write;
    struct sl_record_rest rest; /* half a record that has come */
    bool is_client;
    bool has_ended;     /* close_notify has come */
    bool is_closed;     /* ours has been written */
    bool is_update_due; /* the peer asks for a KeyUpdate */
    uint8_t head_len;   /* of a handshake message of which a part has come: its head, */
    uint8_t head[SL_ESTABLISHED_MESSAGE_HEAD_LEN];
    uint32_t skip_len;        /* and what is left of a ticket */
    unsigned asides_count;    /* messages that are no data, in this call */
    unsigned empties_count;   /* in a row */
    uint64_t records_max;     /* SL_ESTABLISHED_RECORDS_MAX */
    uint8_t *left;            /* plaintext that found no room; NULL for none */
    size_t left_at, left_len; /* bytes */
};

/** What a handshake has left: secrets, and how many records they have been used for. */
struct sl_established_state {
    bool is_client;
    enum sl_record_suite suite;
    const struct sl_fast_secrets *secrets; /* copied */
    uint64_t read_count, written_count;
};

/** `pool` outlives what is made. SL_OK, SL_ETLS, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_established_create(struct sl_record_pool *pool,
                                             const struct sl_established_state *state,
                                             struct sl_established **ret_own);
void sl_established_destroy(struct sl_established *own); /* wipes; NULL is allowed */

/** As sl_tls_decrypt. After SL_ETLS or SL_ENOMEM it must not be called again. */
SL_CHECKED enum sl_err sl_established_decrypt(struct sl_established *own, struct sl_slice *in,
                                              struct sl_wbuf *plain, struct sl_wbuf *out,
                                              struct sl_diag *diag);

/** As sl_tls_encrypt, and never SL_AGAIN. */
SL_CHECKED enum sl_err sl_established_encrypt(struct sl_established *own, struct sl_slice plain,
                                              struct sl_wbuf *out, struct sl_diag *diag);

/** Writes close_notify. SL_OK, SL_ENOSPC, SL_ETLS, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_established_close(struct sl_established *own, struct sl_wbuf *out);
