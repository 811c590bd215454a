/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate version`: the program and the libraries that it runs with. */
#include <stdio.h>

#include <curl/curl.h>
#include <yaml.h>
#include <zlib.h>

#include "sidecar/arguments.h"
#include "sidecar/command.h"

static const struct argument_row rows[] = {{'j', "--json", NULL, "as one JSON document"}};
static const struct argument_table table = {
    "version [--json]", "Says what this program is made of.", rows, sizeof rows / sizeof *rows};

int command_version(int argc, char **argv)
{
    struct arguments arguments;
    bool json = false;
    arguments_begin(&arguments, &table, argc, argv);
    while (arguments_next(&arguments) != NULL)
        json = true;
    if (arguments.code >= 0)
        return arguments.code;
    const char *curl = curl_version_info(CURLVERSION_NOW)->version;
    printf(json ? "{\"version\":\"%s\",\"libcurl\":\"%s\",\"libyaml\":\"%s\",\"zlib\":\"%s\"}\n"
                : "sidegate %s (libcurl %s, libyaml %s, zlib %s)\n",
           SIDEGATE_VERSION, curl, yaml_get_version_string(), zlibVersion());
    return 0;
}
