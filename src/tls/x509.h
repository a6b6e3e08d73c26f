/* SPDX-License-Identifier: Apache-2.0 */
/** @file X.509 objects from PEM and as text. Inside tls/ only. */
#pragma once
#include "base/diag.h"
#include "base/slice.h"
#include <openssl/pem.h>
#include <openssl/x509.h>

/** A password callback that never asks: encrypted PEM is an error, not a prompt on the terminal. */
int sl_x509_no_password(char *buf, int size, int rwflag, void *arg);

/**
 * Every certificate of `pem`, in its order; blocks that are none are passed over.
 * @param what     names the file in the diag
 * @param max      certificates; more are SL_ERANGE
 * @return SL_OK (the caller frees the stack and what is in it), SL_EINVAL (none, or one that
 * cannot be read), SL_ERANGE, SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_x509_load(struct sl_slice pem, const char *what, int max,
                                    struct sl_diag *diag, STACK_OF(X509) * *ret_chain);

/** Appends the certificate that `der` is. SL_OK, SL_EINVAL (diag), SL_ENOMEM. */
SL_CHECKED enum sl_err sl_x509_add_der(STACK_OF(X509) * chain, struct sl_slice der,
                                       const char *what, struct sl_diag *diag);

/** `name` after RFC 2253, in UTF-8, cut to `size` bytes with its NUL. */
void sl_x509_name_text(const X509_NAME *name, char *text, size_t size);

/** The first common name of `name` in UTF-8, cut to `size` bytes with its NUL; "" when there is
 * none. */
void sl_x509_common_name(const X509_NAME *name, char *text, size_t size);

/** `time` in Unix time; false when it is none (NULL is allowed). */
bool sl_x509_time_s(const ASN1_TIME *time, int64_t *ret_s);

/** Cuts `text` at `limit` bytes, with "…" at its end and no character cut in two. */
void sl_x509_text_cut(char *text, size_t limit_bytes);
