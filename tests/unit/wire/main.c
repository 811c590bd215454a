/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of bytes becoming messages, and back. */
#include "tests/unit/wire/suites.h"

int main(void)
{
    int failed = h1_request_suite() + h1_crs_suite() + h1_answer_suite() + h1_chunked_suite() +
                 h1_write_suite() + h1_server_suite() + h1_server_answer_suite() +
                 h1_server_story_suite() + h1_client_suite() + stream_suite() + address_suite() +
                 h1_socket_suite() + h1_client_story_suite() + tls_suite() + tickets_suite();
    return failed != 0;
}
