/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/clients.h"

/* Ciphers and signatures are listed as far as they matter to a server of today: what no policy can
 * have (SSL 3.0, export ciphers, static ECDH, DSA, anonymous ones) is left out. */

enum { TLS_1_0 = 0x0301, TLS_1_2 = 0x0303, TLS_1_3 = 0x0304 };

#define AES128 "TLS_AES_128_GCM_SHA256"
#define AES256 "TLS_AES_256_GCM_SHA384"
#define CHACHA "TLS_CHACHA20_POLY1305_SHA256"

#define ECDSA_SHA2 "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512"
#define PSS_SHA2   "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512"
#define RSA_SHA2   "rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512"

#define GROUPS_NIST    "prime256v1:secp384r1:secp521r1"
#define GROUPS_BROWSER "X25519MLKEM768:X25519:" GROUPS_NIST

/* NSS */
#define CIPHERS_FIREFOX                                                                            \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                                   \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"                                   \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                                   \
    "ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA:"     \
    "AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA:AES256-SHA"
#define CIPHERS_FIREFOX_52                                                                         \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                                   \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"                                   \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                                   \
    "ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA:"     \
    "DHE-RSA-AES128-SHA:DHE-RSA-AES256-SHA:AES128-SHA:AES256-SHA:DES-CBC3-SHA"
#define SIGNATURES_FIREFOX ECDSA_SHA2 ":" PSS_SHA2 ":" RSA_SHA2 ":ECDSA+SHA1:RSA+SHA1"

/* BoringSSL */
#define CIPHERS_CHROME                                                                             \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                                   \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                                   \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"                                   \
    "ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA:AES128-GCM-SHA256:AES256-GCM-SHA384:"               \
    "AES128-SHA:AES256-SHA"
#define CIPHERS_CHROME_49                                                                          \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256:"         \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"                                   \
    "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:DHE-RSA-AES256-SHA:"                              \
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:DHE-RSA-AES128-SHA:"                              \
    "AES128-GCM-SHA256:AES256-SHA:AES128-SHA:DES-CBC3-SHA"
#define SIGNATURES_CHROME                                                                          \
    "ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256:rsa_pkcs1_sha256:"                                 \
    "ecdsa_secp384r1_sha384:rsa_pss_rsae_sha384:rsa_pkcs1_sha384:"                                 \
    "rsa_pss_rsae_sha512:rsa_pkcs1_sha512"
#define SIGNATURES_CHROME_49                                                                       \
    "rsa_pkcs1_sha512:ecdsa_secp521r1_sha512:rsa_pkcs1_sha384:ecdsa_secp384r1_sha384:"             \
    "rsa_pkcs1_sha256:ecdsa_secp256r1_sha256:RSA+SHA1:ECDSA+SHA1"

/* Apple's */
#define CIPHERS_SAFARI                                                                             \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"   \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305:"         \
    "ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES256-SHA:ECDHE-RSA-AES128-SHA:"     \
    "AES256-GCM-SHA384:AES128-GCM-SHA256:AES256-SHA:AES128-SHA:"                                   \
    "ECDHE-ECDSA-DES-CBC3-SHA:ECDHE-RSA-DES-CBC3-SHA:DES-CBC3-SHA"
#define CIPHERS_SAFARI_9                                                                           \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:"                                 \
    "ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA256:"                                         \
    "ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:"                                               \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:"                                     \
    "ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA:ECDHE-RSA-AES128-SHA:"   \
    "AES256-GCM-SHA384:AES128-GCM-SHA256:AES256-SHA256:AES128-SHA256:AES256-SHA:AES128-SHA"
#define SIGNATURES_SAFARI                                                                          \
    "ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256:rsa_pkcs1_sha256:ecdsa_secp384r1_sha384:"          \
    "ECDSA+SHA1:rsa_pss_rsae_sha384:rsa_pkcs1_sha384:rsa_pss_rsae_sha512:rsa_pkcs1_sha512:"        \
    "RSA+SHA1"
#define SIGNATURES_SAFARI_9                                                                        \
    "rsa_pkcs1_sha512:rsa_pkcs1_sha384:rsa_pkcs1_sha256:RSA+SHA1:ecdsa_secp256r1_sha256:"          \
    "ecdsa_secp384r1_sha384:ECDSA+SHA1"

