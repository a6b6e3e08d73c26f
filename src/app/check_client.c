/* SPDX-License-Identifier: Apache-2.0 */
#include "app/check_client.h"
#include "codec/certificate_entry.h"
#include "tls/rehearse.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char ALL[] = "all";

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

/* The name that clients ask a service for: the first of its first certificate. */
static void name_of(const struct sl_bundle *files, uint32_t service,
                    char ret_name[static SL_SERVER_NAME_MAX + 4])
{
    struct sl_shelf_entry entry;
    ret_name[0] = '\0';
    if (sl_shelf_entry_find(files, service, SL_SHELF_CLIENTS, &entry) != SL_OK) {
        return;
    }
    const bool is_wild = sl_slice_starts(entry.name, SL_SLICE("*."));
    if (is_wild) { /* any label will do */
        (void)sl_slice_cut(&entry.name, 1);
    }
    (void)snprintf(ret_name, SL_SERVER_NAME_MAX + 4, "%s%.*s", is_wild ? "www" : "",
                   SL_SLICE_FMT(entry.name));
}

static void print_got(const struct sl_rehearsal *got, const struct sl_service *service)
{
    (void)printf("%s %s", got->version, got->cipher);
    if (got->group[0] != '\0') {
        (void)printf(" %s", got->group);
    }
    (void)printf(", certificate %s (%s %" PRIu32 " bits)", got->name, got->key_type, got->key_bits);
    if (service->plan.is_alpn_held && got->alpn[0] != '\0') {
        (void)printf(", ALPN as the upstream chooses");
    } else if (got->alpn[0] != '\0') {
        (void)printf(", ALPN %s", got->alpn);
    }
    if (service->conf->clients.verify != SL_CLIENT_VERIFY_OFF) {
        (void)printf(", a certificate is %s",
                     service->conf->clients.verify == SL_CLIENT_VERIFY_REQUIRE ? "demanded of it"
                                                                               : "asked for");
    }
    (void)printf("\n");
}

static void print_versions(const struct sl_policy *policy)
{
    (void)printf("TLS 1.%d", (policy->min_version & 0xff) - 1);
    if (policy->max_version != policy->min_version) {
        (void)printf(" to 1.%d", (policy->max_version & 0xff) - 1);
    }
}

static void print_failure(const struct sl_client *client, const struct sl_service *service,
                          const char *why, const char *lacks)
{
    const struct sl_policy *policy = service->conf->policy;
    if (client->offer.max_version < policy->min_version ||
        client->offer.min_version > policy->max_version) {
        (void)printf("cannot connect: it has ");
        print_versions(&client->offer);
        (void)printf(", the service ");
        print_versions(policy);
        (void)printf("\n");
        return;
    }
    (void)printf("cannot connect: %s", why);
    if (lacks[0] != '\0') {
        (void)printf("; could not be tried, not in this library: %s", lacks);
    }
    (void)printf("\n");
}

/* One client and all services. */
static bool rehearse(const struct sl_snapshot *snapshot, const struct sl_bundle *files,
                     const struct sl_client *client)
{
    bool is_ok = true;
    (void)printf("  as %s: %s\n", client->offer.name, client->text);
    for (size_t i = 0; i < snapshot->conf->services_count; i++) {
        const struct sl_service *service = &snapshot->services[i];
        char name[SL_SERVER_NAME_MAX + 4];
        struct sl_diag diag = { "" };
        struct sl_rehearsal got;
        if (service->plan.client_tls == NULL) {
            continue;
        }
        name_of(files, (uint32_t)i, name);
        (void)printf("    %s (%s): ", service->conf->name,
                     client->has_sni && name[0] != '\0' ? name : "no name");
        const enum sl_err rc = sl_tls_rehearse(service->plan.client_tls, client, name,
                                               service->plan.is_alpn_held, &diag, &got);
        if (rc == SL_OK) {
            print_got(&got, service);
        } else {
            print_failure(client, service, rc == SL_ENOMEM ? "no memory" : diag.text, got.lacks);
            is_ok = false;
        }
    }
    return is_ok;
}

bool sl_check_clients(const struct sl_load *load, const char *names)
{
    struct sl_bundle files;
    struct sl_arena arena;
    struct sl_findings findings;
    static const struct sl_ticket_keys NO_TICKETS;
    struct sl_snapshot *snapshot = NULL;
    sl_arena_init(&arena, 0);
    sl_findings_init(&findings, &arena); /* the same as before, which were reported */
    bool is_ok = sl_bundle_open(sl_blob_slice(&load->files), &files) == SL_OK;
    const struct sl_snapshot_source source = { .files = &files, .tickets = &NO_TICKETS };
    is_ok = is_ok && sl_snapshot_create(&source, &findings, &snapshot) == SL_OK;
    struct sl_slice rest = sl_slice_cstr(names);
    while (snapshot != NULL && rest.len != 0) {
        const struct sl_slice name = name_cut(&rest);
        const struct sl_client *one = sl_client_find(name), *all = sl_client_all();
        if (one != NULL) {
            is_ok = rehearse(snapshot, &files, one) && is_ok;
            continue;
        }
        for (; all->text != NULL; all++) {
            is_ok = rehearse(snapshot, &files, all) && is_ok;
        }
    }
    sl_snapshot_destroy(snapshot);
    sl_arena_fini(&arena);
    return is_ok;
}
