/* SPDX-License-Identifier: Apache-2.0 */
/** @file Messages between the supervisor and its children: one datagram each over SOCK_SEQPACKET.
 *
 * All numbers are in network byte order: u8 version 1, u8 type, u16 count of the descriptors that
 * go with it, u32 length of the body, then the body. One table says for every type who may send
 * it, in which phase, with how many descriptors and how long a body; anything else is SL_EPROTO and
 * ends its sender. Pure: the descriptors themselves are the callers'.
 */
#pragma once
#include "base/slice.h"

enum { SL_MESSAGE_HEAD_BYTES = 8 };
enum { SL_MESSAGE_TICKET_KEYS_MAX = 512 };  /* bytes of the body of TICKET_KEYS */
enum { SL_MESSAGE_FAILED_MAX = 1024 };      /* bytes of the text of FAILED */
enum { SL_MESSAGE_KEY_MAX = 4 + 1 + 4096 }; /* bytes of the body of KEY_FILE and KEY_PUBLIC */
enum { SL_MESSAGE_NAME_MAX = 4096 };        /* bytes of the body of NAME, AGENT_NAME, AGENT_FOUND */
enum { SL_MESSAGE_KEY_CAGE_MAX = 256 }; /* bytes of the cage in KEY_COUNT, TOKEN_CAGE, AGENT_CAGE */
enum { SL_MESSAGE_TOKEN_TEXT_MAX = 4095 };                            /* bytes of a path or URI */
enum { SL_MESSAGE_MAX = SL_MESSAGE_HEAD_BYTES + SL_MESSAGE_KEY_MAX }; /* bytes of the longest */
enum { SL_MESSAGE_FDS_MAX = 1 }; /* descriptors that one message brings at most */

enum sl_message_type {
    SL_MESSAGE_BUNDLE = 1,     /* descriptor: the configuration bundle */
    SL_MESSAGE_METRICS,        /* descriptor: the memory that its counters stand in */
    SL_MESSAGE_LISTENER,       /* descriptor: a socket that listens */
    SL_MESSAGE_TICKET_KEYS,    /* the keys to use from now on */
    SL_MESSAGE_START,          /* all is there: accept connections */
    SL_MESSAGE_DRAIN,          /* accept no more, let what there is come to its end */
    SL_MESSAGE_STOP,           /* end now */
    SL_MESSAGE_READY,          /* the worker accepts connections */
    SL_MESSAGE_FAILED,         /* the worker ends, and this is why */
    SL_MESSAGE_DRAINED,        /* the worker ends its draining */
    SL_MESSAGE_KEYS,           /* descriptor: the channel to ask for signatures on from now on */
    SL_MESSAGE_KEY_COUNT,      /* how many keys may come, and the cage to be in before */
    SL_MESSAGE_KEY_FILE,       /* descriptor: the file of one of them */
    SL_MESSAGE_KEY_PASSPHRASE, /* descriptor: the file of the passphrase of the next of them */
    SL_MESSAGE_KEY_START,      /* all have come */
    SL_MESSAGE_KEY_CLIENT,     /* descriptor: a worker's channel, to answer on */
    SL_MESSAGE_KEY_PUBLIC,     /* the key was read, and this is its public half */
    SL_MESSAGE_KEY_BAD,        /* the key could not be read, and this is why */
    SL_MESSAGE_KEY_CUT,        /* a worker sent what it must not, and is not answered any more */
    SL_MESSAGE_KEY_LACKS,      /* what its cage came to lack */
    SL_MESSAGE_KEY_POOL,       /* keys that are on one token; its number is by the order of these */
    SL_MESSAGE_KEY_TOKEN,      /* descriptor: the channel to a process of that token */
    SL_MESSAGE_KEY_STUCK,      /* such a process does not answer any more */
    SL_MESSAGE_TOKEN_CAGE,     /* the cage to be in before all else */
    SL_MESSAGE_TOKEN_MODULE,   /* the path of the one module to use */
    SL_MESSAGE_TOKEN_PIN,      /* descriptor: the file of the PIN */
    SL_MESSAGE_TOKEN_OPEN,     /* the URI of the token */
    SL_MESSAGE_TOKEN_KEY,      /* the URI of a key on it */
    SL_MESSAGE_TOKEN_CHAIN,    /* the URI of a certificate on it */
    SL_MESSAGE_TOKEN_USE,      /* descriptor: the channel on which signatures are asked for now */
    SL_MESSAGE_TOKEN_OPENED,   /* the token is there, and has let us in */
    SL_MESSAGE_TOKEN_PUBLIC,   /* the public half of a key, as far as the token has it */
    SL_MESSAGE_TOKEN_CERTIFICATES, /* descriptor: PEM, sealed: the certificate and those above it */
    SL_MESSAGE_TOKEN_BAD,          /* what was asked for cannot be had, and this is why */
    SL_MESSAGE_HEALTH,             /* descriptor: the memory of all that checks have found */
    SL_MESSAGE_NAME,               /* the addresses of a name from now on */
    SL_MESSAGE_AGENT_DNS,          /* how names are looked up; before the cage */
    SL_MESSAGE_AGENT_CAGE,         /* the cage to be in from now on */
    SL_MESSAGE_AGENT_NAME,         /* a name to look up again and again */
    SL_MESSAGE_AGENT_START,        /* all have come */
    SL_MESSAGE_AGENT_LACKS,        /* what its cage came to lack */
    SL_MESSAGE_AGENT_FOUND,        /* what became of a lookup, when that is news */
    SL_MESSAGE_PREPARE,            /* build what came since: it is to replace what runs */
    SL_MESSAGE_PREPARED,           /* that is built */
    SL_MESSAGE_REFUSED,            /* that cannot be built, and this is why */
    SL_MESSAGE_COMMIT,             /* use it for new connections */
    SL_MESSAGE_ABORT,              /* forget it */
    SL_MESSAGE_SWAPPED,            /* it is used */
    SL_MESSAGE_RELEASED,           /* nobody uses that edition here any more */
    SL_MESSAGE_KEY_DROP,           /* there is no key of that number, or not any more */
    SL_MESSAGE_LOG, /* descriptor: where log lines go; u8, 1 when it may block; what `log.to` says
                     */
    SL_MESSAGE_TYPE_END
};

