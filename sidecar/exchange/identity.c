/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers: unpredictable enough that nobody meets another's by chance (xoshiro256**, seeded
 * from the kernel). They are names, not secrets. */
#include <string.h>
#include <sys/random.h>

#include "rules/base/must.h"
#include "sidecar/exchange/inside.h"

static uint64_t rotate(uint64_t value, int by)
{
    return (value << by) | (value >> (64 - by));
}

uint64_t random_next(uint64_t state[4])
{
    uint64_t result = rotate(state[1] * 5, 7) * 9;
    uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate(state[3], 45);
    return result;
}

uint64_t random_spread(struct surroundings *around, uint64_t most)
{
    return most == 0 ? 0 : random_next(around->random) % most;
}

void random_bytes(uint64_t state[4], uint8_t *to, size_t len)
{
    while (len > 0) {
        uint64_t word = random_next(state);
        size_t part = len < sizeof(word) ? len : sizeof(word);
        memcpy(to, &word, part);
        to += part;
        len -= part;
    }
}

void request_id_write(uint64_t state[4], char to[UUID_LENGTH])
{
    uint8_t random[UUID_BYTES];
    random_bytes(state, random, sizeof random);
    uuid_write(to, random);
}

static void on_behind(struct mail *mail)
{
    struct surroundings *around = list_entry(mail, struct surroundings, behind_mail);
    around->behind_sent = false;
    struct list *first = list_first(&around->behind);
    if (first == NULL)
        return;
    list_remove(first);
    exchange_wake(list_entry(first, struct exchange, behind));
    if (!list_is_empty(&around->behind)) {
        around->behind_sent = true;
        loop_send(around->loop, &around->behind_mail);
    }
}

void behind_add(struct exchange *x)
{
    struct surroundings *around = x->around;
    if (list_is_linked(&x->behind))
        return;
    list_add(&around->behind, &x->behind);
    if (around->behind_sent)
        return;
    around->behind_sent = true; /* mail comes with the next turn, after the descriptors */
    loop_send(around->loop, &around->behind_mail);
}

void surroundings_init(struct surroundings *around, struct loop *loop)
{
    *around = (struct surroundings){.loop = loop, .behind_mail.deliver = on_behind};
    list_init(&around->authorizer_calls);
    list_init(&around->exchanges);
    list_init(&around->behind);
    must(getrandom(around->random, sizeof(around->random), 0) == sizeof(around->random));
}
