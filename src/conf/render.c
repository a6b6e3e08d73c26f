/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/render.h"
#include "conf/page.h"
#include <string.h>

enum { SECONDS_PER_HOUR = 3600 };

static bool has_range(const struct sl_schema_option *option)
{
    return option->type != SL_TYPE_MAP && option->type != SL_TYPE_FILE &&
           option->type != SL_TYPE_FILES && option->type != SL_TYPE_OBJECT &&
           option->type != SL_TYPE_HOST && option->type != SL_TYPE_STRING;
}

static void default_put(struct page *page, const struct sl_schema_option *option, int depth);

static void section_put(struct page *page, enum sl_schema_section section, int depth)
{
    const struct sl_schema_option *option = sl_schema_next(section, NULL);
    for (; option != NULL; option = sl_schema_next(section, option)) {
        put(page, "%*s# %s", depth * 2, "", option->text);
        if (has_range(option)) {
            put(page, " (");
            range_put(page, option);
            put(page, ")");
        }
        put(page, ".\n");
        default_put(page, option, depth);
    }
}

/* The option with its default; with an example, behind '#' unless the file needs the option. */
static void default_put(struct page *page, const struct sl_schema_option *option, int depth)
{
    /* the example of a service listens with TLS, so that it needs certificates as well */
    bool is_needed = option->is_required || option->type == SL_TYPE_CERTIFICATES;
    if (option->type == SL_TYPE_SERVICES) {
        put(page, "%*s%s:\n%*s%s:\n", depth * 2, "", option->key, depth * 2 + 2, "",
            option->example);
        section_put(page, option->section, depth + 2);
    } else if (option->type == SL_TYPE_MAP && option->absent == NULL) {
        put(page, "%*s%s:\n", depth * 2, "", option->key);
        section_put(page, option->section, depth + 1);
    } else if (option->preset != NULL) {
        put(page, "%*s%s: %s\n", depth * 2, "", option->key, option->preset);
    } else {
        put(page, "%*s%s%s: %s\n", depth * 2, "", is_needed ? "" : "#", option->key,
            option->example);
    }
}

enum sl_err sl_conf_render_defaults(struct sl_wbuf *out)
{
    struct page page = { .out = out };
    const size_t before = out->len;
    put(&page,
        "# Every option of Sluice with its default. The service is an example; options that\n"
        "# have no default stand behind '#', with an example as well.\n\n");
    section_put(&page, SL_SECTION_TOP, 0);
    return page_end(&page, before);
}

static void intro_put(struct page *page)
{
    put(page,
        "<!-- SPDX-License-Identifier: Apache-2.0 -->\n"
        "<!-- Made from the schema table in src/conf/schema.c; a test holds it to that. -->\n\n"
        "# Configuration\n\n"
        "The configuration is one YAML file. Its smallest form is a service, which is two URLs:\n\n"
        "```yaml\n"
        "services:\n"
        "  web:\n"
        "    listen: tls://[::]:443\n"
        "    connect: tcp://127.0.0.1:8080\n"
        "    certificates:\n"
        "      - chain: web.pem\n"
        "        key: web.key\n"
        "```\n\n"
        "`sluice check` shows every mistake of a file at once, `sluice config --defaults` prints\n"
        "all options with their defaults.\n\n");
    put(page,
        "* An option that the file does not set has the default given here. A service's `policy`\n"
        "  goes before the one at the top level. There are no includes.\n"
        "* Relative paths, those in `unix:` URLs as well, begin in the folder of the file.\n"
        "* `credential:NAME` in place of a file is what systemd hands over "
        "(`LoadCredential=NAME:...`).\n"
        "* A **duration** is a whole number and its unit: `500ms`, `10s`, `5m`, `8h`, `7d`.\n"
        "* A **size** is a number of bytes, or a whole number and `KiB`, `MiB` or `GiB`.\n"
        "* A **prefix** is `10.0.0.0/8`, `2001:db8::/32`, an address alone, or `unix`, which is\n"
        "  every client of a Unix socket.\n"
        "* A **switch** is `on` or `off`; `true`, `yes`, `false` and `no` are the same.\n"
        "* Between `[ ]` and `{ }`, YAML wants values with brackets, such as IPv6 URLs, in "
        "quotes.\n"
        "* Unknown keys, keys that stand twice, aliases, tags, a second document and settings "
        "that\n"
        "  contradict each other are errors. The text is UTF-8.\n\n");
}

