/* SPDX-License-Identifier: Apache-2.0 */
#include "die.h"
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bench_die(const char *format, ...)
{
    int error = errno;
    va_list args;
    va_start(args, format);
    (void)fflush(stdout);
    (void)fprintf(stderr, "%s: ", program_invocation_short_name);
    (void)vfprintf(stderr, format, args);
    (void)fprintf(stderr, error != 0 ? ": %s\n" : "\n", strerror(error));
    va_end(args);
    exit(2);
}

void bench_need(bool is_good, const char *what)
{
    if (!is_good) {
        char text[256];
        errno = 0;
        ERR_error_string_n(ERR_get_error(), text, sizeof(text));
        bench_die("%s: %s", what, text);
    }
}

uint64_t bench_number(const char *text, uint64_t min, uint64_t max)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *text == '-' || value < min || value > max) {
        errno = 0;
        bench_die("'%s' is not a number from %llu to %llu", text, (unsigned long long)min,
                  (unsigned long long)max);
    }
    return value;
}
