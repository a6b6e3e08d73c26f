/* SPDX-License-Identifier: Apache-2.0 */
#include "app/confine.h"
#include "app/load_impl.h"
#include "codec/key_message.h"
#include "tls/cert_der.h"
#include "tls/key_signer.h"
#include <string.h>

const struct sl_conf_file *sl_load_key_file(const struct sl_conf_certificate *conf)
{
    return conf->key.path == NULL ? &conf->chain : &conf->key;
}

/* RFC 5246 7.4.7.1: the ciphers whose name begins with no key exchange. */
static bool has_key_transport(const struct sl_policy *policy)
{
    struct sl_slice rest = sl_slice_cstr(policy->ciphers);
    while (rest.len != 0) {
        struct sl_slice one = sl_slice_cut(&rest, sl_slice_find(rest, ':'));
        (void)sl_slice_cut(&rest, 1);
        if (one.len != 0 && !sl_policy_is_psk_cipher(one) &&
            !sl_slice_starts(one, SL_SLICE("ECDHE-")) && !sl_slice_starts(one, SL_SLICE("DHE-"))) {
            return true;
        }
    }
    return false;
}

static enum sl_err key_add(struct sl_loader *l, const struct sl_conf_certificate *conf,
                           const char *service, bool may_premaster)
{
    const struct sl_conf_file *file = sl_load_key_file(conf);
    struct sl_slice name = sl_slice_cstr(file->path);
    const struct sl_conf_file *passphrase =
        conf->passphrase_file.path == NULL ? NULL : &conf->passphrase_file;
    uint32_t number;
    if (sl_load_is_on_token(file)) {
        return SL_OK; /* comes behind those of files */
    }
    if (sl_map_find(&l->key_names, name, &number) == SL_OK) {
        struct sl_load_key *key = &l->keys[number];
        key->may_premaster = key->may_premaster || may_premaster;
        if (passphrase != NULL && key->passphrase != NULL &&
            strcmp(passphrase->path, key->passphrase->path) != 0) {
            sl_findings_add(&l->load->findings, SL_FINDING_ERROR, passphrase->pos,
                            "the passphrase of %s is in another file on line %u", file->path,
                            key->passphrase->pos.line);
            return SL_EINVAL;
        }
        key->passphrase = key->passphrase == NULL ? passphrase : key->passphrase;
        return SL_OK;
    }
    l->keys[l->keys_count] = (struct sl_load_key){
        .file = file, .service = service, .passphrase = passphrase, .may_premaster = may_premaster
    };
    return sl_map_add(&l->key_names, name, (uint32_t)l->keys_count++);
}

static enum sl_err keys_collect(struct sl_loader *l)
{
    const struct sl_conf *conf = l->load->conf;
    size_t count = 0;
    enum sl_err rc = SL_OK;
    for (size_t i = 0; i < conf->services_count; i++) {
        count += conf->services[i].certificates_count;
        count += conf->services[i].upstream.certificates_count;
    }
    l->keys = sl_arena_calloc(&l->arena, count, sizeof(*l->keys));
    l->chains = sl_arena_calloc(&l->arena, count, sizeof(*l->chains));
    for (size_t i = 0; l->keys != NULL && i < conf->services_count; i++) {
        const struct sl_conf_service *service = &conf->services[i];
        const bool may_premaster = has_key_transport(service->policy);
        for (size_t j = 0; j < service->certificates_count; j++) {
            sl_load_note(&rc, key_add(l, &service->certificates[j], service->name, may_premaster));
        }
        for (size_t j = 0; j < service->upstream.certificates_count; j++) {
            sl_load_note(&rc, key_add(l, &service->upstream.certificates[j], service->name, false));
        }
    }
    return l->keys == NULL || l->chains == NULL ? SL_ENOMEM : rc;
}

static void on_opened(struct sl_keeper_hearer *hearer, uint32_t index, unsigned mode)
{
    SL_CONTAINER_OF(hearer, struct sl_loader, hearer)->keys[index].mode = mode;
}

static void on_heard(struct sl_keeper_hearer *hearer, uint32_t index, struct sl_slice public_der,
                     const struct sl_diag *diag)
{
    struct sl_loader *l = SL_CONTAINER_OF(hearer, struct sl_loader, hearer);
    struct sl_load_key *key = &l->keys[index];
    const char *kept = diag == NULL ? sl_arena_strdup(&l->load->arena, public_der)
                                    : sl_arena_strdup(&l->arena, sl_slice_cstr(diag->text));
    if (kept == NULL) {
        l->result = SL_ENOMEM;
    } else if (diag == NULL) {
        key->public_der = sl_slice_of(kept, public_der.len);
        l->load->key_files[index].public_der = key->public_der;
    } else {
        key->failure = kept;
    }
}

