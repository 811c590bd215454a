/* SPDX-License-Identifier: Apache-2.0 */
/* AWS's text transformations: those of SecLang under AWS's names where they mean the same, and the
 * few that AWS has of its own. */
#include <openssl/evp.h>

#include "rules/match/transformation.h"
#include "sidecar/guard/web_acl_inside.h"

static struct span none(struct span in, struct arena *arena)
{
    (void)arena;
    return in;
}

static struct span sha256(struct span in, struct arena *arena)
{
    enum { DIGEST_BYTES = 32 };
    char *to = arena_text(arena, DIGEST_BYTES);
    if (to == NULL || EVP_Digest(in.at != NULL ? in.at : "", in.len, (unsigned char *)to, NULL,
                                 EVP_sha256(), NULL) != 1)
        return span_make(NULL, 0);
    return span_make(to, DIGEST_BYTES);
}

/* What a shell drops between the letters of a word, and what it reads as a space. */
struct shell {
    const char *dropped, *spaces;
    bool folds_case;
};

static bool is_one_of(const char *bytes, char c)
{
    return c != '\0' && strchr(bytes, c) != NULL;
}

static struct span read_as_shell(const struct shell *shell, struct span in, struct arena *arena)
{
    char *to = arena_text(arena, in.len);
    size_t len = 0;
    if (to == NULL)
        return span_make(NULL, 0);
    for (size_t i = 0; i < in.len; i++) {
        char c = in.at[i];
        bool space = is_one_of(shell->spaces, c);
        if (is_one_of(shell->dropped, c) || (space && len > 0 && to[len - 1] == ' '))
            continue;
        if ((c == '/' || c == '(') && len > 0 && to[len - 1] == ' ')
            len--;
        to[len++] = (char)(space ? ' ' : shell->folds_case ? byte_lower(c) : c);
    }
    return span_make(to, len);
}

/* cmd.exe: the caret escapes, the backslash separates, , ; = are spaces, case does not matter. */
static struct span cmd_line_win(struct span in, struct arena *arena)
{
    static const struct shell shell = {"^\"", " \t\r\n,;=", true};
    return read_as_shell(&shell, in, arena);
}

/* sh: quotes and the backslash escape; case matters. */
static struct span cmd_line_unix(struct span in, struct arena *arena)
{
    static const struct shell shell = {"\\\"'", " \t\r\n", false};
    return read_as_shell(&shell, in, arena);
}

static const struct row {
    const char *name;
    web_acl_transform *own;
    const char *seclang; /* the transformation that means the same */
} rows[] = {
    {"NONE", none, NULL},
    {"BASE64_DECODE", NULL, "base64Decode"},
    {"BASE64_DECODE_EXT", NULL, "base64DecodeExt"},
    {"CMD_LINE", NULL, "cmdLine"},
    {"CMD_LINE_UNIX", cmd_line_unix, NULL},
    {"CMD_LINE_WIN", cmd_line_win, NULL},
    {"COMPRESS_WHITE_SPACE", NULL, "compressWhitespace"},
    {"CSS_DECODE", NULL, "cssDecode"},
    {"ESCAPE_SEQ_DECODE", NULL, "escapeSeqDecode"},
    {"HEX_DECODE", NULL, "hexDecode"},
    {"HTML_ENTITY_DECODE", NULL, "htmlEntityDecode"},
    {"JS_DECODE", NULL, "jsDecode"},
    {"JS_DECODE_EXT", NULL, "jsDecode"},
    {"LOWERCASE", NULL, "lowercase"},
    {"MD5", NULL, "md5"},
    {"NORMALIZE_PATH", NULL, "normalizePath"},
    {"NORMALIZE_PATH_WIN", NULL, "normalizePathWin"},
    {"REMOVE_COMMENTS_CHAR", NULL, "removeCommentsChar"},
    {"REMOVE_NULLS", NULL, "removeNulls"},
    {"REMOVE_WHITESPACE", NULL, "removeWhitespace"},
    {"REPLACE_COMMENTS", NULL, "replaceComments"},
    {"REPLACE_NULLS", NULL, "replaceNulls"},
    {"SHA256", sha256, NULL},
    {"SQL_HEX_DECODE", NULL, "sqlHexDecode"},
    {"TRIM", NULL, "trim"},
    {"TRIM_LEFT", NULL, "trimLeft"},
    {"TRIM_RIGHT", NULL, "trimRight"},
    {"UPPERCASE", NULL, "uppercase"},
    {"URL_DECODE", NULL, "urlDecode"},
    {"URL_DECODE_UNI", NULL, "urlDecodeUni"},
    {"UTF8_TO_UNICODE", NULL, "utf8toUnicode"},
};
enum { ROWS = sizeof rows / sizeof *rows };

web_acl_transform *web_acl_transform_find(struct span name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (span_is(name, span_text(rows[i].name)))
            return rows[i].own != NULL ? rows[i].own
                                       : transformation_find(span_text(rows[i].seclang))->apply;
    return NULL;
}

size_t web_acl_transform_names(const char *names[WEB_ACL_TRANSFORMS_MOST])
{
    for (size_t i = 0; i < ROWS; i++)
        names[i] = rows[i].name;
    return ROWS;
}
