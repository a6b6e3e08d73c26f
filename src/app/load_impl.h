/* SPDX-License-Identifier: Apache-2.0 */
/** @file What the parts of app/load.h share: one run from a configuration to its bundle. */
#pragma once
#include "app/collection.h"
#include "app/load.h"

enum { SL_LOAD_STORE_MAX = 16 * 1024 * 1024 }; /* bytes of a file of CA certificates */

struct sl_loader {
    struct sl_load *load;
    struct sl_collection files;
    /* files of private keys: the first place that names each */
    struct sl_load_key {
        const struct sl_conf_file *file;
        bool may_premaster;
    } * keys;
    size_t keys_count, keys_cap;
    struct sl_keeper_hearer hearer;
    enum sl_err result; /* of what was heard */
};

/** Goes on after a failure, so that everything that is wrong is found in one run. */
static inline void sl_load_note(enum sl_err *result, enum sl_err rc)
{
    if (*result == SL_OK || rc == SL_ENOMEM) {
        *result = rc;
    }
}

/** Reads a file; what is wrong with it is said at its place. SL_OK, SL_ENOMEM, as sl_file_read. */
SL_CHECKED enum sl_err sl_load_file(struct sl_loader *l, const struct sl_conf_file *file,
                                    size_t max_bytes, struct sl_blob *ret_blob);

/** The name of the service that a file belongs to, by its place; NULL for none. */
const char *sl_load_service_of(const struct sl_conf *conf, struct sl_conf_pos pos);

/* app/load_certificates.c */
SL_CHECKED enum sl_err sl_load_ca_file(struct sl_loader *l, const struct sl_conf_file *file);
SL_CHECKED enum sl_err sl_load_certificate(struct sl_loader *l,
                                           const struct sl_conf_certificate *conf,
                                           bool may_premaster);

/** All of a service toward its clients. */
SL_CHECKED enum sl_err sl_load_certificates(struct sl_loader *l,
                                            const struct sl_conf_service *service);

/* app/load_keys.c */

/** Only notes the name: the file is opened for the process that holds the keys, and read by it. */
SL_CHECKED enum sl_err sl_load_key(struct sl_loader *l, const struct sl_conf_file *file,
                                   bool may_premaster);

/** Has all keys read, by a process that lives for this alone, and keeps their public halves. */
SL_CHECKED enum sl_err sl_load_keys(struct sl_loader *l);
