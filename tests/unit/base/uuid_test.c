/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/base/uuid.h"

#include "tests/check.h"
#include "tests/unit/base/suites.h"

TEST(a_uuid_is_written_as_its_document_has_it) /* RFC 9562 A.3 */
{
    static const uint8_t bytes[UUID_BYTES] = {0x91, 0x91, 0x08, 0xf7, 0x52, 0xd1, 0x43, 0x20,
                                              0x9b, 0xac, 0xf8, 0x47, 0xdb, 0x41, 0x48, 0xa8};
    char text[UUID_LENGTH];
    uuid_write(text, bytes);
    check_span(span_make(text, UUID_LENGTH), "919108f7-52d1-4320-9bac-f847db4148a8");
}

TEST(whatever_is_random_the_version_is_4)
{
    static const uint8_t ones[UUID_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                             0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t zeros[UUID_BYTES] = {0};
    char text[UUID_LENGTH];
    uuid_write(text, ones);
    check_span(span_make(text, UUID_LENGTH), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    uuid_write(text, zeros);
    check_span(span_make(text, UUID_LENGTH), "00000000-0000-4000-8000-000000000000");
}

int uuid_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_uuid_is_written_as_its_document_has_it),
        cmocka_unit_test(whatever_is_random_the_version_is_4),
    };
    return cmocka_run_group_tests_name("uuid", tests, NULL, NULL);
}
