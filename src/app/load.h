/* SPDX-License-Identifier: Apache-2.0 */
/** @file From a configuration to the bundles that the workers get: the one place that reads its
 * files. */
#pragma once
#include "app/agent_name.h"
#include "app/keeper.h"
#include "app/token_setup.h"
#include "conf/conf.h"
#include "net/snapshot.h"
#include "sys/file.h"

enum { SL_LOAD_PLACE_MAX = 512 }; /* bytes of a place as text, NUL included */

/** Who has something else to do while it loads; embedded in its owner. */
struct sl_load_stepper {
    void (*step)(struct sl_load_stepper *stepper);
};

/** Where the text of a configuration comes from. */
struct sl_load_source {
    struct sl_slice yaml;
    const char *display;        /* what findings call it: the path as it was given */
    const char *folder;         /* what relative paths begin at */
    const char *const *origins; /* of line n + 1: the command line's argument; NULL for a file */
    size_t origins_count;
    bool may_not_resolve;            /* `check`: a name without an address is only a warning */
    struct sl_keeper *keeper;        /* whose process reads the keys; NULL: one of its own */
    uint32_t edition;                /* the number of this configuration; with a keeper */
    struct sl_load_stepper *stepper; /* NULL for none */
};

/** An OCSP response that is stapled. */
struct sl_load_staple {
    struct sl_list node;
    const char *path;
    const char *chain; /* the file of the certificate that it is for */
    int64_t until_s;   /* Unix time of its nextUpdate */
};

/** A file or folder that was read. */
struct sl_load_seen {
    struct sl_list node;
    const char *path;
    struct sl_file_id id; /* as it was just before */
};

/** Zeroed is valid and empty. */
struct sl_load {
    struct sl_load_source source;
    struct sl_arena arena;
    struct sl_findings findings;
    const struct sl_conf *conf; /* in the arena */
    struct sl_blob files;       /* a bundle; private keys are not in it */
    struct sl_keeper_file
        *key_files; /* in the arena; what the keys' process is to open, by index */
    uint32_t keys_count;
    struct sl_token_pool *pools; /* in the arena; their keys are numbered behind those of files */
    uint32_t pools_count;
    struct sl_agent_name *names; /* that upstreams are reached by; in the arena */
    uint32_t names_count;
    struct sl_list staples; /* of struct sl_load_staple, in the arena */
    struct sl_list seen;    /* of struct sl_load_seen, in the arena; empty when not watched */
    pid_t keys_pid;         /* the process that has read them; 0 when there is none */
    int keys_fd;            /* its channel */
    unsigned keys_lacks;    /* of its cage (app/keeper.h) */
};

/**
 * Reads everything and tries whether it can run.
 * @return SL_OK, SL_EINVAL (load->findings), SL_ENOMEM. Call sl_load_fini in any case.
 */
SL_CHECKED enum sl_err sl_load_create(const struct sl_load_source *source, struct sl_load *load);
void sl_load_fini(struct sl_load *load);

/** Notes that a file is about to be read, when the configuration wants files watched. Without
 * memory it is not noted. */
void sl_load_see(struct sl_load *load, const char *path);

/** Prints the findings to stderr, sorted by place. */
void sl_load_report(struct sl_load *load);

/** "FILE:LINE:COLUMN", or on the command line the argument; "" when a finding has no place. */
void sl_load_place(const struct sl_load *load, const struct sl_finding *finding,
                   char ret_text[static SL_LOAD_PLACE_MAX]);
