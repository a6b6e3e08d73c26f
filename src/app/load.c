/* SPDX-License-Identifier: Apache-2.0 */
#include "app/load.h"
#include "app/confine.h"
#include "app/load_impl.h"
#include "app/secret.h"
#include "net/resolver.h"
#include "tls/certificate.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FINDING_BYTES_MAX = 2048 }; /* of one finding as text */

enum sl_err sl_load_file(struct sl_loader *l, const struct sl_conf_file *file, size_t max_bytes,
                         struct sl_blob *ret_blob)
{
    struct sl_diag diag = { 0 };
    char path[SL_SECRET_PATH_MAX];
    enum sl_err rc = sl_secret_path(file->path, &diag, path);
    if (rc == SL_OK) {
        sl_load_see(l->load, path);
        rc = sl_file_read(path, max_bytes, &diag, ret_blob);
    }
    if (rc != SL_OK && rc != SL_ENOMEM) {
        sl_findings_add(&l->load->findings, SL_FINDING_ERROR, file->pos, "%s", diag.text);
    }
    return rc;
}

static enum sl_err add_system_cas(struct sl_loader *l)
{
    SL_CLEANUP(sl_blob_fini) struct sl_blob pem = { 0 };
    struct sl_slice none = sl_slice_cstr("");
    if (sl_collection_has(&l->files, SL_BUNDLE_SYSTEM_CAS, none)) {
        return SL_OK;
    }
    /* without the file the snapshot says what is missing, at the place that wants it */
    if (sl_file_read(sl_tls_store_system_path(), SL_LOAD_STORE_MAX, NULL, &pem) != SL_OK) {
        return SL_OK;
    }
    return sl_collection_add_named(&l->files, SL_BUNDLE_SYSTEM_CAS, none, sl_blob_slice(&pem));
}

static enum sl_err add_addrs(struct sl_loader *l, const struct sl_conf_url *url)
{
    struct sl_addr_set set;
    struct sl_diag diag = { 0 };
    if (!url->url.is_ip && url->url.scheme != SL_SCHEME_UNIX) {
        return sl_load_name_note(l, url);
    }
    enum sl_err rc = sl_resolver_lookup(&url->url, &set, &diag);
    if (rc != SL_OK) {
        sl_findings_add(&l->load->findings, SL_FINDING_ERROR, url->pos, "%s", diag.text);
        return rc;
    }
    return sl_load_addrs(l, url, &set);
}

static enum sl_err add_connects(struct sl_loader *l, const struct sl_conf_url *urls, size_t count,
                                bool *has_tls)
{
    enum sl_err result = SL_OK;
    for (size_t i = 0; i < count; i++) {
        sl_load_note(&result, add_addrs(l, &urls[i]));
        *has_tls = *has_tls || urls[i].url.scheme == SL_SCHEME_TLS;
    }
    return result;
}

void sl_load_step(const struct sl_loader *l)
{
    struct sl_load_stepper *stepper = l->load->source.stepper;
    if (stepper != NULL) {
        stepper->step(stepper);
    }
}

