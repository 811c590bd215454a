/* SPDX-License-Identifier: Apache-2.0 */
/* Counts what our code asks of the heap (not what libraries do). The linker puts these between:
 * see CMakeLists.txt. */
#ifndef SIDEGATE_TESTS_UNIT_WIRE_ALLOCATIONS_H
#define SIDEGATE_TESTS_UNIT_WIRE_ALLOCATIONS_H

unsigned allocations_count(void); /* since the program began */

#endif
