/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/body/inflate.h"

#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "tests/check.h"
#include "tests/unit/body/suites.h"

enum { AS_GZIP = 15 + 16, AS_ZLIB = 15, AS_BARE = -15 };

/* Adds `text` to `to`, packed in that form. */
static void pack(struct buf *to, struct span text, int window)
{
    z_stream z = {.next_in = (const Bytef *)text.at, .avail_in = (unsigned)text.len};
    check_number(deflateInit2(&z, 9, Z_DEFLATED, window, 9, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, text.len);
    z.next_out = (Bytef *)buf_room(to, room);
    z.avail_out = (unsigned)room;
    check_number(deflate(&z, Z_FINISH), Z_STREAM_END);
    buf_grew(to, room - z.avail_out);
    deflateEnd(&z);
}

struct sample {
    struct buf packed, text;
};

static struct sample *sample_new(struct span text, int window)
{
    struct sample *s = calloc(1, sizeof(*s));
    check(s != NULL);
    buf_init(&s->packed, 1 << 21);
    buf_init(&s->text, 1 << 20);
    pack(&s->packed, text, window);
    return s;
}

static void sample_free(struct sample *s)
{
    buf_fini(&s->packed);
    buf_fini(&s->text);
    free(s);
}

static enum inflated undo(struct sample *s, const char *names)
{
    struct codings codings = {0};
    codings_add(&codings, span_text(names));
    buf_clear(&s->text);
    return codings_undo(&codings, buf_span(&s->packed), &s->text);
}

#define TEXT "id=1 union select password from users, again and again and again"

static void check_undone(int window, const char *names)
{
    struct sample *s = sample_new(SPAN(TEXT), window);
    check_number(undo(s, names), INFLATED_WHOLE);
    check_span(buf_span(&s->text), TEXT);
    sample_free(s);
}

TEST(gzip_and_both_forms_of_deflate_are_undone)
{
    check_undone(AS_GZIP, "gzip");
    check_undone(AS_GZIP, "X-GZip");
    check_undone(AS_ZLIB, "deflate");
    check_undone(AS_BARE, "deflate");
    check_undone(AS_GZIP, "identity , gzip,");
}

TEST(codings_are_undone_from_the_last_to_the_first)
{
    struct sample *s = sample_new(SPAN(TEXT), AS_BARE);
    struct sample *twice = sample_new(buf_span(&s->packed), AS_GZIP);
    check_number(undo(twice, "deflate, gzip"), INFLATED_WHOLE);
    check_span(buf_span(&twice->text), TEXT);
    check_number(undo(twice, "gzip, deflate"), INFLATED_BROKEN);
    sample_free(s);
    sample_free(twice);
}

TEST(more_than_two_codings_and_unknown_ones_are_not_undone)
{
    struct codings codings = {0};
    codings_add(&codings, SPAN("gzip, identity, gzip"));
    check(!codings.too_many);
    codings_add(&codings, SPAN("gzip"));
    check(codings.too_many);
    struct sample *s = sample_new(SPAN(TEXT), AS_GZIP);
    check_number(undo(s, "gzip, gzip, gzip"), INFLATED_NOT);
    check_number(undo(s, "br"), INFLATED_NOT);
    check_number(undo(s, "gzip, br"), INFLATED_NOT);
    check_number(undo(s, "br, gzip"), INFLATED_NOT);
    check_number(undo(s, ""), INFLATED_NOT);
    check_number(s->text.len, 0);
    sample_free(s);
}

TEST(all_members_of_a_gzip_stream_are_read)
{
    struct sample *s = sample_new(SPAN("one "), AS_GZIP);
    pack(&s->packed, SPAN(""), AS_GZIP);
    pack(&s->packed, SPAN("two"), AS_GZIP);
    check_number(undo(s, "gzip"), INFLATED_WHOLE);
    check_span(buf_span(&s->text), "one two");
    sample_free(s);
}

TEST(what_stands_behind_a_stream_breaks_it)
{
    static const struct {
        int window;
        const char *name;
    } forms[] = {{AS_GZIP, "gzip"}, {AS_ZLIB, "deflate"}, {AS_BARE, "deflate"}};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct sample *s = sample_new(SPAN(TEXT), forms[i].window);
        buf_add(&s->packed, SPAN("&more=1"));
        check_number(undo(s, forms[i].name), INFLATED_BROKEN);
        check_span(buf_span(&s->text), TEXT);
        sample_free(s);
    }
}

