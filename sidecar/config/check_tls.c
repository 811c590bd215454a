/* SPDX-License-Identifier: Apache-2.0 */
/* What listeners and upstreams say of TLS as a whole. */
#include "sidecar/config/read.h"

enum { REFRESH_US = 10000000 };

static struct place place_in(const struct reading *reading, const struct node *tls, const char *key)
{
    const struct node *found = tree_find(tls, span_text(key));
    struct place place = (found != NULL ? found : tls)->place;
    place.file = arena_string(reading->arena, span_text(place.file));
    return place;
}

static void refuse(struct reading *reading, struct place place, const char *hint,
                   const char *message)
{
    fault_add(reading->faults, FAULT_ERROR, place, span_text(hint), "%s", message);
}

static void check_one(struct reading *reading, const struct node *node,
                      struct listener_tls_settings *tls)
{
    tls->place = place_in(reading, node, "certificates");
    tls->ciphers_place = place_in(reading, node, "ciphers");
    tls->client_ca_place = place_in(reading, node, "client_ca_file");
    tls->crl_place = place_in(reading, node, "crl_file");
    if (tree_find(node, SPAN("refresh")) == NULL)
        tls->refresh_us = REFRESH_US;
    if (tree_find(node, SPAN("certificates")) == NULL &&
        !reading_refused_key(reading, node, "certificates"))
        refuse(reading, node->place, "certificates: [{ cert_file: tls.crt, key_file: tls.key }]",
               "listeners[].tls: there is no certificate to present");
    bool asks = tls->client_auth != TLS_CLIENT_AUTH_OFF ||
                reading_refused_key(reading, node, "client_auth");
    if (tls->client_auth != TLS_CLIENT_AUTH_OFF && tls->client_ca_file.at == NULL &&
        !reading_refused_key(reading, node, "client_ca_file"))
        refuse(reading, place_in(reading, node, "client_auth"), "add client_ca_file",
               "listeners[].tls.client_auth: who signs the certificates of clients?");
    if (!asks && tls->client_ca_file.at != NULL)
        refuse(reading, tls->client_ca_place, "client_auth: required",
               "listeners[].tls.client_ca_file: no client is asked for a certificate");
    if (!asks && tls->crl_file.at != NULL)
        refuse(reading, tls->crl_place, "client_auth: required",
               "listeners[].tls.crl_file: no client is asked for a certificate");
}

static void check_upstream(struct reading *reading, const struct node *upstream,
                           struct upstream_tls_settings *tls)
{
    const struct node *node = tree_find(upstream, SPAN("tls"));
    if (node == NULL || node->kind != NODE_MAP)
        return;
    tls->ca_place = place_in(reading, node, "ca_file");
    tls->cert_place = place_in(reading, node, "cert_file");
    tls->key_place = place_in(reading, node, "key_file");
    if (!tls->on && !reading_refused_key(reading, upstream, "targets"))
        refuse(reading, place_in(reading, upstream, "tls"), "targets: [\"https://127.0.0.1:8443\"]",
               "upstreams.*.tls: the targets are not https://");
    if ((tls->cert_file.at != NULL) != (tls->key_file.at != NULL) &&
        !reading_refused(reading, node))
        refuse(reading, tls->cert_place, "cert_file: and key_file:",
               "upstreams.*.tls: a certificate and its key go together");
    if (tls->server_name.len > 253)
        refuse(reading, place_in(reading, node, "server_name"), "",
               "upstreams.*.tls.server_name: no host has such a long name");
}

static void check_upstreams(struct reading *reading)
{
    union { /* as with the listeners */
        const struct upstream_settings *in;
        struct upstream_settings *out;
    } upstreams = {reading->settings->upstreams};
    const struct node *map = tree_find(reading->root, SPAN("upstreams"));
    const struct node *node = map != NULL ? map->first : NULL;
    for (size_t i = 0; node != NULL && i < reading->settings->upstream_count;
         i++, node = node->next)
        check_upstream(reading, node, &upstreams.out[i].tls);
}

void tls_check(struct reading *reading)
{
    check_upstreams(reading);
    union { /* the settings are still being made; nobody else sees them */
        const struct listener_settings *in;
        struct listener_settings *out;
    } listeners = {reading->settings->listeners};
    const struct node *list = tree_find(reading->root, SPAN("listeners"));
    for (size_t i = 0; list != NULL && i < reading->settings->listener_count; i++) {
        const struct node *item = tree_at(list, i);
        const struct node *tls = item != NULL ? tree_find(item, SPAN("tls")) : NULL;
        if (tls != NULL && tls->kind == NODE_MAP)
            check_one(reading, tls, &listeners.out[i].tls);
    }
}
