/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"
#include "tests/hearing.h"
#include "tests/unit/body/story.h"
#include "tests/unit/body/suites.h"

#define ERROR "why XML parsing error: XML: "

TEST(all_text_is_one_value_and_every_attribute_another)
{
    check_story(XML("<?xml version=\"1.0\"?><a x='1'>one<b y=\"&lt;2&#62;&amp;\" z='3'/>"
                    "<!-- no --><c>t&amp;w<![CDATA[<o>]]></c></a>"),
                "text onet&w<o>\nattribute x=1\nattribute y=<2>&\nattribute z=3\n");
}

TEST(names_keep_their_prefix_and_declarations_are_no_attributes)
{
    check_story(XML("<s:a xmlns:s='urn:x' s:b='1' c='2'><d xmlns='urn:y' e='3'/></s:a>"),
                "attribute s:b=1\nattribute c=2\nattribute e=3\n");
}

TEST(white_space_between_elements_is_text)
{
    check_story(XML("<a>\n <b>x</b>\n</a>"), "text \n x\n\n");
}

TEST(an_empty_body_is_no_fault)
{
    check_story(XML(""), "");
}

TEST(what_is_not_well_formed_fails_and_gives_what_came_before)
{
    check_story(XML("<a>\n<b>x</c></a>"),
                "text \nx\nflag failed\n" ERROR "Failed parsing document (line 2).\n");
    check_story_has(XML("hello"), ERROR "Failed parsing document (line 1).");
    check_story_has(XML("<a>xyz"), ERROR "Failed parsing document (line 1).");
    check_story_has(XML("<a>xyz"), "text xyz");
    check_story_has(XML("<a></a><b/>"), ERROR "Failed parsing document (line 1).");
    check_story_has(XML("<a>&undeclared;</a>"), ERROR "Failed parsing document (line 1).");
    check_story_has(XML("<a x=1/>"), ERROR "Failed parsing document (line 1).");
}

/* The words come from a parser that says other ones by how it is fed. */
TEST(a_fault_is_told_in_the_same_words_wherever_the_pieces_are_cut)
{
    check_story(XML("<!DOCTYPE a SYSTEM \"b   <c>\r\n <d>\r\n</d>\r\n</c>"),
                "flag failed\n"
                "why XML parsing error: XML: Failed parsing document (line 4).\n");
}

TEST(a_body_of_many_blocks_is_read_whole)
{
    enum { ROWS = 5000 };
    struct buf text, want;
    buf_init(&text, 1 << 20);
    buf_init(&want, 1 << 20);
    buf_add(&text, SPAN("<a>"));
    buf_add(&want, SPAN("text "));
    for (int i = 0; i < ROWS; i++) {
        buf_format(&text, "<b>row %d</b>", i);
        buf_format(&want, "row %d", i);
    }
    buf_add(&text, SPAN("</a>"));
    buf_add(&want, SPAN("\n"));
    struct input input = {.kind = BODY_XML, .text = buf_span(&text)};
    check_story_in_pieces(&input, 40000, buf_span(&want));
    check_story_in_pieces(&input, 7, buf_span(&want));
    buf_fini(&text);
    buf_fini(&want);
}

TEST(a_body_that_was_cut_has_no_end_to_miss)
{
    struct input input = {
        .kind = BODY_XML, .text = SPAN_INIT("<a><b x='1'>one</b><c>two thr"), .cut = true};
    check_story(&input, "text onetwo thr\nattribute x=1\n");
    input.text = SPAN("<a><b></c>");
    check_story_has(&input, ERROR "Failed parsing document (line 1).");
}

TEST(a_document_type_is_passed_over_and_nothing_is_fetched)
{
    check_story(XML("<!DOCTYPE a PUBLIC '-//X' 'http://127.0.0.1:1/a.dtd'><a>x</a>"), "text x\n");
    check_story(XML("<!DOCTYPE a [<!ELEMENT a ANY>]><a>x</a>"), "text x\n");
    check_story_has(XML("<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/a.dtd'><a>&b;</a>"),
                    ERROR "Entity references are not allowed.");
}

TEST(entities_are_refused_of_any_kind)
{
    const char *said = ERROR "Entity declarations are not allowed.";
    check_story_has(XML("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>"), said);
    check_story_has(XML("<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>"), said);
    check_story_has(XML("<!DOCTYPE a [<!ENTITY % p SYSTEM 'http://127.0.0.1:1/'> %p;]><a/>"), said);
    check_story_has(XML("<!DOCTYPE a [<!ENTITY x 'lol'><!ENTITY y '&x;&x;&x;'>]><a b='&y;'/>"),
                    said);
    check_story_lacks(XML("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>"), "text");
}

