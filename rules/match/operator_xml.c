/* SPDX-License-Identifier: Apache-2.0 */
/* @validateSchema and @validateDTD: they match a document that the file does not allow, and one
 * that is no document at all. */
#include "rules/match/operator_rows.h"

enum { FILE_MOST = 16 << 20 };

static bool read_definition(struct operator* op, struct operator_build *build, struct buf *file)
{
    buf_init(file, FILE_MOST);
    return operator_read_file(build, span_trim(op->argument.text, " \t"), file);
}

bool operator_compile_validate_schema(struct operator* op, struct operator_build *build)
{
    struct buf file;
    bool read = read_definition(op, build, &file);
    op->schema = read ? xml_schema_new(buf_span(&file)) : NULL;
    if (read && op->schema == NULL)
        operator_fault(build, 0, "the file is no XML Schema: " SPAN_FORMAT,
                       span_arg(span_first(op->argument.text, 120)));
    buf_fini(&file);
    return op->schema != NULL;
}

bool operator_compile_validate_dtd(struct operator* op, struct operator_build *build)
{
    struct buf file;
    bool read = read_definition(op, build, &file);
    bool valid = read && xml_dtd_is_valid(buf_span(&file));
    if (valid)
        op->definition = arena_copy(build->arena, buf_span(&file));
    else if (read)
        operator_fault(build, 0, "the file is no document type definition: " SPAN_FORMAT,
                       span_arg(span_first(op->argument.text, 120)));
    buf_fini(&file);
    return valid;
}

void operator_release_schema(struct operator* op)
{
    xml_schema_free(op->schema);
}

/* What is wrong is what the operator found. */
static enum operator_answer answer(struct operator_run *run, bool allows, struct span why)
{
    if (!allows && why.len > 0) {
        run->captures.at[0] = why;
        run->captures.count = 1;
    }
    return operator_answer_of(!allows);
}

enum operator_answer operator_run_validate_schema(const struct operator* op,
                                                  struct operator_run *run)
{
    struct span why = {NULL, 0};
    bool allows =
        run->document != NULL && xml_schema_allows(op->schema, run->document, run->arena, &why);
    return answer(run, allows, why);
}

enum operator_answer operator_run_validate_dtd(const struct operator* op, struct operator_run *run)
{
    struct span why = {NULL, 0};
    bool allows =
        run->document != NULL && xml_dtd_allows(op->definition, run->document, run->arena, &why);
    return answer(run, allows, why);
}
