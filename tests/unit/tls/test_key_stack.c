/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/key_message.h"
#include "pair.h"
#include "tls/fast.h"
#include "tls/key_provider.h"
#include "tls/key_signer.h"
#include "tls/key_stack.h"
#include <openssl/async.h>
#include <openssl/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#if defined(SL_SANITIZED)
enum { IS_SANITIZED = 1 }; /* its frames are larger */
#else
enum { IS_SANITIZED = 0 };
#endif

enum {
    PATTERN = 0xa5,
    STACKS_MAX = 8,
    INTERMEDIATES_COUNT = 12,
    KNOWN_BYTES = 8 * 1024,
};

/* The stacks that OpenSSL has now. Its hooks for memory have no argument of ours. */
static struct stack {
    uint8_t *at;
    size_t bytes;
} stacks[STACKS_MAX];

static void stack_note(uint8_t *at, size_t bytes)
{
    for (size_t i = 0; at != NULL && i < STACKS_MAX; i++) {
        if (stacks[i].at == NULL) {
            stacks[i] = (struct stack){ at, bytes };
            memset(at, PATTERN, bytes);
            return;
        }
    }
}

static void stack_forget(const void *at)
{
    for (size_t i = 0; at != NULL && i < STACKS_MAX; i++) {
        if (stacks[i].at == at) {
            stacks[i] = (struct stack){ 0 };
        }
    }
}

/* Bytes from the top down to the lowest one that was written, of the deepest stack. */
static size_t touched_bytes(void)
{
    size_t deepest = 0;
    for (size_t i = 0; i < STACKS_MAX; i++) {
        size_t untouched = 0;
        while (untouched < stacks[i].bytes && stacks[i].at[untouched] == PATTERN) {
            untouched++;
        }
        deepest = SL_MAX(deepest, stacks[i].bytes - untouched);
    }
    return deepest;
}

static void *hook_malloc(size_t bytes, const char *file, int line)
{
    uint8_t *at = malloc(bytes);
    SL_UNUSED(line);
    if (bytes == SL_KEY_STACK_BYTES && file != NULL && strstr(file, "async") != NULL) {
        stack_note(at, bytes);
    }
    return at;
}

static void *hook_realloc(void *at, size_t bytes, const char *file, int line)
{
    SL_UNUSED(file);
    SL_UNUSED(line);
    return realloc(at, bytes);
}

static void hook_free(void *at, const char *file, int line)
{
    SL_UNUSED(file);
    SL_UNUSED(line);
    stack_forget(at);
    free(at);
}

/* What it takes of ours, where it does. */
static void *stack_map(size_t *bytes)
{
    uint8_t *at = malloc(*bytes);
    stack_note(at, *bytes);
    return at;
}

static void stack_unmap(void *at)
{
    stack_forget(at);
    free(at);
}

enum leaf { SERVER_EC, SERVER_RSA, CLIENT_EC, CLIENT_RSA, LEAFS_COUNT };

/* The keys' process in this one, and certificates at the end of a long chain. */
struct office {
    struct sl_key_service service;
    struct sl_list waiting;
    struct sl_key_signer *signers[LEAFS_COUNT];
    struct sl_tls_cert *certs[LEAFS_COUNT], *other;
    struct sl_tls_store *store;
    struct sl_ticket_keys tickets;
};

static enum sl_err submit(struct sl_key_service *service, struct sl_key_request *request)
{
    sl_list_append(&SL_CONTAINER_OF(service, struct office, service)->waiting, &request->node);
    return SL_OK;
}

static void cancel(struct sl_key_service *service, struct sl_key_request *request)
{
    SL_UNUSED(service);
    sl_list_remove(&request->node);
}

static size_t answer(struct office *o)
{
    size_t count = 0;
    for (struct sl_list *node; (node = sl_list_shift(&o->waiting)) != NULL; count++) {
        struct sl_key_request *request = SL_CONTAINER_OF(node, struct sl_key_request, node);
        uint8_t bytes[SL_KEY_SIGNATURE_MAX];
        struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
        enum sl_err rc = sl_key_signer_sign(o->signers[request->key_index], request->scheme,
                                            request->input, &out);
        assert_int_equal(rc, SL_OK);
        sl_key_request_done(request, rc, sl_wbuf_slice(&out));
    }
    return count;
}

