/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys the process has, over reloads: a number is given anew when nobody asks by it. */
#include "app/keeper.h"
#include "codec/key_message.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_MIN_COUNT = 512 }; /* what its guarded memory has room for at least */

uint32_t sl_keeper_room(uint32_t count)
{
    return count >= SL_KEY_TOKENS_FIRST / 2 ? SL_KEY_TOKENS_FIRST - 1
                                            : SL_MAX(2 * count, (uint32_t)ROOM_MIN_COUNT);
}

static size_t text_size(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

static const char *text_put(char **at, const char *text)
{
    const size_t size = text_size(text);
    char *copy = *at;
    if (text == NULL) {
        return NULL;
    }
    memcpy(copy, text, size);
    *at += size;
    return copy;
}

/* Copies a file into a slot that has none, or has the same. SL_OK, SL_ENOMEM. */
static enum sl_err slot_fill(struct sl_keeper_slot *slot, const struct sl_keeper_file *file)
{
    char *texts = malloc(text_size(file->path) + text_size(file->service) +
                         text_size(file->passphrase_path) + file->public_der.len + 1);
    if (texts == NULL) {
        return SL_ENOMEM;
    }
    char *at = texts;
    struct sl_keeper_file copy = *file;
    copy.path = text_put(&at, file->path);
    copy.service = text_put(&at, file->service);
    copy.passphrase_path = text_put(&at, file->passphrase_path);
    if (file->public_der.len > 0) {
        memcpy(at, file->public_der.ptr, file->public_der.len);
    }
    copy.public_der = sl_slice_of(at, file->public_der.len);
    free(slot->texts);
    slot->texts = texts;
    slot->file = copy;
    return SL_OK;
}

static void slot_empty(struct sl_keeper_slot *slot)
{
    free(slot->texts);
    *slot = (struct sl_keeper_slot){ 0 };
}

static enum sl_err slots_grow(struct sl_keeper *keeper, uint32_t free_count)
{
    const uint64_t count = (uint64_t)keeper->slots_count + free_count;
    if (count >= SL_KEY_TOKENS_FIRST / 2) {
        return SL_ERANGE;
    }
    struct sl_keeper_slot *slots = realloc(keeper->slots, count * sizeof(*slots) + 1);
    if (slots == NULL) {
        return SL_ENOMEM;
    }
    memset(slots + keeper->slots_count, 0, free_count * sizeof(*slots));
    keeper->slots = slots;
    keeper->slots_count = (uint32_t)count;
    return SL_OK;
}

enum sl_err sl_keeper_reserve(struct sl_keeper *keeper, struct sl_keeper_file *files,
                              uint32_t count, uint32_t edition)
{
    uint32_t free_count = 0, number = 0;
    enum sl_err rc = SL_OK;
    for (uint32_t i = 0; i < keeper->slots_count; i++) {
        free_count += keeper->slots[i].file.path == NULL;
    }
    if (free_count < count) {
        rc = slots_grow(keeper, count - free_count);
    }
    for (uint32_t i = 0; rc == SL_OK && i < count; i++, number++) {
        while (keeper->slots[number].file.path != NULL) {
            number++;
        }
        files[i].number = number;
        rc = slot_fill(&keeper->slots[number], &files[i]);
        keeper->slots[number].edition = edition;
    }
    return rc;
}

enum sl_err sl_keeper_learn(struct sl_keeper *keeper, const struct sl_keeper_file *files,
                            uint32_t count)
{
    enum sl_err rc = SL_OK;
    for (uint32_t i = 0; rc == SL_OK && i < count; i++) {
        rc = slot_fill(&keeper->slots[files[i].number], &files[i]);
    }
    return rc;
}

static int order_of(const void *one, const void *other)
{
    const uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
    return (a > b) - (a < b);
}

/* Whether one of the sorted numbers is within. */
static bool is_within(const uint32_t *sorted, size_t count, uint32_t first, uint32_t last)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (sorted[mid] < first) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < count && sorted[low] <= last;
}

void sl_keeper_keep(struct sl_keeper *keeper, uint32_t *editions, size_t count)
{
    qsort(editions, count, sizeof(*editions), order_of);
    for (uint32_t i = 0; i < keeper->slots_count; i++) {
        struct sl_keeper_slot *slot = &keeper->slots[i];
        if (slot->file.path == NULL || is_within(editions, count, slot->edition, slot->edition)) {
            continue;
        }
        slot_empty(slot);
        const struct sl_message drop = { .type = SL_MESSAGE_KEY_DROP, .key = { .index = i } };
        if (keeper->pid != 0 && i < keeper->room_count &&
            sl_keeper_send(keeper->channel.fd, &drop, NULL) != SL_OK) {
            (void)kill(keeper->pid,
                       SIGKILL); /* the next one is not told of it in the first place */
        }
    }
}

/* The process can be handed keys of these numbers. */
static bool has_room(const struct sl_keeper *keeper, const struct sl_keeper_file *files,
                     uint32_t count)
{
    bool has = keeper->pid != 0;
    for (uint32_t i = 0; has && i < count; i++) {
        has = files[i].number < keeper->room_count;
    }
    return has;
}

enum sl_err sl_keeper_hand_more(struct sl_keeper *keeper, const struct sl_keeper_file *files,
                                uint32_t count, struct sl_keeper_hearer *hearer,
                                struct sl_keeper_handing *handing)
{
    if (!has_room(keeper, files, count)) {
        return sl_keeper_hand_begin(files, count, sl_keeper_room(keeper->slots_count), keeper->cage,
                                    hearer, handing);
    }
    *handing = (struct sl_keeper_handing){ .files = files,
                                           .count = count,
                                           .hearer = hearer,
                                           .keeper = keeper,
                                           .pid = keeper->pid,
                                           .fd = keeper->channel.fd };
    return SL_OK;
}
