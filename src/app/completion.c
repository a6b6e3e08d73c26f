/* SPDX-License-Identifier: Apache-2.0 */
#include "app/completion.h"
#include "app/cli.h"
#include <string.h>

/* Whether files stand for its value; else what is to be chosen from, "a|b", or nothing. */
static bool wants_file(const struct sl_cli_option *option)
{
    return option->value != NULL && strcmp(option->value, "FILE") == 0;
}

/* The choices of "on|off" as words; nothing for a value in capitals. */
static enum sl_err choices_put(struct sl_wbuf *out, const struct sl_cli_option *option)
{
    enum sl_err rc = SL_OK;
    for (const char *at = option->value; rc == SL_OK && *at != '\0'; at++) {
        rc = sl_wbuf_printf(out, "%c", *at == '|' ? ' ' : *at);
    }
    return rc;
}

static bool has_choices(const struct sl_cli_option *option)
{
    return option->value != NULL && strchr(option->value, '|') != NULL;
}

static enum sl_err bash_values_put(struct sl_wbuf *out)
{
    enum sl_err rc = sl_wbuf_printf(out, "    case $before in\n");
    for (enum sl_option i = 0; rc == SL_OK && i < SL_OPTION_COUNT; i++) {
        const struct sl_cli_option *option = sl_cli_option(i);
        if (wants_file(option)) {
            rc = sl_wbuf_printf(out,
                                "    %s) mapfile -t COMPREPLY < <(compgen -f -- \"$word\")"
                                "; return ;;\n",
                                option->name);
        } else if (option->value != NULL) {
            rc = sl_wbuf_printf(out, "    %s) mapfile -t COMPREPLY < <(compgen -W '", option->name);
            rc = rc == SL_OK && has_choices(option) ? choices_put(out, option) : rc;
            rc = rc == SL_OK ? sl_wbuf_printf(out, "' -- \"$word\"); return ;;\n") : rc;
        }
    }
    return rc == SL_OK ? sl_wbuf_printf(out, "    esac\n") : rc;
}

static enum sl_err names_put(struct sl_wbuf *out, enum sl_command command)
{
    enum sl_err rc = SL_OK;
    const char *before = "";
    for (enum sl_option i = 0; rc == SL_OK && i < SL_OPTION_COUNT; i++) {
        if (sl_cli_takes(command, i)) {
            rc = sl_wbuf_printf(out, "%s%s", before, sl_cli_option(i)->name);
            before = " ";
        }
    }
    return rc;
}

static enum sl_err commands_put(struct sl_wbuf *out)
{
    enum sl_err rc = SL_OK;
    for (enum sl_command i = SL_COMMAND_RUN; rc == SL_OK && i < SL_COMMAND_COUNT; i++) {
        rc = sl_wbuf_printf(out, "%s%s", i == SL_COMMAND_RUN ? "" : " ", sl_cli_command(i)->name);
    }
    return rc;
}

enum sl_err sl_completion_bash_put(struct sl_wbuf *out)
{
    enum sl_err rc = sl_wbuf_printf(
        out, "# completes sluice(1) in bash\n"
             "_sluice()\n{\n"
             "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n");
    rc = rc == SL_OK ? bash_values_put(out) : rc;
    rc = rc == SL_OK ? sl_wbuf_printf(out, "    local words\n    case ${COMP_WORDS[1]} in\n") : rc;
    for (enum sl_command i = SL_COMMAND_RUN; rc == SL_OK && i < SL_COMMAND_COUNT; i++) {
        rc = sl_wbuf_printf(out, "    %s) words='", sl_cli_command(i)->name);
        rc = rc == SL_OK ? names_put(out, i) : rc;
        if (rc == SL_OK && i == SL_COMMAND_HELP) {
            rc = commands_put(out);
        }
        rc = rc == SL_OK ? sl_wbuf_printf(out, "' ;;\n") : rc;
    }
    rc = rc == SL_OK ? sl_wbuf_printf(out, "    *) words='") : rc;
    rc = rc == SL_OK ? names_put(out, SL_COMMAND_ONESHOT) : rc;
    rc = rc == SL_OK ? sl_wbuf_printf(out, "' ;;\n    esac\n"
                                           "    [ \"$COMP_CWORD\" != 1 ] || words='")
                     : rc;
    rc = rc == SL_OK ? commands_put(out) : rc;
    return rc == SL_OK
               ? sl_wbuf_printf(out, " tls:// tcp:// unix:'\n"
                                     "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- "
                                     "\"$word\")\n}\n"
                                     "complete -o default -F _sluice sluice\n")
               : rc;
}

