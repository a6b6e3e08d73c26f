/* SPDX-License-Identifier: Apache-2.0 */
#include "net/race.h"
#include <string.h>

enum { QUEUE_RETRY_MS = 20 };

void sl_race_cancel(struct sl_race *race)
{
    for (size_t i = 0; i < race->begun_count; i++) {
        sl_ep_tcp_destroy(race->attempts[i]);
        race->attempts[i] = NULL;
    }
    race->begun_count = race->open_count = 0;
    sl_timer_cancel(&race->stagger);
    sl_timer_cancel(&race->deadline);
}

static void note_failure(struct sl_race *race, size_t at, enum sl_err error)
{
    race->last_error = error;
    race->last_at = at;
}

/* Begins with one address. SL_OK: it answered at once; SL_AGAIN: it is under way. */
static enum sl_err attempt(struct sl_race *race, size_t at)
{
    int fd = -1;
    enum sl_err rc = sl_socket_connect_from(&race->addrs[at], race->tuning, &fd);
    if (rc != SL_OK && rc != SL_AGAIN) {
        return rc;
    }
    enum sl_err made = sl_ep_tcp_create(race->loop, &fd, race->pending_max_bytes, &race->owner,
                                        &race->attempts[at]);
    if (made != SL_OK) {
        sl_socket_close(&fd);
        return made;
    }
    race->attempts[at]->has_nagle = !sl_addr_is_unix(&race->addrs[at]);
    race->open_count++;
    return rc;
}

/* Begins with the next address, or the one after it when that fails at once. SL_OK: the one begun
 * last is connected. SL_AGAIN: some are under way. Else none is left. */
static enum sl_err begin_next(struct sl_race *race)
{
    while (race->begun_count < race->addrs_count) {
        const size_t at = race->begun_count++;
        enum sl_err rc = attempt(race, at);
        if (rc == SL_OK) {
            return SL_OK;
        }
        if (rc == SL_AGAIN) {
            if (race->begun_count < race->addrs_count) {
                const bool is_equal = race->priorities[at] == race->priorities[at + 1];
                sl_loop_timer(race->loop, &race->stagger,
                              is_equal ? SL_CONNECT_STAGGER_MS : SL_CONNECT_PRIORITY_MS);
            }
            return SL_AGAIN;
        }
        if (rc == SL_ENOSPC) { /* nobody tells when there is room: within the deadline, again */
            race->begun_count--;
            note_failure(race, at, SL_ETIMEDOUT);
            sl_loop_timer(race->loop, &race->stagger, QUEUE_RETRY_MS);
            return SL_AGAIN;
        }
        note_failure(race, at, rc);
    }
    return race->open_count > 0 ? SL_AGAIN : race->last_error;
}

static struct sl_ep_tcp *win(struct sl_race *race, size_t at)
{
    struct sl_ep_tcp *tcp = SL_STEAL(race->attempts[at]);
    sl_race_cancel(race);
    return tcp;
}

static void go_on(struct sl_race *race)
{
    enum sl_err rc = begin_next(race);
    if (rc == SL_AGAIN) {
        return;
    }
    const size_t at = race->begun_count - 1;
    struct sl_ep_tcp *tcp = rc == SL_OK ? win(race, at) : NULL;
    sl_race_cancel(race);
    race->on_end(race, tcp, at);
}

static void on_attempt_ready(struct sl_ep_owner *owner, struct sl_ep_tcp *tcp)
{
    struct sl_race *race = SL_CONTAINER_OF(owner, struct sl_race, owner);
    size_t at = 0;
    while (at < race->begun_count && race->attempts[at] != tcp) {
        at++;
    }
    if (at == race->begun_count || (!tcp->is_writable && !tcp->is_reset)) {
        return;
    }
    if (!tcp->is_reset) { /* writable without an error: it is connected */
        race->on_end(race, win(race, at), at);
        return;
    }
    enum sl_err rc = sl_socket_connect_result(tcp->watch.fd);
    note_failure(race, at, rc == SL_OK ? SL_EREFUSED : rc);
    sl_ep_tcp_destroy(SL_STEAL(race->attempts[at]));
    race->open_count--;
    sl_timer_cancel(&race->stagger);
    go_on(race);
}

static void on_stagger(struct sl_timer *timer)
{
    go_on(SL_CONTAINER_OF(timer, struct sl_race, stagger));
}

static void on_deadline(struct sl_timer *timer)
{
    struct sl_race *race = SL_CONTAINER_OF(timer, struct sl_race, deadline);
    note_failure(race, race->begun_count > 0 ? race->begun_count - 1 : 0, SL_ETIMEDOUT);
    sl_race_cancel(race);
    race->on_end(race, NULL, race->last_at);
}

void sl_race_init(struct sl_race *race, const struct sl_upstream *upstream, uint64_t dice,
                  struct sl_addr *addrs)
{
    uint8_t order[SL_UPSTREAM_ADDRS_MAX];
    race->owner.on_ready = on_attempt_ready;
    sl_timer_init(&race->stagger, on_stagger);
    sl_timer_init(&race->deadline, on_deadline);
    race->last_error = SL_ENOENT; /* of one without addresses */
    race->addrs_count = upstream->addrs_count;
    race->addrs = addrs;
    sl_addr_set_order(upstream->addrs, upstream->ranks, race->addrs_count, dice, order);
    for (size_t i = 0; i < race->addrs_count; i++) {
        addrs[i] = upstream->addrs[order[i]];
        race->priorities[i] = upstream->ranks[order[i]].priority;
    }
}

enum sl_err sl_race_begin(struct sl_race *race, uint64_t within_ms, struct sl_ep_tcp **ret_tcp,
                          size_t *ret_at)
{
    sl_loop_timer(race->loop, &race->deadline, within_ms);
    enum sl_err rc = begin_next(race);
    if (rc == SL_OK) {
        *ret_at = race->begun_count - 1;
        *ret_tcp = win(race, *ret_at);
    } else if (rc != SL_AGAIN) {
        sl_race_cancel(race);
    }
    return rc;
}

enum sl_reason sl_race_reason(enum sl_err error)
{
    switch (error) {
    case SL_EREFUSED:
        return SL_REASON_UPSTREAM_REFUSED;
    case SL_ETIMEDOUT:
        return SL_REASON_CONNECT_TIMEOUT;
    case SL_ENOENT:
        return SL_REASON_UPSTREAM_UNRESOLVED;
    case SL_EMFILE:
        return SL_REASON_NO_DESCRIPTORS;
    case SL_ENOMEM:
        return SL_REASON_NO_MEMORY;
    default:
        return SL_REASON_UPSTREAM_UNREACHABLE;
    }
}
