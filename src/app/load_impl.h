/* SPDX-License-Identifier: Apache-2.0 */
/** @file What the parts of app/load.h share: one run from a configuration to its bundle. */
#pragma once
#include "app/collection.h"
#include "app/load.h"
#include "app/load_tokens.h"
#include "codec/certificate_entry.h"
#include "net/dns_queue.h"

enum { SL_LOAD_STORE_MAX = 16 * 1024 * 1024 }; /* bytes of a file of CA certificates */

/** A file of a private key. */
struct sl_load_key {
    const struct sl_conf_file *file;       /* the first place that names it, */
    const char *service;                   /* and that place's service */
    const struct sl_conf_file *passphrase; /* NULL for none */
    uint32_t number;                       /* by which workers ask for it */
    struct sl_slice public_der;            /* empty: it could not be read */
    const char *failure;                   /* why not */
    bool is_untold;                        /* its token does not tell the public half */
    unsigned mode;                         /* of the file */
    bool may_premaster;
};

/** A file of a chain. */
struct sl_load_chain {
    struct sl_slice pem; /* kept when it is not read yet: libcrypto is to say what it is */
    uint32_t ders[SL_CHAIN_DERS_MAX];
    size_t ders_count; /* 0: not read yet */
    bool is_failed;    /* which was said */
};

/** A place of the configuration that wants a certificate. */
struct sl_load_place {
    const struct sl_conf_certificate *conf;
    const struct sl_policy *policy;
    uint32_t service, chain, key; /* numbers */
    uint32_t staple;              /* of its file; 0 for none */
    enum sl_shelf_side side;
};

/** A pre-shared key that was read; views. */
struct sl_load_psk {
    const struct sl_conf_psk *conf;
    struct sl_slice key; /* in the collection, until sl_load_psks_wipe */
};

/** A name that is connected to. */
struct sl_load_name {
    struct sl_agent_name name;
    struct sl_dns_job job;
    size_t *pending_count; /* of all jobs; NULL when there is none */
    struct sl_name_found found;
    const char *failure; /* why there is no address; NULL when there are some */
};

/** A connect URL with a name. */
struct sl_load_named {
    const struct sl_conf_url *url;
    uint32_t number; /* of the name */
};

