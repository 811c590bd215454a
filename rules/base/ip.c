/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/base/ip.h"

#include <arpa/inet.h>
#include <string.h>

#include "rules/base/must.h"
#include "rules/base/number.h"

static const uint8_t mapped[IP_MAPPED_BITS / 8] = {[10] = 0xff, [11] = 0xff};

bool ip_parse(struct span text, struct ip *out)
{
    char terminated[IP_TEXT_MOST];
    if (text.len == 0 || text.len >= sizeof(terminated) || memchr(text.at, '\0', text.len) != NULL)
        return false;
    memcpy(terminated, text.at, text.len);
    terminated[text.len] = '\0';
    if (span_find_byte(text, ':') != SPAN_NONE)
        return inet_pton(AF_INET6, terminated, out->at) == 1;
    memcpy(out->at, mapped, sizeof(mapped));
    return inet_pton(AF_INET, terminated, out->at + sizeof(mapped)) == 1;
}

bool ip_is_v4(const struct ip *ip)
{
    return memcmp(ip->at, mapped, sizeof(mapped)) == 0;
}

size_t ip_write(const struct ip *ip, char *to)
{
    bool v4 = ip_is_v4(ip);
    const char *written = v4 ? inet_ntop(AF_INET, ip->at + sizeof(mapped), to, IP_TEXT_MOST)
                             : inet_ntop(AF_INET6, ip->at, to, IP_TEXT_MOST);
    must(written != NULL);
    return strlen(to);
}

int ip_compare(const struct ip *a, const struct ip *b)
{
    return memcmp(a->at, b->at, sizeof(a->at));
}

/* All bits behind the first `bits` are zero. */
static bool rest_is_zero(const struct ip *ip, unsigned bits)
{
    for (unsigned i = bits; i < IP_BYTES * 8; i++)
        if ((ip->at[i / 8] >> (7 - i % 8)) & 1)
            return false;
    return true;
}

bool network_parse(struct span text, struct network *out)
{
    struct network network = {.bits = IP_BYTES * 8};
    struct span prefix = text;
    struct span address = span_cut(&prefix, '/');
    if (!ip_parse(address, &network.at))
        return false;
    if (prefix.at != NULL) {
        bool v4 = span_find_byte(address, ':') == SPAN_NONE;
        uint64_t bits;
        if (prefix.len > 3 || !number_parse(prefix, &bits) || bits > (v4 ? 32 : 128))
            return false;
        network.bits = (unsigned)bits + (v4 ? IP_MAPPED_BITS : 0);
    }
    if (!rest_is_zero(&network.at, network.bits))
        return false;
    *out = network;
    return true;
}

static bool holds(const struct network *network, const struct ip *ip)
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;
    if (memcmp(network->at.at, ip->at, whole) != 0)
        return false;
    return rest == 0 || (network->at.at[whole] ^ ip->at[whole]) >> (8 - rest) == 0;
}

bool network_has(const struct network *networks, size_t count, const struct ip *ip)
{
    for (size_t i = 0; i < count; i++)
        if (holds(&networks[i], ip))
            return true;
    return false;
}
