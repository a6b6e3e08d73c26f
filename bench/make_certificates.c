/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file Writes an authority (ca.pem), COUNT certificates of it with their keys (hostNNNNN.pem and
 * hostNNNNN.key, for the names hostNNNNN.example.com), and sluice.yaml, in which one service shows
 * them all, into FOLDER.
 */
#include "die.h"
#include <errno.h>
#include <getopt.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { COUNT_MAX = 1000000, DAY_S = 86400, VALID_DAYS = 397, NAME_BYTES = 64, PATH_BYTES = 4096 };

struct plan {
    const char *folder;
    unsigned count;
    const char *key_type; /* "EC" (P-256) or "RSA" (2048 bits) */
    const char *listen_url, *connect_url;
};

enum { SCALAR_BYTES = 32, POINT_BYTES = 65, FIXED_COUNT = 4 };

struct authority {
    EVP_PKEY *key;
    X509 *cert;
    X509_EXTENSION *fixed[FIXED_COUNT]; /* what all its certificates have alike */
};

static EVP_PKEY *make_key(const char *type)
{
    EVP_PKEY *key = strcmp(type, "RSA") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048)
                                             : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    bench_need(key != NULL, "a key");
    return key;
}

static X509_EXTENSION *make_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bench_need(extension != NULL, value);
    return extension;
}

static void add_extension(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *extension = make_extension(cert, cert, nid, value);
    bench_need(X509_add_ext(cert, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

/** A certificate for `name` and `key`, of itself while `ca` has none; not signed yet. */
static X509 *make_cert(const char *name, long serial, EVP_PKEY *key, const struct authority *ca)
{
    X509 *cert = X509_new();
    bench_need(cert != NULL, "a certificate");
    X509_NAME *subject = X509_get_subject_name(cert);
    bool is_good = X509_set_version(cert, X509_VERSION_3) == 1 &&
                   ASN1_INTEGER_set(X509_get_serialNumber(cert), serial) == 1 &&
                   X509_gmtime_adj(X509_getm_notBefore(cert), -DAY_S) != NULL &&
                   X509_gmtime_adj(X509_getm_notAfter(cert), (long)VALID_DAYS * DAY_S) != NULL &&
                   X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                              (const unsigned char *)name, -1, -1, 0) == 1 &&
                   X509_set_issuer_name(
                       cert, ca->cert == NULL ? subject : X509_get_subject_name(ca->cert)) == 1 &&
                   X509_set_pubkey(cert, key) == 1;
    bench_need(is_good, name);
    return cert;
}

static void make_authority(struct authority *ca)
{
    *ca = (struct authority){ .key = make_key("EC") };
    X509 *cert = make_cert("Sluice benchmark authority", 1, ca->key, ca);
    add_extension(cert, NID_subject_key_identifier, "hash");
    add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(cert, NID_key_usage, "critical,keyCertSign,cRLSign");
    bench_need(X509_sign(cert, ca->key, EVP_sha256()) > 0, "the authority");
    ca->cert = cert;
    X509 *other = X509_new(); /* for its own certificate, the authority would not be named */
    bench_need(other != NULL, "a certificate");
    ca->fixed[0] = make_extension(other, cert, NID_authority_key_identifier, "keyid");
    X509_free(other);
    ca->fixed[1] = make_extension(cert, cert, NID_basic_constraints, "critical,CA:FALSE");
    ca->fixed[2] = make_extension(cert, cert, NID_key_usage, "critical,digitalSignature");
    ca->fixed[3] = make_extension(cert, cert, NID_ext_key_usage, "serverAuth");
}

static void free_authority(struct authority *ca)
{
    for (unsigned i = 0; i < FIXED_COUNT; i++) {
        X509_EXTENSION_free(ca->fixed[i]);
    }
    X509_free(ca->cert);
    EVP_PKEY_free(ca->key);
}

static X509 *make_leaf(const char *name, long serial, EVP_PKEY *key, const struct authority *ca)
{
    X509 *cert = make_cert(name, serial, key, ca);
    for (unsigned i = 0; i < FIXED_COUNT; i++) {
        bench_need(X509_add_ext(cert, ca->fixed[i], -1) == 1, name);
    }
    char text[NAME_BYTES + 8];
    (void)snprintf(text, sizeof(text), "DNS:%s", name);
    add_extension(cert, NID_subject_key_identifier, "hash");
    add_extension(cert, NID_subject_alt_name, text);
    bench_need(X509_sign(cert, ca->key, EVP_sha256()) > 0, name);
    return cert;
}

static FILE *create(const char *folder, const char *name, mode_t mode)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    mode_t old = umask((mode_t)(~mode & 0777));
    FILE *file = fopen(path, "we");
    (void)umask(old);
    if (file == NULL) {
        bench_die("%s", path);
    }
    return file;
}

static void finish(FILE *file, const char *name)
{
    if (fclose(file) != 0) {
        bench_die("%s", name);
    }
}

static void write_cert(const char *folder, const char *name, X509 *cert)
{
    FILE *file = create(folder, name, 0644);
    bench_need(PEM_write_X509(file, cert) == 1, name);
    finish(file, name);
}

/**
 * Writes a key on P-256 as PKCS #8 (RFC 5208, RFC 5915), of which only the numbers differ from key
 * to key: several times as fast as the library's encoders.
 */
static void write_ec_key(FILE *file, EVP_PKEY *key)
{
    static const unsigned char HEAD[] = {
        0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86,
        0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
        0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20,
    };
    static const unsigned char MIDDLE[] = { 0xa1, 0x44, 0x03, 0x42, 0x00 };
    unsigned char der[sizeof(HEAD) + SCALAR_BYTES + sizeof(MIDDLE) + POINT_BYTES];
    unsigned char *scalar = der + sizeof(HEAD), *middle = scalar + SCALAR_BYTES;
    memcpy(der, HEAD, sizeof(HEAD));
    memcpy(middle, MIDDLE, sizeof(MIDDLE));
    BIGNUM *number = NULL;
    size_t point_len = 0;
    bool is_good =
        EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1 &&
        BN_bn2binpad(number, scalar, SCALAR_BYTES) == SCALAR_BYTES &&
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, middle + sizeof(MIDDLE),
                                        POINT_BYTES, &point_len) == 1 &&
        point_len == POINT_BYTES && PEM_write(file, "PRIVATE KEY", "", der, (long)sizeof(der)) > 0;
    BN_clear_free(number);
    bench_need(is_good, "a key");
}

