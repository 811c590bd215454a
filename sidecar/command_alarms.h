/* SPDX-License-Identifier: Apache-2.0 */
/* The words behind `sidegate alarms`; argv[0] is the word. */
#ifndef SIDEGATE_SIDECAR_COMMAND_ALARMS_H
#define SIDEGATE_SIDECAR_COMMAND_ALARMS_H

int alarms_test(int argc, char **argv);
int alarms_order(int argc, char **argv); /* history, set-state, mute, unmute */

#endif