static void leaf_make(struct office *o, enum leaf leaf, const struct pki_cert *issuer,
                      const char *intermediates)
{
    bool is_server = leaf == SERVER_EC || leaf == SERVER_RSA;
    bool is_rsa = leaf == SERVER_RSA || leaf == CLIENT_RSA;
    uint8_t der[SL_KEY_PUBLIC_MAX];
    struct sl_wbuf out = sl_wbuf_of(der, sizeof(der));
    struct pki_cert pki;
    pki_make(&(struct pki_spec){ .cn = is_server ? "site.example" : "a client",
                                 .san = is_server ? "DNS:site.example" : NULL,
                                 .kind = is_rsa ? PKI_RSA : PKI_EC },
             issuer, &pki);
    char *chain = pki_join(pki.chain, intermediates);
    assert_int_equal(
        sl_key_signer_create(pki_slice(pki.key), (struct sl_slice){ 0 }, NULL, &o->signers[leaf]),
        SL_OK);
    assert_int_equal(sl_key_signer_public(o->signers[leaf], &out), SL_OK);
    const struct sl_tls_key key = { sl_wbuf_slice(&out), (uint32_t)leaf, &o->service };
    assert_int_equal(sl_tls_cert_create_apart(pki_slice(chain), &key, NULL, &o->certs[leaf]),
                     SL_OK);
    free(chain);
    pki_free(&pki);
}

static void pki_init(struct office *o)
{
    struct pki_cert root, issuer;
    char *intermediates = strdup("");
    pki_make(&(struct pki_spec){ .cn = "Root", .is_ca = true, .kind = PKI_RSA }, NULL, &root);
    assert_int_equal(sl_tls_store_create(pki_slice(root.chain), NULL, &o->store), SL_OK);
    o->other = fixture_cert(&root, "other.example", "DNS:other.example", PKI_EC);
    issuer = root;
    for (size_t i = 0; i < INTERMEDIATES_COUNT; i++) {
        static const enum pki_kind KINDS[] = { PKI_EC_521, PKI_EC, PKI_RSA, PKI_EC_384 };
        struct pki_cert next;
        char cn[64];
        (void)snprintf(cn, sizeof(cn), "Intermediate authority number %zu", i);
        pki_make(&(struct pki_spec){ .cn = cn, .is_ca = true, .kind = KINDS[i % SL_COUNT(KINDS)] },
                 &issuer, &next);
        char *longer = pki_join(next.chain, intermediates);
        free(intermediates);
        intermediates = longer;
        pki_free(&issuer);
        issuer = next;
    }
    for (size_t i = 0; i < LEAFS_COUNT; i++) {
        leaf_make(o, (enum leaf)i, &issuer, intermediates);
    }
    pki_free(&issuer);
    free(intermediates);
}

static int make_office(void **state)
{
    struct office *o = calloc(1, sizeof(*o));
    assert_int_equal(sl_tls_library_init(), SL_OK);
    assert_int_equal(sl_tls_fast_use(true, NULL), SL_OK); /* as workers do */
    assert_int_equal(sl_tls_fast_records(true), SL_OK);
    assert_int_equal(sl_key_stacks_use(stack_map, stack_unmap),
                     sl_key_stacks_are_ours() ? SL_OK : SL_ENOENT);
    o->service = (struct sl_key_service){ .submit = submit, .cancel = cancel };
    sl_list_init(&o->waiting);
    assert_int_equal(sl_ticket_keys_rotate(&o->tickets), SL_OK);
    pki_init(o);
    sl_key_signer_allow_premaster(o->signers[SERVER_RSA]);
    *state = o;
    return 0;
}

static int drop_office(void **state)
{
    struct office *o = *state;
    for (size_t i = 0; i < LEAFS_COUNT; i++) {
        sl_key_signer_destroy(o->signers[i]);
        sl_tls_cert_unref(o->certs[i]);
    }
    sl_tls_cert_unref(o->other);
    sl_tls_store_unref(o->store);
    free(o);
    return 0;
}

struct scene {
    const char *name;
    uint16_t version;
    const char *ciphers; /* NULL: the policy's */
    enum leaf server, client;
    size_t answers_count; /* of a full handshake */
    bool is_stranger;     /* the server does not know who signed the client's certificate */
};

static size_t play_once(struct office *o, struct sl_tls_ctx *client, struct sl_tls_ctx *server,
                        const struct scene *scene)
{
    struct pair pair;
    size_t count = 0, now_count;
    pair_open(&pair, client, server);
    do {
        pair_handshake(&pair);
        now_count = answer(o);
        count += now_count;
    } while (now_count > 0);
    assert_int_equal(pair.server.rc, scene->is_stranger ? SL_EVERIFY : SL_OK);
    if (!scene->is_stranger) { /* what the tickets come with */
        pair_say(&pair, &pair.server, SL_SLICE("answer"));
        pair_say(&pair, &pair.client, SL_SLICE("question"));
    }
    pair_fini(&pair);
    return count;
}

