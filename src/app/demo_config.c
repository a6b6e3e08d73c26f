/* SPDX-License-Identifier: Apache-2.0 */
#include "app/demo_config.h"
#include <string.h>

/* A double-quoted YAML scalar. */
static enum sl_err put_yaml(struct sl_wbuf *out, const char *text)
{
    enum sl_err rc = sl_wbuf_put_u8(out, '"');
    for (; rc == SL_OK && *text != '\0'; text++) {
        uint8_t c = (uint8_t)*text;
        if (c < 0x20 || c == 0x7f) {
            rc = sl_wbuf_printf(out, "\\x%02x", c);
        } else if (c == '"' || c == '\\') {
            rc = sl_wbuf_printf(out, "\\%c", c);
        } else {
            rc = sl_wbuf_put_u8(out, c);
        }
    }
    return rc == SL_OK ? sl_wbuf_put_u8(out, '"') : rc;
}

/* A word of the shell, quoted only when it needs to be. */
static enum sl_err put_word(struct sl_wbuf *out, const char *text)
{
    static const char PLAIN[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+:@%,=";
    if (*text != '\0' && text[strspn(text, PLAIN)] == '\0') {
        return sl_wbuf_put(out, sl_slice_cstr(text));
    }
    enum sl_err rc = sl_wbuf_put_u8(out, '\'');
    for (; rc == SL_OK && *text != '\0'; text++) {
        rc = *text == '\'' ? sl_wbuf_printf(out, "'\\''") : sl_wbuf_put_u8(out, (uint8_t)*text);
    }
    return rc == SL_OK ? sl_wbuf_put_u8(out, '\'') : rc;
}

enum sl_err sl_demo_config_yaml(const struct sl_demo_config *config, struct sl_wbuf *out)
{
    enum sl_err rc = sl_wbuf_printf(out,
                                    "drain: 1s\n"
                                    "services:\n"
                                    "  demo:\n"
                                    "    listen:\n"
                                    "      - tls://127.0.0.1:%u\n",
                                    config->port);
    if (rc == SL_OK && config->has_ipv6) {
        rc = sl_wbuf_printf(out, "      - \"tls://[::1]:%u\"\n", config->port);
    }
    rc = rc == SL_OK ? sl_wbuf_printf(out,
                                      "    connect: tcp://127.0.0.1:%u\n"
                                      "    upstream: { proxy_protocol: v2 }\n"
                                      "    alpn: [http/1.1]\n"
                                      "    timeouts: { idle: 1m, linger: 2s }\n"
                                      "    certificates:\n"
                                      "      - chain: ",
                                      config->page_port)
                     : rc;
    rc = rc == SL_OK ? put_yaml(out, config->chain_path) : rc;
    rc = rc == SL_OK ? sl_wbuf_printf(out, "\n        key: ") : rc;
    rc = rc == SL_OK ? put_yaml(out, config->key_path) : rc;
    return rc == SL_OK ? sl_wbuf_put_u8(out, '\n') : rc;
}

enum sl_err sl_demo_config_usage(const struct sl_demo_config *config, struct sl_wbuf *out)
{
    enum sl_err rc = sl_wbuf_printf(out, "Sluice takes TLS off before a small page. Try it:\n\n"
                                         "  curl --cacert ");
    rc = rc == SL_OK ? put_word(out, config->ca_path) : rc;
    return rc == SL_OK ? sl_wbuf_printf(out,
                                        " https://localhost:%u/\n\n"
                                        "or in a browser, which warns unless it is told to trust "
                                        "that CA:\n\n"
                                        "  https://localhost:%u/\n\n"
                                        "/json gives the same as JSON. Ctrl-C stops the demo.\n",
                                        config->port, config->port)
                       : rc;
}
