/* SPDX-License-Identifier: Apache-2.0 */
/** @file The process for chores that face outward and must not hold up traffic: looking up names.
 */
#pragma once

#define SL_AGENT_ROLE "agent"

/** Runs this process as the agent until the supervisor closes its channel. Gives the exit status.
 */
int sl_agent_main(void);
