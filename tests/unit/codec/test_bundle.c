/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/bundle.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { HEAD_BYTES = 20 };

static const struct sl_bundle_entry SAMPLES[] = {
    { 2, SL_SLICE_INIT("/etc/b.pem"), SL_SLICE_INIT("second") },
    { 1, SL_SLICE_INIT("/etc/b.pem"), SL_SLICE_INIT("first") },
    { 2, SL_SLICE_INIT("/etc/b"), SL_SLICE_INIT("") },
    { 0, SL_SLICE_INIT(""), SL_SLICE_INIT("no name") },
    { 255, SL_SLICE_INIT("\xff\0\xff"), SL_SLICE_INIT("any bytes") },
};

/* Writes the samples to heap memory of the exact size; the caller frees its ptr. */
static struct sl_wbuf samples_emit(void)
{
    struct sl_bundle_entry entries[SL_COUNT(SAMPLES)];
    memcpy(entries, SAMPLES, sizeof(entries));
    size_t size = 0;
    assert_int_equal(sl_bundle_prepare(entries, SL_COUNT(entries), &size), SL_OK);
    struct sl_wbuf out = sl_wbuf_of(malloc(size), size);
    assert_non_null(out.ptr);
    assert_int_equal(sl_bundle_emit(entries, SL_COUNT(entries), &out), SL_OK);
    assert_int_equal(out.len, size);
    return out;
}

/* Opens a heap copy of the exact size, so that the sanitizer sees a read too far. */
static enum sl_err open_code(struct sl_slice bytes)
{
    uint8_t *copy = malloc(bytes.len == 0 ? 1 : bytes.len);
    assert_non_null(copy);
    memcpy(copy, bytes.ptr, bytes.len);
    struct sl_bundle bundle = { .entries_count = 77 };
    enum sl_err rc = sl_bundle_open(sl_slice_of(copy, bytes.len), &bundle);
    if (rc != SL_OK) {
        assert_int_equal(bundle.entries_count, 77);
    }
    free(copy);
    return rc;
}

static void a_bundle_has_these_bytes(void **state)
{
    SL_UNUSED(state);
    struct sl_bundle_entry entries[] = {
        { 2, SL_SLICE_INIT("n"), SL_SLICE_INIT("xyz") },
        { 1, SL_SLICE_INIT(""), SL_SLICE_INIT("") },
    };
    static const char expected[] = "SLBUNDLE\0\1\0\0\0\0\0\2\0\0\0\x2e"
                                   "\0\0\0\x1c\0\0\0\x23"
                                   "\1\0\0\0\0\0\0"
                                   "\2\0\1\0\0\0\3nxyz";
    uint8_t bytes[sizeof(expected) - 1];
    size_t size = 0;
    assert_int_equal(sl_bundle_prepare(entries, SL_COUNT(entries), &size), SL_OK);
    assert_int_equal(size, sizeof(bytes));
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    assert_int_equal(sl_bundle_emit(entries, SL_COUNT(entries), &out), SL_OK);
    assert_memory_equal(bytes, expected, sizeof(bytes));
}

static void every_entry_is_found(void **state)
{
    SL_UNUSED(state);
    struct sl_wbuf out = samples_emit();
    struct sl_bundle bundle;
    assert_int_equal(sl_bundle_open(sl_wbuf_slice(&out), &bundle), SL_OK);
    for (size_t i = 0; i < SL_COUNT(SAMPLES); i++) {
        struct sl_slice bytes;
        assert_int_equal(sl_bundle_find(&bundle, SAMPLES[i].kind, SAMPLES[i].name, &bytes), SL_OK);
        assert_true(sl_slice_eq(bytes, SAMPLES[i].bytes));
    }
    free(out.ptr);
}

