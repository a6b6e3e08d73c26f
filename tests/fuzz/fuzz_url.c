/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr.h"
#include "codec/url.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hold(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* A URL that was read, written out again, is read as the same. */
static void round_trip(const struct sl_url *url)
{
    char memory[SL_URL_MAX + 16];
    struct sl_wbuf out = sl_wbuf_of(memory, sizeof(memory));
    struct sl_url again;
    size_t at;
    const char *scheme = sl_scheme_name(url->scheme);
    bool is_bracketed = sl_slice_find(url->host, ':') < url->host.len;
    enum sl_err rc =
        url->scheme == SL_SCHEME_UNIX
            ? sl_wbuf_printf(&out, "%s:%.*s", scheme, SL_SLICE_FMT(url->path))
            : sl_wbuf_printf(&out, "%s://%s%.*s%s:%u", scheme, is_bracketed ? "[" : "",
                             SL_SLICE_FMT(url->host), is_bracketed ? "]" : "", url->port);
    hold(rc == SL_OK);
    hold(sl_url_parse(sl_wbuf_slice(&out), &again, &at, NULL) == SL_OK);
    hold(again.scheme == url->scheme && again.port == url->port && again.is_ip == url->is_ip);
    hold(sl_slice_eq(again.host, url->host) && sl_slice_eq(again.path, url->path));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_url url = { 0 };
    struct sl_diag diag = { 0 };
    struct sl_addr addr;
    size_t at = 0;
    struct sl_slice text = sl_slice_of(data, size);
    enum sl_err rc = sl_url_parse(text, &url, &at, &diag);
    if (rc != SL_OK) {
        hold(rc == SL_EINVAL || rc == SL_ERANGE);
        hold(at <= size && diag.text[0] != '\0');
        hold(strpbrk(diag.text, "\n\r") == NULL);
        return 0;
    }
    hold(size <= SL_URL_MAX && diag.text[0] == '\0');
    if (url.scheme == SL_SCHEME_UNIX) {
        hold(url.host.len == 0 && url.port == 0);
        hold(sl_addr_from_path(url.path, &addr) == SL_OK);
    } else {
        hold(url.path.len == 0 && url.host.len <= 253);
        hold(url.is_ip == (sl_addr_from_ip(url.host, url.port, &addr) == SL_OK));
    }
    round_trip(&url);
    return 0;
}
