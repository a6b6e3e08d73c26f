/* SPDX-License-Identifier: Apache-2.0 */
/** @file The entries of a bundle that certificates are: they lie there once for all workers, and
 * are found by number or by DNS name without an index in any worker's memory.
 *
 * All numbers are in network byte order:
 *
 *     SL_BUNDLE_CERTIFICATE  by u32 number: u32 index of the key, u8 kind of the key, then
 *                            u32 number of each DER in the chain, the leaf first
 *     SL_BUNDLE_SHELF        by u32 number of a service and u8 side: u32 count of certificates,
 *                            u32 number of the default one, the default's first name
 *     SL_BUNDLE_STAPLE       by u32 number of a certificate: u64 Unix time of its nextUpdate, then
 *                            the OCSP response in DER
 *     SL_BUNDLE_SERVER_NAME  by u32 number of a service and DNS name in lower case:
 *                            {u32 number of a certificate, u8 kind of its key}, as configured
 *     SL_BUNDLE_OWN          by u32 number of a service: the same, of those for its upstreams
 *
 * Pure: the memory is the caller's.
 */
#pragma once
#include "base/reader.h"
#include "codec/bundle.h"
#include "codec/bundle_kind.h"

enum { SL_SERVER_NAME_MAX = 255 };                             /* bytes of a DNS name */
enum { SL_SERVER_NAME_KEY_MAX = 4 + SL_SERVER_NAME_MAX };      /* bytes of the name of its entry */
enum { SL_CHAIN_DERS_MAX = 16 };                               /* in a chain, the leaf counted */
enum { SL_CERTIFICATE_ENTRY_MAX = 5 + 4 * SL_CHAIN_DERS_MAX }; /* bytes */
enum { SL_STAPLE_MAX = 16 * 1024 - 8 }; /* bytes: clients take a CertificateStatus of 16 KiB */
enum { SL_STAPLE_ENTRY_MAX = 8 + SL_STAPLE_MAX }; /* bytes */
enum { SL_CANDIDATE_BYTES = 5 };
enum { SL_SHELF_ENTRY_MAX = 8 + SL_SERVER_NAME_MAX }; /* bytes */

/** What a certificate signs with; the order is that of our preference. ECDSA stands apart by its
 * curve, in the order of enum sl_ec_curve; on another one it is SL_KIND_OTHER. */
enum sl_key_kind {
    SL_KIND_ECDSA_P256,
    SL_KIND_ECDSA_P384,
    SL_KIND_ECDSA_P521,
    SL_KIND_RSA,
    SL_KIND_EDDSA,
    SL_KIND_OTHER,
    SL_KIND_COUNT,
};

/** True of the kinds that are ECDSA. */
static inline bool sl_key_kind_is_ecdsa(enum sl_key_kind kind)
{
    return kind <= SL_KIND_ECDSA_P521;
}

enum sl_shelf_side { SL_SHELF_CLIENTS, SL_SHELF_UPSTREAMS };

struct sl_certificate_entry {
    uint32_t key_index;
    enum sl_key_kind kind;
    uint32_t ders[SL_CHAIN_DERS_MAX];
    size_t ders_count; /* at least 1 */
};

struct sl_shelf_entry {
    uint32_t count;       /* certificates of the service; at least 1 */
    uint32_t first;       /* the number of the default */
    struct sl_slice name; /* the default's first; empty when it has none */
};

/** An OCSP response to staple. */
struct sl_staple_entry {
    int64_t until_s;     /* its nextUpdate in Unix time: from then on it is not sent */
    struct sl_slice der; /* a view, 1 to SL_STAPLE_MAX bytes */
};

/** The name of an entry that is found by number. */
struct sl_number_name {
    uint8_t bytes[4];
};
struct sl_number_name sl_number_name_of(uint32_t number);

/** SL_OK, SL_ENOSPC. */
SL_CHECKED enum sl_err sl_certificate_entry_emit(const struct sl_certificate_entry *entry,
                                                 struct sl_wbuf *out);
SL_CHECKED enum sl_err sl_shelf_entry_emit(const struct sl_shelf_entry *entry, struct sl_wbuf *out);
SL_CHECKED enum sl_err sl_shelf_name_emit(uint32_t service, enum sl_shelf_side side,
                                          struct sl_wbuf *out);

/** SL_OK, SL_ENOSPC. */
SL_CHECKED enum sl_err sl_staple_entry_emit(const struct sl_staple_entry *entry,
                                            struct sl_wbuf *out);

/** One of the certificates that stand for a name. SL_OK, SL_ENOSPC. */
SL_CHECKED enum sl_err sl_candidate_emit(uint32_t certificate, enum sl_key_kind kind,
                                         struct sl_wbuf *out);

/**
 * The name of the entry of a DNS name: in lower case, and without its trailing dot.
 * @return SL_OK, SL_EINVAL (not a name that a client can ask for), SL_ENOSPC
 */
SL_CHECKED enum sl_err sl_server_name_emit(uint32_t service, struct sl_slice name,
                                           struct sl_wbuf *out);

/** What a bundle holds. SL_OK, SL_ENOENT, SL_EINVAL (it is not what it should be). */
SL_CHECKED enum sl_err sl_certificate_entry_find(const struct sl_bundle *bundle, uint32_t number,
                                                 struct sl_certificate_entry *ret_entry);
SL_CHECKED enum sl_err sl_certificate_der_find(const struct sl_bundle *bundle, uint32_t number,
                                               struct sl_slice *ret_der);
SL_CHECKED enum sl_err sl_staple_entry_find(const struct sl_bundle *bundle, uint32_t number,
                                            struct sl_staple_entry *ret_entry);
SL_CHECKED enum sl_err sl_shelf_entry_find(const struct sl_bundle *bundle, uint32_t service,
                                           enum sl_shelf_side side,
                                           struct sl_shelf_entry *ret_entry);

/** The candidates for exactly that name, to be taken off with sl_candidate_next. SL_OK, SL_ENOENT.
 */
SL_CHECKED enum sl_err sl_server_name_find(const struct sl_bundle *bundle, uint32_t service,
                                           struct sl_slice name, struct sl_slice *ret_candidates);

/** A service's certificates for its upstreams, to be taken off with sl_candidate_next. SL_OK,
 * SL_ENOENT (it has none). */
SL_CHECKED enum sl_err sl_own_find(const struct sl_bundle *bundle, uint32_t service,
                                   struct sl_slice *ret_candidates);

/** Takes the next off the front of `candidates`. SL_OK, SL_EOF. */
SL_CHECKED enum sl_err sl_candidate_next(struct sl_slice *candidates, uint32_t *ret_certificate,
                                         enum sl_key_kind *ret_kind);
