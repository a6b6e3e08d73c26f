/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/page.h"
#include "conf/render.h"

/* A text for troff: its backslashes and hyphens are to be printed as such, and no line of it may be
 * taken for a request (groff_char(7), groff(7)). */
static void text_put(struct page *page, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '\\':
            put(page, "\\e");
            break;
        case '-':
            put(page, "\\-");
            break;
        case '.':
        case '\'':
            put(page, "\\&%c", *text);
            break;
        default:
            put(page, "%c", *text);
            break;
        }
    }
}

static void range_text_put(struct page *page, const struct sl_schema_option *option)
{
    char text[1024];
    struct sl_wbuf range = sl_wbuf_of(text, sizeof(text) - 1);
    enum sl_err rc = sl_schema_range_put(option, &range);
    page->rc = page->rc == SL_OK ? rc : page->rc;
    text[range.len] = '\0';
    text_put(page, text);
}

static void option_put(struct page *page, const struct sl_schema_option *option)
{
    put(page, ".TP\n.B ");
    text_put(page, option->key);
    put(page, "\n");
    text_put(page, option->text);
    put(page, ".\n.br\n%s", sl_schema_type_name(option->type));
    if (option->type != SL_TYPE_MAP) {
        put(page, ": ");
        range_text_put(page, option);
    }
    if (option->preset != NULL) {
        put(page, "; default ");
        text_put(page, option->preset);
    } else if (option->is_required) {
        put(page, "; required");
    } else if (option->absent != NULL) {
        put(page, "; default: ");
        text_put(page, option->absent);
    }
    put(page, "\n");
}

static void options_put(struct page *page)
{
    for (unsigned i = 0; i < SL_SECTION_COUNT; i++) {
        const enum sl_schema_section section = (enum sl_schema_section)i;
        const char *path = sl_schema_section(section)->path;
        put(page, ".SS \"");
        text_put(page, path[0] == '\0' ? "Top level" : path);
        put(page, "\"\n");
        const struct sl_schema_option *option = sl_schema_next(section, NULL);
        for (; option != NULL; option = sl_schema_next(section, option)) {
            option_put(page, option);
        }
    }
}

enum sl_err sl_conf_render_man(struct sl_wbuf *out)
{
    struct page page = { .out = out };
    const size_t before = out->len;
    put(&page, ".TH SLUICE.YAML 5 \"\" \"Sluice\" \"Sluice\"\n"
               ".SH NAME\nsluice.yaml \\- configuration of the TLS proxy sluice\n"
               ".SH DESCRIPTION\n"
               "One YAML file, by default\n.IR /etc/sluice/sluice.yaml .\n"
               "Its smallest form is a service, which is two URLs:\n"
               ".PP\n.EX\n"
               "services:\n"
               "  web:\n"
               "    listen: tls://[::]:443\n"
               "    connect: tcp://127.0.0.1:8080\n"
               "    certificates:\n"
               "      \\- chain: web.pem\n"
               "        key: web.key\n"
               ".EE\n.PP\n"
               ".B sluice check\nshows every mistake of a file at once,\n"
               ".B sluice config \\-\\-defaults\nprints all options with their defaults.\n"
               "Relative paths begin in the folder of the file. A duration is a whole number and\n"
               "its unit: 500ms, 10s, 5m, 8h, 7d. A size is a number of bytes, or a whole number\n"
               "and KiB, MiB or GiB. Unknown keys and keys that stand twice are errors.\n"
               ".SH OPTIONS\n");
    options_put(&page);
    put(&page, ".SH SEE ALSO\n.BR sluice (1)\n");
    return page_end(&page, before);
}
