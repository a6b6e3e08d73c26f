/* SPDX-License-Identifier: Apache-2.0 */
#include "app/agent.h"
#include "app/check.h"
#include "app/cli.h"
#include "app/demo.h"
#include "app/demo_serve.h"
#include "app/keys.h"
#include "app/run.h"
#include "app/token.h"
#include "app/worker.h"
#include "conf/render.h"
#include "sys/cage.h"
#include "sys/process.h"
#include "tls/library.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether what was printed has arrived: a full disk is not success. */
static int finish_stdout(void)
{
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        (void)fprintf(stderr, "sluice: cannot write to standard output\n");
        return SL_EXIT_FAILED;
    }
    return SL_EXIT_DONE;
}

static int print_text(enum sl_err (*render)(struct sl_wbuf *out))
{
    SL_CLEANUP(sl_blob_fini) struct sl_blob blob = { .ptr = malloc(SL_CONF_RENDER_MAX) };
    struct sl_wbuf out = sl_wbuf_of(blob.ptr, blob.ptr == NULL ? 0 : SL_CONF_RENDER_MAX);
    blob.len = out.cap;
    if (render(&out) != SL_OK) {
        (void)fprintf(stderr, "sluice: no memory to print\n");
        return SL_EXIT_FAILED;
    }
    (void)fwrite(out.ptr, 1, out.len, stdout);
    return finish_stdout();
}

static int command_help(const struct sl_cli *cli)
{
    uint8_t bytes[SL_CLI_HELP_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes));
    enum sl_err rc = sl_cli_help(cli->topic, &out);
    if (rc != SL_OK) {
        (void)fprintf(stderr, "sluice: no help on %s\n", cli->topic == NULL ? "" : cli->topic);
        return SL_EXIT_USAGE;
    }
    (void)fwrite(out.ptr, 1, out.len, stdout);
    return finish_stdout();
}

static int command_version(void)
{
    uint8_t bytes[512], cage_bytes[256];
    struct sl_wbuf lacks = sl_wbuf_of(bytes, sizeof(bytes));
    struct sl_wbuf cage = sl_wbuf_of(cage_bytes, sizeof(cage_bytes));
    if (sl_tls_library_lacks(&lacks) != SL_OK ||
        sl_cage_parts_put(sl_cage_unbuilt(), &cage) != SL_OK) {
        return SL_EXIT_FAILED;
    }
    (void)printf("sluice %s\n", SL_VERSION);
    (void)printf("built with %s\n", sl_tls_library_built());
    (void)printf("running on %s\n", sl_tls_library_running());
    (void)printf("which lacks: %.*s\n", lacks.len == 0 ? 7 : (int)lacks.len,
                 lacks.len == 0 ? "nothing" : (const char *)lacks.ptr);
    (void)printf("cages built without: %.*s\n", cage.len == 0 ? 7 : (int)cage.len,
                 cage.len == 0 ? "nothing" : (const char *)cage.ptr);
#ifdef SL_HAS_P11KIT
    (void)printf("pkcs11: yes, p11-kit %s\n", SL_P11KIT_VERSION);
#else
    (void)printf("pkcs11: no\n");
#endif
    return finish_stdout();
}

/* No child is to take the sockets for its own. */
static enum sl_err take_sockets(struct sl_activated *ret_activated)
{
    const struct sl_activate_env env = { .pid = getenv("LISTEN_PID"),
                                         .fds = getenv("LISTEN_FDS"),
                                         .names = getenv("LISTEN_FDNAMES"),
                                         .first_fd = SL_ACTIVATE_FD_FIRST };
    struct sl_diag diag = { 0 };
    enum sl_err rc = sl_activate_init(&env, &diag, ret_activated);
    if (rc != SL_OK) {
        (void)fprintf(stderr, "sluice: %s\n", diag.text[0] == '\0' ? "no memory" : diag.text);
    }
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    return rc;
}

static int command_run(const struct sl_cli *cli)
{
    struct sl_configured configured;
    struct sl_run run = { .load = &configured.load,
                          .cli = cli,
                          .ready_file = cli->options[SL_OPTION_READY_FILE] };
    /* loading may take long: what would be ignored later must not end it */
    static const int HELD[] = { SIGHUP, SIGUSR1, SIGUSR2, 0 };
    int status = SL_EXIT_USAGE;
    if (sl_process_hold_signals(HELD) != SL_OK || take_sockets(&run.activated) != SL_OK) {
        return SL_EXIT_FAILED;
    }
    if (sl_configured_load(cli, &configured) == SL_OK) {
        status = sl_run(&run);
    }
    sl_activate_fini(&run.activated);
    sl_configured_fini(&configured);
    return status;
}

static int run_command(const struct sl_cli *cli)
{
    switch (cli->command) {
    case SL_COMMAND_ONESHOT:
    case SL_COMMAND_RUN:
        return command_run(cli);
    case SL_COMMAND_CHECK:
        return sl_check(cli);
    case SL_COMMAND_DEMO:
        return sl_demo(cli);
    case SL_COMMAND_CONFIG:
        return print_text(cli->options[SL_OPTION_MARKDOWN] != NULL ? sl_conf_render_markdown
                          : cli->options[SL_OPTION_MAN] != NULL    ? sl_conf_render_man
                                                                   : sl_conf_render_defaults);
    case SL_COMMAND_VERSION:
        return command_version();
    default:
        return command_help(cli);
    }
}

int main(int argc, char **argv)
{
    struct sl_cli cli;
    struct sl_diag diag = { 0 };
    sl_process_fill_stdio();
    if (sl_tls_library_init() != SL_OK) {
        (void)fprintf(stderr, "sluice: the TLS library does not start\n");
        return SL_EXIT_FAILED;
    }
    if (argc == 2 && strcmp(argv[1], "worker") == 0) {
        return sl_worker_main();
    }
    if (argc == 2 && strcmp(argv[1], SL_KEYS_ROLE) == 0) {
        return sl_keys_main();
    }
    if (argc == 2 && strcmp(argv[1], SL_AGENT_ROLE) == 0) {
        return sl_agent_main();
    }
#ifdef SL_HAS_P11KIT
    if (argc == 2 && strcmp(argv[1], SL_TOKEN_ROLE) == 0) {
        return sl_token_main();
    }
#endif
    if (argc == 2 && strcmp(argv[1], SL_DEMO_SERVE_ROLE) == 0) {
        return sl_demo_serve_main();
    }
    if (sl_cli_parse(argc, argv, &cli, &diag) != SL_OK) {
        (void)fprintf(stderr, "sluice: %s\nTry: sluice help\n", diag.text);
        return SL_EXIT_USAGE;
    }
    return run_command(&cli);
}
