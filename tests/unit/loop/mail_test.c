/* SPDX-License-Identifier: Apache-2.0 */
/* Worth most under ThreadSanitizer. */
#include <pthread.h>

#include "tests/check.h"
#include "tests/unit/loop/hand_clock.h"
#include "tests/unit/loop/suites.h"

enum { SENDERS = 3, LETTERS = 2000 };

struct letter {
    struct mail mail;
    unsigned sender, number;
    struct office *office;
};

struct office {
    struct loop *loop;
    unsigned next[SENDERS]; /* the number that each sender's next letter must have */
    unsigned out_of_order, delivered;
    struct letter letters[SENDERS][LETTERS];
};

static void deliver(struct mail *mail)
{
    struct letter *letter = list_entry(mail, struct letter, mail);
    struct office *office = letter->office;
    office->out_of_order += letter->number != office->next[letter->sender]++;
    if (++office->delivered == SENDERS * LETTERS)
        loop_stop(office->loop);
}

static void *send_all(void *letters)
{
    for (unsigned i = 0; i < LETTERS; i++) {
        struct letter *letter = (struct letter *)letters + i;
        loop_send(letter->office->loop, &letter->mail);
    }
    return NULL;
}

static void office_init(struct office *office, struct loop *loop)
{
    office->loop = loop;
    for (unsigned s = 0; s < SENDERS; s++) {
        office->next[s] = 0;
        for (unsigned i = 0; i < LETTERS; i++)
            office->letters[s][i] = (struct letter){
                .mail.deliver = deliver, .sender = s, .number = i, .office = office};
    }
    office->out_of_order = office->delivered = 0;
}

TEST(mail_of_many_threads_arrives_once_and_in_each_senders_order)
{
    static struct office office;
    pthread_t threads[SENDERS];
    struct loop *loop = loop_new(NULL);
    office_init(&office, loop);
    for (unsigned i = 0; i < SENDERS; i++)
        check(pthread_create(&threads[i], NULL, send_all, office.letters[i]) == 0);
    loop_run(loop);
    for (unsigned i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    check_number(office.delivered, SENDERS * LETTERS);
    check_number(office.out_of_order, 0);
    loop_free(loop);
}

TEST(mail_to_oneself_comes_in_the_next_turn)
{
    struct hand_clock hand;
    static struct office office;
    hand_clock_init(&hand);
    struct loop *loop = loop_new(&hand.clock);
    office_init(&office, loop);
    loop_send(loop, &office.letters[0][0].mail);
    loop_send(loop, &office.letters[0][1].mail);
    check_number(office.delivered, 0);
    loop_turn(loop, 0);
    check_number(office.delivered, 2);
    check_number(office.out_of_order, 0);
    loop_turn(loop, 0);
    check_number(office.delivered, 2);
    loop_free(loop);
}

int mail_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_of_many_threads_arrives_once_and_in_each_senders_order),
        cmocka_unit_test(mail_to_oneself_comes_in_the_next_turn),
    };
    return cmocka_run_group_tests_name("mail", tests, NULL, NULL);
}
