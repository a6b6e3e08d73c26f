/* SPDX-License-Identifier: Apache-2.0 */
#include "net/checker.h"
#include "codec/proxy.h"
#include "net/balance.h"
#include "net/health.h"
#include "net/race.h"
#include "relay/failure.h"
#include <stdlib.h>

enum { BUSY_RETRY_MS = 20 };

/* The checks of one server. */
struct check {
    struct sl_list node;
    struct sl_reap reap;
    struct sl_checker *checker;
    const struct sl_target *target;
    const struct sl_upstream *upstream;
    struct sl_server *server; /* referenced */
    struct sl_timer due, deadline;
    bool is_busy;
    /* of the one under way */
    struct sl_race race;
    struct sl_addr addrs[SL_UPSTREAM_ADDRS_MAX];
    struct sl_ep_owner owner;
    struct sl_ep_tcp *tcp;
    struct sl_ep_tls tls;
    struct sl_tls_waker waker;
};

static void end_attempt(struct check *check)
{
    sl_timer_cancel(&check->deadline);
    if (!check->is_busy) {
        return;
    }
    check->is_busy = false;
    check->checker->busy_count--;
    sl_race_cancel(&check->race);
    sl_ep_tls_fini(&check->tls);
    check->tls = (struct sl_ep_tls){ 0 };
    sl_ep_tcp_destroy(SL_STEAL(check->tcp));
}

static void finish(struct check *check, enum sl_reason reason, const char *detail)
{
    struct sl_checker *checker = check->checker;
    const bool is_good = reason == SL_REASON_DONE;
    end_attempt(check);
    if (sl_reason_row(reason)->level == SL_LOG_ERROR) {
        return; /* what lacked was ours: nothing is known */
    }
    checker->checks_count++;
    checker->failed_count += is_good ? 0 : 1;
    if (sl_health_note(check->upstream->health, check->target->health, is_good,
                       checker->loop->now_ms)) {
        const struct sl_server_event event = { .server = check->server,
                                               .is_up = is_good,
                                               .reason =
                                                   is_good ? "check" : sl_reason_row(reason)->word,
                                               .detail = detail };
        checker->servers->on_event(checker->servers, &event);
    }
}

static void shake_hands(struct check *check)
{
    struct sl_scratch *scratch = check->checker->scratch;
    scratch->diag.text[0] = '\0';
    enum sl_err rc = sl_ep_tls_handshake(&check->tls, scratch, 0);
    if (rc != SL_AGAIN && rc != SL_EWAIT) {
        const char *detail = rc == SL_OK ? NULL : scratch->diag.text;
        finish(check, rc == SL_OK ? SL_REASON_DONE : sl_conn_upstream_reason(rc), detail);
    }
}

static void on_ready(struct sl_ep_owner *owner, struct sl_ep_tcp *tcp)
{
    struct check *check = SL_CONTAINER_OF(owner, struct check, owner);
    if (tcp == check->tcp && check->tls.tls != NULL) { /* else it is over */
        shake_hands(check);
    }
}

static void on_wake(struct sl_tls_waker *waker)
{
    shake_hands(SL_CONTAINER_OF(waker, struct check, waker));
}