/* JSSE */
#define CIPHERS_JAVA_17                                                                            \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"   \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256:"         \
    "DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:"               \
    "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:"                                           \
    "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:"                                           \
    "DHE-RSA-AES256-SHA256:DHE-RSA-AES128-SHA256:"                                                 \
    "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:DHE-RSA-AES256-SHA:"                              \
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:DHE-RSA-AES128-SHA:"                              \
    "AES256-GCM-SHA384:AES128-GCM-SHA256:AES256-SHA256:AES128-SHA256:AES256-SHA:AES128-SHA"
#define CIPHERS_JAVA_11                                                                            \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:"                                 \
    "ECDHE-RSA-AES256-GCM-SHA384:AES256-GCM-SHA384:DHE-RSA-AES256-GCM-SHA384:"                     \
    "ECDHE-RSA-AES128-GCM-SHA256:AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256:"                     \
    "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:AES256-SHA256:DHE-RSA-AES256-SHA256:"       \
    "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:AES256-SHA:DHE-RSA-AES256-SHA:"                   \
    "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:AES128-SHA256:DHE-RSA-AES128-SHA256:"       \
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:AES128-SHA:DHE-RSA-AES128-SHA"
#define CIPHERS_JAVA_8                                                                             \
    "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:AES256-SHA256:DHE-RSA-AES256-SHA256:"       \
    "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:AES256-SHA:DHE-RSA-AES256-SHA:"                   \
    "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:AES128-SHA256:DHE-RSA-AES128-SHA256:"       \
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:AES128-SHA:DHE-RSA-AES128-SHA:"                   \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:"     \
    "AES256-GCM-SHA384:DHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:AES128-GCM-SHA256:"   \
    "DHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-DES-CBC3-SHA:ECDHE-RSA-DES-CBC3-SHA:DES-CBC3-SHA"
#define CIPHERS_JAVA_7                                                                             \
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:AES128-SHA:DHE-RSA-AES128-SHA:"                   \
    "ECDHE-ECDSA-RC4-SHA:ECDHE-RSA-RC4-SHA:RC4-SHA:"                                               \
    "ECDHE-ECDSA-DES-CBC3-SHA:ECDHE-RSA-DES-CBC3-SHA:DES-CBC3-SHA:RC4-MD5"
#define SIGNATURES_JAVA_11                                                                         \
    ECDSA_SHA2 ":" PSS_SHA2 ":rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:" RSA_SHA2  \
               ":ECDSA+SHA224:RSA+SHA224:ECDSA+SHA1:RSA+SHA1"
#define SIGNATURES_JAVA_17                                                                         \
    ECDSA_SHA2 ":ed25519:ed448:" PSS_SHA2                                                          \
               ":rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:" RSA_SHA2               \
               ":ECDSA+SHA1:RSA+SHA1"
#define SIGNATURES_JAVA_8                                                                          \
    "ecdsa_secp521r1_sha512:rsa_pkcs1_sha512:ecdsa_secp384r1_sha384:rsa_pkcs1_sha384:"             \
    "ecdsa_secp256r1_sha256:rsa_pkcs1_sha256:ECDSA+SHA224:RSA+SHA224:ECDSA+SHA1:RSA+SHA1"

/* OpenSSL's DEFAULT of 1.1.1 and of 3.x */
#define CIPHERS_OPENSSL_3                                                                          \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES256-GCM-SHA384:"         \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-CHACHA20-POLY1305:"         \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256:"         \
    "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:DHE-RSA-AES256-SHA256:"                     \
    "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:DHE-RSA-AES128-SHA256:"                     \
    "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:DHE-RSA-AES256-SHA:"                              \
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:DHE-RSA-AES128-SHA:"                              \
    "AES256-GCM-SHA384:AES128-GCM-SHA256:AES256-SHA256:AES128-SHA256:AES256-SHA:AES128-SHA"
