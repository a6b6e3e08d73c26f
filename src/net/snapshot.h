/* SPDX-License-Identifier: Apache-2.0 */
/** @file A configuration made ready to run, out of a bundle: nothing is read but its bytes.
 *
 * The supervisor and `check` build it to see whether it can be built, the workers to run it.
 */
#pragma once
#include "codec/bundle.h"
#include "conf/conf.h"
#include "net/upstream.h"
#include "relay/conn.h"

/** What the entries of a bundle are. No private key is among them. */
enum sl_bundle_kind {
    SL_BUNDLE_YAML = 1,   /* the text of the configuration; no name */
    SL_BUNDLE_FOLDER,     /* what relative paths in it begin at; no name */
    SL_BUNDLE_FILE,       /* by path; of PEM files the certificates only */
    SL_BUNDLE_SYSTEM_CAS, /* the system's CA file; no name */
    SL_BUNDLE_ADDRS,      /* by connect URL (net/upstream.h) */
    SL_BUNDLE_USER,       /* whom workers become: u32 uid, gid, groups; no entry for nobody else */
    SL_BUNDLE_KEY,        /* by path of its file: u32 index, then the public half of a key */
};

struct sl_service {
    struct sl_conn_plan plan;
    const struct sl_conf_service *conf;
    struct sl_upstream *upstreams;
    size_t upstreams_count;
};

struct sl_snapshot {
    struct sl_arena arena;
    const struct sl_conf *conf;
    struct sl_service *services; /* as many, and in the order, as in `conf` */
};

/** What a snapshot is made of; all of it must outlive the call, `tickets` the snapshot. */
struct sl_snapshot_source {
    const struct sl_bundle *files;
    struct sl_key_service *keys; /* who signs, outlives the snapshot; NULL: only to be tried */
    const struct sl_ticket_keys *tickets;
    int64_t now_s; /* Unix time, for certificates that have expired */
};

/**
 * @param findings  gets everything wrong or doubtful, with its place in the YAML text
 * @return SL_OK, SL_EINVAL (see the findings), SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_snapshot_create(const struct sl_snapshot_source *source,
                                          struct sl_findings *findings,
                                          struct sl_snapshot **ret_snapshot);
void sl_snapshot_destroy(struct sl_snapshot *snapshot); /* NULL is allowed */

/** The service that `plan` is part of. */
const struct sl_service *sl_service_of(const struct sl_conn_plan *plan);
