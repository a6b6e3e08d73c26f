/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/suggest.h"
#include <string.h>

enum { PREFIX_MIN = 3, LETTERS_PER_SLIP = 3 };

static uint8_t plain(uint8_t c)
{
    return c == '-' ? '_' : c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static bool is_prefix(struct sl_slice typed, struct sl_slice known)
{
    return typed.len >= PREFIX_MIN && typed.len < known.len &&
           sl_slice_eq_nocase(typed, sl_slice_of(known.ptr, typed.len));
}

/* One cell of the table of optimal string alignment. `rows` are the last three rows. */
static size_t cell(size_t (*rows)[SL_SUGGEST_WORD_MAX + 1], struct sl_slice a, struct sl_slice b,
                   size_t i, size_t j)
{
    const size_t *now = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];
    uint8_t x = plain(a.ptr[i - 1]), y = plain(b.ptr[j - 1]);
    size_t best = up[j - 1] + (x == y ? 0 : 1);
    best = SL_MIN(best, SL_MIN(up[j], now[j - 1]) + 1);
    if (i > 1 && j > 1 && x == plain(b.ptr[j - 2]) && y == plain(a.ptr[i - 2])) {
        best = SL_MIN(best, up2[j - 2] + 1);
    }
    return best;
}

size_t sl_suggest_distance(struct sl_slice typed, struct sl_slice known)
{
    size_t rows[3][SL_SUGGEST_WORD_MAX + 1];
    if (typed.len > SL_SUGGEST_WORD_MAX || known.len > SL_SUGGEST_WORD_MAX) {
        return SL_SUGGEST_NONE;
    }
    for (size_t j = 0; j <= known.len; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= typed.len; i++) {
        rows[i % 3][0] = i;
        for (size_t j = 1; j <= known.len; j++) {
            rows[i % 3][j] = cell(rows, typed, known, i, j);
        }
    }
    size_t distance = rows[typed.len % 3][known.len];
    if (distance > 1 && is_prefix(typed, known)) {
        return 1;
    }
    size_t allowed = SL_MAX(SL_MAX(typed.len, known.len) / LETTERS_PER_SLIP, (size_t)1);
    return distance <= allowed && distance < known.len ? distance : SL_SUGGEST_NONE;
}
