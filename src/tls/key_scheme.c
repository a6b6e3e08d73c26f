/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/key_scheme.h"
#include <string.h>
#include <strings.h>

static const struct sl_key_scheme SCHEMES[] = {
    { 0x0403, SL_KEY_ECDSA, "SHA256", 32 },
    { 0x0503, SL_KEY_ECDSA, "SHA384", 48 },
    { 0x0603, SL_KEY_ECDSA, "SHA512", 64 },
    { 0x0303, SL_KEY_ECDSA, "SHA224", 28 },
    { 0x0203, SL_KEY_ECDSA, "SHA1", 20 },
    { 0x0804, SL_KEY_RSA_PSS, "SHA256", 32 },
    { 0x0805, SL_KEY_RSA_PSS, "SHA384", 48 },
    { 0x0806, SL_KEY_RSA_PSS, "SHA512", 64 },
    { 0x0401, SL_KEY_RSA_PKCS1, "SHA256", 32 },
    { 0x0501, SL_KEY_RSA_PKCS1, "SHA384", 48 },
    { 0x0601, SL_KEY_RSA_PKCS1, "SHA512", 64 },
    { 0x0301, SL_KEY_RSA_PKCS1, "SHA224", 28 },
    { 0x0201, SL_KEY_RSA_PKCS1, "SHA1", 20 },
    { 0xff01, SL_KEY_RSA_PKCS1, "MD5-SHA1", 36 }, /* before TLS 1.2 it had no number */
    { 0x0807, SL_KEY_EDDSA, NULL, 0 },
    { SL_KEY_PREMASTER, SL_KEY_RSA_PREMASTER, NULL, 0 },
};

const struct sl_key_scheme *sl_key_scheme_find(uint16_t number)
{
    for (size_t i = 0; i < SL_COUNT(SCHEMES); i++) {
        if (SCHEMES[i].number == number) {
            return &SCHEMES[i];
        }
    }
    return NULL;
}

/* "SHA2-256" and "SHA256" are two names of one digest. */
static bool is_same_digest(const char *a, const char *b)
{
    bool is_long = strncasecmp(b, "SHA2-", 5) == 0;
    return is_long ? strncasecmp(a, "SHA", 3) == 0 && strcmp(a + 3, b + 5) == 0
                   : strcasecmp(a, b) == 0;
}

const struct sl_key_scheme *sl_key_scheme_of(enum sl_key_padding padding, const char *digest)
{
    for (size_t i = 0; i < SL_COUNT(SCHEMES); i++) {
        const struct sl_key_scheme *row = &SCHEMES[i];
        if (row->padding == padding &&
            (row->digest == NULL || (digest != NULL && is_same_digest(row->digest, digest)))) {
            return row;
        }
    }
    return NULL;
}
