/* SPDX-License-Identifier: Apache-2.0 */
/** @file The process of the private keys as the supervisor sees it: started, handed the files,
 * watched, restarted. No key is read here.
 */
#pragma once
#include "codec/message.h"
#include "svc/log.h"
#include "sys/file.h"
#include <sys/types.h>

/** What became of one key file; embedded in its owner. */
struct sl_keeper_hearer {
    unsigned lacks; /* of its cage, though the build has it: bits of enum sl_cage_part */
    /** The file is there, with that mode. */
    void (*opened)(struct sl_keeper_hearer *hearer, uint32_t index, unsigned mode);
    /** `diag` is NULL for a key that was read, whose public half is `public_der`. */
    void (*heard)(struct sl_keeper_hearer *hearer, uint32_t index, struct sl_slice public_der,
                  const struct sl_diag *diag);
};

/** A file for the process to read. */
struct sl_keeper_file {
    uint32_t number; /* by which workers ask for it */
    const char *path;
    const char *service;         /* the first that names it; NULL for none */
    const char *passphrase_path; /* NULL: it is not encrypted */
    bool may_premaster;          /* a policy of its services allows RSA key transport */
    struct sl_slice public_der;  /* that it must have; empty while it is not known */
};

/** The files on their way to the process. Zeroed: there is none. */
struct sl_keeper_handing {
    const struct sl_keeper_file *files;
    uint32_t count, sent_count, heard_count;
    struct sl_keeper_hearer *hearer;
    struct sl_keeper *keeper; /* whose process is at work; NULL for a new one */
    pid_t pid;
    int fd;
    enum sl_err result; /* sticky */
};

/**
 * Starts the process; what the handing points at outlives it.
 * @param room_count  the numbers of all keys that it may ever be handed are below
 * @param cage  the one that it enters first (app/confine.h)
 * @return SL_OK: sl_keeper_hand_end is to follow. Else as sl_keeper_spawn
 */
SL_CHECKED enum sl_err sl_keeper_hand_begin(const struct sl_keeper_file *files, uint32_t count,
                                            uint32_t room_count, struct sl_slice cage,
                                            struct sl_keeper_hearer *hearer,
                                            struct sl_keeper_handing *handing);

/** Hands over and hears what can be without waiting. */
void sl_keeper_hand_step(struct sl_keeper_handing *handing);

/** Waits for the rest, and begins the process's work; one that is at work already stays the
 * keeper's. SL_OK, and as sl_keeper_spawn. */
SL_CHECKED enum sl_err sl_keeper_hand_end(struct sl_keeper_handing *handing, pid_t *ret_pid,
                                          int *ret_fd);

/**
 * Starts the process, hands it the files, and hears of each; waits for it.
 * @param cage  the one that it enters first (app/confine.h)
 * @return SL_OK (also when keys are bad), SL_ETIMEDOUT, SL_ERESET (it died), SL_ENOMEM, SL_EMFILE,
 *         SL_ESYS; on failure nothing is left
 */
SL_CHECKED enum sl_err sl_keeper_spawn(const struct sl_keeper_file *files, uint32_t count,
                                       uint32_t room_count, struct sl_slice cage,
                                       struct sl_keeper_hearer *hearer, pid_t *ret_pid,
                                       int *ret_fd);

/** Sends one message of the table to a child, with the descriptors that belong to it; waits for one
 * that is slow to read. SL_OK, SL_ETIMEDOUT, SL_ERESET, SL_ENOSPC, SL_ERANGE. */
SL_CHECKED enum sl_err sl_keeper_send(int fd, const struct sl_message *message, const int *with);

/** Asks a process that sl_keeper_spawn has started to end, and collects it. */
void sl_keeper_dismiss(pid_t pid, int *fd);

/** A key that the process has; without a path there is none. */
struct sl_keeper_slot {
    struct sl_keeper_file file;
    void *texts;      /* that the file points at; owned */
    uint32_t edition; /* the last configuration that wants it */
};

struct sl_keeper {
    struct sl_loop *loop;
    struct sl_log *log;
    struct sl_keeper_slot *slots; /* by number */
    uint32_t slots_count;
    uint32_t room_count;                 /* keys that the process has room for */
    const struct sl_keeper_file *handed; /* while it starts */
    bool has_tokens;         /* there are keys elsewhere; without any key nothing is ever started */
    struct sl_slice cage;    /* of the process; the caller's */
    pid_t pid;               /* 0 when there is none; one that is there is taken over */
    struct sl_watch channel; /* owns our end */
    struct sl_timer restart;
    struct sl_keeper_hearer hearer;
    uint32_t deaths_count; /* in a row */
    uint64_t begin_ms;
    bool is_ending;
    /** It is there again: every worker wants a new channel. */
    void (*on_back)(struct sl_keeper *keeper);
    /** A worker has sent it what it must not. */
    void (*on_cut)(struct sl_keeper *keeper, uint16_t worker_index);
    /** A process of a token does not answer it. */
    void (*on_stuck)(struct sl_keeper *keeper, uint16_t process_index);
};

/** The members without a default are set by the caller before. SL_OK, and as sl_keeper_spawn. */
SL_CHECKED enum sl_err sl_keeper_start(struct sl_keeper *keeper);
void sl_keeper_fini(struct sl_keeper *keeper);

/** A channel for a worker; its end is the caller's. SL_OK, SL_ENOENT (there is no process now: wait
 * for on_back), SL_EMFILE. */
SL_CHECKED enum sl_err sl_keeper_attach(struct sl_keeper *keeper, uint16_t worker_index,
                                        int *ret_fd);

/** The room of a process for `count` keys: a reload brings others before those go. */
uint32_t sl_keeper_room(uint32_t count);

/** Gives each file a number that is free, for a configuration. SL_OK, SL_ENOMEM, SL_ERANGE. */
SL_CHECKED enum sl_err sl_keeper_reserve(struct sl_keeper *keeper, struct sl_keeper_file *files,
                                         uint32_t count, uint32_t edition);

/** What the files turned out to hold is what is expected of them from now on. SL_OK, SL_ENOMEM. */
SL_CHECKED enum sl_err sl_keeper_learn(struct sl_keeper *keeper, const struct sl_keeper_file *files,
                                       uint32_t count);

/** Hands reserved files to the process that is at work, or when there is none, or it has no room
 * for them, to a new one, for sl_keeper_adopt. As sl_keeper_hand_begin. */
SL_CHECKED enum sl_err sl_keeper_hand_more(struct sl_keeper *keeper,
                                           const struct sl_keeper_file *files, uint32_t count,
                                           struct sl_keeper_hearer *hearer,
                                           struct sl_keeper_handing *handing);

/** Another process takes the place of the one that is there, if any: it has read the keys of the
 * newest configuration, and now those that older ones still want. Every worker gets a channel. */
void sl_keeper_adopt(struct sl_keeper *keeper, pid_t *pid, int *fd, uint32_t room_count,
                     uint32_t edition);

/** Lets go of the keys that none of these configurations wants; sorts their numbers. */
void sl_keeper_keep(struct sl_keeper *keeper, uint32_t *editions, size_t count);

/** A child has ended: true when it was this one. */
bool sl_keeper_ended(struct sl_keeper *keeper, pid_t pid, int status);
