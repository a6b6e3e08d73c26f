/* SPDX-License-Identifier: Apache-2.0 */
/** @file The entries of one bundle while they are collected. */
#pragma once
#include "codec/bundle.h"
#include "sys/file.h"

/** Zeroed is empty and valid. The bytes of the entries are owned, their names are not. */
struct sl_collection {
    struct sl_bundle_entry *entries;
    size_t count, cap;
};

void sl_collection_fini(struct sl_collection *c);

bool sl_collection_has(const struct sl_collection *c, uint8_t kind, struct sl_slice name);

/** Takes over `blob`; `name` must outlive the collection. SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_collection_add(struct sl_collection *c, uint8_t kind,
                                         struct sl_slice name, struct sl_blob *blob);

/** The same with a copy of `bytes`. */
SL_CHECKED enum sl_err sl_collection_add_copy(struct sl_collection *c, uint8_t kind,
                                              struct sl_slice name, struct sl_slice bytes);

/** The bundle of all of them. SL_OK, SL_ENOMEM, and as sl_bundle_prepare. */
SL_CHECKED enum sl_err sl_collection_bundle(struct sl_collection *c, struct sl_blob *ret_blob);
