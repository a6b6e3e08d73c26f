/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/conf.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FINDING_MAX = 4096 }; /* bytes that are enough for any formatted finding */

static void hold(bool condition)
{
    if (!condition) {
        abort();
    }
}

static bool is_within(uint64_t value, uint64_t min, uint64_t max)
{
    return value >= min && value <= max;
}

static void urls_hold(const struct sl_conf_url *urls, size_t count, bool is_listen)
{
    hold(count >= 1 && count <= 64);
    for (size_t i = 0; i < count; i++) {
        const struct sl_url *url = &urls[i].url;
        bool is_unix = url->scheme == SL_SCHEME_UNIX;
        hold(urls[i].pos.line > 0 && urls[i].text != NULL);
        hold((url->scheme == SL_SCHEME_TLS) == (urls[0].url.scheme == SL_SCHEME_TLS));
        hold(!is_unix || url->path.ptr[0] == '/');
        hold(is_unix || !is_listen || url->is_ip || url->host.len == 0);
        hold(is_unix || is_listen || (url->host.len > 0 && url->port > 0));
    }
}

static void service_holds(const struct sl_conf_service *service)
{
    urls_hold(service->listens, service->listens_count, true);
    urls_hold(service->connects, service->connects_count, false);
    bool has_tls_listen = service->listens[0].url.scheme == SL_SCHEME_TLS;
    bool has_tls_connect = service->connects[0].url.scheme == SL_SCHEME_TLS;
    bool verifies_clients = service->clients.verify != SL_CLIENT_VERIFY_OFF;
    hold(is_within(strlen(service->name), 1, 64) && service->policy != NULL);
    hold(has_tls_listen == (service->certificates_count > 0));
    hold(verifies_clients == (service->clients.ca.path != NULL));
    hold(has_tls_listen || !verifies_clients);
    hold(has_tls_listen || has_tls_connect || service->alpn_count == 0);
    hold(has_tls_connect ||
         (service->upstream.is_verified && service->upstream.ca.path == NULL &&
          service->upstream.name.text == NULL && service->upstream.certificates_count == 0));
    for (size_t i = 0; i < service->certificates_count; i++) {
        hold(service->certificates[i].chain.path != NULL);
        hold(service->certificates[i].chain.path[0] == '/');
    }
    for (size_t i = 0; i < service->upstream.certificates_count; i++) {
        hold(service->upstream.certificates[i].chain.path != NULL);
    }
    for (size_t i = 0; i < service->alpn_count; i++) {
        hold(is_within(strlen(service->alpn[i].text), 1, 255));
    }
    hold(is_within(service->timeouts.handshake_ms, 100, 600000));
    hold(is_within(service->timeouts.connect_ms, 100, 600000));
    hold(is_within(service->timeouts.idle_ms, 1000, 604800000));
    hold(service->timeouts.linger_ms <= 600000);
}

static void conf_holds(const struct sl_conf *conf)
{
    hold(conf->workers_count <= 1024 && conf->policy != NULL && conf->services_count > 0);
    hold(is_within(conf->limits.buffer_bytes, 16384, 1048576));
    hold(is_within(conf->limits.client_hello_bytes, 4096, 131072));
    hold(is_within(conf->ticket_rotate_ms, 60000, 604800000));
    for (size_t i = 0; i < conf->services_count; i++) {
        service_holds(&conf->services[i]);
    }
}

static void findings_hold(const struct sl_findings *findings, struct sl_slice source)
{
    struct sl_conf_pos last = { 0 };
    for (struct sl_list *at = findings->list.next; at != &findings->list; at = at->next) {
        const struct sl_finding *finding = SL_CONTAINER_OF(at, struct sl_finding, node);
        char text[FINDING_MAX];
        struct sl_wbuf out = sl_wbuf_of(text, sizeof(text));
        const struct sl_conf_pos pos = finding->pos;
        hold(sl_finding_format(finding, "f", source, &out) == SL_OK);
        hold(finding->text[0] != '\0' && strchr(finding->text, '\n') == NULL);
        hold(pos.line == 0 || pos.line > last.line ||
             (pos.line == last.line && pos.column >= last.column));
        hold((pos.line == 0) == (pos.column == 0));
        /* a place is in the text, or just behind its end */
        hold(pos.line <= source.len + 1 && pos.column <= source.len + 1);
        last = pos.line == 0 ? last : pos;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_arena arena;
    struct sl_findings findings;
    const struct sl_conf *conf = NULL;
    struct sl_conf_source source = { .yaml = sl_slice_of(data, size), .folder = "/f" };
    sl_arena_init(&arena, 0);
    sl_findings_init(&findings, &arena);
    enum sl_err rc = sl_conf_parse(&source, &arena, &findings, &conf);
    hold(rc == SL_OK || rc == SL_EINVAL);
    hold((rc == SL_OK) == (findings.errors_count == 0));
    hold((rc == SL_OK) == (conf != NULL));
    if (conf != NULL) {
        conf_holds(conf);
    }
    findings_hold(&findings, source.yaml);
    sl_arena_fini(&arena);
    return 0;
}
