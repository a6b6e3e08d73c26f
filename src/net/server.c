/* SPDX-License-Identifier: Apache-2.0 */
#include "net/server.h"
#include "net/balance.h"
#include <stdlib.h>
#include <string.h>

void sl_servers_init(struct sl_servers *servers, uint64_t seed)
{
    *servers = (struct sl_servers){ .random = seed };
    for (size_t i = 0; i < SL_SERVERS_BUCKETS; i++) {
        sl_list_init(&servers->buckets[i]);
    }
}

static uint64_t key_hash_of(const char *service, const char *url)
{
    uint64_t parts[] = { sl_balance_hash(sl_slice_cstr(service)),
                         sl_balance_hash(sl_slice_cstr(url)) };
    return sl_balance_hash(sl_slice_of(parts, sizeof(parts)));
}

static struct sl_server *server_create(const char *service, const char *url)
{
    const size_t service_size = strlen(service) + 1, url_size = strlen(url) + 1;
    struct sl_server *server = calloc(1, sizeof(*server) + service_size + url_size);
    if (server == NULL) {
        return NULL;
    }
    char *text = (char *)(server + 1);
    memcpy(text, service, service_size);
    memcpy(text + service_size, url, url_size);
    server->service = text;
    server->url = text + service_size;
    server->key_hash = key_hash_of(service, url);
    server->url_hash = sl_balance_hash(sl_slice_cstr(url));
    return server;
}

enum sl_err sl_servers_take(struct sl_servers *servers, const char *service, const char *url,
                            struct sl_server **ret_server)
{
    const uint64_t hash = key_hash_of(service, url);
    struct sl_list *bucket = &servers->buckets[hash % SL_SERVERS_BUCKETS];
    for (struct sl_list *at = bucket->next; at != bucket; at = at->next) {
        struct sl_server *server = SL_CONTAINER_OF(at, struct sl_server, node);
        if (strcmp(server->service, service) == 0 && strcmp(server->url, url) == 0) {
            *ret_server = sl_server_ref(server);
            return SL_OK;
        }
    }
    struct sl_server *server = server_create(service, url);
    if (server == NULL) {
        return SL_ENOMEM;
    }
    sl_list_append(bucket, &server->node);
    *ret_server = sl_server_ref(server);
    return SL_OK;
}

struct sl_server *sl_server_ref(struct sl_server *server)
{
    server->refs_count++;
    return server;
}

void sl_server_unref(struct sl_server *server)
{
    if (server != NULL && --server->refs_count == 0) {
        sl_list_remove(&server->node);
        free(server);
    }
}

void sl_servers_failed(struct sl_servers *servers, struct sl_server *server,
                       const struct sl_conf_ejection *rule, enum sl_reason reason, uint64_t now_ms)
{
    const uint64_t out_ms = sl_ejection_failed(&server->ejection, rule, now_ms);
    servers->failures_count++;
    if (out_ms > 0) {
        const struct sl_server_event event = { .server = server,
                                               .reason = sl_reason_row(reason)->word,
                                               .out_ms = out_ms };
        servers->ejections_count++;
        servers->on_event(servers, &event);
    }
}

void sl_servers_worked(struct sl_servers *servers, struct sl_server *server, uint64_t now_ms)
{
    if (sl_ejection_worked(&server->ejection, now_ms)) {
        const struct sl_server_event event = { .server = server,
                                               .is_up = true,
                                               .reason = "answers" };
        servers->on_event(servers, &event);
    }
}