/* A full handshake, and one that resumes it. */
static void play(struct office *o, const struct scene *scene)
{
    static const char *const ALPN[] = { "h2", "http/1.1" };
    struct sl_policy policy = fixture_policy("old");
    struct sl_tls_cert *const certs[] = { o->other, o->certs[scene->server] };
    struct sl_tls_store *nobody = NULL;
    struct pki_cert stranger;
    pki_make(&(struct pki_spec){ .cn = "stranger", .is_ca = true }, NULL, &stranger);
    assert_int_equal(sl_tls_store_create(pki_slice(stranger.chain), NULL, &nobody), SL_OK);
    policy.min_version = policy.max_version = scene->version;
    policy.ciphers = scene->ciphers == NULL ? policy.ciphers : scene->ciphers;
    struct sl_tls_ctx *server = fixture_server(
        &(struct sl_tls_server_conf){ .service = "main",
                                      .policy = &policy,
                                      .certs = certs,
                                      .certs_count = SL_COUNT(certs),
                                      .alpn = ALPN,
                                      .alpn_count = SL_COUNT(ALPN),
                                      .verify = SL_TLS_VERIFY_REQUIRE,
                                      .clients = scene->is_stranger ? nobody : o->store,
                                      .tickets = &o->tickets });
    struct sl_tls_ctx *client = fixture_client(&(struct sl_tls_client_conf){
        .policy = &policy,
        .is_verified = true,
        .store = o->store,
        .owns = &(struct sl_tls_own){ o->certs[scene->client], "own" },
        .owns_count = o->certs[scene->client] != NULL,
        .name = "site.example",
        .alpn = ALPN,
        .alpn_count = SL_COUNT(ALPN) });
    assert_int_equal(play_once(o, client, server, scene), scene->answers_count);
    assert_int_equal(play_once(o, client, server, scene),
                     scene->is_stranger ? scene->answers_count : 0);
    sl_tls_ctx_unref(client);
    sl_tls_ctx_unref(server);
    sl_tls_store_unref(nobody);
    pki_free(&stranger);
}

static void no_handshake_uses_half_of_its_stack(void **state)
{
    static const struct scene SCENES[] = {
        { "TLS 1.3, ECDSA", 0x0304, NULL, SERVER_EC, CLIENT_EC, 2, false },
        { "TLS 1.3, RSA", 0x0304, NULL, SERVER_RSA, CLIENT_RSA, 2, false },
        { "TLS 1.3, refused", 0x0304, NULL, SERVER_EC, CLIENT_RSA, 2, true },
        { "TLS 1.2, ECDSA", 0x0303, NULL, SERVER_EC, CLIENT_EC, 2, false },
        { "TLS 1.2, RSA", 0x0303, NULL, SERVER_RSA, CLIENT_RSA, 2, false },
        { "TLS 1.2, refused", 0x0303, NULL, SERVER_RSA, CLIENT_EC, 2, true },
        { "TLS 1.2, RSA key transport", 0x0303, "AES128-SHA", SERVER_RSA, CLIENT_RSA, 2, false },
    };
    struct office *o = *state;
    for (size_t i = 0; i < SL_COUNT(SCENES); i++) {
        assert_int_equal(sl_key_jobs_init(STACKS_MAX), SL_OK);
        play(o, &SCENES[i]);
        size_t bytes = touched_bytes();
        print_message("%-28s %zu of %d bytes of stack\n", SCENES[i].name, bytes,
                      SL_KEY_STACK_BYTES);
        sl_key_jobs_fini();
        assert_true(bytes > 0);
        assert_int_equal(touched_bytes(), 0); /* all were given back */
        assert_true(IS_SANITIZED || bytes < SL_KEY_STACK_BYTES / 2);
    }
}

static size_t dig(size_t depth_bytes)
{
    volatile uint8_t frame[512];
    memset((uint8_t *)(uintptr_t)frame, (int)depth_bytes, sizeof(frame));
    return depth_bytes < sizeof(frame) ? frame[0] : dig(depth_bytes - sizeof(frame)) + frame[1];
}

static int dig_in_job(void *arg)
{
    return (int)dig(*(const size_t *)arg);
}

static int job_run(size_t depth_bytes)
{
    ASYNC_JOB *job = NULL;
    ASYNC_WAIT_CTX *wait = ASYNC_WAIT_CTX_new();
    int result = 0;
    int rc = ASYNC_start_job(&job, wait, &result, dig_in_job, &depth_bytes, sizeof(depth_bytes));
    ASYNC_WAIT_CTX_free(wait);
    return rc;
}

static void what_is_measured_is_what_was_used(void **state)
{
    SL_UNUSED(state);
    assert_int_equal(sl_key_jobs_init(1), SL_OK);
    assert_int_equal(job_run(KNOWN_BYTES), ASYNC_FINISH);
    size_t bytes = touched_bytes();
    assert_true(bytes >= KNOWN_BYTES);
    assert_true(IS_SANITIZED || bytes < 2 * KNOWN_BYTES);
    sl_key_jobs_fini();
    /* those that there were are to go the way that they came */
    assert_int_not_equal(sl_key_stacks_use(stack_map, stack_unmap), SL_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_measured_is_what_was_used),
        cmocka_unit_test(no_handshake_uses_half_of_its_stack),
    };
    /* before OpenSSL takes any memory */
    if (CRYPTO_set_mem_functions(hook_malloc, hook_realloc, hook_free) != 1) {
        return 1;
    }
    return cmocka_run_group_tests_name("tls/key_stack", tests, make_office, drop_office);
}