static enum sl_err add_service(struct sl_loader *l, const struct sl_conf_service *service,
                               uint32_t number)
{
    enum sl_err result = SL_OK;
    bool has_tls_upstream = false;
    struct sl_load_place place = { .policy = service->policy, .service = number };
    for (size_t i = 0; i < service->certificates_count; i++) {
        place.conf = &service->certificates[i];
        sl_load_note(&result, sl_load_chain(l, &place));
        sl_load_keys_step(l);
        sl_load_step(l);
    }
    sl_load_note(&result, sl_load_psks(l, service));
    if (service->clients.ca.path != NULL) {
        sl_load_note(&result, sl_load_cas(l, &service->clients.ca));
    }
    sl_load_note(&result, sl_load_crls(l, &service->clients.crl));
    sl_load_note(&result,
                 add_connects(l, service->connects, service->connects_count, &has_tls_upstream));
    for (size_t i = 0; i < service->routes_count; i++) {
        const struct sl_conf_route *route = &service->routes[i];
        sl_load_note(&result,
                     add_connects(l, route->connects, route->connects_count, &has_tls_upstream));
    }
    if (service->upstream.ca.path != NULL) {
        sl_load_note(&result, sl_load_cas(l, &service->upstream.ca));
    } else if (has_tls_upstream && service->upstream.is_verified &&
               service->upstream.psk.identity.text == NULL) {
        sl_load_note(&result, add_system_cas(l));
    }
    sl_load_note(&result, sl_load_crls(l, &service->upstream.crl));
    place.side = SL_SHELF_UPSTREAMS;
    place.policy = service->upstream.policy;
    for (size_t i = 0; i < service->upstream.certificates_count; i++) {
        place.conf = &service->upstream.certificates[i];
        sl_load_note(&result, sl_load_chain(l, &place));
    }
    return result;
}

static enum sl_err add_user(struct sl_loader *l)
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
                        : sl_collection_add(&l->files, SL_BUNDLE_USER, sl_slice_cstr(""),
                                            sl_wbuf_slice(&out));
}

static enum sl_err add_yaml(struct sl_loader *l)
{
    const struct sl_slice yaml = l->load->source.yaml;
    const size_t size = yaml.len + l->load->conf->services_count * 8;
    struct sl_wbuf cut = sl_wbuf_of(malloc(size + 1), size);
    enum sl_err rc = cut.ptr == NULL ? SL_ENOMEM : sl_conf_cut(yaml, l->load->conf, &cut);
    rc = rc == SL_OK
             ? sl_collection_add(&l->files, SL_BUNDLE_YAML, sl_slice_cstr(""), sl_wbuf_slice(&cut))
             : rc;
    free(cut.ptr);
    return rc;
}

static enum sl_err add_all(struct sl_loader *l)
{
    const struct sl_load_source *source = &l->load->source;
    const struct sl_conf *conf = l->load->conf;
    struct sl_slice none = sl_slice_cstr("");
    enum sl_err result = add_yaml(l);
    sl_load_note(&result, sl_collection_add(&l->files, SL_BUNDLE_FOLDER, none,
                                            sl_slice_cstr(source->folder)));
    sl_load_note(&result, add_user(l));
    for (size_t i = 0; i < conf->services_count; i++) {
        sl_load_note(&result, add_service(l, &conf->services[i], (uint32_t)i));
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
    };
    struct sl_snapshot *snapshot = NULL;
    rc = sl_snapshot_create(&source, &load->findings, &snapshot);
    sl_snapshot_destroy(snapshot);
    return rc;
}

static bool is_at(const struct sl_conf_file *file, struct sl_conf_pos pos)
{
    return file->path != NULL && file->pos.line == pos.line && file->pos.column == pos.column;
}

static bool has_place(const struct sl_conf_certificate *certificate, struct sl_conf_pos pos)
{
    return is_at(&certificate->chain, pos) || is_at(&certificate->key, pos) ||
           is_at(&certificate->passphrase_file, pos) || is_at(&certificate->pin_file, pos) ||
           is_at(&certificate->ocsp, pos);
}

static bool has_crl(const struct sl_conf_crl *crl, struct sl_conf_pos pos)
{
    bool has = false;
    for (size_t i = 0; !has && i < crl->files_count; i++) {
        has = is_at(&crl->files[i], pos);
    }
    return has;
}

static bool has_file(const struct sl_conf_service *service, struct sl_conf_pos pos)
{
    bool has = is_at(&service->clients.ca, pos) || is_at(&service->upstream.ca, pos) ||
               has_crl(&service->clients.crl, pos) || has_crl(&service->upstream.crl, pos) ||
               is_at(&service->upstream.psk.key_file, pos);
    for (size_t i = 0; !has && i < service->upstream.certificates_count; i++) {
        has = has_place(&service->upstream.certificates[i], pos);
    }
    for (size_t i = 0; !has && i < service->certificates_count; i++) {
        has = has_place(&service->certificates[i], pos);
    }
    for (size_t i = 0; !has && i < service->clients.psks_count; i++) {
        has = is_at(&service->clients.psks[i].key_file, pos);
    }
    return has;
}

