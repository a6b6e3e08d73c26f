/* SPDX-License-Identifier: Apache-2.0 */
/** @file The few macros that every file may use. None of them contains `return` or `goto`. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/** The result must be used. */
#define SL_CHECKED            __attribute__((warn_unused_result))
#define SL_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

/** The variable owns what it holds: `fn(&variable)` runs when it leaves its scope. */
#define SL_CLEANUP(fn) __attribute__((cleanup(fn)))

/** Ownership leaves the pointer variable `p`, which becomes NULL. */
#define SL_STEAL(p)                                                                                \
    ({                                                                                             \
        __typeof__(p) sl_stolen_ = (p);                                                            \
        (p) = NULL;                                                                                \
        sl_stolen_;                                                                                \
    })

/** The object of `type` whose member `member` stands at `ptr`. */
#define SL_CONTAINER_OF(ptr, type, member)                                                         \
    ({                                                                                             \
        __typeof__(((type *)0)->member) *sl_member_ = (ptr);                                       \
        (type *)((char *)sl_member_ - offsetof(type, member));                                     \
    })

/** The same for an object that must not be changed. */
#define SL_CONST_CONTAINER_OF(ptr, type, member)                                                   \
    ({                                                                                             \
        const __typeof__(((type *)0)->member) *sl_member_ = (ptr);                                 \
        (const type *)((const char *)sl_member_ - offsetof(type, member));                         \
    })

#define SL_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SL_MIN(a, b)    ((a) < (b) ? (a) : (b))
#define SL_MAX(a, b)    ((a) > (b) ? (a) : (b))
#define SL_UNUSED(name) ((void)(name))
#define SL_NS_PER_MS    UINT64_C(1000000)
#define SL_MS_PER_S     UINT64_C(1000)