struct sl_loader {
    struct sl_load *load;
    struct sl_collection files;
    struct sl_arena arena;    /* of what only lives as long as this */
    struct sl_load_key *keys; /* those of files first, in the order of the load's key_files */
    size_t keys_count;
    struct sl_load_tokens tokens;
    struct sl_map token_chains;   /* numbers by URI, of: */
    struct sl_slice *chain_texts; /* PEM */
    size_t chain_texts_count;
    struct sl_load_chain *chains;
    size_t chains_count;
    struct sl_load_place *places;
    size_t places_count, places_cap;
    struct sl_map key_names, chain_names; /* numbers by path */
    struct sl_map staple_names;           /* the same */
    struct sl_map name_numbers;           /* numbers by name in small letters */
    struct sl_load_name **names;          /* in the arena, as they are pointed at while looked up */
    struct sl_load_named *nameds;
    size_t names_count, nameds_count;
    struct sl_load_psk *psks;
    size_t psks_count, psks_cap;
    uint32_t staples_count;
    struct sl_map ders;         /* numbers by contents */
    struct sl_slice *der_bytes; /* contents by number, where the workers find them */
    size_t der_bytes_cap;
    struct sl_map certificates; /* numbers by chain, key and staple */
    struct sl_map classes;      /* of certificates that were found to be good */
    uint32_t ders_count, certificates_count;
    struct sl_keeper_handing handing;
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

/** Lets the source's stepper do what it has to do, between one piece and the next. */
void sl_load_step(const struct sl_loader *l);

/* app/load_chains.c: the files of certificates. */

/** Says that a PEM file is damaged; always SL_EINVAL. */
SL_CHECKED enum sl_err sl_load_damaged(struct sl_loader *l, const struct sl_conf_file *file);

/** Reads the chain and notes who wants it; the rest comes when the keys are known. */
SL_CHECKED enum sl_err sl_load_chain(struct sl_loader *l, const struct sl_load_place *place);

/** The number of a certificate that is put into the bundle once. SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_load_der(struct sl_loader *l, struct sl_slice der, uint32_t *ret_number);

/* app/load_trust.c: what peers are verified by. */

/** The certificates of a file, or of every *.pem and *.crt in a folder. */
SL_CHECKED enum sl_err sl_load_cas(struct sl_loader *l, const struct sl_conf_file *file);
SL_CHECKED enum sl_err sl_load_crls(struct sl_loader *l, const struct sl_conf_crl *crl);

/* app/load_certificates.c: what they are good for. */

/** Checks every certificate with its key, and writes what the workers find them by. */
SL_CHECKED enum sl_err sl_load_certificates(struct sl_loader *l);

/* app/load_staples.c: the OCSP responses that are sent with them. */

/** Gives the place's response its number. SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_load_staple_note(struct sl_loader *l, struct sl_load_place *place);

/**
 * Reads and checks the response for a certificate that has got its number, or says that one is
 * missing. SL_OK (also without one), SL_ENOMEM, and other failures, which were said.
 */
SL_CHECKED enum sl_err sl_load_staple(struct sl_loader *l, const struct sl_load_place *place,
                                      const struct sl_load_chain *chain, uint32_t number);

/* app/load_psk.c: pre-shared keys. */

/** Reads the keys of a service. SL_OK, SL_ENOMEM, and other failures, which were said. */
SL_CHECKED enum sl_err sl_load_psks(struct sl_loader *l, const struct sl_conf_service *service);

/** Wipes what was read of them, when it stands in the bundle. */
void sl_load_psks_wipe(struct sl_loader *l);

/** The bits of a file's mode that nobody but its owner should have: those of a credential differ.
 */
unsigned sl_load_others_mode(const char *path);

/* app/load_names.c: the names of upstreams. */

/** Notes that a URL's name is wanted. SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_load_name_note(struct sl_loader *l, const struct sl_conf_url *url);

/** Puts the addresses of a URL into the bundle. SL_OK, SL_ENOMEM, SL_ENOSPC. */
SL_CHECKED enum sl_err sl_load_addrs(struct sl_loader *l, const struct sl_conf_url *url,
                                     const struct sl_addr_set *set);

/** Looks up all that were noted, many at a time. SL_OK, SL_ENOMEM, and other failures, which were
 * said. */
SL_CHECKED enum sl_err sl_load_names(struct sl_loader *l);

/* app/load_keys.c: the private keys, which are not read here. */

/** Begins to have all of the configuration's keys read by the process that holds them. */
SL_CHECKED enum sl_err sl_load_keys_begin(struct sl_loader *l);

/** Goes on with it as far as that is possible at once. */
void sl_load_keys_step(struct sl_loader *l);

/** Waits for the rest. */
SL_CHECKED enum sl_err sl_load_keys_end(struct sl_loader *l);

/** Has the tokens asked for their keys and certificates; before sl_load_chain. */
SL_CHECKED enum sl_err sl_load_keys_ask_tokens(struct sl_loader *l);

/** Lets keys whose token does not tell have the public half that their certificate has. */
void sl_load_keys_believe(struct sl_loader *l);

/** The file that holds the key of `conf`. */
const struct sl_conf_file *sl_load_key_file(const struct sl_conf_certificate *conf);

/* app/load_secret.c */

/** Where a file stands, for who opens it later; in the arena. SL_OK, SL_EINVAL (a finding),
 * SL_ENOMEM. */
SL_CHECKED enum sl_err sl_load_secret_path(struct sl_load *load, const struct sl_conf_file *file,
                                           const char **ret_path);

/** Warns when all can read a file whose permission bits are `mode`. */
void sl_load_secret_warn(struct sl_load *load, const struct sl_conf_file *file, const char *what,
                         unsigned mode);

/** As sl_load_secret_path, of a passphrase or PIN, with a finding as well when it is not there or
 * everybody can read it. SL_ENOENT and SL_ESYS too. */
SL_CHECKED enum sl_err sl_load_secret(struct sl_load *load, const struct sl_conf_file *file,
                                      const char **ret_path);
