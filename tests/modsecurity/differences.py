# SPDX-License-Identifier: Apache-2.0
"""Cases in which we do another thing than ModSecurity 3 on purpose: what we do, and why.

They are printed and counted apart, neither as passed nor as failed. A case that stands here and passes is a failure: its line
is to go."""

MULTIPART_BODY = ("REQUEST_BODY of a multipart body is empty unless ctl:forceRequestBodyVariable asks for it, as in ModSecurity 2 and "
                  "Coraza: rules of the CRS would read uploaded files as text")

ENTITIES = ("a document that declares entities of its own is refused (REQBODY_ERROR) and no tree is made of it: what an entity stands "
            "for is put together by the reader, who may be made to read files or to grow without end")

DIFFERENCES = {
    "config-secdefaultaction 6": "a second SecDefaultAction of a phase is taken and holds from there on, as in ModSecurity 2: "
                                 "files written for it load unchanged",
    "config-update-action-by-id 4": "a rule that says neither pass nor deny does what SecDefaultAction says, as ModSecurity's manual "
                                    "has it and version 2 does: with deny there, passing would open what its author closed",
    "config-update-target-by-id 4": "!ARGS:/x/ excludes values; the names in ARGS_NAMES, which attackers choose, are still looked at, "
                                    "as in ModSecurity 2",
    "config-xml_external_entity 1": ENTITIES,
    "config-xml_external_entity 2": "a schema or document type that a rule names is read when rules are loaded, whatever "
                                    "SecXmlExternalEntity says of what documents name; version 3 refuses every document then",
    "config-xml_external_entity 3": ENTITIES,
    "issue-1725 1": "DURATION is in microseconds, as in ModSecurity 2: operators compare whole numbers, and in seconds every request "
                    "would take 0",
    "issue-1812 1": "REQUEST_URI is not decoded, as in ModSecurity 2: rules ask it for broken escapes (920220 of CRS 3.3), and "
                    "t:urlDecode would decode a second time",
    "request-body-parser-multipart-crlf 1": "a value of several lines keeps its line ends, as the application gets it; version 3 "
                                            "drops them, so that words of two lines run together",
    "offset-variable 31": MULTIPART_BODY,
    "offset-variable 32": MULTIPART_BODY,
    "variable-ARGS_POST_NAMES 4": "where lines end with CRLF, ModSecurity points four bytes behind the name; the name is the same",
    "variable-FULL_REQUEST_LENGTH 1": "FULL_REQUEST begins with the request line, as the manual says, and is counted with it",
    "variable-QUERY_STRING 3": "QUERY_STRING of a target without a question mark is absent, not empty, as in ModSecurity 2: a negated "
                               "operator would match every request without a query",
    "variable-REQUEST_BODY 1": MULTIPART_BODY,
    "variable-XML 1": ENTITIES,
}
