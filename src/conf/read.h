/* SPDX-License-Identifier: Apache-2.0 */
/** @file Single values and lists of them: from a node to a field, as the schema's row says. */
#pragma once
#include "conf/schema.h"
#include "conf/yaml_tree.h"

/** What every step of reading a file needs. */
struct sl_read {
    struct sl_arena *arena;
    struct sl_findings *findings;
    const char *folder;               /* put before relative paths; NULL: leave them */
    const struct sl_policy *policies; /* the user's own, once they are known */
    size_t policies_count;
    bool are_certificates_cut; /* struct sl_conf_source */
    bool is_out_of_memory;     /* sticky; what was read then is of no use */
};

/** From the arena, zeroed; NULL notes that there is no memory. */
void *sl_read_alloc(struct sl_read *read, size_t count, size_t size);

/** A copy of `text` with a NUL behind it; the tree of nodes does not live on. NULL as above. */
const char *sl_read_text(struct sl_read *read, struct sl_slice text);

/** Adds an error at `pos`. */
void sl_read_error(struct sl_read *read, struct sl_conf_pos pos, const char *format, ...)
    SL_PRINTF(3, 4);

/** Where messages about the whole of `node` point: its key when it has one. */
struct sl_conf_pos sl_read_subject_pos(const struct sl_yaml_node *node);

/**
 * Whether `node` is of that kind and has 1 to `option->count_max` children (lists and maps) or is
 * not empty (scalars); else an error is added, unless the node was reported before.
 */
bool sl_read_expect(struct sl_read *read, const struct sl_schema_option *option,
                    const struct sl_yaml_node *node, enum sl_yaml_kind kind);

/** Whether `node`, in a list, is a single value; else an error is added, as above. */
bool sl_read_expect_item(struct sl_read *read, const struct sl_schema_option *option,
                         const struct sl_yaml_node *node);

/**
 * Reads the value of an option that is no map nor made of maps into its field of `base`, a struct
 * of the option's section. What is wrong becomes a finding and leaves the field as it was.
 */
void sl_read_value(struct sl_read *read, const struct sl_schema_option *option,
                   const struct sl_yaml_node *node, void *base);
