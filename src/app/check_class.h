/* SPDX-License-Identifier: Apache-2.0 */
/** @file Services that treat every client alike: one rehearsal speaks for all of a class. */
#pragma once
#include "net/snapshot.h"

struct sl_check_classes {
    uint32_t *of_service;     /* by the service's number; of those without TLS toward clients too */
    uint32_t *first_services; /* by the class: the number of its first service */
    size_t count;
};

/** Bytes of the name that clients ask a service for, NUL included. */
enum { SL_CHECK_NAME_MAX = SL_SERVER_NAME_MAX + 4 };

/** The name that clients ask a service for: the first of its first certificate; "" for none. */
void sl_check_name(const struct sl_bundle *files, uint32_t service,
                   char ret_name[static SL_CHECK_NAME_MAX]);

/**
 * Two services are of one class when policy, ALPN, SNI, what is asked of clients, and kinds and
 * sizes of the keys among which a certificate is chosen are the same: nothing else of a service
 * has a part in what a client gets, but the certificate's name.
 * @param classes  its arrays are the arena's
 * @return SL_OK, SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_check_classes_make(const struct sl_snapshot *snapshot,
                                             const struct sl_bundle *files, struct sl_arena *arena,
                                             struct sl_check_classes *classes);
