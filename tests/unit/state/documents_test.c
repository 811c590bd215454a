/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/state/documents.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/unit/state/suites.h"

#define FROM SPAN("http://lists.example/a")

static enum documents_offer offer(struct documents *documents, const char *bytes)
{
    struct document fetched = {.bytes = span_text(bytes),
                               .etag = SPAN("\"v1\""),
                               .last_modified = SPAN("Sun, 06 Nov 1994 08:49:37 GMT"),
                               .fetched_wall_us = 7};
    return documents_offer(documents, FROM, &fetched);
}

static void judge(struct documents *documents, bool is_good)
{
    struct document *document = documents_unjudged(documents, FROM);
    check(document != NULL);
    documents_judge(documents, FROM, document, is_good ? NULL : "it is no list");
    document_give(document);
}

/* "": there is none. */
static void check_good(struct documents *documents, const char *bytes)
{
    struct document *document = documents_good(documents, FROM);
    check_span(document != NULL ? document->bytes : SPAN(""), bytes);
    document_give(document);
}

TEST(a_document_is_good_once_it_was_judged_so)
{
    struct documents *documents = documents_new();
    check(documents_good(documents, FROM) == NULL && documents_unjudged(documents, FROM) == NULL);
    check_number(offer(documents, "one"), OFFER_NEW);
    check_good(documents, "");
    judge(documents, true);
    check_good(documents, "one");
    check(documents_unjudged(documents, FROM) == NULL);
    check(documents_good(documents, SPAN("http://lists.example/b")) == NULL);
    documents_free(documents);
}

TEST(a_bad_one_leaves_the_last_good_one_and_is_not_judged_twice)
{
    struct documents *documents = documents_new();
    offer(documents, "one");
    judge(documents, true);
    check_number(offer(documents, "<html>"), OFFER_NEW);
    judge(documents, false);
    check_good(documents, "one");
    uint64_t generation = documents_generation(documents);
    check_number(offer(documents, "<html>"), OFFER_BAD);
    check(documents_generation(documents) == generation);
    documents_free(documents);
}

TEST(why_the_last_one_is_bad_is_known_until_the_good_one_comes_again)
{
    struct documents *documents = documents_new();
    char why[64];
    offer(documents, "one");
    judge(documents, true);
    uint64_t generation = documents_generation(documents);
    check_number(offer(documents, "one"), OFFER_SAME);
    check(documents_generation(documents) == generation);
    for (unsigned turn = 0; turn < 2; turn++) {
        offer(documents, "<html>");
        judge(documents, false);
        check(documents_is_bad(documents, FROM, why, sizeof why));
        check_span(span_text(why), "it is no list");
        if (turn == 0)
            check_number(offer(documents, "one"), OFFER_SAME);
        else
            documents_confirm(documents, FROM);
        check(!documents_is_bad(documents, FROM, why, sizeof why));
    }
    documents_free(documents);
}

TEST(a_document_that_came_while_another_was_judged_is_judged_too)
{
    struct documents *documents = documents_new();
    offer(documents, "one");
    struct document *first = documents_unjudged(documents, FROM);
    check_number(offer(documents, "two"), OFFER_NEW);
    documents_judge(documents, FROM, first, NULL);
    document_give(first);
    check_good(documents, "one");
    judge(documents, true);
    check_good(documents, "two");
    documents_free(documents);
}

TEST(a_document_outlives_the_one_that_takes_its_place)
{
    struct documents *documents = documents_new();
    offer(documents, "one");
    judge(documents, true);
    struct document *old = documents_good(documents, FROM);
    offer(documents, "two");
    judge(documents, true);
    documents_free(documents);
    check_span(old->bytes, "one");
    document_give(old);
}

/* ---- the folder ---- */

struct folder {
    char path[64], file[512];
};

static void folder_open(struct folder *folder)
{
    snprintf(folder->path, sizeof folder->path, "/tmp/documents-XXXXXX");
    check(mkdtemp(folder->path) != NULL);
}

