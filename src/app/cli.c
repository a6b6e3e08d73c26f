/* SPDX-License-Identifier: Apache-2.0 */
#include "app/cli.h"
#include "app/completion.h"
#include "app/manual.h"
#include "conf/suggest.h"
#include "relay/reason.h"
#include <string.h>

enum {
    IN_ONESHOT = 1 << SL_COMMAND_ONESHOT,
    IN_RUN = 1 << SL_COMMAND_RUN,
    IN_CHECK = 1 << SL_COMMAND_CHECK,
    IN_CONFIG = 1 << SL_COMMAND_CONFIG,
    IN_DEMO = 1 << SL_COMMAND_DEMO,
};

/* One row per option: the parser, the help, the manual and the completions are made from it. */
static const struct sl_cli_option OPTIONS[SL_OPTION_COUNT] = {
    [SL_OPTION_CERT] = { "--cert", "FILE", IN_ONESHOT,
                         "certificate chain toward clients, leaf first" },
    [SL_OPTION_KEY] = { "--key", "FILE", IN_ONESHOT,
                        "its private key (default: in the --cert file)" },
    [SL_OPTION_CA] = { "--ca", "FILE", IN_ONESHOT,
                       "who signs the upstream's certificate (default: the system's CAs)" },
    [SL_OPTION_NAME] = { "--name", "NAME", IN_ONESHOT,
                         "name to send to the upstream and to verify (default: of the URL)" },
    [SL_OPTION_VERIFY] = { "--verify", "on|off", IN_ONESHOT, "verify the upstream (default: on)" },
    [SL_OPTION_CLIENT_CERT] = { "--client-cert", "FILE", IN_ONESHOT,
                                "our own certificate toward the upstream" },
    [SL_OPTION_CLIENT_KEY] = { "--client-key", "FILE", IN_ONESHOT,
                               "its private key (default: in the --client-cert file)" },
    [SL_OPTION_CLIENT_CA] = { "--clients-ca", "FILE", IN_ONESHOT,
                              "demand certificates of clients, signed by these CAs" },
    [SL_OPTION_ALPN] = { "--alpn", "LIST", IN_ONESHOT, "protocols, comma-separated: h2,http/1.1" },
    [SL_OPTION_POLICY] = { "--policy", "NAME", IN_ONESHOT,
                           "modern, intermediate (default) or old" },
    [SL_OPTION_WORKERS] = { "--workers", "N", IN_ONESHOT,
                            "worker processes (default: one per core)" },
    [SL_OPTION_LOG_FORMAT] = { "--log-format", "text|json", IN_ONESHOT, "default: text" },
    [SL_OPTION_READY_FILE] = { "--ready-file", "FILE", IN_ONESHOT | IN_RUN | IN_DEMO,
                               "written when every listener accepts: JSON with the bound URLs" },
    [SL_OPTION_CONFIG] = { "-c", "FILE", IN_RUN | IN_CHECK,
                           "configuration (default: /etc/sluice/sluice.yaml)" },
    [SL_OPTION_AS] = { "--as", "CLIENT", IN_CHECK,
                       "what these get: firefox,java-8; \"all\"; \"list\" names them" },
    [SL_OPTION_VERBOSE] = { "--verbose", NULL, IN_CHECK,
                            "details of each service, however many there are" },
    [SL_OPTION_ONCE] = { "--once", NULL, IN_DEMO,
                         "fetch the page once through TLS, print it, end" },
    [SL_OPTION_DEFAULTS] = { "--defaults", NULL, IN_CONFIG,
                             "every option at its default, as YAML" },
    [SL_OPTION_MARKDOWN] = { "--markdown", NULL, IN_CONFIG, "the reference of all options" },
    [SL_OPTION_MAN] = { "--man", NULL, IN_CONFIG, "the same as a manual page, sluice.yaml(5)" },
};

