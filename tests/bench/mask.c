/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs to look for secrets in texts that are made to be hard: one piece over and over. CPU
 * time for 64 KiB and for four times as much; exit code 1 where that takes more than eight times as
 * long, or more than a microsecond for a byte: somebody could make a gateway stand still. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exporters/mask.h"
#include "rules/base/must.h"

enum { SHORT = 64 * 1024, LONG = 4 * SHORT, TIMES = 3, MOST_TIMES = 8, MOST_NS_A_BYTE = 1000 };

/* Half of what a sign, a name, a quote or a secret may be; each looks for its other half. */
static const char *const pieces[] = {"%253A%2F%2F",
                                     "%25253A%252F%252F",
                                     "%2F%25253A%252F",
                                     "%2F%2F25;%25253A",
                                     "%3A%252F%2F",
                                     ":%2F%2F",
                                     ":&#0",
                                     "0;",
                                     "a",
                                     "=",
                                     ":",
                                     "\"",
                                     "\":",
                                     "<",
                                     ">",
                                     "<a",
                                     "<password ",
                                     "<token>",
                                     "<token/>",
                                     "%3D",
                                     "%25",
                                     "%253D",
                                     "%25253D",
                                     "%5Cn",
                                     "25%",
                                     "%3Aa",
                                     "name=",
                                     ";name=password ",
                                     "<x name='pin' ",
                                     "pin=",
                                     "pin:\n",
                                     "pin:[",
                                     "\"pin\":{",
                                     "\\",
                                     "\\\"",
                                     "pin=\"",
                                     "://a:",
                                     "[[",
                                     "a.b.",
                                     "-----BEGIN ",
                                     "Bearer ",
                                     ";;",
                                     "pin='a'",
                                     "a&",
                                     ",a,",
                                     "<!--",
                                     "<![CDATA[",
                                     "pin=,",
                                     "\"pin\"",
                                     "eyJ.",
                                     "SG.",
                                     "\n--",
                                     ";name=pin\n\n",
                                     "key>",
                                     "pin>",
                                     "digest ",
                                     "]]",
                                     " : ",
                                     "\n",
                                     "+",
                                     "pin<",
                                     "\\u003d",
                                     "pin\\u003e",
                                     "pin&gt;",
                                     "&#58;",
                                     "pin:&quot;",
                                     "pin&quot;",
                                     "%3A%2F%2Fa%3A",
                                     ":\\/\\/a:",
                                     "\\u0022",
                                     "&quot;",
                                     "\"value\":",
                                     "\"value\":[",
                                     "\"name\":\"pin\",",
                                     "\"name\":pin,value:[",
                                     "value:1,id:",
                                     "\"value\":1,\"name\":\"x\",",
                                     "\"name\":pin,",
                                     "\"name\":pin,a:{},",
                                     "\"value\":{},",
                                     "\"name\":\"otp\",\"value\":\"\",",
                                     "\"name\":otp,value:[],value:[",
                                     "\"value\":1,\"id\":7,",
                                     "value=1;",
                                     "name=otp;values=",
                                     "name=x&amp;value=1&amp;",
                                     "name=x\\u0026value=1\\u0026",
                                     "value=name=name=x&",
                                     "u0026",
                                     "<name>otp</name><value/>",
                                     "<name>otp</name><value></value '\"",
                                     "<value/><value>",
                                     "\\t \\t",
                                     "otp:\\t ",
                                     "\"na\\u006de\":pin,",
                                     "name=pin&",
                                     "value=1&",
                                     "value=1&name=x&",
                                     "a[name]=pin&b[value]=1&",
                                     "%5Bname%5D=pin&%5Bvalue%5D=",
                                     " value=1 name=x",
                                     " value=\"",
                                     "<value>",
                                     "<name>",
                                     "<name>pin</name>",
                                     "<name>pin</name><value>",
                                     "<value>1</value>",
                                     "<value/><name>x</name>",
                                     "<name>pin</name><a/>",
                                     "\\t=",
                                     "pin\\t",
                                     "pin:\\t",
                                     "pin:\\n\\",
                                     "/token/0123456789abcdef",
                                     "%2Ftoken%2F0123456789abcdef",
                                     "%253D..",
                                     "a.%253a"};

static uint64_t now_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return (uint64_t)at.tv_sec * 1000000000U + (uint64_t)at.tv_nsec;
}

static uint64_t once_ns(struct span text)
{
    struct buf to;
    buf_init(&to, 8 * text.len);
    uint64_t start = now_ns();
    text_mask_secrets(&to, text);
    (void)text_may_have_secrets(text);
    (void)query_has_secret(text);
    uint64_t took = now_ns() - start;
    buf_fini(&to);
    return took;
}

/* The least of some times: what else the machine did is in the others. */
static uint64_t least_ns(const char *piece, size_t len)
{
    uint64_t least = UINT64_MAX;
    char *text = must_alloc(len);
    size_t size = strlen(piece);
    for (size_t i = 0; i < len; i++)
        text[i] = piece[i % size];
    for (unsigned i = 0; i < TIMES; i++) {
        uint64_t took = once_ns(span_make(text, len));
        least = took < least ? took : least;
    }
    free(text);
    return least;
}

int main(void)
{
    int code = 0;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        uint64_t once = least_ns(pieces[i], SHORT), fourfold = least_ns(pieces[i], LONG);
        bool grows = fourfold > MOST_TIMES * once,
             is_slow = fourfold > (uint64_t)MOST_NS_A_BYTE * LONG;
        for (const char *c = pieces[i]; *c != '\0'; c++)
            printf(*c == '\n' ? "\\n" : "%c", *c);
        printf("  %.1f ns a byte, of four times as much %.1f%s\n", (double)once / SHORT,
               (double)fourfold / LONG, grows || is_slow ? ": TOO LONG" : "");
        code |= grows || is_slow;
    }
    return code;
}