static void what_is_not_there_is_not_found(void **state)
{
    SL_UNUSED(state);
    struct sl_wbuf out = samples_emit();
    struct sl_bundle bundle;
    assert_int_equal(sl_bundle_open(sl_wbuf_slice(&out), &bundle), SL_OK);
    const struct sl_bundle_entry absent[] = {
        { 1, SL_SLICE_INIT(""), { 0 } },          { 0, SL_SLICE_INIT("a"), { 0 } },
        { 2, SL_SLICE_INIT("/etc/b.pe"), { 0 } }, { 2, SL_SLICE_INIT("/etc/b.pem "), { 0 } },
        { 3, SL_SLICE_INIT("/etc/b"), { 0 } },    { 255, SL_SLICE_INIT("\xff\0\xff\xff"), { 0 } },
    };
    for (size_t i = 0; i < SL_COUNT(absent); i++) {
        struct sl_slice bytes = SL_SLICE("untouched");
        assert_int_equal(sl_bundle_find(&bundle, absent[i].kind, absent[i].name, &bytes),
                         SL_ENOENT);
        assert_true(sl_slice_eq(bytes, SL_SLICE("untouched")));
    }
    free(out.ptr);
}

static void entries_come_in_order_of_kind_and_name(void **state)
{
    SL_UNUSED(state);
    static const size_t order[] = { 3, 1, 2, 0, 4 };
    struct sl_wbuf out = samples_emit();
    struct sl_bundle bundle;
    assert_int_equal(sl_bundle_open(sl_wbuf_slice(&out), &bundle), SL_OK);
    uint32_t cursor = 0;
    struct sl_bundle_entry entry;
    for (size_t i = 0; i < SL_COUNT(order); i++) {
        assert_int_equal(sl_bundle_next(&bundle, &cursor, &entry), SL_OK);
        assert_int_equal(entry.kind, SAMPLES[order[i]].kind);
        assert_true(sl_slice_eq(entry.name, SAMPLES[order[i]].name));
        assert_true(sl_slice_eq(entry.bytes, SAMPLES[order[i]].bytes));
    }
    assert_int_equal(sl_bundle_next(&bundle, &cursor, &entry), SL_EOF);
    assert_int_equal(sl_bundle_next(&bundle, &cursor, &entry), SL_EOF);
    free(out.ptr);
}

static void the_empty_bundle_is_a_bundle(void **state)
{
    SL_UNUSED(state);
    uint8_t bytes[HEAD_BYTES];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    size_t size = 0;
    assert_int_equal(sl_bundle_prepare(NULL, 0, &size), SL_OK);
    assert_int_equal(size, HEAD_BYTES);
    assert_int_equal(sl_bundle_emit(NULL, 0, &out), SL_OK);
    struct sl_bundle bundle;
    struct sl_slice found;
    struct sl_bundle_entry entry;
    uint32_t cursor = 0;
    assert_int_equal(sl_bundle_open(sl_wbuf_slice(&out), &bundle), SL_OK);
    assert_int_equal(sl_bundle_find(&bundle, 0, SL_SLICE(""), &found), SL_ENOENT);
    assert_int_equal(sl_bundle_next(&bundle, &cursor, &entry), SL_EOF);
}

static void a_hundred_thousand_names_are_found(void **state)
{
    SL_UNUSED(state);
    enum { COUNT = 100000, NAME_BYTES = 12 };
    struct sl_bundle_entry *entries = calloc(COUNT, sizeof(*entries));
    char *names = calloc(COUNT, NAME_BYTES);
    assert_true(entries != NULL && names != NULL);
    uint32_t random = 1;
    for (size_t i = 0; i < COUNT; i++) {
        random = random * 1664525U + 1013904223U; /* a full period: no value comes twice */
        char *name = names + i * NAME_BYTES;
        (void)snprintf(name, NAME_BYTES, "%u", random);
        entries[i] =
            (struct sl_bundle_entry){ (uint8_t)(i % 3), sl_slice_cstr(name), sl_slice_of(name, 1) };
    }
    size_t size = 0;
    assert_int_equal(sl_bundle_prepare(entries, COUNT, &size), SL_OK);
    struct sl_wbuf out = sl_wbuf_of(malloc(size), size);
    assert_int_equal(sl_bundle_emit(entries, COUNT, &out), SL_OK);
    struct sl_bundle bundle;
    assert_int_equal(sl_bundle_open(sl_wbuf_slice(&out), &bundle), SL_OK);
    for (size_t i = 0; i < COUNT; i++) {
        struct sl_slice bytes = { 0 };
        struct sl_slice name = sl_slice_cstr(names + i * NAME_BYTES);
        assert_int_equal(sl_bundle_find(&bundle, (uint8_t)(i % 3), name, &bytes), SL_OK);
        assert_true(bytes.len == 1 && bytes.ptr[0] == name.ptr[0]);
    }
    free(out.ptr);
    free(names);
    free(entries);
}

