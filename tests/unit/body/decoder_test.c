/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/body/decoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <brotli/encode.h>
#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#include "tests/check.h"
#include "tests/unit/body/suites.h"

/* zlib's windows, and two that are none. */
enum form { AS_GZIP = 15 + 16, AS_ZLIB = 15, AS_BARE = -15, AS_BROTLI = 100, AS_ZSTD };

static const struct {
    enum form form;
    const char *name;
} forms[] = {{AS_GZIP, "gzip"},
             {AS_ZLIB, "deflate"},
             {AS_BARE, "deflate"},
             {AS_BROTLI, "br"},
             {AS_ZSTD, "zstd"}};
enum { FORMS = sizeof(forms) / sizeof(forms[0]) };

static void pack_zlib(struct buf *to, struct span text, int window)
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

static void pack_brotli(struct buf *to, struct span text)
{
    size_t len = BrotliEncoderMaxCompressedSize(text.len) + 16;
    uint8_t *out = (uint8_t *)buf_room(to, len);
    check(BrotliEncoderCompress(9, 22, BROTLI_MODE_TEXT, text.len, (const uint8_t *)text.at, &len,
                                out));
    buf_grew(to, len);
}

/* With a window of 2^log bytes and a sum at the end; the length is not told. */
static void pack_zstd(struct buf *to, struct span text, int log)
{
    size_t room = ZSTD_compressBound(text.len) + 64;
    ZSTD_CCtx *packer = ZSTD_createCCtx();
    ZSTD_inBuffer in = {text.at, text.len, 0};
    ZSTD_outBuffer out = {buf_room(to, room), room, 0};
    ZSTD_CCtx_setParameter(packer, ZSTD_c_windowLog, log);
    ZSTD_CCtx_setParameter(packer, ZSTD_c_checksumFlag, 1);
    check_number(ZSTD_compressStream2(packer, &out, &in, ZSTD_e_flush), 0);
    check_number(ZSTD_compressStream2(packer, &out, &in, ZSTD_e_end), 0);
    buf_grew(to, out.pos);
    ZSTD_freeCCtx(packer);
}

/* Adds `text` to `to`, packed in that form. */
static void pack(struct buf *to, struct span text, enum form form)
{
    if (form == AS_BROTLI)
        pack_brotli(to, text);
    else if (form == AS_ZSTD)
        pack_zstd(to, text, 20);
    else
        pack_zlib(to, text, (int)form);
}

struct sample {
    struct buf packed, text;
};

static struct sample *sample_new(struct span text, enum form form)
{
    struct sample *s = calloc(1, sizeof(*s));
    check(s != NULL);
    buf_init(&s->packed, 1 << 21);
    buf_init(&s->text, 1 << 20);
    pack(&s->packed, text, form);
    return s;
}

static void sample_free(struct sample *s)
{
    buf_fini(&s->packed);
    buf_fini(&s->text);
    free(s);
}

static enum decoded undo(struct sample *s, const char *names)
{
    struct codings codings = {0};
    codings_add(&codings, span_text(names));
    buf_clear(&s->text);
    struct decoder *decoder = decoder_new(&codings, buf_span(&s->packed), &s->text);
    enum decoded decoded = decoder_run(decoder, 0);
    decoder_free(decoder);
    return decoded;
}

#define TEXT "id=1 union select password from users, again and again and again"

static void check_undone(enum form form, const char *names)
{
    struct sample *s = sample_new(SPAN(TEXT), form);
    check_number(undo(s, names), DECODED_WHOLE);
    check_span(buf_span(&s->text), TEXT);
    sample_free(s);
}

TEST(each_coding_is_undone_under_all_its_names)
{
    for (size_t i = 0; i < FORMS; i++)
        check_undone(forms[i].form, forms[i].name);
    check_undone(AS_GZIP, "X-GZip");
    check_undone(AS_BROTLI, "BR");
    check_undone(AS_ZSTD, "identity , zstd,");
}

