/* SPDX-License-Identifier: Apache-2.0 */
/** @file The one result type of the whole program. */
#pragma once
#include "base/def.h"

/**
 * SL_OK is 0; everything else names why a function stopped. SL_AGAIN and SL_EOF are ordinary
 * answers, not errors. Results leave a function through `ret_…` parameters, untouched on failure.
 */
enum sl_err {
    SL_OK = 0,
    SL_AGAIN,     /* more input, room or readiness is wanted: call again then */
    SL_EOF,       /* the clean end of the input */
    SL_EPAUSED,   /* waits for a decision of the caller, not for input */
    SL_EWAIT,     /* waits for another process: goes on when told */
    SL_EPROTO,    /* the peer broke its protocol */
    SL_ERESET,    /* the peer reset or cut off the connection: no clean end */
    SL_ETRUNC,    /* the transport ended without close_notify (RFC 8446 6.1) */
    SL_ETLS,      /* TLS failed; the diag holds the library's text */
    SL_EVERIFY,   /* the peer's certificate was not accepted; the diag says why */
    SL_EDENIED,   /* the peer's certificate is good, and rules keep it out; the diag says why */
    SL_ENOSPC,    /* the buffer of the caller is too small */
    SL_ENOMEM,    /* no memory */
    SL_EBUSY,     /* as much is under way as is allowed at once */
    SL_EMFILE,    /* no file descriptors */
    SL_ERANGE,    /* a value is outside its limits */
    SL_EINVAL,    /* the input is not well formed */
    SL_ENOENT,    /* there is no such thing */
    SL_EREFUSED,  /* the address refused the connection */
    SL_EUNREACH,  /* the address cannot be reached */
    SL_ETIMEDOUT, /* it took too long */
    SL_ESYS,      /* a system call failed; errno says why */
    SL_ERR_COUNT
};

/** The name of `err` as text, such as "SL_EPROTO"; never NULL, static storage. */
const char *sl_err_name(enum sl_err err);