/** Who reads a message. */
enum sl_message_direction {
    SL_MESSAGE_TO_WORKER,
    SL_MESSAGE_TO_SUPERVISOR, /* from a worker */
    SL_MESSAGE_TO_KEYS,
    SL_MESSAGE_FROM_KEYS, /* to the supervisor */
    SL_MESSAGE_TO_TOKEN,
    SL_MESSAGE_FROM_TOKEN, /* to the supervisor */
    SL_MESSAGE_TO_AGENT,
    SL_MESSAGE_FROM_AGENT, /* to the supervisor */
};

/**
 * Where a worker stands, as the reader of the message knows it. The worker moves on when START
 * and DRAIN arrive; the supervisor when READY arrives, and when it has sent DRAIN, which it does
 * only to a worker that is RUNNING. The process of the keys is CONFIGURING until KEY_START, one of
 * a token until TOKEN_USE, the agent until AGENT_START, for the
 * supervisor from the moment when it has sent that.
 */
enum sl_message_phase { SL_PHASE_CONFIGURING, SL_PHASE_RUNNING, SL_PHASE_DRAINING };

/** One message; which member of the union counts is said by the type, for the others none. */
struct sl_message {
    enum sl_message_type type;
    union {
        uint16_t worker_index; /* KEY_CLIENT, KEY_CUT; KEY_STUCK: of the process */
        struct {
            uint16_t worker_index; /* BUNDLE, else 0 */
            uint32_t number;       /* counts the configurations that were begun; the first is 1 */
        } edition;                 /* BUNDLE, PREPARED, SWAPPED, RELEASED */
        struct {
            uint16_t service_index, listen_index; /* in the order of the configuration */
        } listener;                               /* LISTENER */
        struct sl_slice bytes; /* TICKET_KEYS, not empty; FAILED, TOKEN_MODULE, TOKEN_OPEN: text;
                                * TOKEN_CAGE, AGENT_CAGE (app/confine.h); NAME, AGENT_DNS
                                * (codec/name_message.h) */
        uint64_t connections_count; /* DRAINED: those that were cut off */
        struct {
            /* KEY_COUNT: all are numbered below that; KEY_LACKS: bits of enum sl_cage_part;
             * KEY_POOL: the first; KEY_TOKEN: the number of the process; REFUSED: of the edition;
             * TOKEN_BAD: 1 when it was the PIN that was refused, else 0; AGENT_LACKS: as KEY_LACKS;
             * AGENT_NAME, AGENT_FOUND: the number of the name */
            uint32_t index;
            /* KEY_COUNT: the cage (app/confine.h); KEY_FILE: a byte, 1 when it may do RSA key
             * transport, else 0, and the SubjectPublicKeyInfo that it must have, if it is known;
             * KEY_PUBLIC: SubjectPublicKeyInfo; KEY_BAD: text;
             * KEY_POOL: u32 how many, u32 how many requests may wait; KEY_TOKEN: u16 pool;
             * TOKEN_KEY, TOKEN_CHAIN, TOKEN_BAD, REFUSED: text; TOKEN_PUBLIC: as KEY_PUBLIC, or
             * empty; AGENT_NAME, AGENT_FOUND: codec/name_message.h */
            struct sl_slice bytes;
        } key; /* KEY_COUNT, KEY_FILE, KEY_DROP, KEY_PUBLIC, KEY_BAD, KEY_LACKS, KEY_POOL,
                * KEY_TOKEN, TOKEN_KEY, TOKEN_CHAIN, TOKEN_PUBLIC, TOKEN_CERTIFICATES, TOKEN_BAD,
                * REFUSED, AGENT_LACKS, AGENT_NAME, AGENT_FOUND */
    };
};

/** "BUNDLE", "LISTENER", … */
const char *sl_message_name(enum sl_message_type type);

/** How many descriptors go with a message of this type. */
size_t sl_message_fds_count(enum sl_message_type type);

/** Appends one datagram. SL_OK, SL_ENOSPC (nothing written), SL_ERANGE (`bytes` over its limits) */
SL_CHECKED enum sl_err sl_message_emit(const struct sl_message *message, struct sl_wbuf *out);

/**
 * Reads one whole datagram. `ret_message` points into it.
 * @param fds_count  the descriptors that came with it
 * @return SL_OK, SL_EPROTO (anything that the table does not allow: close them, end the sender)
 */
SL_CHECKED enum sl_err sl_message_parse(struct sl_slice datagram, size_t fds_count,
                                        enum sl_message_direction direction,
                                        enum sl_message_phase phase,
                                        struct sl_message *ret_message);
