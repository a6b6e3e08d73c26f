/* SPDX-License-Identifier: Apache-2.0 */
/** @file One connection: its endpoints, its stage, and what is known of it for the log. */
#pragma once
#include "base/addr.h"
#include "base/arena.h"
#include "relay/ep_peeked.h"
#include "relay/ep_tcp.h"
#include "relay/ep_tls.h"
#include "relay/peek.h"
#include "relay/proxy_in.h"
#include "relay/proxy_out.h"
#include "relay/reason.h"
#include "relay/relay.h"
#include "relay/stage.h"

struct sl_conn;
struct sl_gate;

/** How many connections there are now. */
struct sl_tally {
    size_t conns_count;
    size_t handshakes_count; /* of them, whose client is not done with its handshake */
    uint64_t done_count;     /* of those that were: ended well, and may have a log line */
};

/** What becomes of one side at the end (relay/close.h). */
enum sl_fate { SL_FATE_CLOSE, SL_FATE_RESET, SL_FATE_TELL, SL_FATE_DELIVER };

struct sl_target; /* net/upstream.h */

/** Where connections go and how, as the layer above has chosen; never changed. */
struct sl_conn_way {
    const struct sl_target *target;
    unsigned route;    /* its place among the routes, from 1; 0: the service's own connect */
    bool is_passed;    /* the client's TLS is the upstream's: its bytes go on untouched */
    bool is_alpn_held; /* the upstream's choice of ALPN is the client's */
    const char *const *protocols; /* of these a client gets the first that it offers */
    size_t protocols_count;       /* 0: as the context of its side says */
};

/** How a service treats its connections; the same for all of them, never changed. */
struct sl_conn_plan {
    const char *service;
    size_t *conns_count;                /* goes up and down with its connections; NULL for none */
    struct sl_tls_ctx *client_tls;      /* NULL: clients speak plaintext */
    struct sl_conn_way way;             /* of connections that no route is for */
    bool has_routes;                    /* the hook says which way a connection goes */
    bool is_hello_wanted;               /* it has to know the client's first bytes for that */
    struct sl_proxy_in_plan proxy_in;   /* PROXY headers that clients begin with, */
    struct sl_proxy_out_plan proxy_out; /* and the one that goes first to the upstream */
    const struct sl_gate *gate;         /* net's: who is let in; NULL for everybody */
    struct sl_tally *tally;             /* of the service; NULL: nobody counts */
    uint32_t handshake_ms, upstream_handshake_ms;
    uint32_t idle_ms, half_close_ms; /* half_close_ms at most idle_ms */
    uint32_t session_ms;             /* 0: no end */
    uint32_t linger_ms;
    size_t hello_max_bytes;
    size_t budget_bytes; /* of one flow in one turn */
};

/** What a connection needs of the layers above. */
struct sl_conn_hooks {
    /** A PROXY header told for whom the connection is made, or that it is the sender's own:
     * SL_REASON_DONE lets it in, anything else ends it. NULL: everybody is let in. */
    enum sl_reason (*admit)(struct sl_conn *conn);
    /**
     * Which way the connection goes; NULL: none is for it. Asked of a plan with routes alone.
     * @param hello  what the client asks for; NULL: it does not speak TLS, or is not looked at
     */
    const struct sl_conn_way *(*route)(struct sl_conn *conn, const struct sl_hello *hello);
    /** Begins to connect: ends with sl_conn_connected or sl_conn_not_connected, also at once. */
    void (*connect)(struct sl_conn *conn);
    /** Gives up a connect that is under way. */
    void (*connect_cancel)(struct sl_conn *conn);
    /** What was connected failed before any byte of the client's was sent to it. True: `connect` is
     * to be called again. NULL: never. */
    bool (*upstream_failed)(struct sl_conn *conn, enum sl_reason reason);
    /** What was connected is ready for the client's bytes. NULL: nobody wants to know. */
    void (*upstream_ready)(struct sl_conn *conn);
    /** The end is known; the connection still holds everything that a log line wants. */
    void (*ended)(struct sl_conn *conn);
    /** The client's handshake is over, well or not. NULL: nobody wants to know. */
    void (*greeted)(struct sl_conn *conn);
    /** The connection is about to be freed: the plan may go. */
    void (*freed)(struct sl_conn *conn);
};

