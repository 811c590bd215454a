/* SPDX-License-Identifier: Apache-2.0 */
/* The secrets of tickets, by a clock that is handed in. */
#include "sidecar/wire/tls_inside.h"

#include <openssl/evp.h>

#include "tests/check.h"
#include "tests/unit/wire/suites.h"

enum { HOUR_S = 3600 };

struct scene {
    uint64_t now_s;
    struct clock clock;
    struct tls_tickets *tickets;
    uint8_t policy[TLS_POLICY_BYTES];
    /* one ticket */
    unsigned char name[16], iv[16];
};

static uint64_t now_us(void *context)
{
    const struct scene *scene = context;
    return scene->now_s * 1000000;
}

static void scene_open(struct scene *scene)
{
    *scene = (struct scene){.now_s = 100, .policy = "one name, one policy"};
    scene->clock = (struct clock){.monotonic_us = now_us, .context = scene};
    scene->tickets = tls_tickets_new(&scene->clock);
}

/* Seals or opens the scene's ticket; the answer of OpenSSL's callback. */
static int ticket(struct scene *scene, bool sealing)
{
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    struct tls_ticket_parts parts = {
        .name = scene->name, .iv = scene->iv, .cipher = cipher, .mac = mac};
    int answer = tls_tickets_key(scene->tickets, scene->policy, parts, sealing);
    EVP_CIPHER_CTX_free(cipher);
    EVP_MAC_CTX_free(mac);
    EVP_MAC_free(hmac);
    return answer;
}

TEST(a_ticket_is_good_for_the_hour_of_its_secret_and_renewed_in_the_two_after_it)
{
    struct scene s;
    scene_open(&s);
    check_number(ticket(&s, true), 1);
    check_number(ticket(&s, false), 1);
    s.now_s += HOUR_S - 1;
    check_number(ticket(&s, false), 1);
    s.now_s += 1; /* a new secret: the ticket is good, and the client gets another one */
    check_number(ticket(&s, false), 2);
    s.now_s += 2 * HOUR_S - 1;
    check_number(ticket(&s, false), 2);
    s.now_s += 1;
    check_number(ticket(&s, false), 0);
    tls_tickets_give(s.tickets);
}

TEST(a_secret_that_nobody_asked_for_in_time_opens_nothing)
{
    struct scene s;
    scene_open(&s);
    check_number(ticket(&s, true), 1);
    s.now_s += 100 * HOUR_S;
    check_number(ticket(&s, false), 0);
    check_number(ticket(&s, true), 1);
    check_number(ticket(&s, false), 1);
    tls_tickets_give(s.tickets);
}

TEST(a_ticket_opens_for_its_own_policy_alone)
{
    struct scene s;
    scene_open(&s);
    check_number(ticket(&s, true), 1);
    s.policy[0] ^= 1;
    check_number(ticket(&s, false), 0);
    s.policy[0] ^= 1;
    check_number(ticket(&s, false), 1);
    s.name[5] ^= 1;
    check_number(ticket(&s, false), 0);
    tls_tickets_give(s.tickets);
}

int tickets_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_ticket_is_good_for_the_hour_of_its_secret_and_renewed_in_the_two_after_it),
        cmocka_unit_test(a_secret_that_nobody_asked_for_in_time_opens_nothing),
        cmocka_unit_test(a_ticket_opens_for_its_own_policy_alone),
    };
    return cmocka_run_group_tests_name("tickets", tests, NULL, NULL);
}
