/* SPDX-License-Identifier: Apache-2.0 */
/** @file Both far ends of a connection over loopback, and the loop between them. A failure ends the
 * test. */
#pragma once
#include "base/addr.h"
#include "sys/loop.h"

enum { ENDS_WAIT_MS = 10000 }; /* nothing takes that long */

/** A listening TCP socket on 127.0.0.1 and any port. */
int ends_listen(struct sl_addr *ret_local);

/** An address on 127.0.0.1 where nobody listens. */
struct sl_addr ends_nobody(void);

/** A connected pair. */
void ends_pair(int ret_fds[static 2]);

/** Connects, and waits until it is. */
int ends_connect(const struct sl_addr *addr);

/** One turn of the loop that waits for something, at most a little. Give it what `ends_deadline`
 * gave: a test that turns for longer than ENDS_WAIT_MS fails. */
uint64_t ends_deadline(void);
void ends_turn(struct sl_loop *loop, uint64_t deadline_ms);

/** Turns until `fd` can be read, and reads. The result is that of sl_socket_recv. */
enum sl_err ends_recv(struct sl_loop *loop, int fd, void *buf, size_t cap, size_t *ret_len);

/** Turns until exactly `text` has come. */
void ends_expect(struct sl_loop *loop, int fd, const char *text);

/** Turns until the connection has ended, cleanly (SL_EOF) or by a reset (SL_ERESET). */
void ends_expect_end(struct sl_loop *loop, int fd, enum sl_err end);

void ends_say(int fd, const char *text);

/** Open descriptors of this process. */
unsigned ends_count_fds(void);
