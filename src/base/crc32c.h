/* SPDX-License-Identifier: Apache-2.0 */
/** @file CRC-32C, the checksum of Castagnoli (RFC 3720 B.4, RFC 4960 appendix B). */
#pragma once
#include "base/slice.h"

/** Of `bytes` behind those that `crc` is of; 0 begins. */
uint32_t sl_crc32c(uint32_t crc, struct sl_slice bytes);
