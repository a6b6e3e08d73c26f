/* SPDX-License-Identifier: Apache-2.0 */
#include "base/siphash.h"

enum { WORD_LEN = 8, ROUNDS_OF_WORD = 2, ROUNDS_AT_END = 4 };

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static void rounds(struct state *s, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 = rotate(s->v2, 32);
    }
}

static void absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    rounds(s, ROUNDS_OF_WORD);
    s->v0 ^= word;
}

/* At most eight bytes, little-endian. */
static uint64_t word_of(struct sl_slice bytes)
{
    uint64_t word = 0;
    for (size_t i = bytes.len; i-- > 0;) {
        word = word << 8 | bytes.ptr[i];
    }
    return word;
}

uint64_t sl_siphash(const struct sl_siphash_key *key, struct sl_slice bytes)
{
    const uint64_t k0 = key->words[0], k1 = key->words[1];
    struct state s = { .v0 = k0 ^ UINT64_C(0x736f6d6570736575),
                       .v1 = k1 ^ UINT64_C(0x646f72616e646f6d),
                       .v2 = k0 ^ UINT64_C(0x6c7967656e657261),
                       .v3 = k1 ^ UINT64_C(0x7465646279746573) };
    const uint64_t length = (uint64_t)bytes.len << 56;
    while (bytes.len >= WORD_LEN) {
        absorb(&s, word_of(sl_slice_cut(&bytes, WORD_LEN)));
    }
    absorb(&s, length | word_of(bytes));
    s.v2 ^= 0xff;
    rounds(&s, ROUNDS_AT_END);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