/* What stands in the single quotes and brackets of _arguments. */
static enum sl_err zsh_text_put(struct sl_wbuf *out, const char *text)
{
    enum sl_err rc = SL_OK;
    for (; rc == SL_OK && *text != '\0'; text++) {
        const char *before = *text == '\'' ? "'\\'" : strchr("[]:\\", *text) != NULL ? "\\" : "";
        rc = sl_wbuf_printf(out, "%s%c%s", before, *text, *text == '\'' ? "'" : "");
    }
    return rc;
}

static enum sl_err zsh_option_put(struct sl_wbuf *out, const struct sl_cli_option *option)
{
    enum sl_err rc = sl_wbuf_printf(out, " \\\n            '%s[", option->name);
    rc = rc == SL_OK ? zsh_text_put(out, option->text) : rc;
    rc = rc == SL_OK ? sl_wbuf_printf(out, "]") : rc;
    if (rc != SL_OK || option->value == NULL) {
        return rc == SL_OK ? sl_wbuf_printf(out, "'") : rc;
    }
    if (wants_file(option)) {
        return sl_wbuf_printf(out, ":file:_files'");
    }
    if (!has_choices(option)) {
        return sl_wbuf_printf(out, ":value:'");
    }
    rc = sl_wbuf_printf(out, ":value:(");
    rc = rc == SL_OK ? choices_put(out, option) : rc;
    return rc == SL_OK ? sl_wbuf_printf(out, ")'") : rc;
}

static enum sl_err zsh_options_put(struct sl_wbuf *out, enum sl_command command)
{
    enum sl_err rc = sl_wbuf_printf(out, "        _arguments");
    for (enum sl_option i = 0; rc == SL_OK && i < SL_OPTION_COUNT; i++) {
        rc = sl_cli_takes(command, i) ? zsh_option_put(out, sl_cli_option(i)) : SL_OK;
    }
    return rc == SL_OK ? sl_wbuf_printf(out, " '*: :_default'\n        ;;\n") : rc;
}

enum sl_err sl_completion_zsh_put(struct sl_wbuf *out)
{
    enum sl_err rc = sl_wbuf_printf(out, "#compdef sluice\n"
                                         "if (( CURRENT == 2 )); then\n"
                                         "    compadd -- ");
    rc = rc == SL_OK ? commands_put(out) : rc;
    rc = rc == SL_OK ? sl_wbuf_printf(out, " tls:// tcp:// unix:\n"
                                           "else\n    case $words[2] in\n")
                     : rc;
    for (enum sl_command i = SL_COMMAND_RUN; rc == SL_OK && i < SL_COMMAND_COUNT; i++) {
        rc = sl_wbuf_printf(out, "    %s)\n", sl_cli_command(i)->name);
        rc = rc == SL_OK ? zsh_options_put(out, i) : rc;
    }
    rc = rc == SL_OK ? sl_wbuf_printf(out, "    *)\n") : rc;
    rc = rc == SL_OK ? zsh_options_put(out, SL_COMMAND_ONESHOT) : rc;
    return rc == SL_OK ? sl_wbuf_printf(out, "    esac\nfi\n") : rc;
}
