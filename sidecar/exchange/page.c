/* SPDX-License-Identifier: Apache-2.0 */
/* The body of an answer that is ours: for people in HTML, for programs in JSON, else one line of
 * text. It names the request's id, so that the log line is found, and nothing of the rule. */
#include <stdlib.h>

#include "rules/base/encode.h"
#include "sidecar/exchange/inside.h"

enum { PAGE_BYTES = 16 * 1024 };
enum form { FORM_JSON, FORM_HTML, FORM_TEXT };

static const struct {
    struct span type;
    struct span content_type;
} forms[] = {
    [FORM_JSON] = {SPAN_INIT("application/json"), SPAN_INIT("application/json")},
    [FORM_HTML] = {SPAN_INIT("text/html"), SPAN_INIT("text/html; charset=utf-8")},
    [FORM_TEXT] = {SPAN_INIT("text/plain"), SPAN_INIT("text/plain; charset=utf-8")},
};

/* The weight of a range in thousandths: RFC 9110 12.4.2. */
static unsigned weight(struct span parameters)
{
    while (parameters.at != NULL && parameters.len > 0) {
        struct span one = span_trim_ows(span_cut(&parameters, ';'));
        if (one.len < 3 || byte_lower(one.at[0]) != 'q' || one.at[1] != '=')
            continue;
        unsigned value = one.at[2] == '1' ? 1000 : 0, scale = 100;
        for (size_t i = 4; i < one.len && scale > 0 && byte_is_digit(one.at[i]); i++, scale /= 10)
            value += (unsigned)(one.at[i] - '0') * scale;
        return value > 1000 ? 1000 : value;
    }
    return 1000;
}

/* RFC 9110 12.5.1 over the three forms that there are. A browser names text/html; a client that
 * takes anything is a program. */
static enum form choose(struct span accept)
{
    enum form best = FORM_JSON;
    unsigned best_weight = 0;
    while (accept.at != NULL && accept.len > 0) {
        struct span range = span_cut(&accept, ',');
        struct span type = span_trim_ows(span_cut(&range, ';'));
        unsigned q = weight(range);
        for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
            if (q > best_weight && span_is_nocase(type, forms[i].type)) {
                best = (enum form)i;
                best_weight = q;
            }
        }
    }
    return best;
}

static void add_html(struct buf *to, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.at[i]) {
        case '<': buf_add(to, SPAN("&lt;")); break;
        case '>': buf_add(to, SPAN("&gt;")); break;
        case '&': buf_add(to, SPAN("&amp;")); break;
        case '"': buf_add(to, SPAN("&quot;")); break;
        default: buf_add_byte(to, text.at[i]);
        }
    }
}

static void write_json(struct buf *to, unsigned status, struct span reason, struct span text,
                       struct span id)
{
    buf_format(to, "{\"status\":%u,\"error\":", status);
    json_add_string(to, reason);
    buf_add(to, SPAN(",\"message\":"));
    json_add_string(to, text);
    buf_add(to, SPAN(",\"request_id\":"));
    json_add_string(to, id);
    buf_add(to, SPAN("}\n"));
}

static void write_html(struct buf *to, unsigned status, struct span reason, struct span text,
                       struct span id)
{
    buf_format(to, "<!doctype html>\n<html lang=\"en\"><head><title>%u ", status);
    add_html(to, reason);
    buf_format(to, "</title></head>\n<body><h1>%u ", status);
    add_html(to, reason);
    buf_add(to, SPAN("</h1><p>"));
    add_html(to, text);
    buf_add(to, SPAN("</p><p>Request id: <code>"));
    add_html(to, id);
    buf_add(to, SPAN("</code></p></body></html>\n"));
}

static struct span sentence(const struct exchange *x, unsigned status)
{
    if (x->error != NULL && span_is(span_text(x->error), SPAN("waf_blocked")))
        return x->settings->block_text;
    return status >= 500 ? SPAN("The service cannot answer this request now.")
                         : SPAN("This request was not accepted.");
}

struct span page_write(struct exchange *x, unsigned status, struct span *type)
{
    struct span reason = http_reason(status), text = sentence(x, status);
    struct span id = span_make(x->request_id, UUID_LENGTH);
    enum form form = choose(fields_get(&x->client->head->fields, SPAN("accept")));
    struct buf page;
    buf_init(&page, PAGE_BYTES);
    if (form == FORM_JSON)
        write_json(&page, status, reason, text, id);
    else if (form == FORM_HTML)
        write_html(&page, status, reason, text, id);
    else
        buf_format(&page, "%u " SPAN_FORMAT "\n" SPAN_FORMAT "\nRequest id: " SPAN_FORMAT "\n",
                   status, span_arg(reason), span_arg(text), span_arg(id));
    *type = forms[form].content_type;
    struct span kept = arena_copy(x->arena, buf_span(&page));
    buf_fini(&page);
    return kept;
}