TEST(every_pair_of_codings_is_undone)
{
    for (size_t i = 0; i < (size_t)FORMS * FORMS; i++) {
        size_t inner = i / FORMS, outer = i % FORMS;
        char names[32];
        snprintf(names, sizeof(names), "%s, %s", forms[inner].name, forms[outer].name);
        struct sample *s = sample_new(SPAN(TEXT), forms[inner].form);
        struct sample *twice = sample_new(buf_span(&s->packed), forms[outer].form);
        check_number(undo(twice, names), DECODED_WHOLE);
        check_span(buf_span(&twice->text), TEXT);
        sample_free(s);
        sample_free(twice);
    }
}

/* Prose of that length that does not repeat itself too much. */
static struct sample *prose_new(size_t len, enum form form)
{
    struct buf text;
    buf_init(&text, len + 32);
    for (unsigned i = 0; text.len < len; i++)
        buf_format(&text, "word %u of %u; ", i * 7919 % 10007, i);
    struct sample *s = sample_new(buf_span(&text), form);
    buf_fini(&text);
    return s;
}

TEST(slices_change_nothing_and_end_soon)
{
    enum { LENGTH = 300000 };
    for (size_t i = 0; i < FORMS; i++) {
        struct sample *s = prose_new(LENGTH, forms[i].form);
        struct codings codings = {0};
        codings_add(&codings, span_text(forms[i].name));
        struct decoder *decoder = decoder_new(&codings, buf_span(&s->packed), &s->text);
        unsigned slices = 1;
        for (size_t before = 0; decoder_run(decoder, 1) == DECODED_MORE; slices++) {
            check(s->text.len - before <= DECODED_ROUND_BYTES);
            before = s->text.len;
        }
        decoder_free(decoder);
        check(slices >= LENGTH / DECODED_ROUND_BYTES);
        struct sample *at_once = prose_new(LENGTH, forms[i].form);
        check_number(undo(at_once, forms[i].name), DECODED_WHOLE);
        check(s->text.len >= LENGTH && span_is(buf_span(&s->text), buf_span(&at_once->text)));
        sample_free(at_once);
        sample_free(s);
    }
}

TEST(streams_of_nothing_end_a_slice_too)
{
    static const struct {
        enum form form;
        const char *name;
    } repeated[] = {{AS_GZIP, "gzip"}, {AS_ZSTD, "zstd"}};
    for (size_t i = 0; i < 2; i++) {
        struct sample *s = sample_new(SPAN(""), repeated[i].form);
        char one[64];
        struct span stream = buf_span(&s->packed);
        check(stream.len <= sizeof(one));
        memcpy(one, stream.at, stream.len);
        while (s->packed.len < 200000)
            buf_add(&s->packed, span_make(one, stream.len));
        struct codings codings = {0};
        codings_add(&codings, span_text(repeated[i].name));
        struct decoder *decoder = decoder_new(&codings, buf_span(&s->packed), &s->text);
        unsigned slices = 1;
        while (decoder_run(decoder, 1000) == DECODED_MORE)
            slices++;
        check(slices > 100);
        check_number(s->text.len, 0);
        decoder_free(decoder);
        sample_free(s);
    }
}

TEST(codings_are_undone_from_the_last_to_the_first)
{
    struct sample *s = sample_new(SPAN(TEXT), AS_BARE);
    struct sample *twice = sample_new(buf_span(&s->packed), AS_GZIP);
    check_number(undo(twice, "deflate, gzip"), DECODED_WHOLE);
    check_span(buf_span(&twice->text), TEXT);
    check_number(undo(twice, "gzip, deflate"), DECODED_BROKEN);
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
    check_number(undo(s, "gzip, gzip, gzip"), DECODED_NOT);
    check_number(undo(s, "compress"), DECODED_NOT);
    check_number(undo(s, "gzip, compress"), DECODED_NOT);
    check_number(undo(s, "compress, gzip"), DECODED_NOT);
    check_number(undo(s, ""), DECODED_NOT);
    check_number(s->text.len, 0);
    sample_free(s);
}

TEST(all_streams_of_gzip_and_zstd_are_read_one_after_another)
{
    for (size_t i = 0; i < FORMS; i++) {
        struct sample *s = sample_new(SPAN("one "), forms[i].form);
        bool repeats = forms[i].form == AS_GZIP || forms[i].form == AS_ZSTD;
        pack(&s->packed, SPAN(""), forms[i].form);
        pack(&s->packed, SPAN("two"), forms[i].form);
        check_number(undo(s, forms[i].name), repeats ? DECODED_WHOLE : DECODED_BROKEN);
        check_span(buf_span(&s->text), repeats ? "one two" : "one ");
        sample_free(s);
    }
}