static void find_file(struct folder *folder)
{
    DIR *dir = opendir(folder->path);
    check(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.')
            snprintf(folder->file, sizeof folder->file, "%s/%s", folder->path, entry->d_name);
    closedir(dir);
}

static void keep(const struct folder *folder, const char *bytes)
{
    struct documents *documents = documents_new();
    documents_keep_in(documents, span_text(folder->path));
    offer(documents, bytes);
    judge(documents, true);
    documents_free(documents);
}

static void check_kept(const struct folder *folder, const char *bytes)
{
    struct documents *documents = documents_new();
    documents_keep_in(documents, span_text(folder->path));
    check_good(documents, bytes);
    documents_free(documents);
}

TEST(the_good_one_is_there_after_a_restart_with_all_that_is_known_of_it)
{
    struct folder folder;
    folder_open(&folder);
    keep(&folder, "one\nand more\n");
    struct documents *documents = documents_new();
    documents_keep_in(documents, span_text(folder.path));
    struct document *kept = documents_good(documents, FROM);
    check(kept != NULL);
    check_span(kept->bytes, "one\nand more\n");
    check_span(kept->etag, "\"v1\"");
    check_span(kept->last_modified, "Sun, 06 Nov 1994 08:49:37 GMT");
    check_number(kept->fetched_wall_us, 7);
    document_give(kept);
    check(documents_good(documents, SPAN("http://lists.example/b")) == NULL);
    documents_free(documents);
    keep(&folder, "two");
    check_kept(&folder, "two");
    find_file(&folder);
    unlink(folder.file);
    check(rmdir(folder.path) == 0); /* nothing else was left there */
}

TEST(a_file_that_is_cut_short_or_changed_or_may_be_written_by_all_is_not_there)
{
    struct folder folder;
    folder_open(&folder);
    keep(&folder, "one and more");
    find_file(&folder);
    check(chmod(folder.file, 0602) == 0);
    check_kept(&folder, "");
    check(chmod(folder.file, 0600) == 0);
    check_kept(&folder, "one and more");
    FILE *file = fopen(folder.file, "r+");
    check(file != NULL && fseek(file, -1, SEEK_END) == 0);
    fputc('x', file);
    fclose(file);
    check_kept(&folder, "");
    struct stat now;
    check(stat(folder.file, &now) == 0);
    for (off_t size = now.st_size - 1; size >= 0; size -= 7) {
        check(truncate(folder.file, size) == 0);
        check_kept(&folder, "");
    }
    unlink(folder.file);
    check(rmdir(folder.path) == 0);
}

static void put_kept(struct documents *documents, const char *from)
{
    struct document fetched = {.bytes = SPAN("one")};
    documents_offer(documents, span_text(from), &fetched);
    struct document *document = documents_unjudged(documents, span_text(from));
    documents_judge(documents, span_text(from), document, NULL);
    document_give(document);
}

static size_t count_files(const struct folder *folder)
{
    size_t count = 0;
    DIR *dir = opendir(folder->path);
    check(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

TEST(what_nobody_holds_any_more_goes_with_its_file)
{
    struct folder folder;
    struct documents *documents = documents_new();
    folder_open(&folder);
    documents_keep_in(documents, span_text(folder.path));
    documents_hold(documents, FROM);
    documents_hold(documents, FROM);
    documents_hold(documents, SPAN("other"));
    put_kept(documents, "http://lists.example/a");
    put_kept(documents, "other");
    documents_sweep(documents);
    check_number(count_files(&folder), 2);
    documents_leave(documents, FROM);
    check_good(documents, "one");
    documents_leave(documents, FROM);
    check_number(count_files(&folder), 1);
    check_good(documents, "");
    documents_keep_in(documents, span_make(NULL, 0)); /* the end of a process: it is for the next */
    documents_leave(documents, SPAN("other"));
    check_number(count_files(&folder), 1);
    documents_free(documents);
    find_file(&folder);
    unlink(folder.file);
    check(rmdir(folder.path) == 0);
}

TEST(files_of_an_earlier_process_go_once_a_configuration_is_in_force)
{
    struct folder folder;
    struct documents *documents = documents_new();
    char path[128];
    folder_open(&folder);
    keep(&folder, "one");
    documents_keep_in(documents, span_text(folder.path));
    documents_hold(documents, FROM); /* of one that is refused: nothing is in force yet */
    documents_leave(documents, FROM);
    check_number(count_files(&folder), 1);
    documents_hold(documents, SPAN("other"));
    put_kept(documents, "other");
    snprintf(path, sizeof path, "%s/fetched-0123456789abcdef.new", folder.path);
    fclose(fopen(path, "w"));
    snprintf(path, sizeof path, "%s/fetched-by-somebody-else", folder.path);
    fclose(fopen(path, "w"));
    check_number(count_files(&folder), 4);
    documents_sweep(documents);
    check_number(count_files(&folder), 2);
    unlink(path);
    documents_leave(documents, SPAN("other"));
    check(rmdir(folder.path) == 0);
    documents_free(documents);
}

TEST(who_began_together_does_not_ask_together)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (uint64_t chance = 0; chance < UINT64_C(7654321) * 50; chance += 7654321) {
        uint64_t wait = documents_wait_us(600000000, 0, chance);
        least = wait < least ? wait : least;
        most = wait > most ? wait : most;
    }
    check(least >= 540000000 && least < 550000000);
    check(most <= 600000000 && most > 590000000);
    check_number(documents_wait_us(600000000, 1, 0), 1000000);
    check_number(documents_wait_us(600000000, 4, 0), 8000000);
    check_number(documents_wait_us(600000000, 99, 0), 600000000);
    check_number(documents_wait_us(100000, 1, 0), 100000);
}

int documents_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_is_good_once_it_was_judged_so),
        cmocka_unit_test(a_bad_one_leaves_the_last_good_one_and_is_not_judged_twice),
        cmocka_unit_test(why_the_last_one_is_bad_is_known_until_the_good_one_comes_again),
        cmocka_unit_test(a_document_that_came_while_another_was_judged_is_judged_too),
        cmocka_unit_test(a_document_outlives_the_one_that_takes_its_place),
        cmocka_unit_test(the_good_one_is_there_after_a_restart_with_all_that_is_known_of_it),
        cmocka_unit_test(a_file_that_is_cut_short_or_changed_or_may_be_written_by_all_is_not_there),
        cmocka_unit_test(what_nobody_holds_any_more_goes_with_its_file),
        cmocka_unit_test(files_of_an_earlier_process_go_once_a_configuration_is_in_force),
        cmocka_unit_test(who_began_together_does_not_ask_together),
    };
    return cmocka_run_group_tests_name("documents", tests, NULL, NULL);
}
