/* SPDX-License-Identifier: Apache-2.0 */
#include "app/agent_name.h"
#include "conf/check_dns.h"

struct sl_agent_servers sl_agent_servers(const struct sl_conf_dns *conf)
{
    struct sl_agent_servers servers = { "" };
    struct sl_wbuf out = sl_wbuf_of(servers.text, sizeof(servers.text) - 1);
    for (size_t i = 0; i < conf->servers_count; i++) {
        char text[SL_ADDR_TEXT_MAX];
        struct sl_addr addr;
        enum sl_err rc = sl_check_dns_server(conf->servers[i].text, &addr);
        if (rc == SL_OK) { /* what is none was found before */
            sl_addr_format(&addr, text);
            rc = sl_wbuf_printf(&out, "%s%s", i == 0 ? "" : ",", text);
        }
        SL_UNUSED(rc); /* there is room for as many as the schema allows */
    }
    return servers;
}

enum sl_err sl_agent_name_emit(const struct sl_agent_name *name, struct sl_wbuf *out)
{
    const struct sl_name_addrs addrs = { .is_srv = name->is_srv,
                                         .name = sl_slice_cstr(name->text),
                                         .set = name->set };
    return sl_name_addrs_emit(&addrs, out);
}
