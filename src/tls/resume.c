/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/resume.h"
#include <string.h>
#include <time.h>

static void drop(struct sl_tls_kept *kept)
{
    SSL_SESSION_free(SL_STEAL(kept->session));
}

static void drop_expired(struct sl_tls_resume *resume, int64_t now_s)
{
    for (size_t i = 0; i < SL_TLS_RESUME_MAX; i++) {
        struct sl_tls_kept *kept = &resume->kept[i];
        if (kept->session != NULL &&
            (kept->until_s <= now_s || SSL_SESSION_is_resumable(kept->session) != 1)) {
            drop(kept);
        }
    }
}

void sl_tls_resume_fini(struct sl_tls_resume *resume)
{
    drop_expired(resume, INT64_MAX);
}

static bool is_of(const struct sl_tls_kept *kept, const uint8_t *offer)
{
    return kept->session != NULL && memcmp(kept->offer, offer, SL_TLS_DIGEST_LEN) == 0;
}

/* The slot to fill: the oldest of this offer when it has its share, else a free one, else the
 * oldest of all. */
static struct sl_tls_kept *slot_for(struct sl_tls_resume *resume, const uint8_t *offer)
{
    struct sl_tls_kept *free_slot = NULL, *oldest = NULL, *oldest_same = NULL;
    size_t same_count = 0;
    for (size_t i = 0; i < SL_TLS_RESUME_MAX; i++) {
        struct sl_tls_kept *kept = &resume->kept[i];
        if (kept->session == NULL) {
            free_slot = kept;
            continue;
        }
        if (oldest == NULL || kept->order < oldest->order) {
            oldest = kept;
        }
        if (is_of(kept, offer)) {
            same_count++;
            oldest_same =
                oldest_same == NULL || kept->order < oldest_same->order ? kept : oldest_same;
        }
    }
    if (same_count >= SL_TLS_RESUME_PER_OFFER) {
        return oldest_same;
    }
    return free_slot != NULL ? free_slot : oldest;
}

static int64_t lifetime_s(const SSL_SESSION *session)
{
    int64_t timeout_s = (int64_t)SSL_SESSION_get_timeout(session);
    int64_t hint_s = (int64_t)SSL_SESSION_get_ticket_lifetime_hint(session);
    return hint_s > 0 ? SL_MIN(timeout_s, hint_s) : timeout_s;
}

void sl_tls_resume_put(struct sl_tls_resume *resume, SSL_SESSION *session,
                       const uint8_t offer[static SL_TLS_DIGEST_LEN], int64_t now_s)
{
    drop_expired(resume, now_s);
    for (size_t i = 0; i < SL_TLS_RESUME_MAX; i++) {
        if (resume->kept[i].session == session) {
            SSL_SESSION_free(session);
            return;
        }
    }
    struct sl_tls_kept *kept = slot_for(resume, offer);
    drop(kept);
    kept->session = session;
    memcpy(kept->offer, offer, SL_TLS_DIGEST_LEN);
    kept->until_s = now_s + lifetime_s(session);
    kept->order = ++resume->puts_count;
}

SSL_SESSION *sl_tls_resume_take(struct sl_tls_resume *resume,
                                const uint8_t offer[static SL_TLS_DIGEST_LEN], int64_t now_s)
{
    drop_expired(resume, now_s);
    struct sl_tls_kept *newest = NULL;
    for (size_t i = 0; i < SL_TLS_RESUME_MAX; i++) {
        struct sl_tls_kept *kept = &resume->kept[i];
        if (is_of(kept, offer) && (newest == NULL || kept->order > newest->order)) {
            newest = kept;
        }
    }
    if (newest == NULL) {
        return NULL;
    }
    if (SSL_SESSION_get_protocol_version(newest->session) >= TLS1_3_VERSION) {
        return SL_STEAL(newest->session);
    }
    return SSL_SESSION_up_ref(newest->session) == 1 ? newest->session : NULL;
}

int64_t sl_tls_resume_clock_s(void)
{
    struct timespec now = { 0 };
    (void)clock_gettime(CLOCK_BOOTTIME, &now); /* suspended time counts: lifetimes are absolute */
    return (int64_t)now.tv_sec;
}
