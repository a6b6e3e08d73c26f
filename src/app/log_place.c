/* SPDX-License-Identifier: Apache-2.0 */
#include "app/log_place.h"
#include "base/logframe.h"
#include "conf/conf.h"
#include "sys/file.h"
#include "sys/log_socket.h"
#include "sys/process.h"
#include <string.h>

enum { MODE = 0640 };

bool sl_log_place_is_file(const char *to)
{
    const char *path;
    return strcmp(to, SL_CONF_LOG_STDERR) != 0 && sl_logframe_way(to, &path) == SL_LOG_STREAM;
}

enum sl_err sl_log_place_open(const char *to, struct sl_diag *diag, int *ret_fd)
{
    const char *path;
    if (sl_logframe_way(to, &path) != SL_LOG_STREAM) {
        return sl_log_socket_open(path, diag, ret_fd);
    }
    if (sl_log_place_is_file(to)) {
        return sl_file_append(to, MODE, diag, ret_fd);
    }
    enum sl_err rc = sl_process_open_log(ret_fd);
    if (rc != SL_OK) {
        sl_diag_set(diag, "cannot open the log: %s", sl_err_name(rc));
    }
    return rc;
}