static void a_kind_and_name_twice_is_refused(void **state)
{
    SL_UNUSED(state);
    struct sl_bundle_entry entries[] = {
        { 1, SL_SLICE_INIT("b"), SL_SLICE_INIT("x") },
        { 1, SL_SLICE_INIT("a"), SL_SLICE_INIT("") },
        { 1, SL_SLICE_INIT("b"), SL_SLICE_INIT("y") },
    };
    size_t size = 77;
    assert_int_equal(sl_bundle_prepare(entries, SL_COUNT(entries), &size), SL_EINVAL);
    assert_int_equal(size, 77);
}

static void entries_that_were_not_prepared_are_refused(void **state)
{
    SL_UNUSED(state);
    uint8_t bytes[256];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    assert_int_equal(sl_bundle_emit(SAMPLES, SL_COUNT(SAMPLES), &out), SL_EINVAL);
    assert_int_equal(out.len, 0);
}

static void limits_hold_when_writing(void **state)
{
    SL_UNUSED(state);
    static uint8_t name[SL_BUNDLE_NAME_MAX + 1];
    size_t size = 0;
    struct sl_bundle_entry entry = { 1, sl_slice_of(name, sizeof(name) - 1), SL_SLICE_INIT("") };
    assert_int_equal(sl_bundle_prepare(&entry, 1, &size), SL_OK);
    entry.name.len++;
    assert_int_equal(sl_bundle_prepare(&entry, 1, &size), SL_ERANGE);

    /* bytes are only counted here, never read */
    enum { FITS = SL_BUNDLE_MAX - HEAD_BYTES - 4 - 7 };
    entry.name.len = 0;
    entry.bytes = sl_slice_of(name, FITS);
    assert_int_equal(sl_bundle_prepare(&entry, 1, &size), SL_OK);
    assert_int_equal(size, SL_BUNDLE_MAX);
    entry.bytes.len++;
    assert_int_equal(sl_bundle_prepare(&entry, 1, &size), SL_ERANGE);
    entry.bytes.len = SIZE_MAX;
    assert_int_equal(sl_bundle_prepare(&entry, 1, &size), SL_ERANGE);
}

static void a_buffer_without_room_stays_as_it_was(void **state)
{
    SL_UNUSED(state);
    struct sl_bundle_entry entries[SL_COUNT(SAMPLES)];
    memcpy(entries, SAMPLES, sizeof(entries));
    size_t size = 0;
    uint8_t bytes[256];
    assert_int_equal(sl_bundle_prepare(entries, SL_COUNT(entries), &size), SL_OK);
    struct sl_wbuf out = sl_wbuf_of(bytes, size - 1);
    assert_int_equal(sl_bundle_emit(entries, SL_COUNT(entries), &out), SL_ENOSPC);
    assert_int_equal(out.len, 0);
}

