/* SPDX-License-Identifier: Apache-2.0 */
#include "app/load_tokens.h"
#include "app/confine.h"
#include "app/load_impl.h"
#include "codec/key_der.h"
#include "codec/token_uri.h"
#include "sys/clock.h"
#include "sys/socket.h"
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_WAIT_MS = 30 * 1000 }; /* for one answer of a token */
enum { POOLS_MAX_COUNT = 1024 };

struct key_place {
    const struct sl_conf_file *file;
    bool may_premaster;
};

struct sl_load_pool {
    struct sl_load_tokens *tokens;
    const char *uri;                /* in the arena */
    const struct sl_conf_file *pin; /* NULL for none */
    struct key_place *keys;
    size_t keys_count;
    const struct sl_conf_file **chains;
    size_t chains_count;
    struct sl_token_pool *pool; /* in the arena */
    struct sl_token_hearer hearer;
    enum sl_err result; /* of what was heard */
};

bool sl_load_is_on_token(const struct sl_conf_file *file)
{
    return file->path != NULL && sl_token_uri_is(sl_slice_cstr(file->path));
}

static enum sl_err finding(struct sl_load_tokens *tokens, struct sl_conf_pos pos, const char *what,
                           const char *text)
{
    sl_findings_add(&tokens->load->findings, SL_FINDING_ERROR, pos, "%s: %s", what, text);
    return SL_EINVAL;
}

/* The pool of the token that a URI is about, a new one if need be. */
static enum sl_err pool_of(struct sl_load_tokens *tokens, const char *path,
                           struct sl_load_pool **ret_pool)
{
    uint8_t bytes[SL_TOKEN_URI_MAX];
    struct sl_wbuf uri = sl_wbuf_of(bytes, sizeof(bytes));
    enum sl_err rc = sl_token_uri_put_token(sl_slice_cstr(path), &uri);
    if (rc != SL_OK) {
        return rc;
    }
    for (size_t i = 0; i < tokens->count; i++) {
        if (sl_slice_eq(sl_slice_cstr(tokens->list[i].uri), sl_wbuf_slice(&uri))) {
            *ret_pool = &tokens->list[i];
            return SL_OK;
        }
    }
    if (tokens->count == POOLS_MAX_COUNT) {
        return SL_ERANGE;
    }
    struct sl_load_pool *grown = realloc(tokens->list, (tokens->count + 1) * sizeof(*grown));
    const char *copy = sl_arena_strdup(&tokens->load->arena, sl_wbuf_slice(&uri));
    if (grown != NULL) {
        tokens->list = grown;
    }
    if (grown == NULL || copy == NULL) {
        return SL_ENOMEM;
    }
    struct sl_load_pool *pool = &tokens->list[tokens->count++];
    *pool = (struct sl_load_pool){ .tokens = tokens, .uri = copy };
    *ret_pool = pool;
    return SL_OK;
}

/* The pin-source of a URI as a file of the configuration; NULL in `ret_pin` when there is none. */
static enum sl_err pin_source(struct sl_load_tokens *tokens, const struct sl_conf_file *file,
                              const struct sl_conf_file **ret_pin)
{
    char path[SL_TOKEN_URI_MAX + 1];
    struct sl_wbuf out = sl_wbuf_of(path, sizeof(path) - 1);
    enum sl_err rc = sl_token_uri_put_pin(sl_slice_cstr(file->path), &out);
    if (rc != SL_OK) {
        return rc == SL_ENOENT ? SL_OK : rc;
    }
    struct sl_conf_file *pin = sl_arena_calloc(&tokens->load->arena, 1, sizeof(*pin));
    const char *copy = sl_arena_strdup(&tokens->load->arena, sl_wbuf_slice(&out));
    if (pin == NULL || copy == NULL) {
        return SL_ENOMEM;
    }
    *pin = (struct sl_conf_file){ .path = copy, .pos = file->pos };
    *ret_pin = pin;
    return SL_OK;
}

/* A token has one PIN: all that name it agree, or leave it to the others. */
static enum sl_err pool_pin(struct sl_load_pool *pool, const struct sl_conf_certificate *conf,
                            const struct sl_conf_file *file)
{
    const struct sl_conf_file *pin = conf->pin_file.path != NULL ? &conf->pin_file : NULL;
    enum sl_err rc = pin == NULL ? pin_source(pool->tokens, file, &pin) : SL_OK;
    if (rc != SL_OK || pin == NULL) {
        return rc;
    }
    if (pool->pin != NULL && strcmp(pool->pin->path, pin->path) != 0) {
        sl_findings_add(&pool->tokens->load->findings, SL_FINDING_ERROR, pin->pos,
                        "the PIN of %s is in another file on line %u", pool->uri,
                        pool->pin->pos.line);
        return SL_EINVAL;
    }
    pool->pin = pool->pin == NULL ? pin : pool->pin;
    return SL_OK;
}

