/* SPDX-License-Identifier: Apache-2.0 */
#include "app/load_impl.h"
#include "net/resolver.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { STEP_MS = 50 }; /* who loads beside other work has some of it to do as often as this */

static const char *small_letters(struct sl_loader *l, struct sl_slice host)
{
    char *text = sl_arena_alloc(&l->load->arena, host.len + 1);
    for (size_t i = 0; text != NULL && i < host.len; i++) {
        const uint8_t c = host.ptr[i];
        text[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    if (text != NULL) {
        text[host.len] = '\0';
    }
    return text;
}

static void on_looked_up(struct sl_dns_job *job, const struct sl_dns_found *found)
{
    struct sl_load_name *name = SL_CONTAINER_OF(job, struct sl_load_name, job);
    name->found = found->said;
    name->name.set = found->said.set;
    name->name.state = found->said.result;
    name->name.unusable_count = found->said.unusable_count;
    if (found->said.result != SL_NAME_FOUND) {
        name->failure = sl_name_result_text(found->said.result);
    }
    (*name->pending_count)--;
}

/* A name once, however many URLs have it. */
static enum sl_err name_number(struct sl_loader *l, const struct sl_conf_url *url,
                               uint32_t *ret_number)
{
    const char *text = small_letters(l, url->url.host);
    if (text == NULL) {
        return SL_ENOMEM;
    }
    if (sl_map_find(&l->name_numbers, sl_slice_cstr(text), ret_number) == SL_OK) {
        return SL_OK;
    }
    struct sl_load_name *name = sl_arena_calloc(&l->arena, 1, sizeof(*name));
    struct sl_load_name **grown = realloc(l->names, (l->names_count + 1) * sizeof(name));
    l->names = grown == NULL ? l->names : grown;
    if (name == NULL || grown == NULL) {
        return SL_ENOMEM;
    }
    name->name.text = text;
    name->name.is_srv = url->url.is_srv;
    name->job = (struct sl_dns_job){ .name = { text, url->url.is_srv }, .done = on_looked_up };
    const uint32_t number = (uint32_t)l->names_count;
    enum sl_err rc = sl_map_add(&l->name_numbers, sl_slice_cstr(text), number);
    if (rc == SL_OK) {
        l->names[l->names_count++] = name;
        *ret_number = number;
    }
    return rc;
}

enum sl_err sl_load_name_note(struct sl_loader *l, const struct sl_conf_url *url)
{
    struct sl_load_named *grown = realloc(l->nameds, (l->nameds_count + 1) * sizeof(*grown));
    if (grown == NULL) {
        return SL_ENOMEM;
    }
    l->nameds = grown;
    struct sl_load_named *named = &l->nameds[l->nameds_count];
    named->url = url;
    enum sl_err rc = name_number(l, url, &named->number);
    l->nameds_count += rc == SL_OK ? 1 : 0;
    return rc;
}

enum sl_err sl_load_addrs(struct sl_loader *l, const struct sl_conf_url *url,
                          const struct sl_addr_set *set)
{
    uint8_t bytes[SL_ADDR_SET_BYTES_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_slice name = sl_slice_cstr(url->text);
    if (sl_collection_has(&l->files, SL_BUNDLE_ADDRS, name)) {
        return SL_OK;
    }
    enum sl_err rc = sl_addr_set_emit(set, &out);
    return rc == SL_OK
               ? sl_collection_add_named(&l->files, SL_BUNDLE_ADDRS, name, sl_wbuf_slice(&out))
               : rc;
}

/* By the system's resolver, which knows more than DNS. */
static void ask_system(struct sl_loader *l, struct sl_load_name *name)
{
    const struct sl_url url = { .scheme = SL_SCHEME_TCP, .host = sl_slice_cstr(name->name.text) };
    struct sl_diag diag = { 0 };
    if (sl_resolver_lookup(&url, &name->name.set, &diag) != SL_OK) {
        name->name.state = SL_NAME_NONE;
        name->failure = sl_arena_strdup(&l->load->arena, sl_slice_cstr(diag.text));
        name->failure = name->failure == NULL ? "" : name->failure;
    }
}

/* Which of them DNS is asked for, and the others at once. */
static void sort_out(struct sl_loader *l, struct sl_dns_client *client, struct sl_dns_queue *queue,
                     size_t *pending_count)
{
    const bool is_refreshed = l->load->conf->dns.is_refreshed;
    for (size_t i = 0; i < l->names_count; i++) {
        struct sl_load_name *name = l->names[i];
        if (!name->name.is_srv &&
            (!is_refreshed || sl_dns_client_is_in_hosts(client, name->name.text))) {
            sl_load_step(l);
            ask_system(l, name);
            continue;
        }
        name->name.is_refreshed = is_refreshed;
        name->pending_count = pending_count;
        (*pending_count)++;
        sl_dns_queue_add(queue, &name->job);
    }
}

static enum sl_err look_up(struct sl_loader *l, struct sl_loop *loop, struct sl_dns_queue *queue)
{
    const struct sl_agent_servers servers = sl_agent_servers(&l->load->conf->dns);
    const struct sl_dns_client_conf conf = { .servers = servers.text,
                                             .timeout_ms = l->load->conf->dns.timeout_ms };
    struct sl_dns_client *client = NULL;
    size_t pending_count = 0;
    enum sl_err rc = sl_dns_client_create(loop, &conf, &client);
    if (rc != SL_OK) {
        const struct sl_conf_pos pos = l->nameds[0].url->pos;
        sl_findings_add(&l->load->findings, SL_FINDING_ERROR, pos,
                        "names cannot be looked up: /etc/resolv.conf has nothing to go by (%s)",
                        sl_err_name(rc));
        return rc;
    }
    sl_dns_queue_init(queue, loop, client);
    sort_out(l, client, queue, &pending_count);
    void (*const before)(int) = signal(SIGPIPE, SIG_IGN); /* a server that hangs up is no end */
    while (rc == SL_OK && pending_count > 0) {
        sl_load_step(l);
        rc = sl_loop_turn(loop, STEP_MS);
    }
    (void)signal(SIGPIPE, before);
    sl_dns_client_destroy(client);
    return rc;
}

static enum sl_err named_add(struct sl_loader *l, const struct sl_load_named *named)
{
    const struct sl_load_name *name = l->names[named->number];
    const struct sl_conf_dns *dns = &l->load->conf->dns;
    struct sl_findings *findings = &l->load->findings;
    const bool is_later = dns->unresolved == SL_UNRESOLVED_LATER;
    const char *text = name->name.text;
    if (name->failure != NULL && !is_later && !l->load->source.may_not_resolve) {
        sl_findings_add(findings, SL_FINDING_ERROR, named->url->pos, "%s does not resolve: %s",
                        text, name->failure);
        return SL_ENOENT;
    }
    if (name->failure != NULL) {
        sl_findings_add(findings, SL_FINDING_WARNING, named->url->pos, "%s does not resolve%s: %s",
                        text, is_later ? " yet" : "", name->failure);
    } else if (name->found.unusable_count > 0) {
        sl_findings_add(findings, SL_FINDING_WARNING, named->url->pos,
                        "%s has %u addresses that nothing can be connected to", text,
                        name->found.unusable_count);
    }
    if (name->found.surplus_count > 0) {
        sl_findings_add(findings, SL_FINDING_WARNING, named->url->pos,
                        "%s has %u addresses more than the %d that are used", text,
                        name->found.surplus_count, SL_UPSTREAM_ADDRS_MAX);
    }
    return sl_load_addrs(l, named->url, &name->name.set);
}

/* For the supervisor, who tells the agent of them and hears what becomes of them. */
static enum sl_err names_keep(struct sl_loader *l)
{
    struct sl_agent_name *names = sl_arena_calloc(&l->load->arena, l->names_count, sizeof(*names));
    if (names == NULL) {
        return SL_ENOMEM;
    }
    for (size_t i = 0; i < l->names_count; i++) {
        names[i] = l->names[i]->name;
    }
    l->load->names = names;
    l->load->names_count = (uint32_t)l->names_count;
    return SL_OK;
}

static void queue_cleanup(struct sl_dns_queue **queue)
{
    free(*queue);
}

enum sl_err sl_load_names(struct sl_loader *l)
{
    if (l->nameds_count == 0) {
        return SL_OK;
    }
    SL_CLEANUP(queue_cleanup) struct sl_dns_queue *queue = calloc(1, sizeof(*queue));
    SL_CLEANUP(sl_loop_fini) struct sl_loop loop;
    enum sl_err result = sl_loop_init(&loop);
    result = result == SL_OK && queue == NULL ? SL_ENOMEM : result;
    result = result == SL_OK ? look_up(l, &loop, queue) : result;
    result = result == SL_OK ? names_keep(l) : result;
    if (result != SL_OK) {
        return result;
    }
    for (size_t i = 0; i < l->nameds_count; i++) {
        sl_load_note(&result, named_add(l, &l->nameds[i]));
    }
    return result;
}