static void a_bundle_of_another_length_is_refused(void **state)
{
    SL_UNUSED(state);
    struct sl_wbuf out = samples_emit();
    for (size_t len = 0; len < out.len; len++) {
        assert_int_equal(open_code(sl_slice_of(out.ptr, len)), SL_EINVAL);
        /* also when the head agrees */
        if (len >= HEAD_BYTES) {
            uint8_t kept = out.ptr[HEAD_BYTES - 1];
            out.ptr[HEAD_BYTES - 1] = (uint8_t)len;
            assert_int_equal(open_code(sl_slice_of(out.ptr, len)), SL_EINVAL);
            out.ptr[HEAD_BYTES - 1] = kept;
        }
    }
    uint8_t longer[256] = { 0 };
    memcpy(longer, out.ptr, out.len);
    assert_int_equal(open_code(sl_slice_of(longer, out.len)), SL_OK);
    assert_int_equal(open_code(sl_slice_of(longer, out.len + 1)), SL_EINVAL);
    longer[HEAD_BYTES - 1]++;
    assert_int_equal(open_code(sl_slice_of(longer, out.len + 1)), SL_EINVAL);
    free(out.ptr);
}

/* Only bytes that are nobody's structure may change: those of values, and of kinds and names as
 * long as the order holds. What opens must then give back exactly what it was made of. */