#define CIPHERS_OPENSSL_102                                                                        \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384:"                                   \
    "ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES256-SHA384:"                                           \
    "ECDHE-RSA-AES256-SHA:ECDHE-ECDSA-AES256-SHA:DHE-RSA-AES256-GCM-SHA384:"                       \
    "DHE-RSA-AES256-SHA256:DHE-RSA-AES256-SHA:DHE-RSA-CAMELLIA256-SHA:"                            \
    "AES256-GCM-SHA384:AES256-SHA256:AES256-SHA:CAMELLIA256-SHA:"                                  \
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:"                                   \
    "ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA256:"                                           \
    "ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA:DHE-RSA-AES128-GCM-SHA256:"                       \
    "DHE-RSA-AES128-SHA256:DHE-RSA-AES128-SHA:DHE-RSA-CAMELLIA128-SHA:"                            \
    "AES128-GCM-SHA256:AES128-SHA256:AES128-SHA:CAMELLIA128-SHA"
#define SIGNATURES_OPENSSL                                                                         \
    ECDSA_SHA2 ":ed25519:ed448:rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:" PSS_SHA2 \
               ":" RSA_SHA2 ":ECDSA+SHA224:RSA+SHA224"
#define SIGNATURES_OPENSSL_102                                                                     \
    "rsa_pkcs1_sha512:ecdsa_secp521r1_sha512:rsa_pkcs1_sha384:ecdsa_secp384r1_sha384:"             \
    "rsa_pkcs1_sha256:ecdsa_secp256r1_sha256:RSA+SHA224:ECDSA+SHA224:RSA+SHA1:ECDSA+SHA1"
#define GROUPS_OPENSSL_3 "X25519:prime256v1:X448:secp521r1:secp384r1:ffdhe2048:ffdhe3072"
#define GROUPS_OPENSSL_35                                                                          \
    "X25519MLKEM768:X25519:prime256v1:X448:secp384r1:secp521r1:ffdhe2048:ffdhe3072"

/* Schannel */
#define CIPHERS_WINDOWS_10                                                                         \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:"                                 \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:"                                     \
    "DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256:"                                         \
    "ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA256:"                                         \
    "ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA256:"                                             \
    "ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES256-SHA:ECDHE-RSA-AES128-SHA:"     \
    "AES256-GCM-SHA384:AES128-GCM-SHA256:AES256-SHA256:AES128-SHA256:AES256-SHA:AES128-SHA:"       \
    "DES-CBC3-SHA"
#define CIPHERS_WINDOWS_XP "RC4-MD5:RC4-SHA:DES-CBC3-SHA"
#define SIGNATURES_WINDOWS                                                                         \
    "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:rsa_pkcs1_sha256:"                \
    "rsa_pkcs1_sha384:RSA+SHA1:ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ECDSA+SHA1:"          \
    "rsa_pkcs1_sha512:ecdsa_secp521r1_sha512"

#define CIPHERS_ANDROID_43                                                                         \
    "ECDHE-RSA-AES256-SHA:ECDHE-ECDSA-AES256-SHA:DHE-RSA-AES256-SHA:AES256-SHA:"                   \
    "ECDHE-RSA-DES-CBC3-SHA:ECDHE-ECDSA-DES-CBC3-SHA:DES-CBC3-SHA:"                                \
    "ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA:DHE-RSA-AES128-SHA:AES128-SHA:"                   \
    "ECDHE-RSA-RC4-SHA:ECDHE-ECDSA-RC4-SHA:RC4-SHA:RC4-MD5"