static enum sl_err add_key(struct sl_load_tokens *tokens, const struct sl_conf_certificate *conf,
                           const struct sl_conf_file *file, bool may_premaster)
{
    struct sl_load_pool *pool = NULL;
    enum sl_err rc = pool_of(tokens, file->path, &pool);
    rc = rc == SL_OK ? pool_pin(pool, conf, file) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    for (size_t i = 0; i < pool->keys_count; i++) {
        if (strcmp(pool->keys[i].file->path, file->path) == 0) {
            pool->keys[i].may_premaster = pool->keys[i].may_premaster || may_premaster;
            return SL_OK;
        }
    }
    struct key_place *grown = realloc(pool->keys, (pool->keys_count + 1) * sizeof(*grown));
    if (grown == NULL) {
        return SL_ENOMEM;
    }
    pool->keys = grown;
    pool->keys[pool->keys_count++] = (struct key_place){ file, may_premaster };
    return SL_OK;
}

static enum sl_err add_chain(struct sl_load_tokens *tokens, const struct sl_conf_certificate *conf)
{
    struct sl_load_pool *pool = NULL;
    enum sl_err rc = pool_of(tokens, conf->chain.path, &pool);
    rc = rc == SL_OK ? pool_pin(pool, conf, &conf->chain) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    for (size_t i = 0; i < pool->chains_count; i++) {
        if (strcmp(pool->chains[i]->path, conf->chain.path) == 0) {
            return SL_OK;
        }
    }
    const struct sl_conf_file **grown =
        realloc(pool->chains, (pool->chains_count + 1) * sizeof(struct sl_conf_file *));
    if (grown == NULL) {
        return SL_ENOMEM;
    }
    pool->chains = grown;
    pool->chains[pool->chains_count++] = &conf->chain;
    return SL_OK;
}

enum sl_err sl_load_tokens_add(struct sl_load_tokens *tokens,
                               const struct sl_conf_certificate *conf, bool may_premaster)
{
    const struct sl_conf_file *key = conf->key.path != NULL ? &conf->key : &conf->chain;
    const bool has_chain = sl_load_is_on_token(&conf->chain), has_key = sl_load_is_on_token(key);
#ifndef SL_HAS_P11KIT
    if (has_chain || has_key) {
        return finding(tokens, has_chain ? conf->chain.pos : key->pos,
                       has_chain ? conf->chain.path : key->path,
                       "this build of Sluice knows no PKCS#11: it was made without p11-kit");
    }
#endif
    enum sl_err rc = has_chain ? add_chain(tokens, conf) : SL_OK;
    return rc == SL_OK && has_key ? add_key(tokens, conf, key, may_premaster) : rc;
}

static void on_chain(struct sl_token_hearer *hearer, size_t at, struct sl_slice pem,
                     const struct sl_diag *diag)
{
    struct sl_load_pool *pool = SL_CONTAINER_OF(hearer, struct sl_load_pool, hearer);
    const struct sl_conf_file *file = pool->chains[at];
    sl_load_note(&pool->result, diag == NULL
                                    ? pool->tokens->chain_found(pool->tokens, file, pem)
                                    : finding(pool->tokens, file->pos, file->path, diag->text));
}

static void on_key(struct sl_token_hearer *hearer, size_t at, struct sl_slice public_der,
                   const struct sl_diag *diag)
{
    struct sl_load_pool *pool = SL_CONTAINER_OF(hearer, struct sl_load_pool, hearer);
    const struct key_place *place = &pool->keys[at];
    if (diag != NULL) {
        sl_load_note(&pool->result,
                     finding(pool->tokens, place->file->pos, place->file->path, diag->text));
        return;
    }
    if (place->may_premaster && sl_key_der_is_rsa(public_der)) {
        sl_findings_add(&pool->tokens->load->findings, SL_FINDING_WARNING, place->file->pos,
                        "%s: keys on tokens do no RSA key transport: the policy's ciphers without "
                        "DHE or ECDHE will fail with it",
                        place->file->path);
    }
    sl_load_note(
        &pool->result,
        pool->tokens->key_found(pool->tokens, pool->pool->first_key + (uint32_t)at, public_der));
}

/* The pool as it is used from here on, in the arena. */
static enum sl_err pool_describe(struct sl_load_pool *from, uint32_t first_key,
                                 struct sl_token_pool *pool)
{
    struct sl_load *load = from->tokens->load;
    const char **keys = sl_arena_calloc(&load->arena, from->keys_count + 1, sizeof(*keys));
    if (keys == NULL) {
        return SL_ENOMEM;
    }
    for (size_t i = 0; i < from->keys_count; i++) {
        keys[i] = from->keys[i].file->path;
    }
    *pool = (struct sl_token_pool){ .uri = from->uri,
                                    .module_path = load->conf->pkcs11.module.path,
                                    .keys = keys,
                                    .first_key = first_key,
                                    .keys_count = (uint32_t)from->keys_count };
    from->pool = pool;
    return from->pin == NULL ? SL_OK : sl_load_secret(load, from->pin, &pool->pin_path);
}