static const struct sl_cli_command COMMANDS[SL_COMMAND_COUNT] = {
    [SL_COMMAND_ONESHOT] = { "LISTEN", "sluice LISTEN CONNECT [OPTIONS]",
                             "Run one service, without a file: tls://:8443 tcp://127.0.0.1:8080" },
    [SL_COMMAND_RUN] = { "run", "sluice run [-c FILE] [OPTIONS]",
                         "Run the services of a configuration file" },
    [SL_COMMAND_CHECK] = { "check", "sluice check [-c FILE] [--as CLIENT]",
                           "Say what is wrong with a configuration, and what it offers" },
    [SL_COMMAND_CONFIG] = { "config", "sluice config --defaults | --markdown | --man",
                            "Print what can be configured" },
    [SL_COMMAND_DEMO] = { "demo", "sluice demo [--once] [OPTIONS]",
                          "Put TLS before a small page on this machine, with a CA of its own" },
    [SL_COMMAND_VERSION] = { "version", "sluice version",
                             "Print the version, and the TLS library's" },
    [SL_COMMAND_HELP] = { "help", "sluice help [COMMAND | reasons | man | bash | zsh]",
                          "Print this, a command's options, why connections end, the "
                          "manual page, or what completes commands in a shell" },
};

const struct sl_cli_option *sl_cli_option(enum sl_option option)
{
    return &OPTIONS[option];
}

const struct sl_cli_command *sl_cli_command(enum sl_command command)
{
    return &COMMANDS[command];
}

bool sl_cli_takes(enum sl_command command, enum sl_option option)
{
    return (OPTIONS[option].commands & 1U << command) != 0;
}

const char *sl_cli_option_name(enum sl_option option)
{
    return OPTIONS[option].name;
}

static enum sl_err command_find(const char *name, enum sl_command *ret_command)
{
    for (size_t i = 0; i < SL_COMMAND_COUNT; i++) {
        if (strcmp(COMMANDS[i].name, name) == 0) {
            *ret_command = (enum sl_command)i;
            return SL_OK;
        }
    }
    return SL_ENOENT;
}

static void command_unknown(const char *name, struct sl_diag *diag)
{
    const char *nearest = NULL;
    size_t nearest_distance = SL_SUGGEST_NONE;
    for (size_t i = SL_COMMAND_RUN; i < SL_COMMAND_COUNT; i++) {
        size_t distance = sl_suggest_distance(sl_slice_cstr(name), sl_slice_cstr(COMMANDS[i].name));
        if (distance < nearest_distance) {
            nearest = COMMANDS[i].name;
            nearest_distance = distance;
        }
    }
    if (nearest != NULL) {
        sl_diag_set(diag, "unknown command %s: did you mean %s?", name, nearest);
    } else if (strchr(name, ':') != NULL) {
        sl_diag_set(diag, "%s is no URL: it begins with tls://, tcp:// or unix:", name);
    } else {
        sl_diag_set(diag, "unknown command %s", name);
    }
}

/* `--key=F` and `--key F` are the same; gives the length of the name. */
static enum sl_err option_find(const char *arg, enum sl_option *ret_option, const char **ret_value)
{
    size_t len = strcspn(arg, "=");
    if (strcmp(arg, "--config") == 0 || (len == 8 && strncmp(arg, "--config", len) == 0)) {
        *ret_option = SL_OPTION_CONFIG;
        *ret_value = arg[len] == '=' ? arg + len + 1 : NULL;
        return SL_OK;
    }
    for (size_t i = 0; i < SL_OPTION_COUNT; i++) {
        if (strlen(OPTIONS[i].name) == len && strncmp(OPTIONS[i].name, arg, len) == 0) {
            *ret_option = (enum sl_option)i;
            *ret_value = arg[len] == '=' ? arg + len + 1 : NULL;
            return SL_OK;
        }
    }
    return SL_ENOENT;
}

