/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/value.h"
#include <inttypes.h>
#include <stdio.h>

struct unit {
    struct sl_slice name;
    uint64_t factor;
};

/* from the smallest to the largest */
static const struct unit DURATIONS[] = {
    { SL_SLICE_INIT("ms"), 1 },       { SL_SLICE_INIT("s"), 1000 },
    { SL_SLICE_INIT("m"), 60000 },    { SL_SLICE_INIT("h"), 3600000 },
    { SL_SLICE_INIT("d"), 86400000 },
};
static const struct unit SIZES[] = {
    { SL_SLICE_INIT(""), 1 },
    { SL_SLICE_INIT("KiB"), 1 << 10 },
    { SL_SLICE_INIT("MiB"), 1 << 20 },
    { SL_SLICE_INIT("GiB"), 1 << 30 },
};

static size_t digits_count(struct sl_slice text)
{
    size_t count = 0;
    while (count < text.len && text.ptr[count] >= '0' && text.ptr[count] <= '9') {
        count++;
    }
    return count;
}

enum sl_err sl_value_integer(struct sl_slice text, uint64_t *ret_value)
{
    uint64_t value = 0;
    bool is_over = false;
    if (text.len == 0 || digits_count(text) != text.len) {
        return SL_EINVAL;
    }
    for (size_t i = 0; i < text.len; i++) {
        is_over |= __builtin_mul_overflow(value, (uint64_t)10, &value);
        is_over |= __builtin_add_overflow(value, (uint64_t)(text.ptr[i] - '0'), &value);
    }
    if (is_over) {
        return SL_ERANGE;
    }
    *ret_value = value;
    return SL_OK;
}

static enum sl_err with_unit(struct sl_slice text, const struct unit *units, size_t units_count,
                             uint64_t *ret_value)
{
    struct sl_slice number = sl_slice_cut(&text, digits_count(text));
    for (size_t i = 0; i < units_count; i++) {
        if (!sl_slice_eq(text, units[i].name)) {
            continue;
        }
        uint64_t value;
        enum sl_err rc = sl_value_integer(number, &value);
        if (rc != SL_OK) {
            return rc;
        }
        if (__builtin_mul_overflow(value, units[i].factor, &value)) {
            return SL_ERANGE;
        }
        *ret_value = value;
        return SL_OK;
    }
    return SL_EINVAL;
}

enum sl_err sl_value_duration(struct sl_slice text, uint64_t *ret_ms)
{
    return with_unit(text, DURATIONS, SL_COUNT(DURATIONS), ret_ms);
}

enum sl_err sl_value_size(struct sl_slice text, uint64_t *ret_bytes)
{
    return with_unit(text, SIZES, SL_COUNT(SIZES), ret_bytes);
}

enum sl_err sl_value_switch(struct sl_slice text, bool *ret_value)
{
    static const struct {
        struct sl_slice word;
        bool value;
    } WORDS[] = {
        { SL_SLICE_INIT("on"), true },   { SL_SLICE_INIT("off"), false },
        { SL_SLICE_INIT("true"), true }, { SL_SLICE_INIT("false"), false },
        { SL_SLICE_INIT("yes"), true },  { SL_SLICE_INIT("no"), false },
    };
    for (size_t i = 0; i < SL_COUNT(WORDS); i++) {
        if (sl_slice_eq_nocase(text, WORDS[i].word)) {
            *ret_value = WORDS[i].value;
            return SL_OK;
        }
    }
    return SL_EINVAL;
}

static void format(uint64_t value, const struct unit *units, size_t units_count,
                   const struct unit *unit_of_zero, char ret_text[static SL_VALUE_TEXT_MAX])
{
    const struct unit *unit = value == 0 ? unit_of_zero : units;
    for (size_t i = 0; value > 0 && i < units_count; i++) {
        if (value % units[i].factor == 0) {
            unit = &units[i];
        }
    }
    (void)snprintf(ret_text, SL_VALUE_TEXT_MAX, "%" PRIu64 "%.*s", value / unit->factor,
                   SL_SLICE_FMT(unit->name));
}

void sl_value_format_duration(uint64_t ms, char ret_text[static SL_VALUE_TEXT_MAX])
{
    format(ms, DURATIONS, SL_COUNT(DURATIONS), &DURATIONS[1], ret_text);
}

void sl_value_format_size(uint64_t bytes, char ret_text[static SL_VALUE_TEXT_MAX])
{
    format(bytes, SIZES, SL_COUNT(SIZES), &SIZES[0], ret_text);
}
