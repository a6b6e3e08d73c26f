/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/folders.h"
#include "base/slice.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX_COUNT = 40 }; /* as many as the kernel follows */

enum sl_err sl_folders_open(int *ret_fd)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0) {
        return errno == EMFILE || errno == ENFILE ? SL_EMFILE : SL_ENOENT;
    }
    *ret_fd = fd;
    return SL_OK;
}

enum sl_err sl_folders_add(int fd, const char *path)
{
    const uint32_t what = IN_CLOSE_WRITE | IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                          IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
    if (inotify_add_watch(fd, path, what) >= 0) {
        return SL_OK;
    }
    return errno == ENOSPC || errno == ENOMEM ? SL_EMFILE : SL_ENOENT;
}

bool sl_folders_clear(int fd)
{
    char bytes[16 * 1024] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool was_any = false;
    while (read(fd, bytes, sizeof(bytes)) > 0) {
        was_any = true;
    }
    return was_any;
}

/* The folder of what stands before `len`: "/" for what is right below the root. */
static enum sl_err add_parent(int fd, const char *path, size_t len)
{
    char folder[PATH_MAX];
    while (len > 0 && path[len - 1] != '/') {
        len--;
    }
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    (void)snprintf(folder, sizeof(folder), "%.*s", (int)len, path);
    return sl_folders_add(fd, len == 0 ? "." : folder);
}

/* Puts the target of the link that `path` is up to `len` in its place. False: there is none, or it
 * is too long. */
static bool follow(char path[PATH_MAX], size_t len)
{
    char head[PATH_MAX], target[PATH_MAX], whole[PATH_MAX];
    (void)snprintf(head, sizeof(head), "%.*s", (int)len, path);
    const ssize_t target_len = readlink(head, target, sizeof(target) - 1);
    if (target_len <= 0) {
        return false;
    }
    target[target_len] = '\0';
    size_t folder_len = target[0] == '/' ? 0 : len;
    while (folder_len > 0 && path[folder_len - 1] != '/') {
        folder_len--;
    }
    const int whole_len =
        snprintf(whole, sizeof(whole), "%.*s%s%s", (int)folder_len, path, target, path + len);
    if (whole_len < 0 || (size_t)whole_len >= sizeof(whole)) {
        return false;
    }
    memcpy(path, whole, (size_t)whole_len + 1);
    return true;
}

enum sl_err sl_folders_add_for(int fd, const char *path)
{
    char at[PATH_MAX];
    const int total = snprintf(at, sizeof(at), "%s", path);
    if (total <= 0 || (size_t)total >= sizeof(at)) {
        return SL_ENOENT;
    }
    enum sl_err result = SL_OK;
    unsigned links_count = 0;
    for (size_t len = 1; len <= strlen(at); len++) {
        const bool is_last = at[len] == '\0';
        struct stat st;
        char head[PATH_MAX];
        if (!is_last && at[len] != '/') {
            continue;
        }
        (void)snprintf(head, sizeof(head), "%.*s", (int)len, at);
        const bool is_link = lstat(head, &st) == 0 && S_ISLNK(st.st_mode);
        if (is_link || is_last) {
            enum sl_err rc = add_parent(fd, at, len);
            result = result == SL_OK ? rc : result;
        }
        if (is_link && links_count++ < LINKS_MAX_COUNT && follow(at, len)) {
            len = 0; /* from the begin: its target has links of its own, perhaps */
        }
    }
    return result;
}
