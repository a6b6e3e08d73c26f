/* SPDX-License-Identifier: Apache-2.0 */
/** @file The entries of one bundle while they are collected. */
#pragma once
#include "base/arena.h"
#include "base/map.h"
#include "codec/bundle.h"
#include "sys/file.h"

/** Zeroed is empty and valid. It has copies of all that is added. */
struct sl_collection {
    struct sl_arena arena;
    struct sl_bundle_entry *entries;
    size_t count, cap;
    struct sl_map names; /* kind and name of those that are asked for */
};

void sl_collection_fini(struct sl_collection *c);

/** Adds an entry that is not in it. SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_collection_add(struct sl_collection *c, uint8_t kind,
                                         struct sl_slice name, struct sl_slice bytes);

/** The same, and sl_collection_has will find it. */
SL_CHECKED enum sl_err sl_collection_add_named(struct sl_collection *c, uint8_t kind,
                                               struct sl_slice name, struct sl_slice bytes);

bool sl_collection_has(const struct sl_collection *c, uint8_t kind, struct sl_slice name);

/** The bytes that were added last, where they stay. */
struct sl_slice sl_collection_last(const struct sl_collection *c);

/** The bundle of all of them. SL_OK, SL_ENOMEM, and as sl_bundle_prepare. */
SL_CHECKED enum sl_err sl_collection_bundle(struct sl_collection *c, struct sl_blob *ret_blob);
