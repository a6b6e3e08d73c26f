/* SPDX-License-Identifier: Apache-2.0 */
#include "app/reload.h"
#include "base/map.h"
#include <stdlib.h>
#include <string.h>

static bool is_same(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static bool is_pool_same(const struct sl_token_pool *one, const struct sl_token_pool *other)
{
    bool is = is_same(one->uri, other->uri) && is_same(one->module_path, other->module_path) &&
              is_same(one->pin_path, other->pin_path) && one->keys_count == other->keys_count;
    for (uint32_t i = 0; is && i < one->keys_count; i++) {
        is = is_same(one->keys[i], other->keys[i]);
    }
    return is;
}

static bool are_pools_same(const struct sl_load *one, const struct sl_load *other)
{
    bool are = one->pools_count == other->pools_count;
    for (uint32_t i = 0; are && i < one->pools_count; i++) {
        are = is_pool_same(&one->pools[i], &other->pools[i]);
    }
    return are;
}

static bool is_pkcs11_same(const struct sl_conf_pkcs11 *one, const struct sl_conf_pkcs11 *other)
{
    return is_same(one->module.path, other->module.path) &&
           is_same(one->user.text, other->user.text) &&
           one->processes_count == other->processes_count && one->queue_count == other->queue_count;
}

const char *sl_reload_fixed(const struct sl_load *before, const struct sl_load *now,
                            bool *ret_is_refused)
{
    const struct sl_conf *a = before->conf, *b = now->conf;
    const struct {
        bool is_same, is_refused;
        const char *name;
    } options[] = {
        { is_same(a->user.text, b->user.text), true, "user" },
        { a->cage.mode == b->cage.mode && a->cage.action == b->cage.action, true, "cage" },
        { is_pkcs11_same(&a->pkcs11, &b->pkcs11), true, "pkcs11" },
        { are_pools_same(before, now), true, "keys on PKCS#11 tokens" },
        { a->limits.buffer_bytes == b->limits.buffer_bytes, false, "limits.buffer" },
        { a->is_kdf_fast == b->is_kdf_fast, false, "fast_kdf" },
        { a->record_layer == b->record_layer, false, "record_layer" },
    };
    *ret_is_refused = false;
    for (size_t i = 0; i < SL_COUNT(options); i++) { /* those that are refused come first */
        if (!options[i].is_same) {
            *ret_is_refused = options[i].is_refused;
            return options[i].name;
        }
    }
    return "";
}

static size_t indent_of(struct sl_slice line)
{
    size_t count = 0;
    while (count < line.len && (line.ptr[count] == ' ' || line.ptr[count] == '\r')) {
        count++;
    }
    return count;
}

/* Cuts a line off, without its end. */
static struct sl_slice line_cut(struct sl_slice *text)
{
    const struct sl_slice line = sl_slice_cut(text, sl_slice_find(*text, '\n'));
    (void)sl_slice_cut(text, 1);
    return line;
}

/* From the begin of a text up to the next line that stands as far to the left as its first. */
static struct sl_slice block_of(struct sl_slice text)
{
    struct sl_slice rest = text;
    const size_t indent = indent_of(line_cut(&rest));
    size_t len = text.len - rest.len;
    while (rest.len > 0) {
        const struct sl_slice line = line_cut(&rest);
        const size_t at = indent_of(line);
        if (at < line.len && line.ptr[at] != '#' && at <= indent) {
            break;
        }
        len = text.len - rest.len;
    }
    return sl_slice_of(text.ptr, len);
}

/* The text of each service; its lines only go down. NULL without memory. */
static struct sl_slice *blocks_of(const struct sl_load *load)
{
    const struct sl_conf *conf = load->conf;
    struct sl_slice *blocks = calloc(conf->services_count + 1, sizeof(*blocks));
    struct sl_slice rest = load->source.yaml;
    size_t line = 1;
    for (size_t i = 0; blocks != NULL && i < conf->services_count; i++) {
        for (; line < conf->services[i].pos.line && rest.len > 0; line++) {
            (void)line_cut(&rest);
        }
        blocks[i] = block_of(rest);
    }
    return blocks;
}

struct sl_reload_changes sl_reload_changes_of(const struct sl_load *before,
                                              const struct sl_load *now)
{
    struct sl_reload_changes changes = { 0 };
    struct sl_slice *old_blocks = blocks_of(before), *blocks = blocks_of(now);
    struct sl_map names = { 0 };
    enum sl_err rc = old_blocks == NULL || blocks == NULL ? SL_ENOMEM : SL_OK;
    for (size_t i = 0; rc == SL_OK && i < before->conf->services_count; i++) {
        rc = sl_map_add(&names, sl_slice_cstr(before->conf->services[i].name), (uint32_t)i);
    }
    uint32_t found_count = 0;
    for (size_t i = 0; rc == SL_OK && i < now->conf->services_count; i++) {
        uint32_t at;
        if (sl_map_find(&names, sl_slice_cstr(now->conf->services[i].name), &at) != SL_OK) {
            changes.added++;
            continue;
        }
        found_count++;
        changes.changed += !sl_slice_eq(old_blocks[at], blocks[i]);
    }
    if (rc == SL_OK) {
        changes.removed = (uint32_t)before->conf->services_count - found_count;
    }
    sl_map_fini(&names);
    free(old_blocks);
    free(blocks);
    return changes;
}
