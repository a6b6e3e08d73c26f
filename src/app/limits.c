/* SPDX-License-Identifier: Apache-2.0 */
#include "app/limits.h"
#include "sys/process.h"
#include <sys/random.h>

enum { WORKERS_MAX_COUNT = 1024 };

uint32_t sl_limits_workers_count(const struct sl_conf *conf)
{
    const uint32_t count =
        conf->workers_count == 0 ? sl_process_cores_count() : conf->workers_count;
    return SL_MIN(count, (uint32_t)WORKERS_MAX_COUNT);
}

static bool has_rate(const struct sl_conf *conf)
{
    size_t i = 0;
    while (i < conf->services_count && conf->services[i].limits.rate_count == 0) {
        i++;
    }
    return i < conf->services_count;
}

/* The table of who has come how often, where a service asks for that. */
static enum sl_err rate_use(const struct sl_conf *conf, struct sl_rate **rate)
{
    struct sl_siphash_key key;
    struct sl_rate *made = NULL;
    const size_t sources_count = (size_t)conf->limits.rate_sources_count;
    if (!has_rate(conf) || (*rate != NULL && sl_rate_sources_count(*rate) == sources_count)) {
        return SL_OK;
    }
    if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key)) {
        return SL_ESYS;
    }
    enum sl_err rc = sl_rate_create(sources_count, &key, &made);
    if (rc == SL_OK) {
        sl_rate_destroy(*rate);
        *rate = made;
    }
    return rc;
}

enum sl_err sl_limits_use(struct sl_snapshot *snapshot, const struct sl_portion *portion,
                          struct sl_acceptor *acceptor)
{
    const struct sl_conf_limits *limits = &snapshot->conf->limits;
    enum sl_err rc = rate_use(snapshot->conf, &acceptor->rate);
    if (rc != SL_OK) {
        return rc;
    }
    acceptor->bounds.handshakes_max_count = sl_portion_of(portion, limits->handshakes_count);
    acceptor->bounds.is_refusing = limits->over == SL_OVER_REFUSE;
    acceptor->env->scratch->held_max_bytes = (size_t)sl_portion_of(portion, limits->memory_bytes);
    sl_snapshot_portion(snapshot, portion);
    return SL_OK;
}
