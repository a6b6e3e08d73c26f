/* SPDX-License-Identifier: Apache-2.0 */
#include "app/check_client.h"
#include "app/check_class.h"
#include "app/check_offer.h"
#include "tls/rehearse.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char ALL[] = "all";

enum { LINE_MAX_BYTES = 1024, NAMES_SHOWN_MAX = 8, ALPN_MAX_BYTES = 256 };

/* What came of one client and one service, or one class of them. */
struct outcome {
    bool is_ok;
    bool is_told; /* while lines are gathered */
    char text[LINE_MAX_BYTES];
};

/* One run over a configuration. */
struct run {
    const struct sl_snapshot *snapshot;
    const struct sl_bundle *files;
    struct sl_check_classes classes;
    struct outcome *outcomes; /* by class */
    bool is_short;            /* services with the same outcome are one line */
};

void sl_check_clients_list(void)
{
    for (const struct sl_client *client = sl_client_all(); client->text != NULL; client++) {
        (void)printf("%-16s %s\n", client->offer.name, client->text);
    }
}

static struct sl_slice name_cut(struct sl_slice *names)
{
    struct sl_slice name = sl_slice_cut(names, sl_slice_find(*names, ','));
    (void)sl_slice_cut(names, 1);
    return name;
}

bool sl_check_clients_are_known(const char *names)
{
    struct sl_slice rest = sl_slice_cstr(names);
    do {
        const struct sl_slice name = name_cut(&rest);
        if (!sl_slice_eq(name, sl_slice_cstr(ALL)) && sl_client_find(name) == NULL) {
            (void)fprintf(stderr, "sluice: no client '%.*s' is known: see sluice check --as list\n",
                          SL_SLICE_FMT(name));
            return false;
        }
    } while (rest.len != 0);
    return true;
}

static void SL_PRINTF(2, 3) say(struct sl_wbuf *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const enum sl_err rc = sl_wbuf_vprintf(out, format, args);
    SL_UNUSED(rc); /* what does not fit is left out */
    va_end(args);
}

/* What the client offers, as on the wire. */
static void alpn_put(const struct sl_client *client, struct sl_wbuf *out)
{
    struct sl_slice rest = sl_slice_cstr(client->alpn);
    enum sl_err rc = SL_OK;
    while (rc == SL_OK && rest.len != 0) {
        const struct sl_slice one = name_cut(&rest);
        rc = sl_wbuf_put_u8(out, (uint8_t)one.len);
        rc = rc == SL_OK ? sl_wbuf_put(out, one) : rc;
    }
}

/* Which way the client goes, from no address in particular, and the protocol that it gets there,
 * NULL when the handshake says that. NULL: there is no way for it. */
static const struct sl_conn_way *way_of(const struct sl_service *service,
                                        const struct sl_client *client, const char *name,
                                        const char **ret_protocol)
{
    uint8_t bytes[ALPN_MAX_BYTES];
    struct sl_wbuf alpn = sl_wbuf_of(bytes, sizeof(bytes));
    static const struct sl_addr NOWHERE;
    if (!service->plan.has_routes) {
        return &service->plan.way;
    }
    alpn_put(client, &alpn);
    const struct sl_hello hello = { .server_name = sl_slice_cstr(client->has_sni ? name : NULL),
                                    .alpn = sl_wbuf_slice(&alpn) };
    const struct sl_conn_way *way = sl_service_way(service, &hello, &NOWHERE);
    *ret_protocol = way == NULL ? NULL : sl_conn_way_protocol(way, hello.alpn);
    return way;
}

static void say_got(const struct sl_rehearsal *got, const struct sl_service *service,
                    const struct sl_conn_way *way, bool is_short, struct sl_wbuf *out)
{
    say(out, "%s %s", got->version, got->cipher);
    if (got->group[0] != '\0') {
        say(out, " %s", got->group);
    }
    say(out, ", certificate %s%s(%s %" PRIu32 " bits)", is_short ? "" : got->name,
        is_short ? "" : " ", got->key_type, got->key_bits);
    if (way->is_alpn_held && got->alpn[0] != '\0') {
        say(out, ", ALPN as the upstream chooses");
    } else if (got->alpn[0] != '\0') {
        say(out, ", ALPN %s", got->alpn);
    }
    if (service->conf->clients.verify != SL_CLIENT_VERIFY_OFF) {
        say(out, ", a certificate is %s",
            service->conf->clients.verify == SL_CLIENT_VERIFY_REQUIRE ? "demanded of it"
                                                                      : "asked for");
    }
    if (way->route > 0) {
        say(out, ", route %u", way->route);
    }
}

