/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/note.h"
#include "tls/tickets_impl.h"
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <string.h>

/* What the callback tells libssl (SSL_CTX_set_tlsext_ticket_key_evp_cb). */
enum { KEY_ERROR = -1, KEY_NONE = 0, KEY_OK = 1, KEY_OK_RENEW = 2 };

static bool slot_is_used(const struct sl_ticket_key *slot)
{
    static const uint8_t ZERO[sizeof(slot->name)] = { 0 };
    return memcmp(slot->name, ZERO, sizeof(ZERO)) != 0;
}

enum sl_err sl_ticket_keys_rotate(struct sl_ticket_keys *keys)
{
    struct sl_ticket_key fresh;
    bool is_ok = RAND_bytes(fresh.name, sizeof(fresh.name)) == 1 &&
                 RAND_priv_bytes(fresh.aes, sizeof(fresh.aes)) == 1 &&
                 RAND_priv_bytes(fresh.hmac, sizeof(fresh.hmac)) == 1;
    ERR_clear_error();
    if (is_ok) {
        fresh.name[0] |= 1; /* never the mark of an empty slot */
        memmove(&keys->slots[1], &keys->slots[0], sizeof(keys->slots) - sizeof(keys->slots[0]));
        keys->slots[0] = fresh;
    }
    OPENSSL_cleanse(&fresh, sizeof(fresh));
    return is_ok ? SL_OK : SL_ETLS;
}

void sl_ticket_keys_wipe(struct sl_ticket_keys *keys)
{
    if (keys != NULL) {
        OPENSSL_cleanse(keys, sizeof(*keys));
    }
}

bool sl_ticket_keys_has_first(const struct sl_ticket_keys *keys)
{
    return keys != NULL && slot_is_used(&keys->slots[0]);
}

static const struct sl_ticket_key *slot_find(const struct sl_ticket_keys *keys,
                                             const unsigned char *name)
{
    for (size_t i = 0; i < SL_TICKET_KEYS_COUNT; i++) {
        const struct sl_ticket_key *slot = &keys->slots[i];
        if (slot_is_used(slot) && memcmp(slot->name, name, sizeof(slot->name)) == 0) {
            return slot;
        }
    }
    return NULL;
}

static bool mac_set(EVP_MAC_CTX *mac, const struct sl_ticket_key *slot)
{
    uint8_t key[sizeof(slot->hmac)];
    char digest[] = "SHA256";
    memcpy(key, slot->hmac, sizeof(key)); /* OSSL_PARAM wants it writable */
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key, sizeof(key)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    bool is_ok = EVP_MAC_CTX_set_params(mac, params) == 1;
    OPENSSL_cleanse(key, sizeof(key));
    return is_ok;
}

static int ticket_seal(const struct sl_ticket_keys *keys, unsigned char *name, unsigned char *iv,
                       EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    const struct sl_ticket_key *slot = &keys->slots[0];
    if (!slot_is_used(slot)) {
        return KEY_NONE;
    }
    memcpy(name, slot->name, sizeof(slot->name));
    bool is_ok = RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 &&
                 EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), slot->aes, iv, NULL) == 1 &&
                 mac_set(mac, slot);
    return is_ok ? KEY_OK : KEY_ERROR;
}

static int ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                      EVP_MAC_CTX *mac, int is_sealing)
{
    const struct sl_tls *tls = SSL_get_app_data(ssl);
    const struct sl_ticket_keys *keys = tls->ctx->tickets;
    if (keys == NULL) {
        return KEY_NONE;
    }
    if (is_sealing != 0) {
        return ticket_seal(keys, name, iv, cipher, mac);
    }
    const struct sl_ticket_key *slot = slot_find(keys, name);
    if (slot == NULL) {
        return KEY_NONE;
    }
    if (EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), slot->aes, iv, NULL) != 1 ||
        !mac_set(mac, slot)) {
        return KEY_ERROR;
    }
    /* TLS 1.3 clients use a ticket once (RFC 8446 C.4), so each wants its successor */
    bool is_renewed = slot != &keys->slots[0] || SSL_version(ssl) == TLS1_3_VERSION;
    return is_renewed ? KEY_OK_RENEW : KEY_OK;
}

/* Puts the note into a new session; a renewed ticket keeps the one it has. */
static int ticket_note(SSL *ssl, void *arg)
{
    SL_UNUSED(arg);
    SSL_SESSION *session = SSL_get_session(ssl);
    if (session == NULL) {
        return 0;
    }
    return sl_tls_note_is_there(session) || sl_tls_note_put(SSL_get_app_data(ssl), session) ? 1 : 0;
}

static SSL_TICKET_RETURN ticket_judge(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
                                      size_t name_len, SSL_TICKET_STATUS status, void *arg)
{
    SL_UNUSED(name);
    SL_UNUSED(name_len);
    SL_UNUSED(arg);
    struct sl_tls *tls = SSL_get_app_data(ssl); /* renewals carry nobody over an end */
    switch (status) {
    case SSL_TICKET_SUCCESS:
        return sl_tls_note_is_good(tls, session) ? SSL_TICKET_RETURN_USE
                                                 : SSL_TICKET_RETURN_IGNORE_RENEW;
    case SSL_TICKET_SUCCESS_RENEW:
        return sl_tls_note_is_good(tls, session) ? SSL_TICKET_RETURN_USE_RENEW
                                                 : SSL_TICKET_RETURN_IGNORE_RENEW;
    default:
        return SSL_TICKET_RETURN_IGNORE_RENEW; /* a full handshake, and a ticket of its own */
    }
}

bool sl_tickets_is_ours(const struct sl_ticket_keys *keys, struct sl_slice ticket)
{
    return keys != NULL && ticket.len > sizeof(keys->slots[0].name) &&
           slot_find(keys, ticket.ptr) != NULL;
}

enum sl_err sl_tickets_install(SSL_CTX *ctx, uint32_t session_s)
{
    (void)SSL_CTX_set_timeout(ctx, session_s);
    return SSL_CTX_set_num_tickets(ctx, 1) == 1 &&
                   SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, ticket_key) == 1 &&
                   SSL_CTX_set_session_ticket_cb(ctx, ticket_note, ticket_judge, NULL) == 1
               ? SL_OK
               : SL_ENOMEM;
}
