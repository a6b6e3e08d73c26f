/* SPDX-License-Identifier: Apache-2.0 */
/** @file SipHash-2-4 (Aumasson, Bernstein 2012): a hash whose collisions nobody finds who does not
 * know its key. Pure. */
#pragma once
#include "base/slice.h"

struct sl_siphash_key {
    uint64_t words[2]; /* little-endian halves of the 16 bytes; random, kept secret */
};

uint64_t sl_siphash(const struct sl_siphash_key *key, struct sl_slice bytes);
