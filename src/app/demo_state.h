/* SPDX-License-Identifier: Apache-2.0 */
/** @file Where the demo keeps its CA and certificate: $XDG_STATE_HOME/sluice/demo. */
#pragma once
#include "base/diag.h"

/** Paths of the three PEM files. Zeroed is valid and empty. */
struct sl_demo_state {
    char *ca, *chain, *key;
};

/**
 * Finds or makes the folder (mode 0700) and the files in it (the key's mode 0600): made once, and
 * anew when they are damaged, when the key can be read by others, and when a day or less is left.
 * Several may do so at the same time.
 * @return SL_OK, SL_ESYS, SL_ENOMEM, SL_ETLS (diag). Call sl_demo_state_fini in any case.
 */
SL_CHECKED enum sl_err sl_demo_state_open(struct sl_diag *diag, struct sl_demo_state *state);
void sl_demo_state_fini(struct sl_demo_state *state);
