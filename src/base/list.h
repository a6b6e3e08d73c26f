/* SPDX-License-Identifier: Apache-2.0 */
/** @file Intrusive doubly linked list. A node stands in its owner, found by SL_CONTAINER_OF. */
#pragma once
#include "base/def.h"
#include <stdbool.h>

/** Both the head and a node; a node that is in no list points at itself. */
struct sl_list {
    struct sl_list *prev, *next;
};

static inline void sl_list_init(struct sl_list *node)
{
    node->prev = node->next = node;
}

static inline bool sl_list_is_empty(const struct sl_list *head)
{
    return head->next == head;
}

/** Puts `node`, which is in no list, at the end of `head`. */
static inline void sl_list_append(struct sl_list *head, struct sl_list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

/** Takes `node` out of its list, if it is in one. */
static inline void sl_list_remove(struct sl_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    sl_list_init(node);
}

/** Takes the first node out of `head` and gives it, or NULL when there is none. */
static inline struct sl_list *sl_list_shift(struct sl_list *head)
{
    if (sl_list_is_empty(head)) {
        return NULL;
    }
    struct sl_list *node = head->next;
    sl_list_remove(node);
    return node;
}
