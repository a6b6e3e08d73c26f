/* SPDX-License-Identifier: Apache-2.0 */
/** @file A client session and a server session that talk through memory. */
#pragma once
#include "pki.h"
#include "tls/library.h"
#include "tls/session.h"

enum { PAIR_BUF = 512 * 1024 }; /* bytes on the way, in one direction */

struct pair_side {
    struct sl_tls *tls;
    enum sl_err rc; /* of the last call */
    struct sl_diag diag;
    uint8_t *wire;      /* what this side has sent, */
    size_t sent, taken; /* and how much of it the other side has been given */
};

struct pair {
    struct pair_side client, server;
    size_t cut; /* bytes handed over at once; 0: all */
};

/** Takes over two sessions; either may be NULL. */
void pair_init(struct pair *pair, struct sl_tls *client, struct sl_tls *server);
/** As pair_init with new sessions of two contexts. */
void pair_open(struct pair *pair, struct sl_tls_ctx *client, struct sl_tls_ctx *server);
void pair_fini(struct pair *pair);

/** Both handshakes as far as they go; the results are in each side's `rc`. */
void pair_handshake(struct pair *pair);

/** Sends `text` from one side to the other, which must read exactly that. */
void pair_say(struct pair *pair, struct pair_side *from, struct sl_slice text);

/** Lets `to` read all that `from` has sent, into `plain`. */
enum sl_err pair_read(struct pair *pair, struct pair_side *from, struct pair_side *to,
                      struct sl_wbuf *plain);

/** Sends close_notify from one side. */
void pair_close(struct pair_side *side);

/** The wire of `side` as something to write to. */
struct sl_wbuf pair_wbuf(struct pair_side *side);
void pair_wrote(struct pair_side *side, const struct sl_wbuf *out);

/* A CA, and what most tests have below it; made once a program. */
struct fixture {
    struct pki_cert ca, other_ca, ec, rsa, client, stranger;
    struct sl_tls_store *store, *other_store;
    struct sl_tls_cert *cert_ec, *cert_rsa, *cert_client, *cert_stranger;
};

void fixture_init(struct fixture *f);
void fixture_fini(struct fixture *f);

/** A certificate for `san` below `ca`, as the tls layer loads it. */
struct sl_tls_cert *fixture_cert(const struct pki_cert *ca, const char *cn, const char *san,
                                 enum pki_kind kind);

/** A copy of a built-in policy, by name. */
struct sl_policy fixture_policy(const char *name);

/** Contexts that must come to be. */
struct sl_tls_ctx *fixture_server(const struct sl_tls_server_conf *conf);
struct sl_tls_ctx *fixture_client(const struct sl_tls_client_conf *conf);
