/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/document.h"
#include "sidecar/config/yaml_text.h"
#include "tests/check.h"
#include "tests/unit/config/suites.h"

struct read {
    struct arena *arena;
    struct faults *faults;
    struct node *root;
};

static struct read parse(struct span text)
{
    struct read read = {arena_new(NULL, 1 << 20), faults_new(), NULL};
    struct document document = {
        .arena = read.arena, .faults = read.faults, .file = "f", .folder = "/", .has_lines = true};
    read.root = document_parse(&document, text);
    return read;
}

static void let_go(struct read *read)
{
    faults_free(read->faults);
    arena_free(read->arena);
}

static void check_place(const struct node *node, unsigned line, unsigned column)
{
    check(node != NULL);
    check_number(node->place.line, line);
    check_number(node->place.column, column);
}

TEST(every_value_knows_the_byte_that_it_begins_at)
{
    struct read read = parse(SPAN("\xef\xbb\xbf"
                                  "a: x\n\xc3\xa9\xe2\x82\xac: \"y\"\r\nl:\n  - 1\n  - {k: 2}\n"));
    check_place(tree_find(read.root, SPAN("a")), 1, 4); /* the mark of UTF-8 is no column */
    check_place(tree_find(read.root, SPAN("\xc3\xa9\xe2\x82\xac")), 2, 8);
    const struct node *list = tree_find(read.root, SPAN("l"));
    check_number(list->count, 2);
    check_place(tree_at(list, 0), 4, 5);
    check_place(tree_find(tree_at(list, 1), SPAN("k")), 5, 9);
    check_number(faults_count(read.faults, FAULT_ERROR), 0);
    let_go(&read);
}

TEST(no_bytes_at_all_are_an_empty_document)
{
    struct read read = parse(span_make(NULL, 0));
    check(read.root == NULL);
    let_go(&read);
}

TEST(maps_and_lists_in_flow_style_are_the_same_as_in_blocks)
{
    struct read read = parse(SPAN("a: {b: [x, 'y'], c: }"));
    check_span(tree_at(tree_find_path(read.root, SPAN("a.b")), 1)->text, "y");
    check(!tree_at(tree_find_path(read.root, SPAN("a.b")), 1)->plain);
    check(node_is_empty(tree_find_path(read.root, SPAN("a.c"))));
    check(tree_find_path(read.root, SPAN("a.b.c")) == NULL);
    let_go(&read);
}

TEST(a_text_that_is_printed_is_read_as_itself)
{
    static const char *const texts[] = {
        "plain",
        "two words",
        "-",
        "",
        "it's \"quoted\" \\ ${HOME}",
        "a\nb\tc\r\x7f",
        "next line \xc2\x85 and others \xe2\x80\xa8 of Unicode \xe2\x80\xa9 .",
        "\xc2\x80 may not stand as it is, nor may \xef\xbf\xbf",
        "\xef\xbb\xbf is a mark at the start alone",
        "\xc2\xa0 \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct buf text;
        buf_init(&text, 1024);
        buf_add(&text, SPAN("a: "));
        yaml_add_text(&text, span_text(texts[i]));
        struct read read = parse(buf_span(&text));
        check(read.root != NULL);
        check_span(tree_find(read.root, SPAN("a"))->text, texts[i]);
        let_go(&read);
        buf_fini(&text);
    }
}

static const struct {
    const char *text, *message;
    unsigned line, column;
} refusals[] = {
    {"", "there is nothing in it", 0, 0},
    {"# only words\n", "there is nothing in it", 0, 0},
    {"a: 1\n\tb: 2\n", "a tab stands where YAML wants spaces", 2, 1},
    {"a: 1\n---\nb: 2\n", "a second document begins here", 2, 1},
    {"a: 1\nb: &x 2\n", "anchors and aliases are not read here", 2, 4},
    {"a: 1\nb: *x\n", "anchors and aliases are not read here", 2, 4},
    {"a: !!int 1\n", "tags are not read here: each key knows its type", 1, 4},
    {"a: 1\nb: 2\na: 3\n", "the key 'a' stands here for the second time; the first is in line 1", 3,
     1},
    {"? [x]\n: 1\n", "a key is a name, not a list or a map", 1, 3},
    {"a: [1, 2\nb: 3\n", "did not find expected ',' or ']'", 2, 2},
    {"a: \xff\n", "this is no UTF-8 text", 1, 4},
    {"a: \x01\n", "a control character stands in the text", 1, 4},
    {"a: \"x\\0\"\n", "a NUL byte stands in the text", 1, 4},
    {"a: b: c\n", "mapping values are not allowed in this context", 1, 5},
};

TEST(what_is_no_plain_document_is_refused_at_its_place)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct read read = parse(span_text(refusals[i].text));
        const struct fault *fault = faults_at(read.faults, 0);
        if (fault == NULL || strcmp(fault->message, refusals[i].message) != 0 ||
            fault->place.line != refusals[i].line || fault->place.column != refusals[i].column)
            fail_msg("%zu: %s at %u:%u", i, fault != NULL ? fault->message : "nothing",
                     fault != NULL ? fault->place.line : 0,
                     fault != NULL ? fault->place.column : 0);
        let_go(&read);
    }
}

TEST(nesting_has_an_end)
{
    char text[101];
    memset(text, '[', 100);
    text[100] = '\0';
    struct read read = parse(span_text(text));
    check(read.root == NULL);
    check_span(span_text(faults_at(read.faults, 0)->message),
               "lists and maps are nested deeper than 32");
    let_go(&read);
}

TEST(a_tree_that_does_not_fit_is_refused)
{
    struct read read = {arena_new(NULL, 8192), faults_new(), NULL};
    struct document document = {
        .arena = read.arena, .faults = read.faults, .file = "f", .folder = "/"};
    char text[3000];
    memset(text, '\n', sizeof text);
    for (size_t i = 0; i + 4 < sizeof text; i += 4)
        memcpy(text + i, "- a\n", 4);
    check(document_parse(&document, span_make(text, sizeof text)) == NULL);
    check_span(span_text(faults_at(read.faults, 0)->message), "the file is too large");
    let_go(&read);
}

int document_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_knows_the_byte_that_it_begins_at),
        cmocka_unit_test(no_bytes_at_all_are_an_empty_document),
        cmocka_unit_test(maps_and_lists_in_flow_style_are_the_same_as_in_blocks),
        cmocka_unit_test(a_text_that_is_printed_is_read_as_itself),
        cmocka_unit_test(what_is_no_plain_document_is_refused_at_its_place),
        cmocka_unit_test(nesting_has_an_end),
        cmocka_unit_test(a_tree_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests_name("document", tests, NULL, NULL);
}
