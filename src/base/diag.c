/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"
#include <stdio.h>

void sl_diag_set(struct sl_diag *diag, const char *format, ...)
{
    if (diag == NULL) {
        return;
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(diag->text, sizeof(diag->text), format, args);
    va_end(args);
}
