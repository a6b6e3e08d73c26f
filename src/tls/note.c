/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/note.h"
#include "tls/crl_impl.h"
#include "tls/psk.h"
#include <string.h>
#include <time.h>

enum { NAME_MAX_BYTES = 255 };

struct head {
    int64_t since_s, until_s;
    uint8_t crls[SL_TLS_DIGEST_LEN]; /* zeroes for none */
    uint8_t psk[SL_TLS_DIGEST_LEN];  /* of the pre-shared key; zeroes for none */
};

static struct sl_slice name_of(const struct sl_tls *tls)
{
    struct sl_slice name = sl_slice_cstr(tls->server_name);
    name.len = SL_MIN(name.len, (size_t)NAME_MAX_BYTES);
    return name;
}

static void crls_put(const struct sl_tls *tls, struct head *head)
{
    const struct sl_tls_crls *crls = tls->ctx->demands.crls;
    if (crls != NULL) {
        memcpy(head->crls, crls->digest, sizeof(head->crls));
    }
}

bool sl_tls_note_put(const struct sl_tls *tls, SSL_SESSION *session)
{
    uint8_t note[sizeof(struct head) + NAME_MAX_BYTES];
    struct head head = { .since_s = (int64_t)time(NULL), .until_s = tls->until_s };
    const struct sl_slice name = name_of(tls);
    crls_put(tls, &head);
    sl_tls_psk_tag(tls, head.psk);
    memcpy(note, &head, sizeof(head));
    if (name.len > 0) {
        memcpy(note + sizeof(head), name.ptr, name.len);
    }
    return SSL_SESSION_set1_ticket_appdata(session, note, sizeof(head) + name.len) == 1;
}

static bool note_read(SSL_SESSION *session, struct head *ret_head, struct sl_slice *ret_name)
{
    void *note = NULL;
    size_t len = 0;
    if (SSL_SESSION_get0_ticket_appdata(session, &note, &len) != 1 || len < sizeof(*ret_head)) {
        return false;
    }
    memcpy(ret_head, note, sizeof(*ret_head));
    *ret_name = sl_slice_of((uint8_t *)note + sizeof(*ret_head), len - sizeof(*ret_head));
    return true;
}

bool sl_tls_note_is_there(SSL_SESSION *session)
{
    struct head head;
    struct sl_slice name;
    return note_read(session, &head, &name);
}

bool sl_tls_note_is_good(struct sl_tls *tls, SSL_SESSION *session)
{
    const struct sl_tls_demands *demands = &tls->ctx->demands;
    const int64_t now_s = (int64_t)time(NULL);
    struct head head, now = { 0 };
    struct sl_slice name;
    if (!note_read(session, &head, &name)) {
        return false;
    }
    crls_put(tls, &now);
    const bool is_stale =
        demands->crls != NULL && !demands->may_be_stale && demands->crls->until_s <= now_s;
    return head.since_s <= now_s && now_s - head.since_s < SL_TLS_NOTE_AGE_MAX_S &&
           now_s < head.until_s && !is_stale &&
           memcmp(head.crls, now.crls, sizeof(now.crls)) == 0 &&
           sl_slice_eq_nocase(name, name_of(tls)) && sl_tls_psk_resume(tls, head.psk);
}
