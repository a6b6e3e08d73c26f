/* SPDX-License-Identifier: Apache-2.0 */
/** @file A log line as a datagram: for syslog (RFC 5424), or as fields for systemd's journal. Pure.
 */
#pragma once
#include "base/err.h"
#include "base/logline.h"

enum { SL_LOGFRAME_MAX = 3 * SL_LOGLINE_MAX }; /* bytes of a datagram */
enum { SL_LOGFRAME_PATH_MAX = 108 };           /* bytes of a socket's path, with its NUL */

enum sl_log_way { SL_LOG_STREAM, SL_LOG_SYSLOG, SL_LOG_JOURNALD };

/** What `log.to` says: "syslog" or "journald", either perhaps with ":PATH"; all else is a stream.
 * @param ret_path  of the socket; NULL for a stream */
enum sl_log_way sl_logframe_way(const char *to, const char **ret_path);

/**
 * Appends a line as one datagram.
 * @param text  what sl_logline_end gave; for the journal it has to be SL_LOG_TEXT
 * @return SL_OK, SL_ENOSPC (something may have been written)
 */
SL_CHECKED enum sl_err sl_logframe_put(enum sl_log_way way, const struct sl_logline *line,
                                       struct sl_slice text, unsigned pid, struct sl_wbuf *out);
