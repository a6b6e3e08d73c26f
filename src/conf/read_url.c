/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/read_url.h"
#include "base/addr.h"
#include "conf/text.h"
#include <string.h>

/* The place of the byte at `offset` of the node's text, as near as the file tells. */
static struct sl_conf_pos pos_within(const struct sl_yaml_node *node, size_t offset)
{
    struct sl_conf_pos pos = node->text_pos;
    if (pos.line == 0) {
        return node->pos;
    }
    pos.column +=
        (uint32_t)sl_text_count(sl_slice_of(node->text.ptr, SL_MIN(offset, node->text.len)));
    return pos;
}

const char *sl_read_path(struct sl_read *read, struct sl_slice prefix, struct sl_slice path)
{
    struct sl_slice folder = sl_slice_cstr(path.ptr[0] == '/' ? NULL : read->folder);
    const char *slash = folder.len > 0 && folder.ptr[folder.len - 1] != '/' ? "/" : "";
    const size_t size = prefix.len + folder.len + path.len + 2;
    char *text = sl_read_alloc(read, 1, size);
    if (text == NULL) {
        return NULL;
    }
    struct sl_wbuf out = sl_wbuf_of(text, size - 1);
    if (sl_wbuf_put(&out, prefix) != SL_OK || sl_wbuf_put(&out, folder) != SL_OK ||
        sl_wbuf_put(&out, sl_slice_cstr(slash)) != SL_OK || sl_wbuf_put(&out, path) != SL_OK) {
        return NULL; /* cannot be: it was measured */
    }
    return text;
}

bool sl_read_host_check(struct sl_read *read, const struct sl_schema_option *option,
                        const struct sl_yaml_node *node)
{
    static const struct sl_slice BEFORE = SL_SLICE_INIT("tcp://");
    struct sl_addr addr;
    if (sl_addr_from_ip(node->text, 0, &addr) == SL_OK) {
        return true;
    }
    size_t extra = 0;
    while (extra < node->text.len && strchr(":/[]@", node->text.ptr[extra]) == NULL) {
        extra++;
    }
    if (extra < node->text.len) {
        sl_read_error(read, pos_within(node, extra),
                      "'%s' is a DNS name or an IP address alone: no scheme, brackets or port",
                      option->key);
        return false;
    }
    char memory[SL_URL_MAX];
    struct sl_wbuf text = sl_wbuf_of(memory, sizeof(memory));
    struct sl_diag diag = { 0 };
    struct sl_url url;
    size_t at = BEFORE.len;
    if (sl_wbuf_put(&text, BEFORE) != SL_OK || sl_wbuf_put(&text, node->text) != SL_OK ||
        sl_wbuf_put(&text, SL_SLICE(":1")) != SL_OK ||
        sl_url_parse(sl_wbuf_slice(&text), &url, &at, &diag) != SL_OK) {
        sl_read_error(read, pos_within(node, at - BEFORE.len), "'%s': %s", option->key, diag.text);
        return false;
    }
    return true;
}

/* A listen address is bound as it is written; a connect address must lead somewhere. */
static bool side_check(struct sl_read *read, const struct sl_schema_option *option,
                       const struct sl_yaml_node *node, const struct sl_url *url)
{
    if (url->scheme == SL_SCHEME_UNIX) {
        return true;
    }
    const size_t host_at = (size_t)(url->host.ptr - node->text.ptr);
    if (option->type == SL_TYPE_LISTENS && url->host.len > 0 && !url->is_ip) {
        sl_read_error(read, pos_within(node, host_at),
                      "a listen address must be an IP address, or empty for all: host names are "
                      "for connect");
        return false;
    }
    if (option->type == SL_TYPE_CONNECT && url->host.len == 0) {
        sl_read_error(read, pos_within(node, host_at), "a connect URL needs a host: %s://HOST:PORT",
                      sl_scheme_name(url->scheme));
        return false;
    }
    if (option->type == SL_TYPE_CONNECT && url->port == 0 && !url->is_srv) {
        sl_read_error(read, pos_within(node, host_at),
                      "a connect URL needs a port from 1 to 65535: port 0 is for listen");
        return false;
    }
    return true;
}