static enum sl_err complain(struct sl_loader *l, enum sl_err rc)
{
    if (rc != SL_OK && rc != SL_ENOMEM) {
        sl_findings_add(&l->load->findings, SL_FINDING_ERROR, l->keys[0].file->pos,
                        "the process that reads private keys failed: %s", sl_err_name(rc));
    }
    return rc;
}

static enum sl_err hand_begin(struct sl_loader *l, bool may_lack)
{
    struct sl_load *load = l->load;
    uint8_t bytes[SL_CONFINE_KEYS_BYTES];
    struct sl_wbuf cage = sl_wbuf_of(bytes, sizeof(bytes));
    if (load->source.keeper != NULL) {
        return sl_keeper_hand_more(load->source.keeper, load->key_files, load->keys_count,
                                   &l->hearer, &l->handing);
    }
    enum sl_err rc = sl_confine_keys_put(load->conf, may_lack, &cage);
    return rc == SL_OK ? sl_keeper_hand_begin(load->key_files, load->keys_count,
                                              sl_keeper_room(load->keys_count),
                                              sl_wbuf_slice(&cage), &l->hearer, &l->handing)
                       : rc;
}

/* What the process is to open. */
static enum sl_err describe(struct sl_load *load, const struct sl_load_key *key,
                            struct sl_keeper_file *file)
{
    *file = (struct sl_keeper_file){ .service = key->service, .may_premaster = key->may_premaster };
    enum sl_err rc = sl_load_secret_path(load, key->file, &file->path);
    return rc == SL_OK && key->passphrase != NULL
               ? sl_load_secret(load, key->passphrase, &file->passphrase_path)
               : rc;
}

static enum sl_err number_all(struct sl_loader *l)
{
    struct sl_load *load = l->load;
    for (uint32_t i = 0; i < load->keys_count; i++) {
        load->key_files[i].number = i;
    }
    enum sl_err rc = load->source.keeper == NULL
                         ? SL_OK
                         : sl_keeper_reserve(load->source.keeper, load->key_files, load->keys_count,
                                             load->source.edition);
    for (uint32_t i = 0; rc == SL_OK && i < load->keys_count; i++) {
        l->keys[i].number = load->key_files[i].number;
    }
    return rc;
}

enum sl_err sl_load_keys_begin(struct sl_loader *l)
{
    struct sl_load *load = l->load;
    enum sl_err rc = keys_collect(l);
    load->keys_count = (uint32_t)l->keys_count;
    if (rc != SL_OK || l->keys_count == 0) {
        return rc;
    }
    load->key_files = sl_arena_calloc(&load->arena, l->keys_count, sizeof(*load->key_files));
    if (load->key_files == NULL) {
        return SL_ENOMEM;
    }
    for (size_t i = 0; i < l->keys_count; i++) {
        sl_load_note(&rc, describe(load, &l->keys[i], &load->key_files[i]));
    }
    if (rc == SL_OK) {
        rc = number_all(l);
    }
    if (rc != SL_OK) {
        return rc;
    }
    l->hearer = (struct sl_keeper_hearer){ .opened = on_opened, .heard = on_heard };
    return complain(l, hand_begin(l, false));
}

void sl_load_keys_step(struct sl_loader *l)
{
    if (l->handing.pid != 0) {
        sl_keeper_hand_step(&l->handing);
    }
}

/* What is wrong with a file that is a chain, too, was said of the chain. */
static void tell_of_keys(struct sl_loader *l)
{
    for (size_t i = 0; i < l->load->keys_count; i++) {
        const struct sl_load_key *key = &l->keys[i];
        uint32_t chain;
        sl_load_secret_warn(l->load, key->file, "private key", key->mode);
        bool is_said =
            sl_map_find(&l->chain_names, sl_slice_cstr(key->file->path), &chain) == SL_OK &&
            l->chains[chain].is_failed;
        if (key->failure != NULL && !is_said) {
            sl_findings_add(&l->load->findings, SL_FINDING_ERROR, key->file->pos, "%s",
                            key->failure);
            sl_load_note(&l->result, SL_EINVAL);
        }
    }
}

enum sl_err sl_load_keys_end(struct sl_loader *l)
{
    struct sl_load *load = l->load;
    if (l->handing.pid == 0) {
        return SL_OK;
    }
    enum sl_err rc = sl_keeper_hand_end(&l->handing, &load->keys_pid, &load->keys_fd);
    if (rc == SL_ERESET && load->conf->cage.mode == SL_CAGE_MODE_REQUIRED &&
        load->source.keeper == NULL) {
        /* perhaps for want of the cage, which is not what this is to find out */
        rc = hand_begin(l, true);
        rc = rc == SL_OK ? sl_keeper_hand_end(&l->handing, &load->keys_pid, &load->keys_fd) : rc;
        sl_keeper_dismiss(rc == SL_OK ? load->keys_pid : 0, &load->keys_fd);
        load->keys_pid = 0;
    }
    if (rc != SL_OK) {
        return complain(l, rc);
    }
    load->keys_lacks = l->hearer.lacks;
    tell_of_keys(l);
    if (l->result == SL_OK && load->source.keeper != NULL) {
        return sl_keeper_learn(load->source.keeper, load->key_files, load->keys_count);
    }
    return l->result;
}

