/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/exporters/audited.h"

#include "exporters/queue.h"
#include "rules/base/arena.h"
#include "tests/check.h"

const struct span audited_multipart =
    SPAN_INIT("--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none & 2\r\n"
              "--xyz\r\nContent-Disposition: form-data; name=\"f\"; "
              "filename=\"x.txt\"\r\nContent-Type: text/plain\r\n\r\nfile\r\nbody\r\n"
              "--xyz--\r\n");

const struct pair audited_request_fields[3] = {
    {SPAN_INIT("Host"), SPAN_INIT("shop.example:8443")},
    {SPAN_INIT("Content-Type"), SPAN_INIT("application/x-www-form-urlencoded")},
    {SPAN_INIT("Cookie"), SPAN_INIT("sid=s3ssion; theme=dark")},
};
const struct pair audited_multipart_fields[1] = {
    {SPAN_INIT("Content-Type"), SPAN_INIT("multipart/form-data; boundary=xyz")}};
static const struct pair response_fields[] = {
    {SPAN_INIT("Content-Type"), SPAN_INIT("text/html")},
    {SPAN_INIT("Set-Cookie"), SPAN_INIT("a=1")},
    {SPAN_INIT("set-cookie"), SPAN_INIT("b=2")},
};

struct report audited(const char *parts)
{
    struct report report = sample_report();
    report.method = SPAN("POST");
    report.status = 403;
    report.waf.action = WAF_BLOCK;
    report.audit = (struct report_audit){
        .wanted = true,
        .parts = span_text(parts),
        .components = SPAN("OWASP_CRS/4.0.0"),
        .request_fields = audited_request_fields,
        .request_field_count = 3,
        .response_fields = response_fields,
        .response_field_count = 3,
        .request_body = SPAN("q=1&password=h%75nter2"),
        .response_body = SPAN("<p>no</p>\r\n"),
        .fields_of_form = SPAN("q=1&password=h%75nter2"),
    };
    return report;
}

void audited_begin(struct audited_scene *f)
{
    buf_init(&f->out, QUEUE_LARGEST_BYTES);
    buf_init(&f->scratch, QUEUE_ITEM_BYTES);
    f->arena = arena_new(NULL, 1 << 20);
}

void audited_end(struct audited_scene *f)
{
    buf_fini(&f->out);
    buf_fini(&f->scratch);
    arena_free(f->arena);
}

struct span audited_written(struct audited_scene *f, const struct report *report,
                            enum audit_format format)
{
    buf_clear(&f->out);
    audit_add(&f->out, report, format, &f->scratch);
    check(!buf_is_full(&f->out));
    return buf_span(&f->out);
}
