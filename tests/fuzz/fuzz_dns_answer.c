/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/dns_answer.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever comes, what is made of it can be used. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum sl_dns_type TYPES[] = { SL_DNS_A, SL_DNS_AAAA, SL_DNS_SRV };
    for (size_t i = 0; i < SL_COUNT(TYPES); i++) {
        struct sl_dns_answer answer = { 0 };
        enum sl_err rc = sl_dns_answer_parse(sl_slice_of(data, size), TYPES[i], &answer);
        assert(rc == SL_OK || answer.records_count == 0);
        assert(rc != SL_OK || (answer.records_count > 0 && answer.ttl_s <= INT32_MAX));
        assert(answer.records_count <= SL_DNS_RECORDS_MAX);
        for (size_t j = 0; j < answer.records_count; j++) {
            const struct sl_dns_record *record = &answer.records[j];
            assert(TYPES[i] == SL_DNS_SRV ? record->port != 0 && record->target[0] != '\0'
                                          : sl_dns_is_usable(&record->addr));
            assert(strnlen(record->target, sizeof(record->target)) <= SL_DNS_HOST_MAX);
        }
        SL_UNUSED(rc);
    }
    return 0;
}
