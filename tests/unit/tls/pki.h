/* SPDX-License-Identifier: Apache-2.0 */
/** @file Certificates for tests, made when they run. A failure ends the program. */
#pragma once
#include "base/slice.h"

enum pki_kind { PKI_EC, PKI_EC_384, PKI_EC_521, PKI_RSA, PKI_RSA_1024, PKI_ED25519 };

struct pki_spec {
    const char *cn;  /* NULL: an empty subject */
    const char *san; /* as in openssl.cnf: "DNS:a.example,IP:127.0.0.1"; NULL for none */
    enum pki_kind kind;
    bool is_ca;
    int64_t from_s, to_s; /* validity, from now; both 0: an hour ago to a day ahead */
};

struct pki_cert {
    char *chain; /* PEM of the certificate alone */
    char *key;   /* PEM, not encrypted */
};

/** @param issuer  NULL: signs itself */
void pki_make(const struct pki_spec *spec, const struct pki_cert *issuer,
              struct pki_cert *ret_cert);
void pki_free(struct pki_cert *cert);

/** `pem` as a slice. */
struct sl_slice pki_slice(const char *pem);

/** Two PEM texts behind one another; the caller frees it. */
char *pki_join(const char *first, const char *second);
