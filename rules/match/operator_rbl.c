/* SPDX-License-Identifier: Apache-2.0 */
/* @rbl: is the value on a block list of the DNS (RFC 5782)? Addresses are asked for in reverse,
 * names as they are. */
#include "rules/match/operator_rows.h"

#include "rules/base/ip.h"

enum { NAME_MOST = 253, LABEL_MOST = 63 };

static const struct span http_bl = SPAN_INIT("dnsbl.httpbl.org");

/* ---- what is asked for ---- */

static void add_reversed(struct buf *to, const struct ip *ip)
{
    static const char digits[] = "0123456789abcdef";
    if (ip_is_v4(ip)) {
        for (size_t i = IP_BYTES; i > IP_MAPPED_BITS / 8; i--)
            buf_format(to, "%u.", ip->at[i - 1]);
        return;
    }
    for (size_t i = IP_BYTES; i > 0; i--)
        buf_format(to, "%c.%c.", digits[ip->at[i - 1] & 15], digits[ip->at[i - 1] >> 4]);
}

static bool is_host_name(struct span text)
{
    size_t label = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (!byte_is_alpha(c) && !byte_is_digit(c) && c != '-' && c != '_' && c != '.')
            return false;
        label = c == '.' ? 0 : label + 1;
        if (label > LABEL_MOST || (c == '.' && (i == 0 || text.at[i - 1] == '.')))
            return false;
    }
    return text.len > 0;
}

/* at NULL: the value is nothing that a list could have. */
static struct span name_of(struct span value, struct span list, struct arena *arena)
{
    struct buf name;
    struct ip ip;
    buf_init(&name, NAME_MOST);
    if (ip_parse(value, &ip)) {
        if (ip_is_v4(&ip) || !span_is_nocase(list, http_bl))
            add_reversed(&name, &ip);
    } else if (is_host_name(value) && !span_is_nocase(list, http_bl)) {
        buf_add(&name, value);
        if (value.at[value.len - 1] != '.')
            buf_add_byte(&name, '.');
    }
    bool worth = name.len > 0 && buf_add(&name, list) && is_host_name(buf_span(&name));
    struct span kept = worth ? arena_copy(arena, buf_span(&name)) : (struct span){NULL, 0};
    buf_fini(&name);
    return kept;
}

/* ---- what is found ---- */

/* The last part of http:BL's answers is a set of bits; none: a search engine. */
static const char *http_bl_kind(uint32_t address)
{
    static const char *const kinds[8] = {
        "Search Engine",
        "Suspicious IP",
        "Harvester IP",
        "Suspicious harvester IP",
        "Comment spammer IP",
        "Suspicious comment spammer IP",
        "Harvester and comment spammer IP",
        "Suspicious harvester comment spammer IP",
    };
    return kinds[address & 7];
}

static struct span say_found(struct operator_run *run, struct span name, uint32_t address)
{
    unsigned parts[4];
    for (unsigned i = 0; i < 4; i++)
        parts[i] = address >> (24 - 8 * i) & 255;
    if (span_is_nocase(run->argument, http_bl))
        return arena_format(run->arena,
                            "RBL lookup of " SPAN_FORMAT " succeeded at " SPAN_FORMAT
                            ". %s: %u days since last activity, threat score %u",
                            span_arg(name), span_arg(run->variable), http_bl_kind(address),
                            parts[1], parts[2]);
    return arena_format(
        run->arena, "RBL lookup of " SPAN_FORMAT " succeeded at " SPAN_FORMAT " (%u.%u.%u.%u).",
        span_arg(name), span_arg(run->variable), parts[0], parts[1], parts[2], parts[3]);
}

/* The key stands before the name, and in no message. at NULL: there should be one, and is not. */
static struct span with_key(const struct operator_run *run, struct span name)
{
    struct span key = run->lookups->http_bl_key;
    if (!span_is_nocase(run->argument, http_bl))
        return name;
    return key.at == NULL ? key
                          : arena_format(run->arena, SPAN_FORMAT "." SPAN_FORMAT, span_arg(key),
                                         span_arg(name));
}

enum operator_answer operator_run_rbl(const struct operator* op, struct operator_run *run)
{
    (void)op;
    if (run->lookups == NULL || run->lookups->ask == NULL)
        return OPERATOR_UNKNOWN;
    struct span name = name_of(run->value, run->argument, run->arena);
    if (name.at == NULL)
        return OPERATOR_NO;
    struct span asked = with_key(run, name);
    uint32_t address = 0;
    if (asked.at == NULL)
        return OPERATOR_UNKNOWN;
    switch (run->lookups->ask(run->lookups->context, asked, &address)) {
    case LOOKUP_UNKNOWN: return OPERATOR_UNKNOWN;
    case LOOKUP_NOT_LISTED: return OPERATOR_NO;
    case LOOKUP_LISTED: break;
    }
    run->captures.at[0] = say_found(run, name, address);
    run->captures.count = 1;
    return OPERATOR_YES;
}

bool operator_compile_rbl(struct operator* op, struct operator_build *build)
{
    if (op->argument.text.len == 0)
        return operator_fault(build, 0, "@rbl needs the name of a block list");
    return true;
}

bool operator_asks(const struct operator* op)
{
    return op->row->run == operator_run_rbl || operator_asks_place(op);
}
