/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manual.h"
#include "app/cli.h"

static const char HEAD[] = ".TH SLUICE 1 \"\" \"Sluice\" \"Sluice\"\n"
                           ".SH NAME\nsluice \\- TLS termination proxy\n"
                           ".SH SYNOPSIS\n";

static const char DESCRIPTION[] =
    ".SH DESCRIPTION\n"
    "Stands between clients and servers and takes TLS off (offloading), puts it on\n"
    "(encryption) or does both (bridging). A service is two URLs, where to listen and where\n"
    "to connect:\n"
    ".BI tls:// HOST : PORT\\fR,\n.BI tcp:// HOST : PORT\\fR,\n.BI unix: PATH\\fR.\n"
    "Many services are a file, see\n.BR sluice.yaml (5).\n"
    ".SH COMMANDS\n";

static const char TAIL[] =
    ".SH SIGNALS\n"
    ".TP\n.B HUP\n"
    "Load the configuration and all its files again. If anything is wrong all goes on as before,\n"
    "and the log says why; connections keep what they began with.\n"
    ".TP\n.B USR1\n"
    "Open the file of the log again.\n"
    ".TP\n.BR TERM \", \" INT \", \" QUIT\n"
    "Accept nothing more and end when all connections have; the second time, end at once.\n"
    ".SH EXIT STATUS\n"
    ".TP\n.B 0\nDone.\n"
    ".TP\n.B 1\nFailed while running; of check \\-\\-as, a client cannot connect.\n"
    ".TP\n.B 2\nUsage or configuration.\n"
    ".SH FILES\n"
    ".TP\n.I /etc/sluice/sluice.yaml\nThe configuration.\n"
    ".SH EXAMPLES\n"
    ".EX\n"
    "sluice tls://:8443 tcp://127.0.0.1:8080 \\-\\-cert site.pem \\-\\-key site.key\n"
    "sluice tcp://127.0.0.1:5432 tls://db.example.com:5433 \\-\\-ca ca.pem\n"
    "sluice check \\-c /etc/sluice/sluice.yaml\n"
    ".EE\n"
    ".SH SEE ALSO\n.BR sluice.yaml (5)\n";

/* Hyphens are to be printed as they are typed (groff_char(7)); no text of the tables begins with
 * a request's dot. */
static enum sl_err put(struct sl_wbuf *out, const char *text)
{
    enum sl_err rc = SL_OK;
    for (; rc == SL_OK && *text != '\0'; text++) {
        rc = *text == '-' ? sl_wbuf_printf(out, "\\-") : sl_wbuf_printf(out, "%c", *text);
    }
    return rc;
}

static enum sl_err put_lines(struct sl_wbuf *out, const char *const *texts, size_t count)
{
    enum sl_err rc = SL_OK;
    for (size_t i = 0; rc == SL_OK && i < count; i++) {
        rc = put(out, texts[i]);
    }
    return rc;
}

static enum sl_err option_put(struct sl_wbuf *out, const struct sl_cli_option *option)
{
    bool has_value = option->value != NULL;
    enum sl_err rc = sl_wbuf_printf(out, ".RS\n.TP\n");
    const char *const texts[] = { "\\fB",
                                  option->name,
                                  "\\fR",
                                  has_value ? " \\fI" : "",
                                  has_value ? option->value : "",
                                  has_value ? "\\fR\n" : "\n",
                                  option->text,
                                  ".\n" };
    rc = rc == SL_OK ? put_lines(out, texts, SL_COUNT(texts)) : rc;
    return rc == SL_OK ? sl_wbuf_printf(out, ".RE\n") : rc;
}

static enum sl_err command_put(struct sl_wbuf *out, enum sl_command command)
{
    const struct sl_cli_command *row = sl_cli_command(command);
    const char *const texts[] = { "\\fB", row->synopsis, "\\fR\n", row->text, ".\n" };
    enum sl_err rc = sl_wbuf_printf(out, ".TP\n");
    rc = rc == SL_OK ? put_lines(out, texts, SL_COUNT(texts)) : rc;
    for (enum sl_option i = 0; rc == SL_OK && i < SL_OPTION_COUNT; i++) {
        rc = sl_cli_takes(command, i) ? option_put(out, sl_cli_option(i)) : SL_OK;
    }
    return rc;
}

enum sl_err sl_manual_put(struct sl_wbuf *out)
{
    enum sl_err rc = sl_wbuf_put(out, sl_slice_cstr(HEAD));
    for (enum sl_command i = 0; rc == SL_OK && i < SL_COMMAND_COUNT; i++) {
        const char *const texts[] = { i == 0 ? "" : ".br\n", sl_cli_command(i)->synopsis, "\n" };
        rc = put_lines(out, texts, SL_COUNT(texts));
    }
    rc = rc == SL_OK ? sl_wbuf_put(out, sl_slice_cstr(DESCRIPTION)) : rc;
    for (enum sl_command i = 0; rc == SL_OK && i < SL_COMMAND_COUNT; i++) {
        rc = command_put(out, i);
    }
    return rc == SL_OK ? sl_wbuf_put(out, sl_slice_cstr(TAIL)) : rc;
}