static void say_versions(const struct sl_policy *policy, struct sl_wbuf *out)
{
    say(out, "TLS 1.%d", (policy->min_version & 0xff) - 1);
    if (policy->max_version != policy->min_version) {
        say(out, " to 1.%d", (policy->max_version & 0xff) - 1);
    }
}

static void say_failure(const struct sl_client *client, const struct sl_service *service,
                        const char *why, const char *lacks, struct sl_wbuf *out)
{
    const struct sl_policy *policy = service->conf->policy;
    if (client->offer.max_version < policy->min_version ||
        client->offer.min_version > policy->max_version) {
        say(out, "cannot connect: it has ");
        say_versions(&client->offer, out);
        say(out, ", the service ");
        say_versions(policy, out);
        return;
    }
    say(out, "cannot connect: %s", why);
    if (lacks[0] != '\0') {
        say(out, "; could not be tried, not in this library: %s", lacks);
    }
}

static void rehearse(const struct run *run, const struct sl_client *client,
                     struct sl_tls_actor *actor, uint32_t number, struct outcome *ret_outcome)
{
    const struct sl_service *service = &run->snapshot->services[number];
    char name[SL_CHECK_NAME_MAX];
    struct sl_diag diag = { "" };
    struct sl_rehearsal got;
    struct sl_wbuf out = sl_wbuf_of(ret_outcome->text, sizeof(ret_outcome->text) - 1);
    const char *protocol = NULL;
    sl_check_name(run->files, number, name);
    const struct sl_conn_way *way = way_of(service, client, name, &protocol);
    enum sl_err rc = SL_OK;
    if (way == NULL) {
        say(&out, "cannot connect: no route is for it");
        rc = SL_ENOENT;
    } else if (way->is_passed) {
        say(&out, "its TLS goes on to %s, route %u", way->target->upstreams[0].text, way->route);
    } else if ((rc = sl_tls_rehearse(service->plan.client_tls, actor, name, way->is_alpn_held,
                                     &diag, &got)) == SL_OK) {
        if (protocol != NULL) {
            (void)snprintf(got.alpn, sizeof(got.alpn), "%s", protocol);
        }
        say_got(&got, service, way, run->is_short, &out);
    } else {
        say_failure(client, service, rc == SL_ENOMEM ? "no memory" : diag.text,
                    sl_tls_actor_lacks(actor), &out);
    }
    ret_outcome->is_ok = rc == SL_OK;
    ret_outcome->is_told = false;
    ret_outcome->text[out.len] = '\0';
}

static bool has_tls(const struct run *run, size_t service)
{
    return run->snapshot->services[service].plan.client_tls != NULL;
}

/* A line for each service. */
static bool tell_each(const struct run *run, const struct sl_client *client,
                      struct sl_tls_actor *actor)
{
    bool is_ok = true;
    for (size_t i = 0; i < run->snapshot->conf->services_count; i++) {
        char name[SL_CHECK_NAME_MAX];
        struct outcome outcome;
        if (!has_tls(run, i)) {
            continue;
        }
        rehearse(run, client, actor, (uint32_t)i, &outcome);
        sl_check_name(run->files, (uint32_t)i, name);
        (void)printf("    %s (%s): %s\n", run->snapshot->services[i].conf->name,
                     client->has_sni && name[0] != '\0' ? name : "no name", outcome.text);
        is_ok = is_ok && outcome.is_ok;
    }
    return is_ok;
}

static const struct outcome *outcome_of(const struct run *run, size_t service)
{
    return &run->outcomes[run->classes.of_service[service]];
}