static const char *service_of(const struct sl_conf *conf, struct sl_conf_pos pos)
{
    for (size_t i = 0; i < conf->services_count; i++) {
        if (has_file(&conf->services[i], pos)) {
            return conf->services[i].name;
        }
    }
    return NULL;
}

/* A place in a long file says little: what is said of a file names the service as well. */
static void name_services(struct sl_load *load)
{
    const struct sl_list *head = &load->findings.list;
    for (struct sl_list *at = head->next; at != head; at = at->next) {
        struct sl_finding *finding = SL_CONTAINER_OF(at, struct sl_finding, node);
        const char *service = service_of(load->conf, finding->pos);
        char text[FINDING_BYTES_MAX];
        if (service != NULL) {
            (void)snprintf(text, sizeof(text), "%s (service '%s')", finding->text, service);
            const char *copy = sl_arena_strdup(&load->arena, sl_slice_cstr(text));
            finding->text = copy == NULL ? finding->text : copy;
        }
    }
}

static void loader_fini(struct sl_loader *l)
{
    sl_collection_fini(&l->files);
    sl_map_fini(&l->key_names);
    sl_map_fini(&l->chain_names);
    sl_map_fini(&l->staple_names);
    sl_map_fini(&l->ders);
    sl_map_fini(&l->token_chains);
    sl_map_fini(&l->name_numbers);
    sl_load_tokens_fini(&l->tokens);
    sl_map_fini(&l->certificates);
    sl_map_fini(&l->classes);
    free(l->der_bytes);
    free(l->places);
    free(l->psks);
    free(l->names);
    free(l->nameds);
    sl_arena_fini(&l->arena);
}

static enum sl_err load_files(struct sl_load *load)
{
    struct sl_loader l = { .load = load };
    enum sl_err found = sl_load_keys_begin(&l);
    sl_load_note(&found, sl_load_keys_ask_tokens(&l));
    sl_load_note(&found, add_all(&l));
    sl_load_note(&found, sl_load_keys_end(&l));
    sl_load_keys_believe(&l);
    sl_load_note(&found, sl_load_names(&l));
    sl_load_note(&found, sl_load_certificates(&l));
    enum sl_err rc = sl_collection_bundle(&l.files, &load->files);
    sl_load_psks_wipe(&l);
    loader_fini(&l);
    if (rc == SL_OK) {
        rc = try_snapshot(load);
    }
    return found == SL_OK ? rc : found;
}

enum sl_err sl_load_create(const struct sl_load_source *source, struct sl_load *load)
{
    *load = (struct sl_load){ .source = *source, .keys_fd = -1 };
    sl_arena_init(&load->arena, 0);
    sl_list_init(&load->staples);
    sl_list_init(&load->seen);
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
    if (source->origins == NULL) { /* else there is one, and it has no name of its own */
        name_services(load);
    }
    return rc != SL_OK || load->findings.errors_count > 0 ? SL_EINVAL : SL_OK;
}

void sl_load_see(struct sl_load *load, const char *path)
{
    if (load->conf == NULL || !load->conf->is_watching) {
        return;
    }
    struct sl_load_seen *seen = sl_arena_calloc(&load->arena, 1, sizeof(*seen));
    const char *copy = sl_arena_strdup(&load->arena, sl_slice_cstr(path));
    if (seen != NULL && copy != NULL) {
        *seen = (struct sl_load_seen){ .path = copy, .id = sl_file_id_of(path) };
        sl_list_append(&load->seen, &seen->node);
    }
}

void sl_load_fini(struct sl_load *load)
{
    sl_keeper_dismiss(load->keys_pid, &load->keys_fd);
    load->keys_pid = 0;
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
