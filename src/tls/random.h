/* SPDX-License-Identifier: Apache-2.0 */
/** @file Random numbers of the kernel's generator (getrandom(2)) for libssl, drawn ahead some at a
 * time. OpenSSL's own generator asks for the process's id each time, in case of a fork, and makes a
 * key schedule. */
#pragma once
#include "base/err.h"
#include <stdbool.h>

/**
 * From here on this process has its random numbers from the kernel. Behind sl_tls_library_init and
 * before anything random is drawn; for a process that does not fork.
 * @param ret_is_used  false where a FIPS provider is active, or something has been drawn before:
 *                     then OpenSSL's generator stays. May be NULL
 * @return SL_OK, SL_ETLS (OpenSSL's generator stays)
 */
SL_CHECKED enum sl_err sl_tls_random_use(bool *ret_is_used);
