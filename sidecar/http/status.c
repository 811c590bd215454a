/* SPDX-License-Identifier: Apache-2.0 */
/* Status codes and their phrases: the IANA registry, and 499 as nginx made it known. */
#include "sidecar/http/fields.h"

struct status {
    unsigned code;
    struct span reason;
};

/* In the order of the codes: it is searched by halves. */
static const struct status statuses[] = {
    {100, SPAN_INIT("Continue")},
    {101, SPAN_INIT("Switching Protocols")},
    {102, SPAN_INIT("Processing")},
    {103, SPAN_INIT("Early Hints")},
    {200, SPAN_INIT("OK")},
    {201, SPAN_INIT("Created")},
    {202, SPAN_INIT("Accepted")},
    {203, SPAN_INIT("Non-Authoritative Information")},
    {204, SPAN_INIT("No Content")},
    {205, SPAN_INIT("Reset Content")},
    {206, SPAN_INIT("Partial Content")},
    {207, SPAN_INIT("Multi-Status")},
    {208, SPAN_INIT("Already Reported")},
    {226, SPAN_INIT("IM Used")},
    {300, SPAN_INIT("Multiple Choices")},
    {301, SPAN_INIT("Moved Permanently")},
    {302, SPAN_INIT("Found")},
    {303, SPAN_INIT("See Other")},
    {304, SPAN_INIT("Not Modified")},
    {305, SPAN_INIT("Use Proxy")},
    {307, SPAN_INIT("Temporary Redirect")},
    {308, SPAN_INIT("Permanent Redirect")},
    {400, SPAN_INIT("Bad Request")},
    {401, SPAN_INIT("Unauthorized")},
    {402, SPAN_INIT("Payment Required")},
    {403, SPAN_INIT("Forbidden")},
    {404, SPAN_INIT("Not Found")},
    {405, SPAN_INIT("Method Not Allowed")},
    {406, SPAN_INIT("Not Acceptable")},
    {407, SPAN_INIT("Proxy Authentication Required")},
    {408, SPAN_INIT("Request Timeout")},
    {409, SPAN_INIT("Conflict")},
    {410, SPAN_INIT("Gone")},
    {411, SPAN_INIT("Length Required")},
    {412, SPAN_INIT("Precondition Failed")},
    {413, SPAN_INIT("Content Too Large")},
    {414, SPAN_INIT("URI Too Long")},
    {415, SPAN_INIT("Unsupported Media Type")},
    {416, SPAN_INIT("Range Not Satisfiable")},
    {417, SPAN_INIT("Expectation Failed")},
    {421, SPAN_INIT("Misdirected Request")},
    {422, SPAN_INIT("Unprocessable Content")},
    {423, SPAN_INIT("Locked")},
    {424, SPAN_INIT("Failed Dependency")},
    {425, SPAN_INIT("Too Early")},
    {426, SPAN_INIT("Upgrade Required")},
    {428, SPAN_INIT("Precondition Required")},
    {429, SPAN_INIT("Too Many Requests")},
    {431, SPAN_INIT("Request Header Fields Too Large")},
    {451, SPAN_INIT("Unavailable For Legal Reasons")},
    {499, SPAN_INIT("Client Closed Request")},
    {500, SPAN_INIT("Internal Server Error")},
    {501, SPAN_INIT("Not Implemented")},
    {502, SPAN_INIT("Bad Gateway")},
    {503, SPAN_INIT("Service Unavailable")},
    {504, SPAN_INIT("Gateway Timeout")},
    {505, SPAN_INIT("HTTP Version Not Supported")},
    {506, SPAN_INIT("Variant Also Negotiates")},
    {507, SPAN_INIT("Insufficient Storage")},
    {508, SPAN_INIT("Loop Detected")},
    {511, SPAN_INIT("Network Authentication Required")},
};

struct span http_reason(unsigned status)
{
    size_t low = 0, high = sizeof statuses / sizeof *statuses;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (statuses[middle].code == status)
            return statuses[middle].reason;
        if (statuses[middle].code < status)
            low = middle + 1;
        else
            high = middle;
    }
    return SPAN("");
}
