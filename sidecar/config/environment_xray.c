/* SPDX-License-Identifier: Apache-2.0 */
/* AWS_XRAY_DAEMON_ADDRESS, as X-Ray's SDKs have it: "host:port", of both, or "tcp:host:port
 * udp:host:port" in any order. Segments go to the one, the sampler asks the other for rules. */
#include "sidecar/config/environment.h"
#include "sidecar/wire/stream.h"

static const char name[] = "AWS_XRAY_DAEMON_ADDRESS";

struct daemon {
    struct span udp, tcp; /* at == NULL: not named */
};

static bool is_address(struct span text)
{
    struct address address;
    return span_find_byte(text, '/') == SPAN_NONE && address_parse(text, &address);
}

static bool read_daemon(struct span text, struct daemon *to)
{
    *to = (struct daemon){.udp = {NULL, 0}};
    if (is_address(text)) {
        to->udp = to->tcp = text;
        return true;
    }
    while (text.at != NULL) {
        struct span address = span_trim(span_cut(&text, ' '), " "), kind = span_cut(&address, ':');
        if (kind.len == 0 && address.at == NULL)
            continue;
        if (!is_address(address))
            return false;
        if (span_is(kind, SPAN("udp")))
            to->udp = address;
        else if (span_is(kind, SPAN("tcp")))
            to->tcp = address;
        else
            return false;
    }
    return to->udp.at != NULL && to->tcp.at != NULL;
}

/* Is one of the words of the setting, a text or a list, this one? */
static bool names(const struct node *root, const char *path, struct span word)
{
    const struct node *node = tree_find_path(root, span_text(path));
    const struct node *item = node != NULL && node->kind == NODE_LIST ? node->first : node;
    for (; item != NULL; item = item == node ? NULL : item->next) {
        struct span rest = item->kind == NODE_SCALAR ? item->text : span_make(NULL, 0);
        while (rest.at != NULL)
            if (span_is(span_trim(span_cut(&rest, ','), " "), word))
                return true;
    }
    return false;
}

static void set(struct node *root, struct arena *arena, const char *path, struct span text)
{
    struct node *node = arena_alloc(arena, sizeof *node);
    struct span wrong;
    if (node == NULL || tree_find_path(root, span_text(path)) != NULL)
        return;
    *node = (struct node){.kind = NODE_SCALAR,
                          .place = {.file = name},
                          .text = span_text(arena_string(arena, text)),
                          .folder = "."};
    node->key_place = node->place;
    tree_set(root, arena, span_text(path), node, &wrong);
}

void environment_add_xray(const struct environment *environment, struct node *root,
                          struct arena *arena, struct faults *faults)
{
    struct span text = span_trim(span_text(environment->get(environment->context, name)), " ");
    bool exports = names(root, "traces.exporter", SPAN("xray"));
    bool samples = names(root, "traces.sampler", SPAN("xray"));
    bool is_file = tree_find_path(root, SPAN("traces.xray.sampling.file")) != NULL;
    struct daemon daemon;
    if (text.len == 0 || (!exports && !samples))
        return;
    if (!read_daemon(text, &daemon)) {
        fault_add(faults, FAULT_WARNING, (struct place){.file = name}, span_make(NULL, 0),
                  "'" SPAN_FORMAT "' is ignored: expected 127.0.0.1:2000, or tcp:127.0.0.1:2000 "
                  "udp:127.0.0.1:2000, numeric",
                  span_arg(span_first(text, 200)));
        return;
    }
    if (exports)
        set(root, arena, "traces.xray.address", daemon.udp);
    if (samples && !is_file)
        set(root, arena, "traces.xray.sampling.endpoint",
            arena_format(arena, "http://" SPAN_FORMAT, span_arg(daemon.tcp)));
}