static void write_leaf(const struct plan *plan, const struct authority *ca, unsigned number)
{
    char name[NAME_BYTES], file_name[NAME_BYTES];
    (void)snprintf(name, sizeof(name), "host%05u.example.com", number);
    EVP_PKEY *key = make_key(plan->key_type);
    X509 *cert = make_leaf(name, (long)number + 2, key, ca);
    (void)snprintf(file_name, sizeof(file_name), "host%05u.pem", number);
    write_cert(plan->folder, file_name, cert);
    (void)snprintf(file_name, sizeof(file_name), "host%05u.key", number);
    FILE *file = create(plan->folder, file_name, 0600);
    if (strcmp(plan->key_type, "EC") == 0) {
        write_ec_key(file, key);
    } else {
        bench_need(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1, file_name);
    }
    finish(file, file_name);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void write_config(const struct plan *plan)
{
    FILE *file = create(plan->folder, "sluice.yaml", 0644);
    (void)fprintf(file,
                  "workers: 1\nservices:\n  web:\n    listen: %s\n    connect: %s\n"
                  "    certificates:\n",
                  plan->listen_url, plan->connect_url);
    for (unsigned i = 0; i < plan->count; i++) {
        (void)fprintf(file, "      - { chain: host%05u.pem, key: host%05u.key }\n", i, i);
    }
    finish(file, "sluice.yaml");
}

static void usage(FILE *out)
{
    (void)fputs("usage: make_certificates [--rsa] [--listen URL] [--connect URL] FOLDER COUNT\n"
                "  --rsa          RSA-2048 keys, not ECDSA on P-256\n"
                "  --listen URL   of the service in sluice.yaml (default tls://127.0.0.1:8443)\n"
                "  --connect URL  likewise (default tcp://127.0.0.1:8080)\n",
                out);
}

static struct plan read_options(int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        { "rsa", no_argument, NULL, 'r' },
        { "listen", required_argument, NULL, 'l' },
        { "connect", required_argument, NULL, 'c' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct plan plan = { .key_type = "EC",
                         .listen_url = "tls://127.0.0.1:8443",
                         .connect_url = "tcp://127.0.0.1:8080" };
    int option;
    while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        switch (option) {
        case 'r':
            plan.key_type = "RSA";
            break;
        case 'l':
            plan.listen_url = optarg;
            break;
        case 'c':
            plan.connect_url = optarg;
            break;
        default:
            usage(option == 'h' ? stdout : stderr);
            exit(option == 'h' ? 0 : 2);
        }
    }
    if (argc - optind != 2) {
        usage(stderr);
        exit(2);
    }
    plan.folder = argv[optind];
    plan.count = (unsigned)bench_number(argv[optind + 1], 1, COUNT_MAX);
    return plan;
}

int main(int argc, char **argv)
{
    struct plan plan = read_options(argc, argv);
    if (mkdir(plan.folder, 0755) != 0 && errno != EEXIST) {
        bench_die("%s", plan.folder);
    }
    errno = 0;
    struct authority ca;
    make_authority(&ca);
    write_cert(plan.folder, "ca.pem", ca.cert);
    for (unsigned i = 0; i < plan.count; i++) {
        write_leaf(&plan, &ca, i);
    }
    write_config(&plan);
    free_authority(&ca);
    return 0;
}