/* Waits for all answers of one process. */
static enum sl_err wait_answers(struct sl_token_setup *setup)
{
    enum sl_err rc = SL_AGAIN;
    while (rc == SL_AGAIN) {
        struct pollfd answer = { .fd = setup->fd, .events = POLLIN };
        rc = poll(&answer, 1, ANSWER_WAIT_MS) <= 0 ? SL_ETIMEDOUT : sl_token_setup_hear(setup);
    }
    return rc;
}

static enum sl_err pool_complain(struct sl_load_pool *pool, const struct sl_token_setup *setup,
                                 enum sl_err rc)
{
    const struct sl_conf_file *first = pool->keys_count > 0 ? pool->keys[0].file : pool->chains[0];
    const bool is_pin = setup->is_pin_refused && pool->pin != NULL;
    if (rc == SL_ENOMEM) {
        return rc;
    }
    return finding(pool->tokens, is_pin ? pool->pin->pos : first->pos,
                   is_pin ? pool->pin->path : first->path,
                   setup->diag.text[0] != '\0' ? setup->diag.text
                   : rc == SL_ETIMEDOUT        ? "the token does not answer"
                   : rc == SL_ERESET ? "the process that speaks with the token has died of it"
                                     : sl_err_name(rc));
}

static enum sl_err pool_ask(struct sl_load_pool *pool, struct sl_slice cage)
{
    const char **chains =
        sl_arena_calloc(&pool->tokens->load->arena, pool->chains_count + 1, sizeof(*chains));
    if (chains == NULL) {
        return SL_ENOMEM;
    }
    for (size_t i = 0; i < pool->chains_count; i++) {
        chains[i] = pool->chains[i]->path;
    }
    pool->hearer = (struct sl_token_hearer){ .chain = on_chain, .key = on_key };
    struct sl_token_setup setup = { .pool = pool->pool,
                                    .cage = cage,
                                    .chains = chains,
                                    .chains_count = pool->chains_count,
                                    .hearer = &pool->hearer,
                                    .fd = -1 };
    enum sl_err rc = sl_token_setup_begin(&setup);
    if (rc == SL_OK) {
        rc = wait_answers(&setup);
        sl_keeper_dismiss(setup.pid, &setup.fd);
    }
    return rc == SL_OK ? pool->result : pool_complain(pool, &setup, rc);
}

static enum sl_err pools_describe(struct sl_load_tokens *tokens, uint32_t first_key)
{
    struct sl_load *load = tokens->load;
    enum sl_err result = SL_OK;
    load->pools = sl_arena_calloc(&load->arena, tokens->count, sizeof(*load->pools));
    if (load->pools == NULL) {
        return SL_ENOMEM;
    }
    load->pools_count = (uint32_t)tokens->count;
    for (size_t i = 0; i < tokens->count; i++) {
        struct sl_load_pool *pool = &tokens->list[i];
        for (size_t j = 0; j < pool->keys_count; j++) {
            sl_load_note(&result, tokens->key_named(tokens, pool->keys[j].file));
        }
        pool->result = pool_describe(pool, first_key, &load->pools[i]);
        first_key += (uint32_t)pool->keys_count;
    }
    return result;
}

enum sl_err sl_load_tokens_ask(struct sl_load_tokens *tokens, uint32_t first_key)
{
    struct sl_load *load = tokens->load;
    const struct sl_conf_string *user = &load->conf->pkcs11.user;
    uint8_t bytes[SL_CONFINE_KEYS_BYTES];
    struct sl_wbuf cage = sl_wbuf_of(bytes, sizeof(bytes));
    if (tokens->count == 0) {
        return SL_OK;
    }
    enum sl_err result = pools_describe(tokens, first_key);
    if (result != SL_OK) {
        return result;
    }
    result = sl_confine_token_put(load->conf, true, &cage);
    if (result == SL_ENOENT) {
        sl_findings_add(&load->findings, SL_FINDING_ERROR, user->pos,
                        "there is no user '%s' on this machine to speak with tokens", user->text);
        return SL_EINVAL;
    }
    for (size_t i = 0; result != SL_ENOMEM && i < tokens->count; i++) {
        struct sl_load_pool *pool = &tokens->list[i];
        sl_load_note(&result,
                     pool->result == SL_OK ? pool_ask(pool, sl_wbuf_slice(&cage)) : pool->result);
    }
    return result;
}

void sl_load_tokens_fini(struct sl_load_tokens *tokens)
{
    for (size_t i = 0; i < tokens->count; i++) {
        free(tokens->list[i].keys);
        free(tokens->list[i].chains);
    }
    free(tokens->list);
    tokens->list = NULL;
    tokens->count = 0;
}