static const struct sl_client CLIENTS[] = {
    { { .name = "firefox-140",
        .min_version = TLS_1_2,
        .max_version = TLS_1_3,
        .suites = AES128 ":" CHACHA ":" AES256,
        .ciphers = CIPHERS_FIREFOX,
        .groups = GROUPS_BROWSER ":ffdhe2048:ffdhe3072",
        .signatures = SIGNATURES_FIREFOX },
      "Firefox 140 ESR (2025)",
      "h2,http/1.1",
      true },
    { { .name = "firefox-52",
        .min_version = TLS_1_0,
        .max_version = TLS_1_2,
        .suites = "",
        .ciphers = CIPHERS_FIREFOX_52,
        .groups = "X25519:" GROUPS_NIST,
        .signatures = SIGNATURES_FIREFOX },
      "Firefox 52 ESR (2017), the last one for Windows XP",
      "h2,http/1.1",
      true },
    { { .name = "chrome-138",
        .min_version = TLS_1_2,
        .max_version = TLS_1_3,
        .suites = AES128 ":" AES256 ":" CHACHA,
        .ciphers = CIPHERS_CHROME,
        .groups = "X25519MLKEM768:X25519:prime256v1:secp384r1",
        .signatures = SIGNATURES_CHROME },
      "Chrome 138 (2025), as Edge",
      "h2,http/1.1",
      true },
    { { .name = "chrome-49",
        .min_version = TLS_1_0,
        .max_version = TLS_1_2,
        .suites = "",
        .ciphers = CIPHERS_CHROME_49,
        .groups = "prime256v1:secp384r1",
        .signatures = SIGNATURES_CHROME_49 },
      "Chrome 49 (2016), the last one for Windows XP",
      "h2,http/1.1",
      true },
    { { .name = "safari-18",
        .min_version = TLS_1_2,
        .max_version = TLS_1_3,
        .suites = AES128 ":" AES256 ":" CHACHA,
        .ciphers = CIPHERS_SAFARI,
        .groups = "X25519:" GROUPS_NIST,
        .signatures = SIGNATURES_SAFARI },
      "Safari 18 (macOS 15, iOS 18; 2024)",
      "h2,http/1.1",
      true },
    { { .name = "safari-9",
        .min_version = TLS_1_0,
        .max_version = TLS_1_2,
        .suites = "",
        .ciphers = CIPHERS_SAFARI_9,
        .groups = GROUPS_NIST,
        .signatures = SIGNATURES_SAFARI_9 },
      "Safari 9 (OS X 10.11, iOS 9; 2015)",
      "h2,http/1.1",
      true },
    { { .name = "java-17",
        .min_version = TLS_1_2,
        .max_version = TLS_1_3,
        .suites = AES256 ":" AES128 ":" CHACHA,
        .ciphers = CIPHERS_JAVA_17,
        .groups = "X25519:" GROUPS_NIST ":X448:ffdhe2048:ffdhe3072",
        .signatures = SIGNATURES_JAVA_17 },
      "Java 17 (2021)",
      NULL,
      true },
    { { .name = "java-11",
        .min_version = TLS_1_0,
        .max_version = TLS_1_3,
        .suites = AES128 ":" AES256,
        .ciphers = CIPHERS_JAVA_11,
        .groups = GROUPS_NIST ":ffdhe2048:ffdhe3072",
        .signatures = SIGNATURES_JAVA_11 },
      "Java 11 (2018)",
      NULL,
      true },
    { { .name = "java-8",
        .min_version = TLS_1_0,
        .max_version = TLS_1_2,
        .suites = "",
        .ciphers = CIPHERS_JAVA_8,
        .groups = GROUPS_NIST,
        .signatures = SIGNATURES_JAVA_8 },
      "Java 8u161 (2018); TLS 1.3 came with 8u261",
      NULL,
      true },
    { { .name = "java-7",
        .min_version = TLS_1_0,
        .max_version = TLS_1_0,
        .suites = "",
        .ciphers = CIPHERS_JAVA_7,
        .groups = GROUPS_NIST,
        .signatures = "" },
      "Java 7 (2011)",
      NULL,
      true },
    { { .name = "openssl-3.5",
        .min_version = TLS_1_2,
        .max_version = TLS_1_3,
        .suites = AES256 ":" CHACHA ":" AES128,
        .ciphers = CIPHERS_OPENSSL_3,
        .groups = GROUPS_OPENSSL_35,
        .signatures = SIGNATURES_OPENSSL },
      "OpenSSL 3.5 (2025), as Python and Perl on Debian 13",
      NULL,
      true },
    { { .name = "openssl-3.0",
        .min_version = TLS_1_2,
        .max_version = TLS_1_3,
        .suites = AES256 ":" CHACHA ":" AES128,
        .ciphers = CIPHERS_OPENSSL_3,
        .groups = GROUPS_OPENSSL_3,
        .signatures = SIGNATURES_OPENSSL },
      "OpenSSL 3.0 (2021), as Python and Perl on Debian 12",
      NULL,
      true },
    { { .name = "openssl-1.1.1",
        .min_version = TLS_1_0,
        .max_version = TLS_1_3,
        .suites = AES256 ":" CHACHA ":" AES128,
        .ciphers = CIPHERS_OPENSSL_3,
        .groups = "X25519:prime256v1:X448:secp521r1:secp384r1",
        .signatures = SIGNATURES_OPENSSL ":ECDSA+SHA1:RSA+SHA1" },
      "OpenSSL 1.1.1 (2018)",
      NULL,
      true },
    { { .name = "openssl-1.0.2",
        .min_version = TLS_1_0,
        .max_version = TLS_1_2,
        .suites = "",
        .ciphers = CIPHERS_OPENSSL_102,
        .groups = "prime256v1:secp521r1:secp384r1",
        .signatures = SIGNATURES_OPENSSL_102 },
      "OpenSSL 1.0.2 (2015)",
      NULL,
      true },
    { { .name = "curl-debian-13",
        .min_version = TLS_1_2,
        .max_version = TLS_1_3,
        .suites = AES256 ":" CHACHA ":" AES128,
        .ciphers = CIPHERS_OPENSSL_3,
        .groups = GROUPS_OPENSSL_35,
        .signatures = SIGNATURES_OPENSSL },
      "curl 8.14 with OpenSSL 3.5 (Debian 13)",
      "h2,http/1.1",
      true },
    { { .name = "curl-debian-12",
        .min_version = TLS_1_2,
        .max_version = TLS_1_3,
        .suites = AES256 ":" CHACHA ":" AES128,
        .ciphers = CIPHERS_OPENSSL_3,
        .groups = GROUPS_OPENSSL_3,
        .signatures = SIGNATURES_OPENSSL },
      "curl 7.88 with OpenSSL 3.0 (Debian 12)",
      "h2,http/1.1",
      true },
    { { .name = "windows-11",
        .min_version = TLS_1_2,
        .max_version = TLS_1_3,
        .suites = AES256 ":" AES128,
        .ciphers = CIPHERS_WINDOWS_10,
        .groups = "X25519:prime256v1:secp384r1",
        .signatures = SIGNATURES_WINDOWS },
      "Schannel of Windows 11 and Server 2022 (2021)",
      "h2,http/1.1",
      true },
    { { .name = "windows-10",
        .min_version = TLS_1_0,
        .max_version = TLS_1_2,
        .suites = "",
        .ciphers = CIPHERS_WINDOWS_10,
        .groups = "X25519:prime256v1:secp384r1",
        .signatures = SIGNATURES_WINDOWS },
      "Schannel of Windows 10 and Server 2019 (2018)",
      "h2,http/1.1",
      true },
    { { .name = "windows-xp",
        .min_version = TLS_1_0,
        .max_version = TLS_1_0,
        .suites = "",
        .ciphers = CIPHERS_WINDOWS_XP,
        .groups = "",
        .signatures = "" },
      "Schannel of Windows XP (2001), as Internet Explorer 8",
      NULL,
      false },
    { { .name = "android-4.3",
        .min_version = TLS_1_0,
        .max_version = TLS_1_0,
        .suites = "",
        .ciphers = CIPHERS_ANDROID_43,
        .groups = GROUPS_NIST,
        .signatures = "" },
      "apps of Android 4.3 (2013)",
      NULL,
      true },
    { .text = NULL },
};

const struct sl_client *sl_client_all(void)
{
    return CLIENTS;
}

const struct sl_client *sl_client_find(struct sl_slice name)
{
    for (const struct sl_client *client = CLIENTS; client->text != NULL; client++) {
        if (sl_slice_eq(name, sl_slice_cstr(client->offer.name))) {
            return client;
        }
    }
    for (const struct sl_client *client = CLIENTS; client->text != NULL; client++) {
        const struct sl_slice known = sl_slice_cstr(client->offer.name);
        if (name.len != 0 && name.len < known.len && known.ptr[name.len] == '-' &&
            sl_slice_starts(known, name)) {
            return client;
        }
    }
    return NULL;
}
