/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/check_dns.h"

enum { PORT = 53 };

enum sl_err sl_check_dns_server(const char *text, struct sl_addr *ret_addr)
{
    char memory[SL_URL_MAX];
    struct sl_wbuf out = sl_wbuf_of(memory, sizeof(memory));
    struct sl_url url;
    size_t at = 0;
    if (sl_addr_from_ip(sl_slice_cstr(text), PORT, ret_addr) == SL_OK) {
        return SL_OK;
    }
    if (sl_wbuf_printf(&out, "tcp://%s", text) != SL_OK ||
        sl_url_parse(sl_wbuf_slice(&out), &url, &at, NULL) != SL_OK || !url.is_ip ||
        url.port == 0) {
        return SL_EINVAL;
    }
    return sl_addr_from_ip(url.host, url.port, ret_addr);
}

void sl_check_dns(const struct sl_conf_dns *dns, struct sl_findings *findings)
{
    for (size_t i = 0; i < dns->servers_count; i++) {
        struct sl_addr addr;
        const struct sl_conf_string *server = &dns->servers[i];
        if (server->text != NULL && sl_check_dns_server(server->text, &addr) != SL_OK) {
            sl_findings_add(findings, SL_FINDING_ERROR, server->pos,
                            "'%s' is no name server: write its IP address, or IP:PORT, and an "
                            "address of IPv6 in brackets before a port",
                            server->text);
        }
    }
    if (!dns->is_refreshed && dns->servers_count > 0) {
        sl_findings_add(findings, SL_FINDING_ERROR, dns->servers[0].pos,
                        "'servers' contradicts 'refresh: off', which asks the system's resolver");
    }
    if (!dns->is_refreshed && dns->unresolved == SL_UNRESOLVED_LATER) {
        sl_findings_add(findings, SL_FINDING_ERROR, dns->unresolved_pos,
                        "'later' contradicts 'refresh: off': nobody would look");
    }
    if (dns->min_ttl_ms > dns->max_ttl_ms) {
        sl_findings_add(findings, SL_FINDING_ERROR,
                        dns->min_ttl_pos.line != 0 ? dns->min_ttl_pos : dns->max_ttl_pos,
                        "'min_ttl' is more than 'max_ttl'");
    }
}
