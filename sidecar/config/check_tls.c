/* SPDX-License-Identifier: Apache-2.0 */
/* What a listener says of TLS as a whole. */
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
    if (tree_find(node, SPAN("certificates")) == NULL)
        refuse(reading, node->place, "certificates: [{ cert_file: tls.crt, key_file: tls.key }]",
               "listeners[].tls: there is no certificate to present");
    bool asks = tls->client_auth != TLS_CLIENT_AUTH_OFF;
    if (asks && tls->client_ca_file.at == NULL)
        refuse(reading, place_in(reading, node, "client_auth"), "add client_ca_file",
               "listeners[].tls.client_auth: who signs the certificates of clients?");
    if (!asks && tls->client_ca_file.at != NULL)
        refuse(reading, tls->client_ca_place, "client_auth: required",
               "listeners[].tls.client_ca_file: no client is asked for a certificate");
    if (!asks && tls->crl_file.at != NULL)
        refuse(reading, tls->crl_place, "client_auth: required",
               "listeners[].tls.crl_file: no client is asked for a certificate");
}

void tls_check(struct reading *reading)
{
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
