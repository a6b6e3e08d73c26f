/* SPDX-License-Identifier: Apache-2.0 */
/** @file TCP sockets of 127.0.0.1 that do not block, and their epoll; each call ends on failure. */
#pragma once
#include "base/def.h"
#include <stdbool.h>
#include <sys/epoll.h>

/** Listens on a free port of 127.0.0.1, which goes to `ret_port`; TCP_NODELAY is inherited. */
int bench_listen(uint16_t *ret_port);

/** The next connection, or -1 when there is none. */
int bench_accept(int listener);

/** A connection to `port` of 127.0.0.1 that is under way, or -1 when there can be none now. */
int bench_connect(uint16_t port);

/** Watches `fd`, edge-triggered, for reading and writing and the end of the other side. */
void bench_watch(int epoll, int fd, void *owner);

/** The most descriptors that this process may have, and leaves it at that. */
void bench_raise_descriptors(void);
