/* SPDX-License-Identifier: Apache-2.0 */
#include "app/edition.h"
#include "sys/socket.h"
#include <stdio.h>
#include <stdlib.h>

struct sl_edition_place {
    uint16_t service_index, listen_index;
};

enum sl_err sl_edition_create(int fd, uint32_t number, struct sl_edition **ret_edition)
{
    struct sl_edition *edition = calloc(1, sizeof(*edition));
    if (edition == NULL) {
        return SL_ENOMEM;
    }
    edition->number = number;
    sl_list_init(&edition->node);
    sl_arena_init(&edition->arena, 0);
    sl_findings_init(&edition->findings, &edition->arena);
    enum sl_err rc = sl_memfd_map(fd, &edition->files);
    if (rc != SL_OK) {
        sl_edition_destroy(edition);
        return rc;
    }
    *ret_edition = edition;
    return SL_OK;
}

void sl_edition_destroy(struct sl_edition *edition)
{
    if (edition == NULL) {
        return;
    }
    sl_list_remove(&edition->node);
    for (size_t i = 0; i < edition->sources_count; i++) {
        sl_socket_close(&edition->sources[i].fd);
    }
    enum sl_err ended = sl_snapshot_end(edition->builder, &edition->snapshot);
    SL_UNUSED(ended);
    sl_snapshot_destroy(edition->snapshot);
    sl_arena_fini(&edition->arena);
    sl_blob_fini(&edition->files);
    free(edition->sources);
    free(edition->places);
    free(edition);
}

/* Makes room for one more; what is there stays when there is none. */
static enum sl_err grow(struct sl_edition *edition)
{
    const size_t count = edition->sources_count + 1;
    struct sl_accept_source *sources = realloc(edition->sources, count * sizeof(*sources));
    if (sources == NULL) {
        return SL_ENOMEM;
    }
    edition->sources = sources;
    struct sl_edition_place *places = realloc(edition->places, count * sizeof(*places));
    if (places == NULL) {
        return SL_ENOMEM;
    }
    edition->places = places;
    return SL_OK;
}

enum sl_err sl_edition_listen(struct sl_edition *edition, uint16_t service_index,
                              uint16_t listen_index, int fd)
{
    if (edition->sources_count == SL_EDITION_LISTENERS_MAX) {
        return SL_ERANGE;
    }
    struct sl_accept_source source = { .fd = fd };
    enum sl_err rc = sl_socket_local(fd, &source.addr);
    rc = rc == SL_OK ? grow(edition) : rc;
    if (rc == SL_OK) {
        edition->sources[edition->sources_count] = source;
        edition->places[edition->sources_count++] =
            (struct sl_edition_place){ service_index, listen_index };
    }
    return rc;
}

/* The URL as it is bound, for the log. */
static const char *listen_text(struct sl_edition *edition, const struct sl_conf_url *url,
                               const struct sl_addr *bound)
{
    char addr[SL_ADDR_TEXT_MAX];
    char text[SL_ADDR_TEXT_MAX + 16];
    if (url->url.scheme == SL_SCHEME_UNIX) {
        return url->text;
    }
    sl_addr_format(bound, addr);
    (void)snprintf(text, sizeof(text), "%s://%s", sl_scheme_name(url->url.scheme), addr);
    return sl_arena_strdup(&edition->snapshot->arena, sl_slice_cstr(text));
}

static enum sl_err source_finish(struct sl_edition *edition, size_t at)
{
    const struct sl_edition_place *place = &edition->places[at];
    struct sl_accept_source *source = &edition->sources[at];
    if (place->service_index >= edition->snapshot->conf->services_count) {
        return SL_EINVAL;
    }
    const struct sl_service *service = &edition->snapshot->services[place->service_index];
    if (place->listen_index >= service->conf->listens_count) {
        return SL_EINVAL;
    }
    source->plan = &service->plan;
    source->text =
        listen_text(edition, &service->conf->listens[place->listen_index], &source->addr);
    return source->text == NULL ? SL_ENOMEM : SL_OK;
}

enum sl_err sl_edition_begin(struct sl_edition *edition, const struct sl_snapshot_source *base)
{
    enum sl_err rc = sl_bundle_open(sl_blob_slice(&edition->files), &edition->bundle);
    struct sl_snapshot_source source = *base;
    source.files = &edition->bundle;
    return rc == SL_OK ? sl_snapshot_begin(&source, &edition->findings, &edition->builder) : rc;
}

enum sl_err sl_edition_step(struct sl_edition *edition)
{
    if (sl_snapshot_step(edition->builder) == SL_AGAIN) {
        return SL_AGAIN;
    }
    enum sl_err rc = sl_snapshot_end(SL_STEAL(edition->builder), &edition->snapshot);
    for (size_t i = 0; rc == SL_OK && i < edition->sources_count; i++) {
        rc = source_finish(edition, i);
    }
    return rc;
}

const char *sl_edition_failure(const struct sl_edition *edition)
{
    const struct sl_list *head = &edition->findings.list;
    for (const struct sl_list *at = head->next; at != head; at = at->next) {
        const struct sl_finding *finding = SL_CONST_CONTAINER_OF(at, struct sl_finding, node);
        if (finding->severity == SL_FINDING_ERROR) {
            return finding->text;
        }
    }
    return NULL;
}

bool sl_edition_is_used(const struct sl_edition *edition)
{
    return edition->snapshot != NULL && edition->snapshot->conns_count > 0;
}
