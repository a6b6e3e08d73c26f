/* SPDX-License-Identifier: Apache-2.0 */
#include "app/rights.h"
#include "app/confine.h"
#include "sys/capabilities.h"
#include "sys/memory.h"
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const uint64_t FILE_RIGHTS =
    SL_CAPABILITY(CAP_DAC_OVERRIDE) | SL_CAPABILITY(CAP_DAC_READ_SEARCH);

/* By the capabilities in use, which access(2) would not go by. */
static bool is_allowed(const char *path, int how)
{
    return faccessat(AT_FDCWD, path, how, AT_EACCESS) == 0;
}

/* Whether a file can be made or removed there. */
static bool is_folder_ours(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    (void)snprintf(folder, sizeof(folder), "%.*s%s", (int)len, path,
                   slash == NULL ? "."
                   : len == 0    ? "/"
                                 : "");
    return is_allowed(folder, W_OK | X_OK);
}

static uint64_t files_need(const struct sl_run *run, const struct sl_listens *listens)
{
    const struct sl_load *load = run->load;
    bool is_read = true;
    bool is_written = run->ready_file == NULL || is_folder_ours(run->ready_file);
    for (uint32_t i = 0; i < load->keys_count; i++) {
        const struct sl_keeper_file *file = &load->key_files[i];
        is_read = is_read && is_allowed(file->path, R_OK) &&
                  (file->passphrase_path == NULL || is_allowed(file->passphrase_path, R_OK));
    }
    for (uint32_t i = 0; i < load->pools_count; i++) {
        const char *path = load->pools[i].pin_path;
        is_read = is_read && (path == NULL || is_allowed(path, R_OK));
    }
    for (size_t i = 0; i < listens->count; i++) {
        const char *path = listens->list[i].unix_path;
        is_written = is_written && (path == NULL || is_folder_ours(path));
    }
    is_written = is_written && is_allowed("/proc/self/exe", X_OK);
    uint64_t reading = SL_CAPABILITY(CAP_DAC_READ_SEARCH);
    if ((sl_capabilities_permitted() & reading) == 0) {
        reading = SL_CAPABILITY(CAP_DAC_OVERRIDE); /* by which it was read, then */
    }
    return (is_read ? 0 : reading) | (is_written ? 0 : SL_CAPABILITY(CAP_DAC_OVERRIDE));
}

/* Who has bound one port below 1024 may be told by a reload to bind another. */
static uint64_t ports_need(const struct sl_listens *listens)
{
    enum { PORT_OF_ANYBODY = 1024 };
    for (size_t i = 0; i < listens->count; i++) {
        const struct sl_listen *listen = &listens->list[i];
        const uint16_t port = sl_addr_port(&listen->addr);
        if (listen->passed_fd < 0 && port > 0 && port < PORT_OF_ANYBODY) {
            return SL_CAPABILITY(CAP_NET_BIND_SERVICE);
        }
    }
    return 0;
}

static uint64_t children_need(const struct sl_load *load)
{
    uint8_t bytes[SL_CONFINE_USER_BYTES];
    struct sl_wbuf user = sl_wbuf_of(bytes, sizeof(bytes));
    uint64_t needed = geteuid() == 0 ? SL_CAPABILITY(CAP_SETPCAP) : 0;
    uint8_t token_bytes[SL_CONFINE_KEYS_BYTES];
    struct sl_wbuf token = sl_wbuf_of(token_bytes, sizeof(token_bytes));
    const bool has_token_user = load->pools_count > 0 &&
                                sl_confine_token_put(load->conf, true, &token) == SL_OK &&
                                token.len > 1; /* behind the flags stands whom they become */
    if ((sl_confine_user_put(load->conf, &user) == SL_OK && user.len > 0) || has_token_user) {
        needed |= SL_CAPABILITY(CAP_SETUID) | SL_CAPABILITY(CAP_SETGID) | SL_CAPABILITY(CAP_KILL);
    }
    if (geteuid() == 0 && load->keys_count > 0 && !sl_memory_allow_lock()) {
        needed |= SL_CAPABILITY(CAP_IPC_LOCK);
    }
    return needed;
}

enum sl_err sl_rights_limit(const struct sl_run *run, const struct sl_listens *listens)
{
    const struct sl_conf *conf = run->load->conf;
    if (conf->cage.mode == SL_CAGE_MODE_OFF) {
        return SL_OK;
    }
    uint64_t needed = children_need(run->load) | ports_need(listens);
    enum sl_err rc = sl_capabilities_use(~FILE_RIGHTS);
    if (rc != SL_OK) {
        return rc;
    }
    needed |= files_need(run, listens);
    rc = sl_capabilities_use(~UINT64_C(0));
    sl_capabilities_bound(needed);
    return rc == SL_OK ? sl_capabilities_keep(needed) : rc;
}
