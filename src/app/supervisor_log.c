/* SPDX-License-Identifier: Apache-2.0 */
#include "app/supervisor_impl.h"
#include "app/totals.h"
#include <unistd.h>

void sl_supervisor_log_event(struct supervisor *s, enum sl_log_level level, const char *event,
                             const char *detail)
{
    struct sl_logline line;
    sl_log_begin(&s->log, &line, level, event);
    if (detail != NULL) {
        sl_logline_cstr(&line, "detail", detail);
    }
    sl_log_put(&s->log, &line);
}

/* What `check` would warn of. */
void sl_supervisor_log_warnings(struct supervisor *s)
{
    const struct sl_list *head = &s->run->load->findings.list;
    for (const struct sl_list *at = head->next; at != head; at = at->next) {
        const struct sl_finding *finding = SL_CONST_CONTAINER_OF(at, struct sl_finding, node);
        char place[SL_LOAD_PLACE_MAX];
        struct sl_logline line;
        sl_load_place(s->run->load, finding, place);
        sl_log_begin(&s->log, &line, SL_LOG_WARN, "config_warning");
        sl_logline_cstr(&line, "at", place);
        sl_logline_cstr(&line, "detail", finding->text);
        sl_log_put(&s->log, &line);
    }
}

void sl_supervisor_log_start(struct supervisor *s)
{
    struct sl_logline line;
    const struct sl_conf *conf = s->run->load->conf;
    sl_log_begin(&s->log, &line, SL_LOG_INFO, "start");
    sl_logline_u64(&line, "pid", (uint64_t)getpid());
    sl_logline_u64(&line, "services", conf->services_count);
    sl_logline_u64(&line, "workers", s->children.source.count);
    sl_log_put(&s->log, &line);
    sl_supervisor_log_warnings(s);
}

void sl_supervisor_log_stop(struct supervisor *s)
{
    struct sl_logline line;
    sl_log_begin(&s->log, &line, SL_LOG_INFO, "stop");
    sl_logline_u64(&line, "uptime_ms", s->loop.now_ms - s->begin_ms);
    sl_totals_put(&s->children, s->log.dropped_count, &line);
    if (s->reload.count + s->reload.failed_count > 0) {
        sl_logline_u64(&line, "reloads", s->reload.count);
        sl_logline_u64(&line, "reloads_failed", s->reload.failed_count);
    }
    if (s->children.left_count > 0) {
        sl_logline_u64(&line, "cut_off", s->children.left_count);
    }
    sl_log_put(&s->log, &line);
}

void sl_supervisor_log_listening(struct supervisor *s)
{
    struct sl_logline line;
    for (size_t i = 0; i < s->listens.count; i++) {
        const struct sl_listen *listen = &s->listens.list[i];
        sl_log_begin(&s->log, &line, SL_LOG_INFO, "listening");
        sl_logline_cstr(&line, "service", s->run->load->conf->services[listen->service_index].name);
        sl_logline_cstr(&line, "listen", listen->text);
        if (listen->passed_fd >= 0) {
            sl_logline_u64(&line, "descriptor", (uint64_t)listen->passed_fd);
        }
        sl_log_put(&s->log, &line);
    }
}

void sl_supervisor_log_drain(struct supervisor *s)
{
    struct sl_logline line;
    sl_log_begin(&s->log, &line, SL_LOG_INFO, "drain");
    sl_logline_u64(&line, "connections", sl_totals_active(&s->children));
    sl_logline_u64(&line, "at_most_ms", s->run->load->conf->drain_ms);
    sl_logline_cstr(&line, "detail", "a second signal ends them now");
    sl_log_put(&s->log, &line);
}
