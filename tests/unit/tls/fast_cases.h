/* SPDX-License-Identifier: Apache-2.0 */
/** @file Random cases that are the same in every run, and which provider does what. */
#pragma once
#include "base/slice.h"
#include "tls/fast.h"
#include "tls/library.h"
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OURS   "provider=sluice-fast"
#define THEIRS "provider=default"

/** xorshift64 */
static inline uint32_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 32);
}

static inline void random_fill(uint64_t *state, uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)random_next(state);
    }
}

/** Of `lens` mostly, else anything up to `max`. */
static inline size_t random_len(uint64_t *state, const size_t *lens, size_t count, size_t max)
{
    return random_next(state) % 4 != 0 ? lens[random_next(state) % count]
                                       : random_next(state) % (max + 1);
}

static inline void hex_read(const char *hex, uint8_t *bytes, size_t len)
{
    assert_int_equal(strlen(hex), 2 * len);
    for (size_t i = 0; i < len; i++) {
        char digits[] = { hex[2 * i], hex[2 * i + 1], '\0' };
        bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
}

static inline int fast_begin(void **state)
{
    bool is_used = false;
    SL_UNUSED(state);
    assert_int_equal(sl_tls_library_init(), SL_OK);
    assert_int_equal(sl_tls_fast_use(true, &is_used), SL_OK);
    assert_true(is_used);
    return 0;
}
