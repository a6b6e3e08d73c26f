/* SPDX-License-Identifier: Apache-2.0 */
#include "base/logframe.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(enum sl_log_way way, enum sl_log_format format, const char *wanted)
{
    struct sl_logline line;
    char bytes[SL_LOGFRAME_MAX];
    struct sl_wbuf out = sl_wbuf_of(bytes, sizeof(bytes) - 1);
    sl_logline_begin(&line, format, 1000, SL_LOG_WARN, "connection");
    sl_logline_cstr(&line, "reason", "done");
    sl_logline_cstr(&line, "detail", "a \"b\" \\ =\n");
    sl_logline_u64(&line, "bytes", 7);
    struct sl_slice text = sl_logline_end(&line);
    assert_int_equal(sl_logframe_put(way, &line, text, 12, &out), SL_OK);
    bytes[sl_wbuf_slice(&out).len] = '\0';
    assert_string_equal(bytes, wanted);
    struct sl_wbuf small = sl_wbuf_of(bytes, sl_wbuf_slice(&out).len - 1);
    assert_int_equal(sl_logframe_put(way, &line, text, 12, &small), SL_ENOSPC);
}

static void syslog_gets_the_header_of_its_rfc(void **state)
{
    SL_UNUSED(state);
    expect(SL_LOG_SYSLOG, SL_LOG_TEXT,
           "<28>1 1970-01-01T00:00:01.000Z - sluice 12 connection - time=1970-01-01T00:00:01.000Z "
           "level=warn event=connection reason=done detail=\"a \\\"b\\\" \\\\ =\\u000a\" bytes=7");
    expect(SL_LOG_SYSLOG, SL_LOG_JSON,
           "<28>1 1970-01-01T00:00:01.000Z - sluice 12 connection - "
           "{\"time\":\"1970-01-01T00:00:01.000Z\",\"level\":\"warn\",\"event\":\"connection\","
           "\"reason\":\"done\",\"detail\":\"a \\\"b\\\" \\\\ =\\u000a\",\"bytes\":7}");
}

static void the_journal_gets_fields(void **state)
{
    SL_UNUSED(state);
    expect(SL_LOG_JOURNALD, SL_LOG_TEXT,
           "PRIORITY=4\nSYSLOG_IDENTIFIER=sluice\nMESSAGE=time=1970-01-01T00:00:01.000Z level=warn "
           "event=connection reason=done detail=\"a \\\"b\\\" \\\\ =\\u000a\" bytes=7\n"
           "SLUICE_EVENT=connection\nSLUICE_REASON=done\nSLUICE_DETAIL=a \"b\" \\ =\\u000a\n"
           "SLUICE_BYTES=7\n");
}

static void places_are_told_apart(void **state)
{
    SL_UNUSED(state);
    const char *path = "";
    assert_int_equal(sl_logframe_way("stderr", &path), SL_LOG_STREAM);
    assert_null(path);
    assert_int_equal(sl_logframe_way("/var/log/syslog", &path), SL_LOG_STREAM);
    assert_int_equal(sl_logframe_way("syslog", &path), SL_LOG_SYSLOG);
    assert_string_equal(path, "/dev/log");
    assert_int_equal(sl_logframe_way("journald:/x", &path), SL_LOG_JOURNALD);
    assert_string_equal(path, "/x");
    assert_int_equal(sl_logframe_way("syslogs", &path), SL_LOG_STREAM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(syslog_gets_the_header_of_its_rfc),
        cmocka_unit_test(the_journal_gets_fields),
        cmocka_unit_test(places_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