static enum sl_err take_option(int argc, char **argv, int *at, struct sl_cli *cli,
                               struct sl_diag *diag)
{
    enum sl_option option = SL_OPTION_COUNT;
    const char *value = NULL;
    const char *arg = argv[*at];
    if (option_find(arg, &option, &value) != SL_OK) {
        sl_diag_set(diag, "unknown option %s", arg);
        return SL_EINVAL;
    }
    const struct sl_cli_option *row = &OPTIONS[option];
    if (!sl_cli_takes(cli->command, option)) {
        sl_diag_set(diag, "%s is not an option of this command", row->name);
        return SL_EINVAL;
    }
    if (cli->options[option] != NULL) {
        sl_diag_set(diag, "%s is given twice", row->name);
        return SL_EINVAL;
    }
    if (row->value == NULL) {
        if (value != NULL) {
            sl_diag_set(diag, "%s takes no value", row->name);
            return SL_EINVAL;
        }
        cli->options[option] = "";
        return SL_OK;
    }
    if (value == NULL) {
        if (*at + 1 >= argc) {
            sl_diag_set(diag, "%s wants a value: %s", row->name, row->value);
            return SL_EINVAL;
        }
        value = argv[++*at];
    }
    cli->options[option] = value;
    return SL_OK;
}

static enum sl_err take_word(const char *word, struct sl_cli *cli, struct sl_diag *diag)
{
    if (cli->command == SL_COMMAND_ONESHOT && cli->connect == NULL) {
        *(cli->listen == NULL ? &cli->listen : &cli->connect) = word;
        return SL_OK;
    }
    if (cli->command == SL_COMMAND_HELP && cli->topic == NULL) {
        cli->topic = word;
        return SL_OK;
    }
    sl_diag_set(diag, "one argument too many: %s", word);
    return SL_EINVAL;
}

static enum sl_err check_whole(const struct sl_cli *cli, struct sl_diag *diag)
{
    if (cli->command == SL_COMMAND_ONESHOT && cli->connect == NULL) {
        sl_diag_set(diag, "two URLs are wanted, where to listen and where to connect to");
        return SL_EINVAL;
    }
    static const enum sl_option PAIRS[][2] = { { SL_OPTION_KEY, SL_OPTION_CERT },
                                               { SL_OPTION_CLIENT_KEY, SL_OPTION_CLIENT_CERT } };
    for (size_t i = 0; i < SL_COUNT(PAIRS); i++) {
        if (cli->options[PAIRS[i][0]] != NULL && cli->options[PAIRS[i][1]] == NULL) {
            sl_diag_set(diag, "%s wants %s as well", OPTIONS[PAIRS[i][0]].name,
                        OPTIONS[PAIRS[i][1]].name);
            return SL_EINVAL;
        }
    }
    unsigned forms_count = 0;
    for (enum sl_option form = SL_OPTION_DEFAULTS; form <= SL_OPTION_MAN; form++) {
        forms_count += cli->options[form] != NULL ? 1 : 0;
    }
    if (cli->command == SL_COMMAND_CONFIG && forms_count != 1) {
        sl_diag_set(diag, "config wants one of --defaults, --markdown and --man");
        return SL_EINVAL;
    }
    return SL_OK;
}

enum sl_err sl_cli_parse(int argc, char **argv, struct sl_cli *ret_cli, struct sl_diag *diag)
{
    struct sl_cli cli = { .command = SL_COMMAND_HELP };
    int at = 1;
    if (argc > 1) {
        const char *first = argv[at++];
        if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
            first = "help";
        } else if (strcmp(first, "--version") == 0) {
            first = "version";
        }
        if (first[0] == '-' || strstr(first, "://") != NULL || strncmp(first, "unix:", 5) == 0) {
            cli.command = SL_COMMAND_ONESHOT;
            at = 1; /* its options may come first */
        } else if (command_find(first, &cli.command) != SL_OK) {
            command_unknown(first, diag);
            return SL_EINVAL;
        }
    }
    for (; at < argc; at++) {
        if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
            const char *topic = COMMANDS[cli.command].name;
            *ret_cli = (struct sl_cli){ .command = SL_COMMAND_HELP, .topic = topic };
            return SL_OK;
        }
        enum sl_err rc = argv[at][0] == '-' ? take_option(argc, argv, &at, &cli, diag)
                                            : take_word(argv[at], &cli, diag);
        if (rc != SL_OK) {
            return rc;
        }
    }
    enum sl_err rc = check_whole(&cli, diag);
    if (rc == SL_OK) {
        *ret_cli = cli;
    }
    return rc;
}

