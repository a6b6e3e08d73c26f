/* SPDX-License-Identifier: Apache-2.0 */
/** @file The stacks that paused handshakes stand on (ASYNC jobs). */
#pragma once
#include "base/err.h"
#include <stdbool.h>

/** Bytes that OpenSSL wants for a job, and takes from its heap where it takes none of ours; what
 * runs on one stays within half of it, which a test measures. */
enum { SL_KEY_STACK_BYTES = 32 * 1024 };

/** Whether this OpenSSL takes stacks of ours (3.2). */
bool sl_key_stacks_are_ours(void);

/**
 * From where OpenSSL is to take stacks; it keeps those of ended jobs for the next ones. Before the
 * first job of the process.
 * @param map    gives at least `*bytes`, and how many they are; NULL when there are none
 * @return SL_OK, SL_ENOENT (it takes none of ours), SL_ETLS (too late)
 */
SL_CHECKED enum sl_err sl_key_stacks_use(void *(*map)(size_t *bytes), void (*unmap)(void *stack));
