/* SPDX-License-Identifier: Apache-2.0 */
/** @file Parses a text and compares what is found in it, for the tests of this layer. */
#pragma once
#include "conf/conf.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/** Parses `yaml` with relative paths from /etc/sluice; free with sl_arena_fini. */
static inline enum sl_err conf_parse(const char *yaml, struct sl_arena *arena,
                                     struct sl_findings *findings, const struct sl_conf **ret_conf)
{
    sl_arena_init(arena, 0);
    sl_findings_init(findings, arena);
    struct sl_conf_source source = { .yaml = sl_slice_cstr(yaml), .folder = "/etc/sluice" };
    return sl_conf_parse(&source, arena, findings, ret_conf);
}

/** Every finding as "LINE:COLUMN: severity: text" and a newline. */
static inline void findings_text(const struct sl_findings *findings, char *ret_text, size_t size)
{
    size_t len = 0;
    ret_text[0] = '\0';
    for (struct sl_list *at = findings->list.next; at != &findings->list; at = at->next) {
        const struct sl_finding *finding = SL_CONTAINER_OF(at, struct sl_finding, node);
        int count = snprintf(
            ret_text + len, size - len, "%u:%u: %s: %s\n", finding->pos.line, finding->pos.column,
            finding->severity == SL_FINDING_ERROR ? "error" : "warning", finding->text);
        assert_true(count > 0 && (size_t)count < size - len);
        len += (size_t)count;
    }
}

/** Parses `yaml` and expects exactly these findings, in this order. */
static inline void expect_findings(const char *yaml, const char *wanted)
{
    char text[16384];
    struct sl_arena arena;
    struct sl_findings findings;
    const struct sl_conf *conf = NULL;
    enum sl_err rc = conf_parse(yaml, &arena, &findings, &conf);
    findings_text(&findings, text, sizeof(text));
    size_t errors_count = findings.errors_count;
    sl_arena_fini(&arena);
    assert_string_equal(text, wanted);
    assert_int_equal(rc, errors_count == 0 ? SL_OK : SL_EINVAL);
    assert_int_equal(conf != NULL, errors_count == 0);
}

/** The head of a service on lines 1 and 2, so that its options begin on line 3. */
#define SERVICE "services:\n  s:\n"

/** One that is right as it stands: 2 lines more. */
#define PLAIN SERVICE "    listen: tcp://127.0.0.1:1\n    connect: tcp://127.0.0.1:2\n"

/** An offloading one: 3 lines more. */
#define OFFLOAD                                                                                    \
    SERVICE "    listen: tls://127.0.0.1:1\n    connect: tcp://127.0.0.1:2\n"                      \
            "    certificates: [{ chain: c.pem }]\n"

/** An encrypting one: 2 lines more. */
#define ENCRYPT SERVICE "    listen: tcp://127.0.0.1:1\n    connect: tls://h:2\n"