static enum sl_err on_token_key(struct sl_load_tokens *tokens, const struct sl_conf_file *file)
{
    struct sl_loader *l = SL_CONTAINER_OF(tokens, struct sl_loader, tokens);
    l->keys[l->keys_count] = (struct sl_load_key){
        .file = file,
        .number = SL_KEY_TOKENS_FIRST + (uint32_t)l->keys_count - l->load->keys_count,
    };
    return sl_map_add(&l->key_names, sl_slice_cstr(file->path), (uint32_t)l->keys_count++);
}

static enum sl_err on_token_key_found(struct sl_load_tokens *tokens, uint32_t index,
                                      struct sl_slice public_der)
{
    struct sl_loader *l = SL_CONTAINER_OF(tokens, struct sl_loader, tokens);
    const char *kept = sl_arena_strdup(&l->load->arena, public_der);
    if (kept == NULL) {
        return SL_ENOMEM;
    }
    index = index - SL_KEY_TOKENS_FIRST + l->load->keys_count;
    l->keys[index].public_der = sl_slice_of(kept, public_der.len);
    l->keys[index].is_untold = public_der.len == 0;
    return SL_OK;
}

static enum sl_err on_token_chain_found(struct sl_load_tokens *tokens,
                                        const struct sl_conf_file *file, struct sl_slice pem)
{
    struct sl_loader *l = SL_CONTAINER_OF(tokens, struct sl_loader, tokens);
    const char *kept = sl_arena_strdup(&l->arena, pem);
    if (kept == NULL) {
        return SL_ENOMEM;
    }
    l->chain_texts[l->chain_texts_count] = sl_slice_of(kept, pem.len);
    return sl_map_add(&l->token_chains, sl_slice_cstr(file->path),
                      (uint32_t)l->chain_texts_count++);
}

static enum sl_err tokens_collect(struct sl_loader *l)
{
    const struct sl_conf *conf = l->load->conf;
    enum sl_err result = SL_OK;
    size_t count = 0;
    for (size_t i = 0; i < conf->services_count; i++) {
        const struct sl_conf_service *service = &conf->services[i];
        const bool may_premaster = has_key_transport(service->policy);
        for (size_t j = 0; j < service->certificates_count; j++) {
            sl_load_note(&result,
                         sl_load_tokens_add(&l->tokens, &service->certificates[j], may_premaster));
        }
        for (size_t j = 0; j < service->upstream.certificates_count; j++) {
            sl_load_note(&result,
                         sl_load_tokens_add(&l->tokens, &service->upstream.certificates[j], false));
        }
        count += service->certificates_count + service->upstream.certificates_count;
    }
    if (l->tokens.count > 0) {
        l->chain_texts = sl_arena_calloc(&l->arena, count, sizeof(*l->chain_texts));
        result = l->chain_texts == NULL ? SL_ENOMEM : result;
    }
    return result;
}

enum sl_err sl_load_keys_ask_tokens(struct sl_loader *l)
{
    if (l->keys == NULL) {
        return SL_ENOMEM;
    }
    l->tokens.load = l->load;
    l->tokens.key_named = on_token_key;
    l->tokens.key_found = on_token_key_found;
    l->tokens.chain_found = on_token_chain_found;
    enum sl_err collected = tokens_collect(l);
    enum sl_err asked =
        collected == SL_ENOMEM ? collected : sl_load_tokens_ask(&l->tokens, SL_KEY_TOKENS_FIRST);
    return collected == SL_OK ? asked : collected;
}

/* A token that does not tell the public half of a key is believed to have that of the certificate:
 * a signature that does not fit it ends a handshake. */
void sl_load_keys_believe(struct sl_loader *l)
{
    for (size_t i = 0; i < l->places_count; i++) {
        struct sl_load_key *key = &l->keys[l->places[i].key];
        const struct sl_load_chain *chain = &l->chains[l->places[i].chain];
        uint8_t bytes[SL_KEY_PUBLIC_MAX];
        struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
        if (!key->is_untold || key->public_der.len > 0 || chain->is_failed) {
            continue;
        }
        enum sl_err rc = chain->ders_count > 0
                             ? sl_cert_der_put_public(l->der_bytes[chain->ders[0]], &out)
                             : sl_cert_pem_put_public(chain->pem, &out);
        const char *kept = rc == SL_OK ? sl_arena_strdup(&l->arena, sl_wbuf_slice(&out)) : NULL;
        if (kept != NULL) {
            key->public_der = sl_slice_of(kept, out.len);
        }
    }
}
