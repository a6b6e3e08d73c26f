/* SPDX-License-Identifier: Apache-2.0 */
#include "app/load.h"
#include "app/confine.h"
#include "app/keeper.h"
#include "codec/pem.h"
#include "net/resolver.h"
#include "sys/clock.h"
#include "tls/certificate.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STORE_BYTES_MAX = 16 * 1024 * 1024 }; /* of a file of CA certificates */
enum { FINDING_BYTES_MAX = 2048 };           /* of one finding as text */
enum { KEY_MODE_OTHERS = 0044 };             /* group or all may read it */

/* Entries of one bundle while they are collected. Their bytes are owned. */
struct collection {
    struct sl_bundle_entry *entries;
    size_t count, cap;
};

static void collection_fini(struct collection *c)
{
    for (size_t i = 0; i < c->count; i++) {
        struct sl_blob blob = { .ptr = (uint8_t *)(uintptr_t)c->entries[i].bytes.ptr,
                                .len = c->entries[i].bytes.len };
        sl_blob_fini(&blob);
    }
    free(c->entries);
    *c = (struct collection){ 0 };
}

static bool collection_has(const struct collection *c, uint8_t kind, struct sl_slice name)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->entries[i].kind == kind && sl_slice_eq(c->entries[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* Takes over `blob`; `name` must outlive the collection. */
static enum sl_err collection_add(struct collection *c, uint8_t kind, struct sl_slice name,
                                  struct sl_blob *blob)
{
    if (c->count == c->cap) {
        size_t cap = c->cap == 0 ? 16 : c->cap * 2;
        struct sl_bundle_entry *grown = realloc(c->entries, cap * sizeof(*grown));
        if (grown == NULL) {
            return SL_ENOMEM;
        }
        c->entries = grown;
        c->cap = cap;
    }
    c->entries[c->count++] =
        (struct sl_bundle_entry){ .kind = kind, .name = name, .bytes = sl_blob_slice(blob) };
    blob->ptr = NULL;
    return SL_OK;
}

static enum sl_err collection_add_copy(struct collection *c, uint8_t kind, struct sl_slice name,
                                       struct sl_slice bytes)
{
    SL_CLEANUP(sl_blob_fini)
    struct sl_blob blob = { .ptr = malloc(bytes.len + 1), .len = bytes.len };
    if (blob.ptr == NULL) {
        return SL_ENOMEM;
    }
    if (bytes.len > 0) {
        memcpy(blob.ptr, bytes.ptr, bytes.len);
    }
    return collection_add(c, kind, name, &blob);
}

static enum sl_err collection_bundle(struct collection *c, struct sl_blob *ret_blob)
{
    size_t size = 0;
    enum sl_err rc = sl_bundle_prepare(c->entries, c->count, &size);
    if (rc != SL_OK) {
        return rc;
    }
    SL_CLEANUP(sl_blob_fini) struct sl_blob blob = { .ptr = malloc(size), .len = size };
    if (blob.ptr == NULL) {
        return SL_ENOMEM;
    }
    struct sl_wbuf out = sl_wbuf_of(blob.ptr, size);
    rc = sl_bundle_emit(c->entries, c->count, &out);
    if (rc == SL_OK) {
        *ret_blob = blob;
        blob.ptr = NULL;
    }
    return rc;
}

struct loader {
    struct sl_load *load;
    struct collection files;
    /* files of private keys: the first place that names each */
    struct key_place {
        const struct sl_conf_file *file;
        bool may_premaster;
    } * keys;
    size_t keys_count, keys_cap;
    struct sl_keeper_hearer hearer;
    enum sl_err result; /* of what was heard */
};

static enum sl_err read_file(struct loader *l, const struct sl_conf_file *file, size_t max_bytes,
                             struct sl_blob *ret_blob)
{
    struct sl_diag diag = { 0 };
    enum sl_err rc = sl_file_read(file->path, max_bytes, &diag, ret_blob);
    if (rc != SL_OK && rc != SL_ENOMEM) {
        sl_findings_add(&l->load->findings, SL_FINDING_ERROR, file->pos, "%s", diag.text);
    }
    return rc;
}

/* Only the name: the file is opened for the process that holds the keys, and read by it. */
static enum sl_err add_key(struct loader *l, const struct sl_conf_file *file, bool may_premaster)
{
    for (size_t i = 0; i < l->keys_count; i++) {
        if (strcmp(l->keys[i].file->path, file->path) == 0) {
            l->keys[i].may_premaster = l->keys[i].may_premaster || may_premaster;
            return SL_OK;
        }
    }
    if (l->keys_count == l->keys_cap) {
        size_t cap = l->keys_cap == 0 ? 16 : l->keys_cap * 2;
        struct key_place *grown = realloc(l->keys, cap * sizeof(*grown));
        if (grown == NULL) {
            return SL_ENOMEM;
        }
        l->keys = grown;
        l->keys_cap = cap;
    }
    l->keys[l->keys_count++] = (struct key_place){ file, may_premaster };
    return SL_OK;
}

/* Only the certificates of a file go into the bundle: it may hold private keys as well. */
static enum sl_err add_certificates(struct loader *l, const struct sl_conf_file *file,
                                    const struct sl_blob *pem)
{
    struct sl_slice name = sl_slice_cstr(file->path);
    if (collection_has(&l->files, SL_BUNDLE_FILE, name)) {
        return SL_OK;
    }
    SL_CLEANUP(sl_blob_fini)
    struct sl_blob certificates = { .ptr = malloc(pem->len + 1), .len = pem->len };
    if (certificates.ptr == NULL) {
        return SL_ENOMEM;
    }
    struct sl_wbuf out = sl_wbuf_of(certificates.ptr, pem->len);
    if (sl_pem_certificates(sl_blob_slice(pem), &out) != SL_OK) {
        sl_findings_add(&l->load->findings, SL_FINDING_ERROR, file->pos,
                        "%s is damaged: a BEGIN line has no matching END line", file->path);
        return SL_EINVAL;
    }
    certificates.len = out.len;
    return collection_add(&l->files, SL_BUNDLE_FILE, name, &certificates);
}

static enum sl_err add_ca_file(struct loader *l, const struct sl_conf_file *file)
{
    SL_CLEANUP(sl_blob_fini) struct sl_blob pem = { 0 };
    enum sl_err rc = read_file(l, file, STORE_BYTES_MAX, &pem);
    return rc == SL_OK ? add_certificates(l, file, &pem) : rc;
}

static enum sl_err add_certificate(struct loader *l, const struct sl_conf_certificate *conf,
                                   bool may_premaster)
{
    SL_CLEANUP(sl_blob_fini) struct sl_blob chain = { 0 };
    enum sl_err rc = read_file(l, &conf->chain, SL_TLS_PEM_MAX, &chain);
    if (rc == SL_OK) {
        rc = add_certificates(l, &conf->chain, &chain);
    }
    if (conf->key.path == NULL && rc != SL_OK) {
        return rc; /* one file, one finding */
    }
    enum sl_err key_rc =
        add_key(l, conf->key.path == NULL ? &conf->chain : &conf->key, may_premaster);
    return rc == SL_OK ? key_rc : rc;
}

static enum sl_err add_system_cas(struct loader *l)
{
    SL_CLEANUP(sl_blob_fini) struct sl_blob pem = { 0 };
    struct sl_slice none = sl_slice_cstr("");
    if (collection_has(&l->files, SL_BUNDLE_SYSTEM_CAS, none)) {
        return SL_OK;
    }
    /* without the file the snapshot says what is missing, at the place that wants it */
    if (sl_file_read(sl_tls_store_system_path(), STORE_BYTES_MAX, NULL, &pem) != SL_OK) {
        return SL_OK;
    }
    return collection_add(&l->files, SL_BUNDLE_SYSTEM_CAS, none, &pem);
}

static enum sl_err add_addrs(struct loader *l, const struct sl_conf_url *url)
{
    struct sl_addr addrs[SL_UPSTREAM_ADDRS_MAX];
    uint8_t bytes[sizeof(addrs) + 64];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_diag diag = { 0 };
    size_t count = 0;
    struct sl_slice name = sl_slice_cstr(url->text);
    if (collection_has(&l->files, SL_BUNDLE_ADDRS, name)) {
        return SL_OK;
    }
    enum sl_err rc = sl_resolver_lookup(&url->url, addrs, &count, &diag);
    if (rc != SL_OK && l->load->source.may_not_resolve) {
        sl_findings_add(&l->load->findings, SL_FINDING_WARNING, url->pos, "%s", diag.text);
        rc = sl_addr_from_ip(sl_slice_cstr("0.0.0.0"), url->url.port, &addrs[0]);
        count = 1;
    }
    if (rc != SL_OK) {
        sl_findings_add(&l->load->findings, SL_FINDING_ERROR, url->pos, "%s", diag.text);
        return rc;
    }
    rc = sl_upstream_addrs_emit(addrs, count, &out);
    return rc == SL_OK ? collection_add_copy(&l->files, SL_BUNDLE_ADDRS, name, sl_wbuf_slice(&out))
                       : rc;
}

/* Goes on after a failure, so that everything that is wrong is found in one run. */
static void note(enum sl_err *result, enum sl_err rc)
{
    if (*result == SL_OK || rc == SL_ENOMEM) {
        *result = rc;
    }
}

/* RFC 5246 7.4.7.1: the ciphers whose name begins with no key exchange. */
static bool has_key_transport(const struct sl_policy *policy)
{
    struct sl_slice rest = sl_slice_cstr(policy->ciphers);
    while (rest.len != 0) {
        struct sl_slice one = sl_slice_cut(&rest, sl_slice_find(rest, ':'));
        (void)sl_slice_cut(&rest, 1);
        if (one.len != 0 && !sl_slice_starts(one, SL_SLICE("ECDHE-")) &&
            !sl_slice_starts(one, SL_SLICE("DHE-"))) {
            return true;
        }
    }
    return false;
}

static enum sl_err add_service(struct loader *l, const struct sl_conf_service *service)
{
    enum sl_err result = SL_OK;
    bool has_tls_upstream = false;
    for (size_t i = 0; i < service->certificates_count; i++) {
        note(&result,
             add_certificate(l, &service->certificates[i], has_key_transport(service->policy)));
    }
    if (service->clients.ca.path != NULL) {
        note(&result, add_ca_file(l, &service->clients.ca));
    }
    for (size_t i = 0; i < service->connects_count; i++) {
        note(&result, add_addrs(l, &service->connects[i]));
        has_tls_upstream = has_tls_upstream || service->connects[i].url.scheme == SL_SCHEME_TLS;
    }
    if (service->upstream.ca.path != NULL) {
        note(&result, add_ca_file(l, &service->upstream.ca));
    } else if (has_tls_upstream && service->upstream.is_verified) {
        note(&result, add_system_cas(l));
    }
    if (service->upstream.certificate.chain.path != NULL) {
        note(&result, add_certificate(l, &service->upstream.certificate, false));
    }
    return result;
}

static enum sl_err add_user(struct loader *l)
{
    const struct sl_conf *conf = l->load->conf;
    uint8_t bytes[SL_CONFINE_USER_BYTES];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    enum sl_err rc = sl_confine_user_put(conf, &out);
    if (rc != SL_OK) {
        sl_findings_add(&l->load->findings, SL_FINDING_ERROR, conf->user.pos,
                        "there is no user '%s' on this machine for the workers to run as",
                        conf->user.text);
        return rc;
    }
    return out.len == 0 ? SL_OK
                        : collection_add_copy(&l->files, SL_BUNDLE_USER, sl_slice_cstr(""),
                                              sl_wbuf_slice(&out));
}

static enum sl_err add_all(struct loader *l)
{
    const struct sl_load_source *source = &l->load->source;
    const struct sl_conf *conf = l->load->conf;
    struct sl_slice none = sl_slice_cstr("");
    enum sl_err result = collection_add_copy(&l->files, SL_BUNDLE_YAML, none, source->yaml);
    note(&result,
         collection_add_copy(&l->files, SL_BUNDLE_FOLDER, none, sl_slice_cstr(source->folder)));
    note(&result, add_user(l));
    for (size_t i = 0; i < conf->services_count; i++) {
        note(&result, add_service(l, &conf->services[i]));
    }
    return result;
}

/* Builds everything as a worker will, and throws it away. */
static enum sl_err try_snapshot(struct sl_load *load)
{
    struct sl_bundle files;
    static const struct sl_ticket_keys NO_TICKETS;
    enum sl_err rc = sl_bundle_open(sl_blob_slice(&load->files), &files);
    if (rc != SL_OK) {
        return rc;
    }
    const struct sl_snapshot_source source = {
        .files = &files,
        .tickets = &NO_TICKETS,
        .now_s = (int64_t)(sl_clock_unix_ms() / SL_MS_PER_S),
    };
    struct sl_snapshot *snapshot = NULL;
    rc = sl_snapshot_create(&source, &load->findings, &snapshot);
    sl_snapshot_destroy(snapshot);
    return rc;
}

static enum sl_err keep_public(struct loader *l, uint32_t index, struct sl_slice public_der)
{
    uint8_t bytes[SL_MESSAGE_KEY_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    enum sl_err rc = sl_wbuf_put_u32(&out, index);
    rc = rc == SL_OK ? sl_wbuf_put(&out, public_der) : rc;
    return rc == SL_OK
               ? collection_add_copy(&l->files, SL_BUNDLE_KEY,
                                     sl_slice_cstr(l->keys[index].file->path), sl_wbuf_slice(&out))
               : rc;
}

static void note_key(struct sl_keeper_hearer *hearer, uint32_t index, unsigned mode,
                     struct sl_slice public_der, const struct sl_diag *diag)
{
    struct loader *l = SL_CONTAINER_OF(hearer, struct loader, hearer);
    const struct sl_conf_file *file = l->keys[index].file;
    if ((mode & KEY_MODE_OTHERS) != 0) {
        sl_findings_add(&l->load->findings, SL_FINDING_WARNING, file->pos,
                        "%s: others than its owner can read this private key (mode %04o)",
                        file->path, mode);
    }
    if (diag != NULL) {
        sl_findings_add(&l->load->findings, SL_FINDING_ERROR, file->pos, "%s", diag->text);
    }
    note(&l->result, diag == NULL ? keep_public(l, index, public_der) : SL_EINVAL);
}

/* A process that lives for this alone reads the keys: what they are is known before anything
 * starts, and no key was ever in this one. */
static enum sl_err ask_keys(struct loader *l)
{
    struct sl_load *load = l->load;
    uint8_t bytes[SL_CONFINE_KEYS_BYTES];
    struct sl_wbuf cage = sl_wbuf_of(bytes, sizeof(bytes));
    pid_t pid = 0;
    int fd = -1;
    if (l->keys_count == 0) {
        return SL_OK;
    }
    load->key_files = sl_arena_calloc(&load->arena, l->keys_count, sizeof(*load->key_files));
    if (load->key_files == NULL) {
        return SL_ENOMEM;
    }
    for (size_t i = 0; i < l->keys_count; i++) {
        load->key_files[i] =
            (struct sl_keeper_file){ l->keys[i].file->path, l->keys[i].may_premaster };
    }
    load->keys_count = (uint32_t)l->keys_count;
    l->hearer.heard = note_key;
    enum sl_err rc = sl_confine_keys_put(load->conf, true, &cage);
    rc = rc == SL_OK ? sl_keeper_spawn(load->key_files, load->keys_count, sl_wbuf_slice(&cage),
                                       &l->hearer, &pid, &fd)
                     : rc;
    if (rc != SL_OK) {
        sl_findings_add(&load->findings, SL_FINDING_ERROR, l->keys[0].file->pos,
                        "the process that reads private keys failed: %s", sl_err_name(rc));
        return rc;
    }
    sl_keeper_dismiss(pid, &fd);
    return l->result;
}

static enum sl_err load_files(struct sl_load *load)
{
    struct loader l = { .load = load };
    enum sl_err found = add_all(&l);
    note(&found, ask_keys(&l));
    enum sl_err rc = collection_bundle(&l.files, &load->files);
    collection_fini(&l.files);
    free(l.keys);
    if (rc == SL_OK) {
        rc = try_snapshot(load);
    }
    return found == SL_OK ? rc : found;
}

enum sl_err sl_load_create(const struct sl_load_source *source, struct sl_load *load)
{
    *load = (struct sl_load){ .source = *source };
    sl_arena_init(&load->arena, 0);
    sl_findings_init(&load->findings, &load->arena);
    const struct sl_conf_source conf = { .yaml = source->yaml, .folder = source->folder };
    enum sl_err rc = sl_conf_parse(&conf, &load->arena, &load->findings, &load->conf);
    if (rc != SL_OK) {
        return rc;
    }
    /* the snapshot parses the text again and finds the same warnings: once is enough */
    sl_findings_init(&load->findings, &load->arena);
    rc = load_files(load);
    if (rc == SL_ENOMEM) {
        return rc;
    }
    return rc != SL_OK || load->findings.errors_count > 0 ? SL_EINVAL : SL_OK;
}

void sl_load_fini(struct sl_load *load)
{
    sl_blob_fini(&load->files);
    sl_arena_fini(&load->arena);
}

/* The argument that a finding of the one-service form is about; NULL for none, and for files. */
static const char *origin_of(const struct sl_load *load, const struct sl_finding *finding)
{
    const struct sl_load_source *source = &load->source;
    size_t line = finding->pos.line;
    return source->origins != NULL && line > 0 && line <= source->origins_count
               ? source->origins[line - 1]
               : NULL;
}

void sl_load_place(const struct sl_load *load, const struct sl_finding *finding,
                   char ret_text[static SL_LOAD_PLACE_MAX])
{
    const char *origin = origin_of(load, finding);
    if (load->source.origins != NULL || finding->pos.line == 0) {
        (void)snprintf(ret_text, SL_LOAD_PLACE_MAX, "%s", origin == NULL ? "" : origin);
    } else {
        (void)snprintf(ret_text, SL_LOAD_PLACE_MAX, "%s:%u:%u", load->source.display,
                       finding->pos.line, finding->pos.column);
    }
}

static void report_one(const struct sl_load *load, const struct sl_finding *finding)
{
    uint8_t bytes[FINDING_BYTES_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    const struct sl_load_source *source = &load->source;
    if (source->origins != NULL) {
        const char *origin = origin_of(load, finding);
        (void)fprintf(stderr, "sluice: %s%s%s%s\n",
                      finding->severity == SL_FINDING_WARNING ? "warning: " : "",
                      origin == NULL ? "" : origin, origin == NULL ? "" : ": ", finding->text);
    } else if (sl_finding_format(finding, source->display, source->yaml, &out) == SL_OK) {
        (void)fwrite(out.ptr, 1, out.len, stderr);
    } else {
        (void)fprintf(stderr, "%s:%u:%u: %s\n", source->display, finding->pos.line,
                      finding->pos.column, finding->text);
    }
}

void sl_load_report(struct sl_load *load)
{
    sl_findings_sort(&load->findings);
    const struct sl_list *head = &load->findings.list;
    size_t shown_count = 0;
    for (struct sl_list *at = head->next; at != head; at = at->next) {
        report_one(load, SL_CONTAINER_OF(at, struct sl_finding, node));
        shown_count++;
    }
    size_t all_count = load->findings.errors_count + load->findings.warnings_count;
    if (all_count > shown_count) {
        (void)fprintf(stderr, "%s: and %zu more\n", load->source.display, all_count - shown_count);
    }
}
