/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tally.h"
#include "net/balance.h"
#include <stdlib.h>
#include <string.h>

struct named {
    struct sl_list node;
    size_t refs_count;
    struct sl_tally tally;
    char service[];
};

void sl_tallies_init(struct sl_tallies *tallies)
{
    for (size_t i = 0; i < SL_TALLIES_BUCKETS; i++) {
        sl_list_init(&tallies->buckets[i]);
    }
}

enum sl_err sl_tallies_take(struct sl_tallies *tallies, const char *service,
                            struct sl_tally **ret_tally)
{
    const uint64_t hash = sl_balance_hash(sl_slice_cstr(service));
    struct sl_list *bucket = &tallies->buckets[hash % SL_TALLIES_BUCKETS];
    struct named *found = NULL;
    for (struct sl_list *at = bucket->next; found == NULL && at != bucket; at = at->next) {
        struct named *named = SL_CONTAINER_OF(at, struct named, node);
        found = strcmp(named->service, service) == 0 ? named : NULL;
    }
    if (found == NULL) {
        const size_t size = strlen(service) + 1;
        found = calloc(1, sizeof(*found) + size);
        if (found == NULL) {
            return SL_ENOMEM;
        }
        memcpy(found->service, service, size);
        sl_list_append(bucket, &found->node);
    }
    found->refs_count++;
    *ret_tally = &found->tally;
    return SL_OK;
}

void sl_tally_unref(struct sl_tally *tally)
{
    if (tally == NULL) {
        return;
    }
    struct named *named = SL_CONTAINER_OF(tally, struct named, tally);
    if (--named->refs_count == 0) {
        sl_list_remove(&named->node);
        free(named);
    }
}
