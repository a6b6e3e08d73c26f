/* SPDX-License-Identifier: Apache-2.0 */
#include "app/cli.h"
/* cmocka wants these first */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

enum { ARGS_MAX = 16 };

/* Parses a line of words; NULL ends them. */
static enum sl_err parse(const char *const *words, struct sl_cli *ret_cli, struct sl_diag *diag)
{
    char *argv[ARGS_MAX + 1];
    int argc = 0;
    while (words[argc] != NULL && argc < ARGS_MAX) {
        argv[argc] = (char *)(uintptr_t)words[argc];
        argc++;
    }
    argv[argc] = NULL;
    return sl_cli_parse(argc, argv, ret_cli, diag);
}

#define WORDS(...) ((const char *const[]){ "sluice", __VA_ARGS__, NULL })

static void assert_refused(const char *const *words, const char *text)
{
    struct sl_cli cli = { .listen = "untouched" };
    struct sl_diag diag = { 0 };
    assert_int_equal(parse(words, &cli, &diag), SL_EINVAL);
    assert_string_equal(diag.text, text);
    assert_string_equal(cli.listen, "untouched");
}

static void two_urls_are_the_one_service_form(void **state)
{
    struct sl_cli cli;
    SL_UNUSED(state);
    assert_int_equal(
        parse(WORDS("tls://:8443", "--cert", "a.pem", "tcp://h:1", "--key=b.key"), &cli, NULL),
        SL_OK);
    assert_int_equal(cli.command, SL_COMMAND_ONESHOT);
    assert_string_equal(cli.listen, "tls://:8443");
    assert_string_equal(cli.connect, "tcp://h:1");
    assert_string_equal(cli.options[SL_OPTION_CERT], "a.pem");
    assert_string_equal(cli.options[SL_OPTION_KEY], "b.key");
    assert_null(cli.options[SL_OPTION_CA]);
    assert_int_equal(parse(WORDS("--cert", "a.pem", "tls://:1", "tcp://h:1"), &cli, NULL), SL_OK);
    assert_string_equal(cli.listen, "tls://:1");
    assert_string_equal(cli.connect, "tcp://h:1");
    assert_int_equal(parse(WORDS("unix:/a", "unix:/b"), &cli, NULL), SL_OK);
    assert_int_equal(cli.command, SL_COMMAND_ONESHOT);
}

static void commands_take_their_own_options_only(void **state)
{
    struct sl_cli cli;
    SL_UNUSED(state);
    assert_int_equal(parse(WORDS("run", "-c", "f", "--ready-file", "r"), &cli, NULL), SL_OK);
    assert_int_equal(cli.command, SL_COMMAND_RUN);
    assert_string_equal(cli.options[SL_OPTION_CONFIG], "f");
    assert_int_equal(parse(WORDS("check", "--config=f"), &cli, NULL), SL_OK);
    assert_string_equal(cli.options[SL_OPTION_CONFIG], "f");
    assert_int_equal(parse(WORDS("demo", "--once"), &cli, NULL), SL_OK);
    assert_non_null(cli.options[SL_OPTION_ONCE]);
    assert_refused(WORDS("run", "--cert", "x"), "--cert is not an option of this command");
    assert_refused(WORDS("check", "--once"), "--once is not an option of this command");
}

static void what_is_wrong_is_said(void **state)
{
    SL_UNUSED(state);
    assert_refused(WORDS("rum"), "unknown command rum: did you mean run?");
    assert_refused(WORDS("walk"), "unknown command walk");
    assert_refused(WORDS("foo:443"), "foo:443 is no URL: it begins with tls://, tcp:// or unix:");
    assert_refused(WORDS("run", "--nope"), "unknown option --nope");
    assert_refused(WORDS("run", "-c"), "-c wants a value: FILE");
    assert_refused(WORDS("run", "-c", "a", "-c", "b"), "-c is given twice");
    assert_refused(WORDS("run", "again"), "one argument too many: again");
    assert_refused(WORDS("demo", "--once=1"), "--once takes no value");
    assert_refused(WORDS("config"), "config wants one of --defaults, --markdown and --man");
    assert_refused(WORDS("config", "--defaults", "--markdown"),
                   "config wants one of --defaults, --markdown and --man");
    assert_refused(WORDS("tls://:1"),
                   "two URLs are wanted, where to listen and where to connect to");
    assert_refused(WORDS("tls://:1", "tcp://h:1", "tcp://h:2"), "one argument too many: tcp://h:2");
    assert_refused(WORDS("tls://:1", "tcp://h:1", "--key", "k"), "--key wants --cert as well");
    assert_refused(WORDS("tcp://:1", "tls://h:1", "--client-key", "k"),
                   "--client-key wants --client-cert as well");
}

static void help_is_found_from_everywhere(void **state)
{
    struct sl_cli cli;
    SL_UNUSED(state);
    assert_int_equal(parse((const char *const[]){ "sluice", NULL }, &cli, NULL), SL_OK);
    assert_int_equal(cli.command, SL_COMMAND_HELP);
    assert_int_equal(parse(WORDS("run", "--help"), &cli, NULL), SL_OK);
    assert_int_equal(cli.command, SL_COMMAND_HELP);
    assert_string_equal(cli.topic, "run");
    assert_int_equal(parse(WORDS("--version"), &cli, NULL), SL_OK);
    assert_int_equal(cli.command, SL_COMMAND_VERSION);
}

static void every_option_stands_in_the_help_of_a_command(void **state)
{
    static const char *const TOPICS[] = { "LISTEN", "run", "check", "config", "demo" };
    char text[16384];
    struct sl_wbuf out = sl_wbuf_of(text, sizeof(text) - 1);
    SL_UNUSED(state);
    for (size_t i = 0; i < SL_COUNT(TOPICS); i++) {
        assert_int_equal(sl_cli_help(TOPICS[i], &out), SL_OK);
    }
    text[out.len] = '\0';
    for (unsigned option = 0; option < SL_OPTION_COUNT; option++) {
        assert_non_null(strstr(text, sl_cli_option_name((enum sl_option)option)));
    }
    assert_int_equal(sl_cli_help("nothing", &out), SL_ENOENT);
    struct sl_wbuf small = sl_wbuf_of(text, 100);
    assert_int_equal(sl_cli_help(NULL, &small), SL_ENOSPC);
    assert_int_equal(sl_cli_help("reasons", &small), SL_ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_urls_are_the_one_service_form),
        cmocka_unit_test(commands_take_their_own_options_only),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(help_is_found_from_everywhere),
        cmocka_unit_test(every_option_stands_in_the_help_of_a_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