/** What the connections of one worker share. */
struct sl_conn_env {
    struct sl_loop *loop;
    struct sl_scratch *scratch;
    const struct sl_conn_hooks *hooks;
    struct sl_list conns;                 /* of struct sl_conn, by `node` */
    size_t conns_count, handshakes_count; /* struct sl_tally */
    uint64_t id_seed;                     /* random, another in each worker */
    uint64_t started_count;               /* connections so far */
};

/** What net remembers of a connection's way to its server. */
struct sl_conn_tries {
    const void *target; /* among whose servers it chooses */
    void *server;       /* that counts the connection as one of its own; NULL for none */
    uint64_t mask;      /* of the servers that were tried */
    uint64_t begin_ms;  /* of the first try */
    uint32_t count;
};

struct sl_conn {
    struct sl_conn_env *env;
    const struct sl_conn_plan *plan;
    const struct sl_conn_way *way; /* NULL: not known yet, or never */
    size_t *counted;               /* where the plan that it began with counts it; NULL for none */
    struct sl_list node;
    enum sl_stage stage;
    enum sl_reason reason;
    enum sl_side ended_by;
    bool is_stepping;      /* guards against stepping from within a step */
    bool is_proxy_awaited; /* a PROXY header comes before all else */
    bool is_peeked;        /* the client's first bytes need not be looked at any more */
    bool has_ech;          /* they may hold an encrypted ClientHello */
    bool is_held;          /* the client's handshake waits for the upstream's ALPN */
    bool is_ready;         /* the client's handshake is done, or there is none */
    bool is_connected, is_proxy_sent, is_upstream_ready;
    bool is_greeting;                        /* counted among the handshakes */
    bool is_half_closed;                     /* one direction has ended */
    enum sl_fate client_fate, upstream_fate; /* once the end is known */
    size_t owed_bytes;                       /* of a side that still gets what had come for it */
    bool is_signing;                         /* a handshake of it waits for a private key */

    struct sl_ep_owner owner;
    struct sl_ep_tcp *client_tcp, *upstream_tcp;
    struct sl_ep_tls client_tls, upstream_tls;
    struct sl_peek peek;
    struct sl_ep_peeked client_peeked; /* of a client whose bytes are passed on */
    struct sl_asked *asked;            /* by a client with which no session was begun; or NULL */
    const char *protocol;              /* that the client gets by its way; NULL: as usual */
    struct sl_relay relay;
    struct sl_tls_waker waker; /* of a handshake that waited for a private key */
    struct sl_timer timer;     /* of the stage */
    struct sl_task task;       /* goes on next turn */
    struct sl_reap reap;
    struct sl_arena arena; /* freed when relaying begins */
    struct sl_reap arena_reap;
    void *connector; /* net's, in the arena, while connecting */
    struct sl_conn_tries tries;

    struct sl_addr client_addr, upstream_addr;
    struct sl_conn_proxy *proxy;             /* what a PROXY header told; NULL for none */
    struct sl_proxy_part *proxy_part;        /* while it is awaited */
    uint64_t number;                         /* of the worker's connections */
    const char *listen_text, *upstream_text; /* URLs, of the snapshot */
    const char *detail;                      /* in the arena; NULL for none */
    uint64_t begin_ms, stage_begin_ms, active_ms;
    uint64_t stage_ms[SL_STAGE_COUNT]; /* time spent */
    enum sl_stage last_stage;          /* in which the end came */
    uint64_t linger_bytes_count;
};

/**
 * Takes over the accepted socket `*client_fd` and starts walking the stages.
 * @return SL_OK, SL_ENOMEM, SL_ESYS (`*client_fd` is still the caller's)
 */
SL_CHECKED enum sl_err sl_conn_start(struct sl_conn_env *env, const struct sl_conn_plan *plan,
                                     int *client_fd, const struct sl_addr *client_addr,
                                     const char *listen_text);

/**
 * The upstream is connected: `tcp` becomes the connection's.
 * @param tls   the context to speak TLS with; NULL for plaintext
 * @param text  the URL, for the log
 */
void sl_conn_connected(struct sl_conn *conn, struct sl_ep_tcp *tcp, const struct sl_addr *addr,
                       struct sl_tls_ctx *tls, const char *text);

/** No upstream could be connected. `addr` and `text` are of the last one tried. */
void sl_conn_not_connected(struct sl_conn *conn, enum sl_reason reason, const struct sl_addr *addr,
                           const char *text);

/** Ends the connection at once, whatever its stage. */
void sl_conn_kill(struct sl_conn *conn, enum sl_reason reason);

/** Goes on with the stages; used by what wakes a connection. */
void sl_conn_step(struct sl_conn *conn);
