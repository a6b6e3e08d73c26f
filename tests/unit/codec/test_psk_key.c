/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/psk_key.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static enum sl_err parse(const char *text, struct sl_wbuf *out, uint8_t bytes[SL_PSK_KEY_MAX])
{
    *out = sl_wbuf_of(bytes, SL_PSK_KEY_MAX);
    return sl_psk_key_parse(sl_slice_cstr(text), out);
}

static void hexadecimal_and_base64_say_the_same(void **state)
{
    static const char *const TEXTS[] = {
        "00112233445566778899aabbccddeeff",
        "00112233445566778899AABBCCDDEEFF\n",
        "  0011 2233 4455 6677\r\n\t8899 aabb ccdd eeff  \n",
        "ABEiM0RVZneImaq7zN3u/w==",
        "ABEiM0RVZneI\nmaq7zN3u/w==\n",
    };
    static const uint8_t KEY[] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                   0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(TEXTS); i++) {
        uint8_t bytes[SL_PSK_KEY_MAX];
        struct sl_wbuf out;
        assert_int_equal(parse(TEXTS[i], &out, bytes), SL_OK);
        assert_int_equal(out.len, sizeof(KEY));
        assert_memory_equal(bytes, KEY, sizeof(KEY));
    }
}

static void a_key_has_16_to_64_bytes(void **state)
{
    char hex[2 * SL_PSK_KEY_MAX + 3];
    uint8_t bytes[SL_PSK_KEY_MAX];
    struct sl_wbuf out;
    SL_UNUSED(state);
    for (size_t len = 0; len <= SL_PSK_KEY_MAX + 1; len++) {
        memset(hex, 'a', 2 * len);
        hex[2 * len] = '\0';
        const bool is_good = len >= SL_PSK_KEY_MIN && len <= SL_PSK_KEY_MAX;
        assert_int_equal(parse(hex, &out, bytes), is_good ? SL_OK : SL_ERANGE);
        assert_int_equal(out.len, is_good ? len : 0);
    }
    /* 15 and 65 bytes */
    assert_int_equal(parse("zzzzzzzzzzzzzzzzzzzz", &out, bytes), SL_ERANGE);
    char base64[89];
    memset(base64, 'z', sizeof(base64));
    base64[87] = '=';
    base64[88] = '\0';
    assert_int_equal(parse(base64, &out, bytes), SL_ERANGE);
}

static void what_is_neither_is_refused(void **state)
{
    static const char *const TEXTS[] = {
        "00112233445566778899aabbccddeeff0", /* half a byte */
        "ABEiM0RVZneImaq7zN3u/w=",           /* half a padding */
        "ABEiM0RVZneImaq7zN3u/w==ABEi",      /* more behind the end */
        "00112233445566778899aabbccddee.f",  "-----BEGIN PRIVATE KEY-----",
        "this is a secret word, not a key!",
    };
    uint8_t bytes[SL_PSK_KEY_MAX];
    struct sl_wbuf out;
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(TEXTS); i++) {
        assert_int_equal(parse(TEXTS[i], &out, bytes), SL_EINVAL);
        assert_int_equal(out.len, 0);
    }
    assert_int_equal(sl_psk_key_parse(sl_slice_of("0011223344556677\0889900", 22), &out),
                     SL_EINVAL);
}

static void there_must_be_room_for_all_of_it(void **state)
{
    uint8_t bytes[16];
    struct sl_wbuf out = sl_wbuf_of(bytes, 15);
    SL_UNUSED(state);
    assert_int_equal(sl_psk_key_parse(SL_SLICE("00112233445566778899aabbccddeeff"), &out),
                     SL_ENOSPC);
    assert_int_equal(out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hexadecimal_and_base64_say_the_same),
        cmocka_unit_test(a_key_has_16_to_64_bytes),
        cmocka_unit_test(what_is_neither_is_refused),
        cmocka_unit_test(there_must_be_room_for_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