TEST(what_stands_behind_a_stream_breaks_it)
{
    for (size_t i = 0; i < FORMS; i++) {
        struct sample *s = sample_new(SPAN(TEXT), forms[i].form);
        buf_add(&s->packed, SPAN("&more=1"));
        check_number(undo(s, forms[i].name), DECODED_BROKEN);
        check_span(buf_span(&s->text), TEXT);
        sample_free(s);
    }
}

TEST(a_stream_that_is_cut_at_any_byte_gives_what_came_before)
{
    for (size_t i = 0; i < FORMS; i++) {
        struct sample *s = sample_new(SPAN(TEXT), forms[i].form);
        while (s->packed.len > 2) {
            s->packed.len--;
            check_number(undo(s, forms[i].name), DECODED_CUT);
            check(span_starts(SPAN(TEXT), buf_span(&s->text)));
        }
        sample_free(s);
    }
}

TEST(of_a_long_stream_that_is_cut_most_of_what_came_is_read)
{
    for (size_t i = 0; i < FORMS; i++) {
        struct sample *s = prose_new(400000, forms[i].form);
        s->packed.len = s->packed.len * 3 / 4;
        check_number(undo(s, forms[i].name), DECODED_CUT);
        check(s->text.len > 100000);
        sample_free(s);
    }
}

TEST(a_wrong_sum_is_broken)
{
    static const struct {
        enum form form;
        size_t from_end; /* where the sum stands */
        const char *name;
    } sums[] = {{AS_GZIP, 8, "gzip"}, {AS_ZLIB, 1, "deflate"}, {AS_ZSTD, 1, "zstd"}};
    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        struct sample *s = sample_new(SPAN(TEXT), sums[i].form);
        s->packed.at[s->packed.len - sums[i].from_end] ^= 1;
        check_number(undo(s, sums[i].name), DECODED_BROKEN);
        sample_free(s);
    }
}

TEST(plain_text_is_no_stream)
{
    for (size_t i = 0; i < FORMS; i++) {
        struct sample *s = sample_new(SPAN(TEXT), forms[i].form);
        buf_clear(&s->packed);
        buf_add(&s->packed, SPAN(TEXT));
        check_number(undo(s, forms[i].name), DECODED_BROKEN);
        check_number(s->text.len, 0);
        sample_free(s);
    }
}

static struct sample *zeros_new(size_t count, enum form form)
{
    char *zeros = calloc(1, count);
    check(zeros != NULL);
    struct sample *s = sample_new(span_make(zeros, count), form);
    free(zeros);
    return s;
}

TEST(a_bomb_ends_soon_after_the_ratio_is_passed)
{
    for (size_t i = 0; i < FORMS; i++) {
        struct sample *s = zeros_new(1 << 20, forms[i].form);
        check(s->packed.len < (1 << 20) / 900); /* so that it is one */
        check_number(undo(s, forms[i].name), DECODED_OVER);
        check(s->text.len <=
              s->packed.len * DECODED_RATIO + DECODED_RATIO_FROM + DECODED_ROUND_BYTES);
        sample_free(s);
    }
}

TEST(a_bomb_in_a_coding_is_one_too)
{
    struct sample *s = zeros_new(1 << 20, AS_BROTLI);
    struct sample *twice = sample_new(buf_span(&s->packed), AS_ZSTD);
    check_number(undo(twice, "br, zstd"), DECODED_OVER);
    check(twice->text.len <= DECODED_RATIO_FROM + DECODED_ROUND_BYTES);
    sample_free(s);
    sample_free(twice);
}

TEST(a_short_text_may_repeat_itself_beyond_the_ratio)
{
    for (size_t i = 0; i < FORMS; i++) {
        struct sample *s = zeros_new(DECODED_RATIO_FROM, forms[i].form);
        check(s->packed.len < DECODED_RATIO_FROM / DECODED_RATIO);
        check_number(undo(s, forms[i].name), DECODED_WHOLE);
        check_number(s->text.len, DECODED_RATIO_FROM);
        sample_free(s);
    }
}

