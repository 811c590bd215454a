/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/base/uuid.h"

#include <string.h>

#include "rules/base/encode.h"

void uuid_write(char to[UUID_LENGTH], const uint8_t random[UUID_BYTES])
{
    static const struct {
        unsigned char from, to, len;
    } parts[] = {{0, 0, 8}, {8, 9, 4}, {12, 14, 4}, {16, 19, 4}, {20, 24, 12}};
    uint8_t bytes[UUID_BYTES];
    char digits[2 * UUID_BYTES];
    memcpy(bytes, random, sizeof bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    hex_write(digits, bytes, sizeof bytes);
    memset(to, '-', UUID_LENGTH);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        memcpy(to + parts[i].to, digits + parts[i].from, parts[i].len);
}
