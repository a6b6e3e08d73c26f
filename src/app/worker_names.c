/* SPDX-License-Identifier: Apache-2.0 */
#include "app/worker_names.h"
#include "codec/name_message.h"
#include <stdlib.h>
#include <string.h>

struct heard {
    struct sl_list node;
    bool is_srv;
    struct sl_addr_set set;
    size_t name_len;
    uint8_t name[SL_DNS_HOST_MAX];
};

static struct sl_slice name_of(const struct heard *heard)
{
    return sl_slice_of(heard->name, heard->name_len);
}

static void use(const struct heard *heard, struct sl_snapshot *snapshot)
{
    sl_snapshot_use(snapshot, name_of(heard), heard->is_srv, &heard->set);
}

static struct heard *find(struct sl_worker_names *names, const struct sl_name_addrs *addrs)
{
    for (struct sl_list *at = names->list.next; at != &names->list; at = at->next) {
        struct heard *heard = SL_CONTAINER_OF(at, struct heard, node);
        if (heard->is_srv == addrs->is_srv && sl_slice_eq(name_of(heard), addrs->name)) {
            return heard;
        }
    }
    return NULL;
}

void sl_worker_names_init(struct sl_worker_names *names)
{
    sl_list_init(&names->list);
}

void sl_worker_names_fini(struct sl_worker_names *names)
{
    for (;;) {
        struct sl_list *first = sl_list_shift(&names->list);
        if (first == NULL) {
            return;
        }
        free(SL_CONTAINER_OF(first, struct heard, node));
    }
}

enum sl_err sl_worker_names_hear(struct sl_worker_names *names, struct sl_slice body,
                                 struct sl_snapshot *snapshot)
{
    struct sl_name_addrs addrs;
    enum sl_err rc = sl_name_addrs_parse(body, &addrs);
    if (rc != SL_OK) {
        return rc;
    }
    struct heard *heard = find(names, &addrs);
    if (heard == NULL) {
        heard = calloc(1, sizeof(*heard));
        if (heard == NULL) {
            return SL_ENOMEM;
        }
        memcpy(heard->name, addrs.name.ptr, addrs.name.len);
        heard->name_len = addrs.name.len;
        heard->is_srv = addrs.is_srv;
        sl_list_append(&names->list, &heard->node);
    }
    heard->set = addrs.set;
    if (snapshot != NULL) {
        use(heard, snapshot);
    }
    return SL_OK;
}

void sl_worker_names_use(const struct sl_worker_names *names, struct sl_snapshot *snapshot)
{
    const struct sl_list *head = &names->list;
    for (const struct sl_list *at = head->next; at != head; at = at->next) {
        use(SL_CONST_CONTAINER_OF(at, struct heard, node), snapshot);
    }
}
