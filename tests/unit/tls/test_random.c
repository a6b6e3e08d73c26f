/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"
#include "tls/library.h"
#include "tls/random.h"
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STORE_BYTES = 512 }; /* what is drawn ahead at once */
enum { BLOCK_BYTES = 16, BLOCKS_COUNT = 4096 };

static int random_begin(void **state)
{
    bool is_used = false;
    SL_UNUSED(state);
    assert_int_equal(sl_tls_library_init(), SL_OK);
    assert_int_equal(sl_tls_random_use(&is_used), SL_OK);
    assert_true(is_used);
    return 0;
}

static const char *provider_of(EVP_RAND_CTX *generator)
{
    return OSSL_PROVIDER_get0_name(EVP_RAND_get0_provider(EVP_RAND_CTX_get0_rand(generator)));
}

static void all_that_is_drawn_comes_from_the_kernel(void **state)
{
    SL_UNUSED(state);
    assert_string_equal(provider_of(RAND_get0_primary(NULL)), "sluice-random");
    assert_string_equal(provider_of(RAND_get0_public(NULL)), "sluice-random");
    assert_string_equal(provider_of(RAND_get0_private(NULL)), "sluice-random");
    assert_int_equal(RAND_status(), 1);
}

static int block_compare(const void *a, const void *b)
{
    return memcmp(a, b, BLOCK_BYTES);
}

/* A part of the store that is given out again, or after it was wiped, would be seen. */
static void nothing_is_given_out_twice(void **state)
{
    static uint8_t blocks[BLOCKS_COUNT][BLOCK_BYTES];
    SL_UNUSED(state);
    for (size_t i = 0; i < BLOCKS_COUNT; i++) {
        assert_int_equal(RAND_bytes(blocks[i], BLOCK_BYTES), 1);
    }
    qsort(blocks, BLOCKS_COUNT, BLOCK_BYTES, block_compare);
    for (size_t i = 1; i < BLOCKS_COUNT; i++) {
        assert_memory_not_equal(blocks[i - 1], blocks[i], BLOCK_BYTES);
    }
}

static void every_length_is_filled_to_its_end(void **state)
{
    static const size_t LENS[] = { 1,
                                   7,
                                   STORE_BYTES / 2,
                                   STORE_BYTES / 2 + 1,
                                   STORE_BYTES - 1,
                                   STORE_BYTES,
                                   STORE_BYTES + 1,
                                   70 * 1024,
                                   300 * 1024 };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(LENS); i++) {
        uint8_t *bytes = calloc(1, LENS[i] + 1);
        bool is_last_set = false;
        assert_non_null(bytes);
        for (int j = 0; j < 32 && !is_last_set; j++) { /* a zero is random, too */
            assert_int_equal(RAND_bytes_ex(NULL, bytes, LENS[i], 0), 1);
            is_last_set = bytes[LENS[i] - 1] != 0;
        }
        assert_true(is_last_set);
        assert_int_equal(bytes[LENS[i]], 0);
        free(bytes);
    }
}

static void a_strength_above_its_own_is_refused(void **state)
{
    uint8_t bytes[8];
    SL_UNUSED(state);
    assert_int_equal(RAND_bytes_ex(NULL, bytes, sizeof(bytes), 256), 1);
    assert_int_equal(RAND_bytes_ex(NULL, bytes, sizeof(bytes), 257), 0);
    assert_int_equal(RAND_bytes_ex(NULL, bytes, sizeof(bytes), 0), 1);
}

static void seeding_it_does_no_harm(void **state)
{
    uint8_t before[BLOCK_BYTES], after[BLOCK_BYTES];
    SL_UNUSED(state);
    assert_int_equal(RAND_bytes(before, sizeof(before)), 1);
    RAND_add("a", 1, 1.0);
    assert_int_equal(RAND_poll(), 1);
    assert_int_equal(RAND_bytes(after, sizeof(after)), 1);
    assert_memory_not_equal(before, after, sizeof(before));
}

static void it_comes_too_late_behind_the_first_number(void **state)
{
    bool is_used = true;
    SL_UNUSED(state);
    assert_int_equal(sl_tls_random_use(&is_used), SL_OK);
    assert_false(is_used);
    all_that_is_drawn_comes_from_the_kernel(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_is_drawn_comes_from_the_kernel),
        cmocka_unit_test(nothing_is_given_out_twice),
        cmocka_unit_test(every_length_is_filled_to_its_end),
        cmocka_unit_test(a_strength_above_its_own_is_refused),
        cmocka_unit_test(seeding_it_does_no_harm),
        cmocka_unit_test(it_comes_too_late_behind_the_first_number),
    };
    return cmocka_run_group_tests_name("tls/random", tests, random_begin, NULL);
}
