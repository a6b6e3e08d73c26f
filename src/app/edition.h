/* SPDX-License-Identifier: Apache-2.0 */
/** @file One configuration as a worker has it: what it was made of, what was built of that, and who
 * still uses it. A reload makes another one beside it. */
#pragma once
#include "base/list.h"
#include "net/listener.h"
#include "net/snapshot.h"
#include "sys/file.h"

enum { SL_EDITION_LISTENERS_MAX = 65536 };

struct sl_edition {
    struct sl_list node;     /* of a worker's */
    uint32_t number;         /* of the message BUNDLE */
    struct sl_blob files;    /* sealed and mapped */
    struct sl_bundle bundle; /* what is in them */
    struct sl_arena arena;   /* of the findings */
    struct sl_findings findings;
    struct sl_snapshot_builder *builder; /* while it is built */
    struct sl_snapshot *snapshot;        /* NULL before it is built */
    struct sl_accept_source *sources;
    struct sl_edition_place *places; /* of the sources in the configuration */
    size_t sources_count;
};

/**
 * Begins one.
 * @param fd  its bundle, a sealed memfd; stays the caller's
 * @return SL_OK, SL_EPROTO (it is not sealed), SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_edition_create(int fd, uint32_t number, struct sl_edition **ret_edition);

/** When nobody uses it any more. NULL is allowed. */
void sl_edition_destroy(struct sl_edition *edition);

/** A socket to listen on, by its place in the configuration; `fd` is taken over. SL_OK, SL_ERANGE,
 * SL_ENOMEM, SL_ESYS: it is still the caller's. */
SL_CHECKED enum sl_err sl_edition_listen(struct sl_edition *edition, uint16_t service_index,
                                         uint16_t listen_index, int fd);

/** Begins to build what runs; its files are set here. SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_edition_begin(struct sl_edition *edition,
                                        const struct sl_snapshot_source *base);

/** Goes on with that. SL_OK, SL_AGAIN, SL_EINVAL (sl_edition_failure), SL_ENOMEM. */
SL_CHECKED enum sl_err sl_edition_step(struct sl_edition *edition);

/** The first of the findings that is an error; NULL for none. */
const char *sl_edition_failure(const struct sl_edition *edition);

/** Whether connections, or what is built for them, still stand on it. */
bool sl_edition_is_used(const struct sl_edition *edition);
