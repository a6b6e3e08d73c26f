/* SPDX-License-Identifier: Apache-2.0 */
#include "app/demo_page.h"
#include <string.h>

static const char HTML_HEAD[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<title>Sluice demo</title>\n"
    "<link rel=\"icon\" href=\"data:,\">\n"
    "<style>\n"
    ":root { color-scheme: light dark; --text: #1b1f24; --ground: #fbfbfc; --line: #c3c9d1;"
    " --soft: #545d69; --mark: #0b6158; }\n"
    "@media (prefers-color-scheme: dark) { :root { --text: #e6e9ed; --ground: #14171b;"
    " --line: #434b56; --soft: #a4adb9; --mark: #6fd3c4; } }\n"
    "body { margin: 0 auto; max-width: 42rem; padding: 2rem 1.25rem; color: var(--text);"
    " background: var(--ground); font: 1rem/1.6 system-ui, sans-serif; }\n"
    "h1 { margin: 0 0 .5rem; font-size: 1.75rem; line-height: 1.2; color: var(--mark); }\n"
    "p { color: var(--soft); }\n"
    "a { color: var(--mark); }\n"
    "table { width: 100%; margin: 1.5rem 0; border-collapse: collapse; }\n"
    "caption { padding-bottom: .5rem; text-align: left; font-weight: 600; }\n"
    "th, td { padding: .5rem .75rem .5rem 0; border-top: 1px solid var(--line);"
    " text-align: left; vertical-align: top; }\n"
    "th { width: 38%; font-weight: 400; color: var(--soft); }\n"
    "td { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }\n"
    "</style>\n"
    "</head>\n"
    "<body>\n"
    "<main>\n"
    "<h1>Sluice took TLS off</h1>\n"
    "<p>This page came from a server that speaks plain HTTP. It was told in a PROXY protocol"
    " header what your client and Sluice had agreed on.</p>\n"
    "<table>\n"
    "<caption>This connection</caption>\n"
    "<tbody>\n";

static const char HTML_TAIL[] =
    "</tbody>\n"
    "</table>\n"
    "<p>The same <a href=\"/json\">as JSON</a>. Load the page again in a new connection to see"
    " a session resumed.</p>\n"
    "</main>\n"
    "</body>\n"
    "</html>\n";

/* One row per fact: the page and the JSON are made from it. */
static const struct fact_row {
    const char *title, *key;
    size_t offset; /* in struct sl_demo_facts */
} ROWS[] = {
    { "TLS version", "version", offsetof(struct sl_demo_facts, version) },
    { "Cipher suite", "cipher", offsetof(struct sl_demo_facts, cipher) },
    { "Key exchange group", "group", offsetof(struct sl_demo_facts, group) },
    { "Application protocol (ALPN)", "alpn", offsetof(struct sl_demo_facts, alpn) },
    { "Server name (SNI)", "sni", offsetof(struct sl_demo_facts, sni) },
    { "Your address", "client", offsetof(struct sl_demo_facts, client) },
};

static const char *fact(const struct sl_demo_facts *facts, const struct fact_row *row)
{
    return (const char *)facts + row->offset;
}

static void copy(char text[static SL_DEMO_TEXT_MAX], struct sl_slice value)
{
    size_t len = SL_MIN(value.len, (size_t)SL_DEMO_TEXT_MAX - 1);
    for (size_t i = 0; i < len; i++) {
        text[i] = value.ptr[i] == '\0' ? ' ' : (char)value.ptr[i];
    }
    text[len] = '\0';
}

void sl_demo_facts_read(const struct sl_proxy_v2 *header, struct sl_demo_facts *ret_facts)
{
    copy(ret_facts->version, header->version);
    copy(ret_facts->cipher, header->cipher);
    copy(ret_facts->group, header->group);
    copy(ret_facts->alpn, header->alpn);
    copy(ret_facts->sni, header->authority);
    ret_facts->is_resumed = header->is_resumed;
    ret_facts->client[0] = '\0';
    if (header->source.len > 0) {
        sl_addr_format(&header->source, ret_facts->client);
    }
}

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x7f;
}

/* What is no printable ASCII becomes U+FFFD: it may not even be UTF-8. */
static enum sl_err put_html(struct sl_wbuf *out, const char *text)
{
    enum sl_err rc = SL_OK;
    for (; rc == SL_OK && *text != '\0'; text++) {
        uint8_t c = (uint8_t)*text;
        if (!is_plain(c)) {
            rc = sl_wbuf_printf(out, "&#xfffd;");
        } else if (strchr("&<>\"'", c) != NULL) {
            rc = sl_wbuf_printf(out, "&#%u;", c);
        } else {
            rc = sl_wbuf_put_u8(out, c);
        }
    }
    return rc;
}

static enum sl_err put_json(struct sl_wbuf *out, const char *text)
{
    if (*text == '\0') {
        return sl_wbuf_printf(out, "null");
    }
    enum sl_err rc = sl_wbuf_put_u8(out, '"');
    for (; rc == SL_OK && *text != '\0'; text++) {
        uint8_t c = (uint8_t)*text;
        if (!is_plain(c)) {
            rc = sl_wbuf_printf(out, "\\ufffd");
        } else if (c == '"' || c == '\\') {
            rc = sl_wbuf_printf(out, "\\%c", c);
        } else {
            rc = sl_wbuf_put_u8(out, c);
        }
    }
    return rc == SL_OK ? sl_wbuf_put_u8(out, '"') : rc;
}

static enum sl_err put_row(struct sl_wbuf *out, const char *title, const char *value)
{
    enum sl_err rc = sl_wbuf_printf(out, "<tr><th scope=\"row\">%s</th><td>", title);
    rc = rc == SL_OK ? put_html(out, *value == '\0' ? "none" : value) : rc;
    return rc == SL_OK ? sl_wbuf_printf(out, "</td></tr>\n") : rc;
}

enum sl_err sl_demo_page_html(const struct sl_demo_facts *facts, struct sl_wbuf *out)
{
    enum sl_err rc = sl_wbuf_put(out, sl_slice_cstr(HTML_HEAD));
    for (size_t i = 0; rc == SL_OK && i < SL_COUNT(ROWS); i++) {
        rc = put_row(out, ROWS[i].title, fact(facts, &ROWS[i]));
    }
    rc = rc == SL_OK ? put_row(out, "Session resumed", facts->is_resumed ? "yes" : "no") : rc;
    return rc == SL_OK ? sl_wbuf_put(out, sl_slice_cstr(HTML_TAIL)) : rc;
}

enum sl_err sl_demo_page_json(const struct sl_demo_facts *facts, struct sl_wbuf *out)
{
    enum sl_err rc = sl_wbuf_put_u8(out, '{');
    for (size_t i = 0; rc == SL_OK && i < SL_COUNT(ROWS); i++) {
        rc = sl_wbuf_printf(out, "\"%s\": ", ROWS[i].key);
        rc = rc == SL_OK ? put_json(out, fact(facts, &ROWS[i])) : rc;
        rc = rc == SL_OK ? sl_wbuf_printf(out, ", ") : rc;
    }
    return rc == SL_OK
               ? sl_wbuf_printf(out, "\"resumed\": %s}\n", facts->is_resumed ? "true" : "false")
               : rc;
}
