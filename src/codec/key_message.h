/* SPDX-License-Identifier: Apache-2.0 */
/** @file What a worker asks of the process that holds the private keys, and its answers; and what
 * that one asks of a token's process, which answers with SIGNED only.
 *
 * One datagram of SOCK_SEQPACKET holds one or more messages, back to back, all numbers in network
 * byte order:
 *
 *     u8 type, u32 id, u16 length of the body, body
 *     SIGN    body: u32 key index, u16 scheme, input
 *     SIGNED  body: u8 result, signature (empty unless the result is DONE)
 *     QUEUED  no body: a token will sign it; this answers the request, and LATE comes
 *     LATE    body: as SIGNED, after QUEUED
 *
 * One table says for every type who may send it and how long its body is; anything else is
 * SL_EPROTO and ends the channel. Pure: the memory is the caller's.
 */
#pragma once
#include "base/slice.h"

enum { SL_KEY_INPUT_MAX = 32 * 1024 };    /* bytes: a digest; for Ed25519 the whole message */
enum { SL_KEY_SIGNATURE_MAX = 2048 };     /* bytes: RSA with 16384 bits */
enum { SL_KEY_DATAGRAM_MAX = 36 * 1024 }; /* bytes of one batch */
/** Requests of one worker that were sent and not answered: what the sockets have room for. More end
 * the channel. */
enum { SL_KEY_UNDERWAY_MAX_COUNT = 128 };

/** Keys from that number on are on tokens; those below it are of files. */
enum { SL_KEY_TOKENS_FIRST = 1 << 30 };

enum sl_key_message_type {
    SL_KEY_SIGN = 1,
    SL_KEY_SIGNED,
    SL_KEY_QUEUED,
    SL_KEY_LATE,
    SL_KEY_MESSAGE_END
};

/** Who reads a message. */
enum sl_key_direction { SL_KEY_TO_KEYS, SL_KEY_TO_WORKER };

enum sl_key_result {
    SL_KEY_DONE,
    SL_KEY_REFUSED,   /* the key cannot sign with that scheme, or such an input */
    SL_KEY_NOT_THERE, /* the key could not be loaded */
    SL_KEY_OVERLOAD,  /* too many wait for its token */
    SL_KEY_RESULT_END
};

struct sl_key_message {
    enum sl_key_message_type type;
    uint32_t id; /* chosen by who asks, repeated by who answers */
    /* SIGN */
    uint32_t key_index;
    uint16_t scheme;
    /* SIGNED, LATE */
    enum sl_key_result result;
    /* SIGN: the input, never empty; SIGNED, LATE: the signature */
    struct sl_slice bytes;
};

/** Appends one message. SL_OK, SL_ENOSPC (nothing written), SL_ERANGE (`bytes` over its limits). */
SL_CHECKED enum sl_err sl_key_message_emit(const struct sl_key_message *message,
                                           struct sl_wbuf *out);

/**
 * Cuts the next message off the front of a datagram; `ret_message` points into it.
 * @return SL_OK, SL_EOF (none is left), SL_EPROTO (what the table does not allow: end the channel)
 */
SL_CHECKED enum sl_err sl_key_message_next(struct sl_slice *datagram,
                                           enum sl_key_direction direction,
                                           struct sl_key_message *ret_message);