TEST(the_ceiling_holds_to_the_byte)
{
    for (size_t i = 0; i < FORMS; i++) {
        struct sample *s = sample_new(SPAN(TEXT), forms[i].form);
        s->text.ceiling = sizeof(TEXT) - 1;
        check_number(undo(s, forms[i].name), DECODED_WHOLE);
        s->text.ceiling--;
        check_number(undo(s, forms[i].name), DECODED_OVER);
        check_number(s->text.len, sizeof(TEXT) - 2);
        sample_free(s);
    }
}

/* With the magic number of 0.7; libzstd's decoder of that form hands out memory as it found it. */
TEST(what_zstd_wrote_before_its_first_version_is_no_zstd)
{
    static const char old[] = "\x27\xb5\x2f\xfd\x20\x09\x49\x00\x3a\x00\x7b\xff\xff\xff\xff\xff";
    struct sample *s = sample_new(SPAN(TEXT), AS_ZSTD);
    check_number(undo(s, "zstd"), DECODED_WHOLE);
    buf_add(&s->packed, SPAN(old));
    check_number(undo(s, "zstd"), DECODED_BROKEN);
    check_span(buf_span(&s->text), TEXT);
    sample_free(s);
}

TEST(frames_that_are_to_be_skipped_are_skipped)
{
    struct sample *s = sample_new(SPAN(TEXT), AS_ZSTD);
    buf_add(&s->packed, SPAN("\x5f\x2a\x4d\x18\x03\0\0\0abc"));
    check_number(undo(s, "zstd"), DECODED_WHOLE);
    check_span(buf_span(&s->text), TEXT);
    sample_free(s);
}

TEST(zstd_frames_that_need_a_window_of_more_than_8_mib_are_not_begun)
{
    struct sample *s = sample_new(SPAN(""), AS_ZSTD);
    buf_clear(&s->packed);
    pack_zstd(&s->packed, SPAN(TEXT), DECODED_WINDOW_LOG);
    check_number(undo(s, "zstd"), DECODED_WHOLE);
    buf_clear(&s->packed);
    pack_zstd(&s->packed, SPAN(TEXT), DECODED_WINDOW_LOG + 1);
    check_number(undo(s, "zstd"), DECODED_OVER);
    check_number(s->text.len, 0);
    sample_free(s);
}

int decoder_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_coding_is_undone_under_all_its_names),
        cmocka_unit_test(every_pair_of_codings_is_undone),
        cmocka_unit_test(slices_change_nothing_and_end_soon),
        cmocka_unit_test(streams_of_nothing_end_a_slice_too),
        cmocka_unit_test(codings_are_undone_from_the_last_to_the_first),
        cmocka_unit_test(more_than_two_codings_and_unknown_ones_are_not_undone),
        cmocka_unit_test(all_streams_of_gzip_and_zstd_are_read_one_after_another),
        cmocka_unit_test(what_stands_behind_a_stream_breaks_it),
        cmocka_unit_test(a_stream_that_is_cut_at_any_byte_gives_what_came_before),
        cmocka_unit_test(of_a_long_stream_that_is_cut_most_of_what_came_is_read),
        cmocka_unit_test(a_wrong_sum_is_broken),
        cmocka_unit_test(plain_text_is_no_stream),
        cmocka_unit_test(a_bomb_ends_soon_after_the_ratio_is_passed),
        cmocka_unit_test(a_bomb_in_a_coding_is_one_too),
        cmocka_unit_test(a_short_text_may_repeat_itself_beyond_the_ratio),
        cmocka_unit_test(the_ceiling_holds_to_the_byte),
        cmocka_unit_test(what_zstd_wrote_before_its_first_version_is_no_zstd),
        cmocka_unit_test(frames_that_are_to_be_skipped_are_skipped),
        cmocka_unit_test(zstd_frames_that_need_a_window_of_more_than_8_mib_are_not_begun),
    };
    return cmocka_run_group_tests_name("decoder", tests, NULL, NULL);
}