/* A relative path of a Unix socket is taken from the file's folder, as all paths are. */
static enum sl_err absolute_parse(struct sl_read *read, const struct sl_yaml_node *node,
                                  struct sl_conf_url *url, size_t *ret_at, struct sl_diag *diag)
{
    if (url->url.scheme != SL_SCHEME_UNIX || url->url.path.ptr[0] == '/') {
        return SL_OK;
    }
    const char *text = sl_read_path(read, SL_SLICE("unix:"), url->url.path);
    if (text == NULL) {
        return SL_ENOMEM;
    }
    url->text = text;
    *ret_at = 0;
    enum sl_err rc = sl_url_parse(sl_slice_cstr(text), &url->url, ret_at, diag);
    *ret_at = SL_MIN(*ret_at, node->text.len); /* in a text that the file does not show */
    return rc;
}

static bool url_read(struct sl_read *read, const struct sl_schema_option *option,
                     const struct sl_yaml_node *node, struct sl_conf_url *ret_url)
{
    struct sl_conf_url url = *ret_url;
    struct sl_yaml_node kept = *node; /* with a text that the URL may point into */
    struct sl_diag diag = { 0 };
    size_t at = 0;
    if (!sl_read_expect_item(read, option, node)) {
        return false;
    }
    url.pos = node->pos;
    url.text = sl_read_text(read, node->text);
    if (url.text == NULL) {
        return false;
    }
    kept.text = sl_slice_of(url.text, node->text.len);
    node = &kept;
    enum sl_err rc = sl_url_parse(node->text, &url.url, &at, &diag);
    if (rc == SL_OK) {
        rc = absolute_parse(read, node, &url, &at, &diag);
    }
    if (rc != SL_OK) {
        if (rc != SL_ENOMEM) {
            sl_read_error(read, pos_within(node, at), "%s", diag.text);
        }
        return false;
    }
    if (!side_check(read, option, node, &url.url)) {
        return false;
    }
    *ret_url = url;
    return true;
}

bool sl_read_urls(struct sl_read *read, const struct sl_schema_option *option,
                  const struct sl_yaml_node *node, void *field)
{
    const bool is_list = node->kind == SL_YAML_LIST;
    struct sl_conf_url *urls = sl_read_alloc(read, is_list ? node->count : 1, sizeof(*urls));
    if (urls == NULL) {
        return false;
    }
    size_t count = 0;
    const struct sl_yaml_node *item = is_list ? node->first : node;
    while (item != NULL) {
        count += url_read(read, option, item, &urls[count]) ? 1 : 0;
        item = is_list ? item->next : NULL;
    }
    memcpy(field, &urls, sizeof(urls));
    memcpy((char *)field - option->at + option->count_at, &count, sizeof(count));
    return true;
}

bool sl_read_connect(struct sl_read *read, const struct sl_schema_option *option,
                     const struct sl_yaml_node *node, void *field)
{
    struct sl_conf_url *url = (struct sl_conf_url *)(void *)((char *)field - option->at);
    return url_read(read, option, node, url);
}

static bool address_read(struct sl_read *read, const struct sl_schema_option *option,
                         const struct sl_yaml_node *node, struct sl_conf_addr *ret_addr)
{
    if (!sl_read_expect_item(read, option, node)) {
        return false;
    }
    if (sl_addr_from_ip(node->text, 0, &ret_addr->addr) != SL_OK) {
        sl_read_error(read, node->pos, "'%s' cannot be '%s': an IPv4 or IPv6 address alone",
                      option->key, sl_text_shown(node->text).text);
        return false;
    }
    ret_addr->pos = node->pos;
    return true;
}

bool sl_read_addresses(struct sl_read *read, const struct sl_schema_option *option,
                       const struct sl_yaml_node *node, void *field)
{
    const bool is_list = node->kind == SL_YAML_LIST;
    struct sl_conf_addr *addrs = sl_read_alloc(read, is_list ? node->count : 1, sizeof(*addrs));
    if (addrs == NULL) {
        return false;
    }
    size_t count = 0;
    const struct sl_yaml_node *item = is_list ? node->first : node;
    while (item != NULL) {
        count += address_read(read, option, item, &addrs[count]) ? 1 : 0;
        item = is_list ? item->next : NULL;
    }
    memcpy(field, &addrs, sizeof(addrs));
    memcpy((char *)field - option->at + option->count_at, &count, sizeof(count));
    return true;
}
