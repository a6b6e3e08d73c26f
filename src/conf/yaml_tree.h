/* SPDX-License-Identifier: Apache-2.0 */
/** @file YAML text as a tree of nodes with their places, for the schema to walk.
 *
 * A subset: one document, UTF-8, keys that are text, no key twice, no aliases, no tags. libyaml's
 * parser reads it; its document loader is not used, because that takes quadratic time over
 * deeply nested input before it can be bounded, and forgets where an alias stood.
 */
#pragma once
#include "conf/finding.h"

enum { SL_YAML_DEPTH_MAX = 16 };      /* lists and maps inside each other */
enum { SL_YAML_NODES_MAX = 2000000 }; /* in one file */

enum sl_yaml_kind {
    SL_YAML_SCALAR,
    SL_YAML_LIST,
    SL_YAML_MAP,
    SL_YAML_BAD /* already reported: say nothing more about it */
};

struct sl_yaml_node {
    enum sl_yaml_kind kind;
    struct sl_conf_pos pos;
    struct sl_slice text;        /* of a scalar; a NUL stands behind it */
    struct sl_conf_pos text_pos; /* of the first character of `text`; line 0 when the file does not
                                    spell it letter by letter */
    bool is_empty;               /* a scalar of which nothing is written, not even quotes */
    struct sl_slice key;         /* in a map */
    struct sl_conf_pos key_pos;
    struct sl_yaml_node *first, *last; /* children of a list or map */
    struct sl_yaml_node *next;         /* sibling */
    size_t count;                      /* children */
    struct sl_conf_span span;          /* of a list */
};

/**
 * Reads `text`. Everything that the subset does not allow becomes a finding; where the tree is
 * still of use (a key twice, an alias, a tag) reading goes on.
 *
 * @param ret_root  NULL when the text holds no document, only blanks and comments
 * @return SL_OK, SL_EINVAL (the text could not be read to its end; findings says why) or SL_ENOMEM
 */
SL_CHECKED enum sl_err sl_yaml_parse(struct sl_slice text, struct sl_arena *arena,
                                     struct sl_findings *findings, struct sl_yaml_node **ret_root);