static enum sl_err help_options(enum sl_command command, struct sl_wbuf *out)
{
    for (size_t i = 0; i < SL_OPTION_COUNT; i++) {
        const struct sl_cli_option *row = &OPTIONS[i];
        if (!sl_cli_takes(command, (enum sl_option)i)) {
            continue;
        }
        char head[48];
        struct sl_wbuf text = sl_wbuf_of(head, sizeof(head));
        enum sl_err rc =
            sl_wbuf_printf(&text, "%s %s", row->name, row->value == NULL ? "" : row->value);
        if (rc == SL_OK) {
            rc = sl_wbuf_printf(out, "  %-22.*s %s\n", SL_SLICE_FMT(sl_wbuf_slice(&text)),
                                row->text);
        }
        if (rc != SL_OK) {
            return rc;
        }
    }
    return SL_OK;
}

static enum sl_err help_command(enum sl_command command, struct sl_wbuf *out)
{
    enum sl_err rc =
        sl_wbuf_printf(out, "%s\n\n%s.\n", COMMANDS[command].synopsis, COMMANDS[command].text);
    bool has_options = false;
    for (size_t i = 0; i < SL_OPTION_COUNT; i++) {
        has_options = has_options || sl_cli_takes(command, (enum sl_option)i);
    }
    if (rc == SL_OK && has_options) {
        rc = sl_wbuf_printf(out, "\nOptions:\n");
        rc = rc == SL_OK ? help_options(command, out) : rc;
    }
    return rc;
}

/* The same words as in docs/log.md, which a test compares with it. */
static enum sl_err help_reasons(struct sl_wbuf *out)
{
    static const char *const LEVELS[] = { "debug", "info", "warn", "error" };
    enum sl_err rc = SL_OK;
    for (size_t i = 0; rc == SL_OK && i < SL_REASON_COUNT; i++) {
        const struct sl_reason_row *row = sl_reason_row((enum sl_reason)i);
        rc = sl_wbuf_printf(out, "%s (%s): %s\n", row->word, LEVELS[row->level], row->text);
    }
    return rc;
}

enum sl_err sl_cli_help(const char *topic, struct sl_wbuf *out)
{
    enum sl_command command;
    static const struct {
        const char *name;
        enum sl_err (*put)(struct sl_wbuf *out);
    } TOPICS[] = { { "reasons", help_reasons },
                   { "man", sl_manual_put },
                   { "bash", sl_completion_bash_put },
                   { "zsh", sl_completion_zsh_put } };
    for (size_t i = 0; topic != NULL && i < SL_COUNT(TOPICS); i++) {
        if (strcmp(topic, TOPICS[i].name) == 0) {
            return TOPICS[i].put(out);
        }
    }
    if (topic != NULL) {
        enum sl_err rc = command_find(topic, &command);
        return rc == SL_OK ? help_command(command, out) : rc;
    }
    enum sl_err rc = sl_wbuf_printf(
        out, "Sluice takes TLS off, puts it on, or does both: a service is two URLs.\n\n"
             "  tls://HOST:PORT  tcp://HOST:PORT  unix:PATH\n\nCommands:\n");
    for (size_t i = 0; rc == SL_OK && i < SL_COMMAND_COUNT; i++) {
        rc = sl_wbuf_printf(out, "  %-39s %s\n", COMMANDS[i].synopsis, COMMANDS[i].text);
    }
    if (rc == SL_OK) {
        rc = sl_wbuf_printf(out, "\nOptions of the one-service form:\n");
    }
    rc = rc == SL_OK ? help_options(SL_COMMAND_ONESHOT, out) : rc;
    return rc == SL_OK ? sl_wbuf_printf(out, "\nExit status: 0 done, 1 failed while running "
                                             "(check --as: a client cannot connect), "
                                             "2 usage or configuration.\n")
                       : rc;
}