static void urls_put(struct page *page)
{
    put(page,
        "## URLs\n\n"
        "| URL | as `listen` | as `connect` |\n"
        "|---|---|---|\n"
        "| `tcp://HOST:PORT` | plain TCP | plain TCP |\n"
        "| `tls://HOST:PORT` | TLS, taken off | TLS, put on |\n"
        "| `unix:PATH` | plain, Unix stream socket | plain, Unix stream socket |\n\n"
        "* HOST is an IPv4 address, an IPv6 address in brackets (`[::1]`) or, in `connect` only, "
        "a\n"
        "  host name. In `listen` it may be empty: `tls://:443` is all addresses.\n"
        "* PORT is 1 to 65535; in `listen` also 0, for any free port.\n"
        "* PATH has at most 107 bytes. The file of a socket that is listened on gets the mode "
        "that the\n"
        "  umask leaves, and is removed at the end.\n"
        "* Of several servers in `connect` one is chosen as `balance` says. When it cannot be "
        "connected or\n"
        "  its TLS handshake fails, another is tried, until `timeouts.connect` is over.\n"
        "* The URLs of one list are all `tls://` or none is. No address is listened on twice.\n\n");
}

/* Lets `text` stand in a cell of a table. */
static void cell_put(struct page *page, const char *text)
{
    for (; *text != '\0'; text++) {
        put(page, *text == '|' ? "\\%c" : "%c", *text);
    }
}

static void row_put(struct page *page, const struct sl_schema_option *option)
{
    put(page, "| `%s` | %s | ", option->key, sl_schema_type_name(option->type));
    if (option->type == SL_TYPE_MAP) {
        put(page, "its own table");
    } else {
        range_put(page, option);
    }
    if (option->preset != NULL) {
        put(page, " | `%s` | ", option->preset);
    } else {
        put(page, " | %s | ",
            option->is_required && option->instead == NULL ? "**required**"
            : option->absent != NULL                       ? option->absent
            : option->type == SL_TYPE_MAP                  ? "the defaults in it"
                                                           : "");
    }
    cell_put(page, option->text);
    put(page, ". |\n");
}

static void sections_put(struct page *page)
{
    for (unsigned i = 0; i < SL_SECTION_COUNT; i++) {
        const enum sl_schema_section section = (enum sl_schema_section)i;
        const char *path = sl_schema_section(section)->path;
        put(page, path[0] == '\0' ? "## Top level%s\n\n" : "## %s\n\n", path);
        put(page, "| option | type | values | default | meaning |\n|---|---|---|---|---|\n");
        const struct sl_schema_option *option = sl_schema_next(section, NULL);
        for (; option != NULL; option = sl_schema_next(section, option)) {
            row_put(page, option);
        }
        put(page, "\n");
    }
}

static const char *version_name(uint16_t version)
{
    static const char *const NAMES[] = { "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3" };
    unsigned minor = version - 0x0301U;
    return minor < SL_COUNT(NAMES) ? NAMES[minor] : "?";
}

static void names_put(struct page *page, const char *title, const char *names)
{
    put(page, "* %s:", title);
    const char *before = "";
    for (struct sl_slice rest = sl_slice_cstr(names); rest.len > 0;) {
        struct sl_slice name = sl_slice_cut(&rest, sl_slice_find(rest, ':'));
        (void)sl_slice_cut(&rest, 1);
        put(page, "%s `%.*s`", before, SL_SLICE_FMT(name));
        before = ",";
    }
    put(page, "%s\n", names[0] == '\0' ? " none" : "");
}

static void policies_put(struct page *page)
{
    put(page,
        "## Policies\n\n"
        "After Mozilla's guideline for server-side TLS. A name with its version always means\n"
        "the same; a short one the newest. Groups that the TLS library lacks are left out. One\n"
        "thing differs: the guideline lets clients of modern and intermediate choose the "
        "cipher.\n\n");
    for (const struct sl_policy *policy = sl_policy_all(); policy->name != NULL; policy++) {
        const char *min = version_name(policy->min_version);
        const char *max = version_name(policy->max_version);
        bool is_one = policy->min_version == policy->max_version;
        put(page, "### %s (%s)\n\n", policy->name, sl_policy_short_name(policy));
        put(page, "* Versions: %s%s%s\n", min, is_one ? "" : " to ", is_one ? "" : max);
        names_put(page, "TLS 1.3 suites", policy->suites);
        names_put(page, "Ciphers up to TLS 1.2", policy->ciphers);
        names_put(page, "Groups", policy->groups);
        names_put(page, "Signatures", policy->signatures);
        put(page, "* Order of ciphers: the %s\n",
            policy->is_server_order ? "server's; ChaCha20 goes first for a client that has it first"
                                    : "client's");
        put(page, "* Sessions: tickets %s, for %u h\n", policy->has_tickets ? "on" : "off",
            policy->session_s / SECONDS_PER_HOUR);
        put(page, "* OpenSSL security level: %u\n", policy->security_level);
        put(page, "* Certificates: %s\n\n",
            policy->is_ecdsa_only ? "ECDSA on P-256 or P-384" : "ECDSA or RSA");
    }
}

enum sl_err sl_conf_render_markdown(struct sl_wbuf *out)
{
    struct page page = { .out = out };
    const size_t before = out->len;
    intro_put(&page);
    urls_put(&page);
    sections_put(&page);
    policies_put(&page);
    if (page.rc == SL_OK) {
        out->len--; /* the last blank line */
    }
    return page_end(&page, before);
}