/* The services that have this outcome, the first by name. */
static void tell_those(const struct run *run, const char *text)
{
    const struct sl_conf *conf = run->snapshot->conf;
    size_t count = 0;
    for (size_t i = 0; i < conf->services_count; i++) {
        count += has_tls(run, i) && strcmp(outcome_of(run, i)->text, text) == 0;
    }
    (void)printf("    %zu service%s (", count, count == 1 ? "" : "s");
    size_t shown = 0;
    for (size_t i = 0; i < conf->services_count && shown < NAMES_SHOWN_MAX; i++) {
        if (has_tls(run, i) && strcmp(outcome_of(run, i)->text, text) == 0) {
            (void)printf("%s%s", shown++ == 0 ? "" : ", ", conf->services[i].name);
        }
    }
    if (count > shown) {
        (void)printf(" and %zu more", count - shown);
    }
    (void)printf("): %s\n", text);
}

/* A line for each outcome, of one rehearsal for each class; failures come first. */
static bool tell_outcomes(struct run *run, const struct sl_client *client,
                          struct sl_tls_actor *actor)
{
    bool is_ok = true;
    for (size_t i = 0; i < run->classes.count; i++) {
        if (has_tls(run, run->classes.first_services[i])) {
            rehearse(run, client, actor, run->classes.first_services[i], &run->outcomes[i]);
            is_ok = is_ok && run->outcomes[i].is_ok;
        }
    }
    for (size_t turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < run->classes.count; i++) {
            struct outcome *outcome = &run->outcomes[i];
            if (outcome->is_told || outcome->is_ok != (turn == 1) ||
                !has_tls(run, run->classes.first_services[i])) {
                continue;
            }
            for (size_t j = i; j < run->classes.count; j++) {
                run->outcomes[j].is_told =
                    run->outcomes[j].is_told || strcmp(run->outcomes[j].text, outcome->text) == 0;
            }
            tell_those(run, outcome->text);
        }
    }
    return is_ok;
}

/* One client and all services. */
static bool tell(struct run *run, const struct sl_client *client)
{
    struct sl_tls_actor *actor = NULL;
    (void)printf("  as %s: %s\n", client->offer.name, client->text);
    if (sl_tls_actor_create(client, &actor) != SL_OK) {
        (void)printf("    no memory\n");
        return false;
    }
    const bool is_ok =
        run->is_short ? tell_outcomes(run, client, actor) : tell_each(run, client, actor);
    sl_tls_actor_destroy(actor);
    return is_ok;
}

static bool tell_all(struct run *run, const char *names)
{
    struct sl_slice rest = sl_slice_cstr(names);
    bool is_ok = true;
    while (rest.len != 0) {
        const struct sl_slice name = name_cut(&rest);
        const struct sl_client *one = sl_client_find(name), *all = sl_client_all();
        if (one != NULL) {
            is_ok = tell(run, one) && is_ok;
            continue;
        }
        for (; all->text != NULL; all++) {
            is_ok = tell(run, all) && is_ok;
        }
    }
    return is_ok;
}

bool sl_check_clients(const struct sl_load *load, const char *names, bool is_verbose)
{
    struct sl_bundle files;
    struct sl_arena arena;
    struct sl_findings findings;
    static const struct sl_ticket_keys NO_TICKETS;
    struct sl_snapshot *snapshot = NULL;
    struct run run = { .files = &files,
                       .is_short =
                           !is_verbose && load->conf->services_count > SL_CHECK_DETAILED_MAX };
    sl_arena_init(&arena, 0);
    sl_findings_init(&findings, &arena); /* the same as before, which were reported */
    bool is_ok = sl_bundle_open(sl_blob_slice(&load->files), &files) == SL_OK;
    const struct sl_snapshot_source source = { .files = &files, .tickets = &NO_TICKETS };
    is_ok = is_ok && sl_snapshot_create(&source, &findings, &snapshot) == SL_OK;
    run.snapshot = snapshot;
    if (is_ok && run.is_short) {
        is_ok = sl_check_classes_make(snapshot, &files, &arena, &run.classes) == SL_OK;
        run.outcomes =
            is_ok ? sl_arena_calloc(&arena, run.classes.count, sizeof(*run.outcomes)) : NULL;
        is_ok = run.outcomes != NULL;
    }
    is_ok = is_ok && tell_all(&run, names);
    sl_snapshot_destroy(snapshot);
    sl_arena_fini(&arena);
    return is_ok;
}