TEST(depth_has_a_limit)
{
    struct input input = {.kind = BODY_XML,
                          .text = SPAN_INIT("<a><b><c/></b><b/></a>"),
                          .limits = {.arguments = 9, .depth = 3}};
    check_story(&input, "");
    input.limits.depth = 2;
    check_story(&input, "flag failed\n" ERROR "Parsing depth limit exceeded.\n");
}

TEST(depth_is_bounded_by_our_limit_alone)
{
    struct buf text;
    buf_init(&text, 1 << 16);
    for (int i = 0; i < 500; i++)
        buf_add(&text, SPAN("<a>"));
    for (int i = 0; i < 500; i++)
        buf_add(&text, SPAN("</a>"));
    struct input input = {.kind = BODY_XML, .text = buf_span(&text)};
    check_story_lacks(&input, "flag");
    buf_fini(&text);
}

TEST(other_encodings_are_read_as_utf_8)
{
    check_story(XML("<?xml version='1.0' encoding='ISO-8859-1'?><a b='\xe4'>\xfc</a>"),
                "text \xc3\xbc\nattribute b=\xc3\xa4\n");
    static const char utf16[] = "\xff\xfe<\0a\0>\0x\0<\0/\0a\0>\0";
    struct input input = {.kind = BODY_XML, .text = {utf16, sizeof utf16 - 1}};
    check_story(&input, "text x\n");
}

/* The parser calls such a document well-formed and hands out none of it. */
TEST(bytes_that_are_none_of_their_encoding_fail_in_silence)
{
    static const char utf16[] = "\xff\xfe<\0a\0>\0\x00\xd8x\0<\0/\0a\0>\0";
    struct input input = {.kind = BODY_XML, .text = {utf16, sizeof utf16 - 1}};
    struct hearing hearing = hearing_begin();
    check_story_has(&input, ERROR "Failed decoding document.");
    check_story_has(XML("<?xml version='1.0' encoding='shift_jis'?><a>1 union select\xff\xff</a>"),
                    ERROR "Failed decoding document.");
    check_number(hearing_end(&hearing), 0);
}

static const char order[] = "<o:order xmlns:o='u' id='7'><item>a<b>bold</b> end</item><item/>"
                            "<note> x &amp; y </note></o:order>";

TEST(elements_become_arguments_where_that_is_asked_for)
{
    struct input input = {.kind = BODY_XML,
                          .text = span_text(order),
                          .limits = {.arguments = 9, .depth = 9, .xml_view = XML_AS_BOTH}};
    check_story(&input, "arg xml.order.item.b=bold\narg xml.order.item=a end\narg xml.order.item=\n"
                        "arg xml.order.note= x & y \ntext abold end x & y \nattribute id=7\n");
    input.limits.xml_view = XML_AS_ARGUMENTS;
    check_story(&input, "arg xml.order.item.b=bold\narg xml.order.item=a end\narg xml.order.item=\n"
                        "arg xml.order.note= x & y \n");
    input.limits.arguments = 2;
    check_story(&input, "arg xml.order.item.b=bold\narg xml.order.item=a end\n"
                        "flag too_many_arguments\n");
}

TEST(elements_of_a_cut_document_are_arguments_too)
{
    struct input input = {.kind = BODY_XML,
                          .text = SPAN_INIT("<a><b>one</b><c>two"),
                          .limits = {.arguments = 9, .depth = 9, .xml_view = XML_AS_ARGUMENTS},
                          .cut = true};
    check_story(&input, "arg xml.a.b=one\narg xml.a.c=two\n");
}

int xml_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_text_is_one_value_and_every_attribute_another),
        cmocka_unit_test(names_keep_their_prefix_and_declarations_are_no_attributes),
        cmocka_unit_test(white_space_between_elements_is_text),
        cmocka_unit_test(an_empty_body_is_no_fault),
        cmocka_unit_test(what_is_not_well_formed_fails_and_gives_what_came_before),
        cmocka_unit_test(a_fault_is_told_in_the_same_words_wherever_the_pieces_are_cut),
        cmocka_unit_test(a_body_of_many_blocks_is_read_whole),
        cmocka_unit_test(a_body_that_was_cut_has_no_end_to_miss),
        cmocka_unit_test(a_document_type_is_passed_over_and_nothing_is_fetched),
        cmocka_unit_test(entities_are_refused_of_any_kind),
        cmocka_unit_test(elements_become_arguments_where_that_is_asked_for),
        cmocka_unit_test(elements_of_a_cut_document_are_arguments_too),
        cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(depth_is_bounded_by_our_limit_alone),
        cmocka_unit_test(other_encodings_are_read_as_utf_8),
        cmocka_unit_test(bytes_that_are_none_of_their_encoding_fail_in_silence),
    };
    return cmocka_run_group_tests_name("xml", tests, NULL, NULL);
}
