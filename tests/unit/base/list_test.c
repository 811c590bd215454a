/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/base/list.h"

#include "tests/check.h"
#include "tests/unit/base/suites.h"

struct item {
    int number;
    struct list link;
};

TEST(a_list_keeps_its_order)
{
    struct list list;
    struct item a = {.number = 1}, b = {.number = 2}, c = {.number = 3};
    list_init(&list);
    check(list_is_empty(&list) && list_first(&list) == NULL);
    list_add(&list, &b.link);
    list_add(&list, &c.link);
    list_add_first(&list, &a.link);
    int want = 1;
    for (struct list *at = list.next; at != &list; at = at->next)
        check_number(list_entry(at, struct item, link)->number, want++);
    check_number(want, 4);
    check(list_first(&list) == &a.link);
}

TEST(a_removed_link_stands_alone_and_may_be_removed_again)
{
    struct list list;
    struct item a = {.number = 1};
    list_init(&list);
    check(!list_is_linked(&a.link));
    list_add(&list, &a.link);
    check(list_is_linked(&a.link));
    list_remove(&a.link);
    check(!list_is_linked(&a.link));
    list_remove(&a.link);
    check(list_is_empty(&list));
}

int list_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_keeps_its_order),
        cmocka_unit_test(a_removed_link_stands_alone_and_may_be_removed_again),
    };
    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