TEST(a_stream_that_is_cut_at_any_byte_gives_what_came_before)
{
    struct sample *s = sample_new(SPAN(TEXT), AS_GZIP);
    while (s->packed.len > 1) {
        s->packed.len--;
        check_number(undo(s, "gzip"), INFLATED_CUT);
        check(span_starts(SPAN(TEXT), buf_span(&s->text)));
    }
    sample_free(s);
}

TEST(a_wrong_sum_and_plain_text_are_broken)
{
    struct sample *s = sample_new(SPAN(TEXT), AS_GZIP);
    s->packed.at[s->packed.len - 8] ^= 1;
    check_number(undo(s, "gzip"), INFLATED_BROKEN);
    buf_clear(&s->packed);
    buf_add(&s->packed, SPAN(TEXT));
    check_number(undo(s, "gzip"), INFLATED_BROKEN);
    check_number(s->text.len, 0);
    check_number(undo(s, "deflate"), INFLATED_BROKEN);
    sample_free(s);
}

static struct sample *zeros_new(size_t count)
{
    char *zeros = calloc(1, count);
    check(zeros != NULL);
    struct sample *s = sample_new(span_make(zeros, count), AS_GZIP);
    free(zeros);
    return s;
}

TEST(a_bomb_ends_soon_after_the_ratio_is_passed)
{
    struct sample *s = zeros_new(1 << 20);
    check(s->packed.len < (1 << 20) / 900); /* so that it is one */
    check_number(undo(s, "gzip"), INFLATED_OVER);
    check(s->text.len <= INFLATE_RATIO_FROM + (32 << 10));
    sample_free(s);
}

TEST(a_short_text_may_repeat_itself_beyond_the_ratio)
{
    struct sample *s = zeros_new(INFLATE_RATIO_FROM);
    check(s->packed.len < INFLATE_RATIO_FROM / INFLATE_RATIO);
    check_number(undo(s, "gzip"), INFLATED_WHOLE);
    check_number(s->text.len, INFLATE_RATIO_FROM);
    sample_free(s);
}

TEST(the_ceiling_holds_to_the_byte)
{
    struct sample *s = sample_new(SPAN(TEXT), AS_GZIP);
    s->text.ceiling = sizeof(TEXT) - 1;
    check_number(undo(s, "gzip"), INFLATED_WHOLE);
    s->text.ceiling--;
    check_number(undo(s, "gzip"), INFLATED_OVER);
    check_number(s->text.len, sizeof(TEXT) - 2);
    sample_free(s);
}

int inflate_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_and_both_forms_of_deflate_are_undone),
        cmocka_unit_test(codings_are_undone_from_the_last_to_the_first),
        cmocka_unit_test(more_than_two_codings_and_unknown_ones_are_not_undone),
        cmocka_unit_test(all_members_of_a_gzip_stream_are_read),
        cmocka_unit_test(what_stands_behind_a_stream_breaks_it),
        cmocka_unit_test(a_stream_that_is_cut_at_any_byte_gives_what_came_before),
        cmocka_unit_test(a_wrong_sum_and_plain_text_are_broken),
        cmocka_unit_test(a_bomb_ends_soon_after_the_ratio_is_passed),
        cmocka_unit_test(a_short_text_may_repeat_itself_beyond_the_ratio),
        cmocka_unit_test(the_ceiling_holds_to_the_byte),
    };
    return cmocka_run_group_tests_name("inflate", tests, NULL, NULL);
}
