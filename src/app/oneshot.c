/* SPDX-License-Identifier: Apache-2.0 */
#include "app/oneshot.h"
#include <string.h>

static enum sl_err put_quoted(struct sl_wbuf *out, struct sl_slice text)
{
    enum sl_err rc = sl_wbuf_put_u8(out, '"');
    for (size_t i = 0; rc == SL_OK && i < text.len; i++) {
        uint8_t c = text.ptr[i];
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

/* One line: "KEY: VALUE", or only "KEY:" when `value` is NULL. */
static enum sl_err put_line(struct sl_oneshot *o, const char *key, const char *value,
                            const char *origin)
{
    if (o->lines_count == SL_ONESHOT_LINES_MAX) {
        return SL_ENOSPC;
    }
    o->origins[o->lines_count++] = origin;
    enum sl_err rc = sl_wbuf_printf(&o->yaml, "%s:", key);
    if (rc == SL_OK && value != NULL) {
        rc = sl_wbuf_put_u8(&o->yaml, ' ');
        rc = rc == SL_OK ? put_quoted(&o->yaml, sl_slice_cstr(value)) : rc;
    }
    return rc == SL_OK ? sl_wbuf_put_u8(&o->yaml, '\n') : rc;
}

static enum sl_err put_option(struct sl_oneshot *o, const struct sl_cli *cli, const char *key,
                              enum sl_option option)
{
    const char *value = cli->options[option];
    return value == NULL ? SL_OK : put_line(o, key, value, sl_cli_option_name(option));
}

static enum sl_err put_alpn(struct sl_oneshot *o, const struct sl_cli *cli)
{
    struct sl_slice list = sl_slice_cstr(cli->options[SL_OPTION_ALPN]);
    if (list.ptr == NULL) {
        return SL_OK;
    }
    enum sl_err rc = put_line(o, "    alpn", NULL, sl_cli_option_name(SL_OPTION_ALPN));
    while (rc == SL_OK && list.len > 0) {
        struct sl_slice name = sl_slice_cut(&list, sl_slice_find(list, ','));
        (void)sl_slice_cut(&list, 1);
        if (o->lines_count == SL_ONESHOT_LINES_MAX) {
            return SL_ENOSPC;
        }
        o->origins[o->lines_count++] = sl_cli_option_name(SL_OPTION_ALPN);
        rc = sl_wbuf_printf(&o->yaml, "      - ");
        rc = rc == SL_OK ? put_quoted(&o->yaml, name) : rc;
        rc = rc == SL_OK ? sl_wbuf_put_u8(&o->yaml, '\n') : rc;
    }
    return rc;
}

/* What is put in a section only when one of the options that stand in it is given. */
static bool has_any(const struct sl_cli *cli, const enum sl_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (cli->options[options[i]] != NULL) {
            return true;
        }
    }
    return false;
}

/* One row per line of the text, in its order; `needs` are the options that bring a heading. */
struct line_row {
    const char *key;
    enum sl_option option; /* SL_OPTION_COUNT for a heading */
    enum sl_option needs[5];
    size_t needs_count;
};

static const struct line_row LINES[] = {
    { "workers", SL_OPTION_WORKERS, { 0 }, 0 },
    { "log", SL_OPTION_COUNT, { SL_OPTION_LOG_FORMAT }, 1 },
    { "  format", SL_OPTION_LOG_FORMAT, { 0 }, 0 },
    { "policy", SL_OPTION_POLICY, { 0 }, 0 },
};

static const struct line_row SERVICE_LINES[] = {
    { "    certificates", SL_OPTION_COUNT, { SL_OPTION_CERT, SL_OPTION_KEY }, 2 },
    { "      - chain", SL_OPTION_CERT, { 0 }, 0 },
    { "        key", SL_OPTION_KEY, { 0 }, 0 },
    { "    clients", SL_OPTION_COUNT, { SL_OPTION_CLIENT_CA }, 1 },
    { "      ca", SL_OPTION_CLIENT_CA, { 0 }, 0 },
    { "    upstream",
      SL_OPTION_COUNT,
      { SL_OPTION_CA, SL_OPTION_NAME, SL_OPTION_VERIFY, SL_OPTION_CLIENT_CERT,
        SL_OPTION_CLIENT_KEY },
      5 },
    { "      ca", SL_OPTION_CA, { 0 }, 0 },
    { "      name", SL_OPTION_NAME, { 0 }, 0 },
    { "      verify", SL_OPTION_VERIFY, { 0 }, 0 },
    { "      certificate", SL_OPTION_COUNT, { SL_OPTION_CLIENT_CERT, SL_OPTION_CLIENT_KEY }, 2 },
    { "        chain", SL_OPTION_CLIENT_CERT, { 0 }, 0 },
    { "        key", SL_OPTION_CLIENT_KEY, { 0 }, 0 },
};

static enum sl_err put_rows(struct sl_oneshot *o, const struct sl_cli *cli,
                            const struct line_row *rows, size_t rows_count)
{
    enum sl_err rc = SL_OK;
    for (size_t i = 0; rc == SL_OK && i < rows_count; i++) {
        const struct line_row *row = &rows[i];
        if (row->option != SL_OPTION_COUNT) {
            rc = put_option(o, cli, row->key, row->option);
        } else if (has_any(cli, row->needs, row->needs_count)) {
            rc = put_line(o, row->key, NULL, sl_cli_option_name(row->needs[0]));
        }
        if (rc == SL_OK && row->option == SL_OPTION_CLIENT_CA &&
            cli->options[SL_OPTION_CLIENT_CA] != NULL) {
            rc = put_line(o, "      verify", "require", sl_cli_option_name(SL_OPTION_CLIENT_CA));
        }
    }
    return rc;
}

enum sl_err sl_oneshot_write(const struct sl_cli *cli, struct sl_oneshot *oneshot)
{
    enum sl_err rc = put_rows(oneshot, cli, LINES, SL_COUNT(LINES));
    const struct {
        const char *key, *value, *origin;
    } heads[] = {
        { "services", NULL, NULL },
        { "  main", NULL, NULL },
        { "    listen", cli->listen, "LISTEN" },
        { "    connect", cli->connect, "CONNECT" },
    };
    for (size_t i = 0; rc == SL_OK && i < SL_COUNT(heads); i++) {
        rc = put_line(oneshot, heads[i].key, heads[i].value, heads[i].origin);
    }
    rc = rc == SL_OK ? put_alpn(oneshot, cli) : rc;
    return rc == SL_OK ? put_rows(oneshot, cli, SERVICE_LINES, SL_COUNT(SERVICE_LINES)) : rc;
}