static void a_changed_bit_is_refused_or_gives_another_sound_bundle(void **state)
{
    SL_UNUSED(state);
    struct sl_wbuf out = samples_emit();
    size_t opened_count = 0;
    for (size_t bit = 0; bit < out.len * 8; bit++) {
        out.ptr[bit / 8] ^= (uint8_t)(1U << bit % 8);
        struct sl_bundle bundle;
        if (sl_bundle_open(sl_wbuf_slice(&out), &bundle) == SL_OK) {
            opened_count++;
            assert_true(bit / 8 >= HEAD_BYTES + 4 * SL_COUNT(SAMPLES));
            struct sl_bundle_entry entries[SL_COUNT(SAMPLES)];
            uint32_t cursor = 0;
            for (size_t i = 0; i < SL_COUNT(SAMPLES); i++) {
                assert_int_equal(sl_bundle_next(&bundle, &cursor, &entries[i]), SL_OK);
            }
            uint8_t again[256];
            struct sl_wbuf copy = sl_wbuf_of(again, sizeof(again));
            assert_int_equal(sl_bundle_emit(entries, SL_COUNT(entries), &copy), SL_OK);
            assert_int_equal(copy.len, out.len);
            assert_memory_equal(again, out.ptr, out.len);
        }
        out.ptr[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    assert_true(opened_count > 0);
    free(out.ptr);
}

static void a_count_that_cannot_be_is_refused(void **state)
{
    SL_UNUSED(state);
    const struct sl_slice bad[] = {
        SL_SLICE("SLBUNDLE\0\1\0\0\xff\xff\xff\xff\0\0\0\x14"),
        SL_SLICE("SLBUNDLE\0\1\0\0\x40\0\0\0\0\0\0\x14"),
        SL_SLICE("SLBUNDLE\0\1\0\0\0\0\0\1\0\0\0\x14"),
        SL_SLICE("SLBUNDLE\0\1\0\0\0\0\0\1\0\0\0\x18\xff\xff\xff\xff"),
        SL_SLICE("SLBUNDLE\0\1\0\0\0\0\0\0\0\0\0\x18\0\0\0\0"),
        SL_SLICE("SLBUNDLE\0\2\0\0\0\0\0\0\0\0\0\x14"),
        SL_SLICE("SLBUNDLE\0\1\0\1\0\0\0\0\0\0\0\x14"),
        SL_SLICE("slbundle\0\1\0\0\0\0\0\0\0\0\0\x14"),
    };
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        assert_int_equal(open_code(bad[i]), SL_EINVAL);
    }
    assert_int_equal(open_code(SL_SLICE("SLBUNDLE\0\1\0\0\0\0\0\0\0\0\0\x14")), SL_OK);
}

static void entries_out_of_order_are_refused(void **state)
{
    SL_UNUSED(state);
    const struct sl_slice right = SL_SLICE("SLBUNDLE\0\1\0\0\0\0\0\2\0\0\0\x2c"
                                           "\0\0\0\x1c\0\0\0\x24"
                                           "\1\0\1\0\0\0\0a\1\0\1\0\0\0\0b");
    uint8_t bytes[64];
    memcpy(bytes, right.ptr, right.len);
    assert_int_equal(open_code(sl_slice_of(bytes, right.len)), SL_OK);
    bytes[35] = 'b'; /* twice */
    assert_int_equal(open_code(sl_slice_of(bytes, right.len)), SL_EINVAL);
    bytes[35] = 'c';
    assert_int_equal(open_code(sl_slice_of(bytes, right.len)), SL_EINVAL);
    bytes[28] = 0; /* the kind goes first */
    assert_int_equal(open_code(sl_slice_of(bytes, right.len)), SL_OK);
}

static void limits_hold_when_reading(void **state)
{
    SL_UNUSED(state);
    enum { NAME_BYTES = SL_BUNDLE_NAME_MAX + 1, TOTAL = HEAD_BYTES + 4 + 7 + NAME_BYTES };
    static uint8_t bytes[TOTAL];
    static const char start[] = "SLBUNDLE\0\1\0\0\0\0\0\1\0\0\x10\x20\0\0\0\x18\1\x10\1\0\0\0";
    memcpy(bytes, start, sizeof(start));
    assert_int_equal(bytes[18] << 8 | bytes[19], TOTAL);
    assert_int_equal(open_code(sl_slice_of(bytes, TOTAL)), SL_EINVAL);
    bytes[19]--;
    bytes[26]--;
    assert_int_equal(open_code(sl_slice_of(bytes, TOTAL - 1)), SL_OK);
}

static void the_count_of_entries_is_bounded(void **state)
{
    SL_UNUSED(state);
    enum { EACH_BYTES = 4 + 7 + 3 };
    for (size_t count = SL_BUNDLE_ENTRIES_MAX; count <= SL_BUNDLE_ENTRIES_MAX + 1; count++) {
        size_t total = HEAD_BYTES + count * EACH_BYTES;
        struct sl_wbuf out = sl_wbuf_of(malloc(total), total);
        assert_non_null(out.ptr);
        assert_int_equal(sl_wbuf_put(&out, SL_SLICE("SLBUNDLE\0\1\0\0")), SL_OK);
        assert_int_equal(sl_wbuf_put_u32(&out, (uint32_t)count), SL_OK);
        assert_int_equal(sl_wbuf_put_u32(&out, (uint32_t)total), SL_OK);
        for (size_t i = 0; i < count; i++) {
            size_t at = HEAD_BYTES + count * 4 + i * 10;
            assert_int_equal(sl_wbuf_put_u32(&out, (uint32_t)at), SL_OK);
        }
        for (uint32_t i = 0; i < count; i++) {
            const uint8_t entry[] = {
                0, 0, 3, 0, 0, 0, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i
            };
            assert_int_equal(sl_wbuf_put(&out, sl_slice_of(entry, sizeof(entry))), SL_OK);
        }
        struct sl_bundle bundle;
        assert_int_equal(sl_bundle_open(sl_wbuf_slice(&out), &bundle),
                         count == SL_BUNDLE_ENTRIES_MAX ? SL_OK : SL_EINVAL);
        free(out.ptr);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bundle_has_these_bytes),
        cmocka_unit_test(every_entry_is_found),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(entries_come_in_order_of_kind_and_name),
        cmocka_unit_test(the_empty_bundle_is_a_bundle),
        cmocka_unit_test(a_hundred_thousand_names_are_found),
        cmocka_unit_test(a_kind_and_name_twice_is_refused),
        cmocka_unit_test(entries_that_were_not_prepared_are_refused),
        cmocka_unit_test(limits_hold_when_writing),
        cmocka_unit_test(a_buffer_without_room_stays_as_it_was),
        cmocka_unit_test(a_bundle_of_another_length_is_refused),
        cmocka_unit_test(a_changed_bit_is_refused_or_gives_another_sound_bundle),
        cmocka_unit_test(a_count_that_cannot_be_is_refused),
        cmocka_unit_test(entries_out_of_order_are_refused),
        cmocka_unit_test(limits_hold_when_reading),
        cmocka_unit_test(the_count_of_entries_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
