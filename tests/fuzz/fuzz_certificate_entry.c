/* SPDX-License-Identifier: Apache-2.0 */
/** @file A bundle that holds anything: what is found in it is whole, or refused. */
#include "codec/certificate_entry.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true) {
        abort();
    }
}

/* The first bytes say what is looked for, and as what. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_slice rest = sl_slice_of(data, size);
    const struct sl_slice head = sl_slice_cut(&rest, 2);
    if (head.len < 2) {
        return 0;
    }
    uint8_t name[SL_SERVER_NAME_KEY_MAX];
    struct sl_wbuf name_out = sl_wbuf_of(name, sizeof(name));
    struct sl_slice dns_name = sl_slice_cut(&rest, head.ptr[1]);
    const enum sl_err named = sl_server_name_emit(head.ptr[0], dns_name, &name_out);
    const struct sl_number_name number_name = sl_number_name_of(7);
    const struct sl_slice number = sl_slice_of(number_name.bytes, sizeof(number_name.bytes));
    const uint8_t shelf_name[] = { 0, 0, 0, 7, SL_SHELF_CLIENTS };
    struct sl_bundle_entry entries[] = {
        { SL_BUNDLE_CERTIFICATE, number, rest },
        { SL_BUNDLE_SHELF, sl_slice_of(shelf_name, sizeof(shelf_name)), rest },
        { SL_BUNDLE_STAPLE, number, rest },
        { SL_BUNDLE_OWN, number, rest },
        { SL_BUNDLE_SERVER_NAME, named == SL_OK ? sl_wbuf_slice(&name_out) : number, rest },
    };
    size_t whole_len = 0;
    require(sl_bundle_prepare(entries, SL_COUNT(entries), &whole_len) == SL_OK);
    struct sl_wbuf whole = sl_wbuf_of(malloc(whole_len), whole_len);
    require(whole.ptr != NULL);
    require(sl_bundle_emit(entries, SL_COUNT(entries), &whole) == SL_OK);
    struct sl_bundle bundle;
    require(sl_bundle_open(sl_wbuf_slice(&whole), &bundle) == SL_OK);

    struct sl_certificate_entry certificate;
    if (sl_certificate_entry_find(&bundle, 7, &certificate) == SL_OK) {
        uint8_t again[SL_CERTIFICATE_ENTRY_MAX];
        struct sl_wbuf out = sl_wbuf_of(again, sizeof(again));
        require(sl_certificate_entry_emit(&certificate, &out) == SL_OK);
        require(sl_slice_eq(sl_wbuf_slice(&out), rest));
    }
    struct sl_shelf_entry shelf;
    if (sl_shelf_entry_find(&bundle, 7, SL_SHELF_CLIENTS, &shelf) == SL_OK) {
        require(shelf.count > 0 && shelf.name.len <= SL_SERVER_NAME_MAX);
    }
    struct sl_staple_entry staple;
    if (sl_staple_entry_find(&bundle, 7, &staple) == SL_OK) {
        require(staple.der.len > 0 && staple.der.len <= SL_STAPLE_MAX);
    }
    struct sl_slice candidates;
    require(sl_own_find(&bundle, 7, &candidates) == SL_OK);
    require(sl_slice_eq(candidates, rest));
    if (named == SL_OK) {
        require(sl_server_name_find(&bundle, head.ptr[0], dns_name, &candidates) == SL_OK);
        uint32_t certificate_number;
        enum sl_key_kind kind;
        while (sl_candidate_next(&candidates, &certificate_number, &kind) == SL_OK) {
            require(kind < SL_KIND_COUNT);
        }
    }
    free(whole.ptr);
    return 0;
}