/* The header says that nobody stands behind this connection. */
static enum sl_err send_proxy_header(struct check *check)
{
    uint8_t bytes[SL_PROXY_LOCAL_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    enum sl_err rc = sl_proxy_emit_local(check->target->proxy_out, &out);
    rc = rc == SL_OK ? sl_ep_write(&check->tcp->ep, check->checker->scratch, sl_wbuf_slice(&out))
                     : rc;
    return rc == SL_AGAIN ? SL_OK : rc;
}

static void connected(struct check *check, struct sl_ep_tcp *tcp)
{
    struct sl_tls *session = NULL;
    check->tcp = tcp;
    tcp->owner = &check->owner;
    tcp->is_writable = true;
    if (check->target->proxy_out != SL_PROXY_OFF && send_proxy_header(check) != SL_OK) {
        finish(check, SL_REASON_UPSTREAM_CLOSED, NULL);
        return;
    }
    if (check->upstream->check_tls == NULL) {
        finish(check, SL_REASON_DONE, NULL);
        return;
    }
    if (sl_tls_connect_create(check->upstream->check_tls, sl_slice_of(NULL, 0), &session) !=
        SL_OK) {
        finish(check, SL_REASON_NO_MEMORY, NULL);
        return;
    }
    sl_tls_set_waker(session, &check->waker);
    sl_ep_tls_init(&check->tls, &tcp->ep, &session);
    shake_hands(check);
}

static void on_race_end(struct sl_race *race, struct sl_ep_tcp *tcp, size_t at)
{
    struct check *check = SL_CONTAINER_OF(race, struct check, race);
    SL_UNUSED(at);
    if (tcp != NULL) {
        connected(check, tcp);
    } else {
        finish(check, sl_race_reason(race->last_error), NULL);
    }
}

static void on_deadline(struct sl_timer *timer)
{
    struct check *check = SL_CONTAINER_OF(timer, struct check, deadline);
    finish(check,
           check->tcp == NULL ? SL_REASON_CONNECT_TIMEOUT : SL_REASON_UPSTREAM_HANDSHAKE_TIMEOUT,
           NULL);
}

static void begin(struct check *check)
{
    struct sl_checker *checker = check->checker;
    const uint32_t timeout_ms = check->target->health->timeout_ms;
    struct sl_ep_tcp *tcp = NULL;
    size_t at = 0;
    check->is_busy = true;
    checker->busy_count++;
    check->race = (struct sl_race){ .loop = checker->loop,
                                    .pending_max_bytes = sl_scratch_pending_max(checker->scratch),
                                    .tuning = check->target->tuning,
                                    .on_end = on_race_end };
    sl_race_init(&check->race, check->upstream, check->checker->servers->random, check->addrs);
    sl_loop_timer(checker->loop, &check->deadline, timeout_ms);
    enum sl_err rc = sl_race_begin(&check->race, timeout_ms, &tcp, &at);
    if (rc == SL_OK) {
        connected(check, tcp);
    } else if (rc != SL_AGAIN) {
        finish(check, sl_race_reason(rc), NULL);
    }
}

/* A tenth more or less, so that the checks of many servers do not come together. */
static uint64_t interval_ms(struct check *check)
{
    const uint64_t ms = check->target->health->interval_ms;
    return ms - ms / 10 + sl_balance_random(&check->checker->servers->random) % (ms / 5 + 1);
}

static void on_due(struct sl_timer *timer)
{
    struct check *check = SL_CONTAINER_OF(timer, struct check, due);
    struct sl_checker *checker = check->checker;
    uint64_t in_ms = BUSY_RETRY_MS;
    bool is_mine = false;
    if (!check->is_busy && checker->busy_count < SL_CHECKS_MAX_COUNT) {
        is_mine = sl_health_is_due(check->upstream->health, checker->loop->now_ms,
                                   interval_ms(check), &in_ms);
    }
    sl_loop_timer(checker->loop, timer, in_ms);
    if (is_mine) {
        begin(check);
    }
}

void sl_checker_init(struct sl_checker *checker, struct sl_loop *loop, struct sl_scratch *scratch,
                     struct sl_servers *servers)
{
    *checker = (struct sl_checker){ .loop = loop, .scratch = scratch, .servers = servers };
    sl_list_init(&checker->checks);
}

static enum sl_err add(struct sl_checker *checker, const struct sl_target *target,
                       const struct sl_upstream *upstream)
{
    struct check *check = calloc(1, sizeof(*check));
    if (check == NULL) {
        return SL_ENOMEM;
    }
    *check = (struct check){ .checker = checker,
                             .target = target,
                             .upstream = upstream,
                             .server = sl_server_ref(upstream->server),
                             .owner.on_ready = on_ready,
                             .waker.wake = on_wake };
    sl_list_append(&checker->checks, &check->node);
    sl_timer_init(&check->due, on_due);
    sl_timer_init(&check->deadline, on_deadline);
    /* at first somewhere within an interval, as far as nobody has been before */
    sl_loop_timer(checker->loop, &check->due,
                  1 + sl_balance_random(&checker->servers->random) % target->health->interval_ms);
    return SL_OK;
}

enum sl_err sl_checker_add(struct sl_checker *checker, const struct sl_target *target)
{
    for (size_t i = 0; target->health != NULL && i < target->upstreams_count; i++) {
        const struct sl_upstream *upstream = &target->upstreams[i];
        if (upstream->server == NULL || upstream->health == NULL) {
            continue;
        }
        enum sl_err rc = add(checker, target, upstream);
        if (rc != SL_OK) {
            return rc;
        }
    }
    return SL_OK;
}

static void check_free(struct sl_reap *reap)
{
    struct check *check = SL_CONTAINER_OF(reap, struct check, reap);
    sl_server_unref(check->server);
    free(check);
}

void sl_checker_clear(struct sl_checker *checker)
{
    for (struct sl_list *node; (node = sl_list_shift(&checker->checks)) != NULL;) {
        struct check *check = SL_CONTAINER_OF(node, struct check, node);
        end_attempt(check);
        sl_timer_cancel(&check->due);
        sl_loop_reap(checker->loop, &check->reap, check_free); /* events may still point at it */
    }
}
