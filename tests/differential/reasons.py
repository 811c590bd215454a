# SPDX-License-Identifier: Apache-2.0
"""Why the two sides may differ, and why ours is right: name, words, and a predicate over one thing of one difference. A thing is a
rule's id that only one side logged, or "status". What no row takes is unexplained and fails the run."""
import re
from urllib.parse import unquote_to_bytes
from xml.parsers import expat

from engine import subject

ROWS = []     # each stands for itself
FOLLOWS = []  # hold only beside something of the same request that a row of ROWS explains


ZERO = "30"   # "0" in hexadecimal digits
BROKEN = ("no name", "empty name", "name twice", "no semicolon", "unknown parameter", "upper case", "attachment", "no headers", "other header",
          "two dispositions", "header without colon", "no final", "cut in a part", "cut in headers", "no boundary at all", "boundary with space",
          "longer boundary", "only final", "parameter empty")


def number_of(thing):
    """The rule's id; 0 for the status."""
    return thing[0] if isinstance(thing, tuple) else thing if isinstance(thing, int) else 0


def is_utf8(d):
    try:
        unquote_to_bytes(d.target).decode()
        return True
    except UnicodeDecodeError:
        return False


def is_document(text):
    try:
        expat.ParserCreate().Parse(text, True)
        return True
    except expat.ExpatError:
        return False


def without_ends(said):
    return said and said.replace("0d0a", "").replace("0a", "")


def reason(name, why, rows=ROWS):
    def keep(holds):
        rows.append((name, why, holds))
        return holds
    return keep


# ---- what stands before the rules ----

@reason("nginx refuses", "nginx answers 400 or 505 itself where it does not take what came for HTTP (CONNECT, OPTIONS *, two framings, a "
        "bar in the method, an empty Host, version 3); here rules judge it")
def _(d, thing):
    return d.theirs.status in (400, 505) and not d.theirs.ids


@reason("refused here", "a fragment or stray bytes in the request line, or no Host: 400 before any rule, which is what the CRS's tests "
        "expect; nginx passes it on")
def _(d, thing):
    return d.ours.status == 400 and (d.expected_status == 400 or d.test in ("920100-7", "920290-2"))


@reason("tidied", "nginx tidies the request line before rules see it: the missing path, an empty Host, the version, or none at all")
def _(d, thing):
    return d.test in ("920100-16", "920290-1", "920430-5", "920430-8")


# ---- where libmodsecurity is not what rules are written for ----

@reason("REQUEST_BODY", "libmodsecurity fills REQUEST_BODY whatever the body is; here, as in ModSecurity 2, it is that of urlencoded "
        "bodies, or where ctl:forceRequestBodyVariable asks for it (30 tests on the CRS's own list for nginx)")
def _(d, thing):
    return thing in d.only_theirs and not d.is_form and all(v.endswith("REQUEST_BODY") for v in d.variables(thing))


@reason("half a chain", "libmodsecurity logs 942131 where the second link of its chain did not match (on the CRS's own list for nginx)")
def _(d, thing):
    return thing == 942131 and thing in d.only_theirs


@reason("decoded twice", "libmodsecurity decodes REQUEST_URI, _FILENAME and _BASENAME before rules see them, and the rules decode once "
        "more (the ground of CVE-2024-1019); here they are as they were sent")
def _(d, thing):
    return "%" in d.target and {v.lstrip("&") for v in d.variables(thing)} <= {"REQUEST_URI", "REQUEST_FILENAME", "REQUEST_BASENAME"}


@reason("line end in a header", "libmodsecurity leaves the line end on a part's header, so that 922110 finds no pattern that ends there")
def _(d, thing):
    return thing == 922110 and thing in d.only_theirs and b"multipart/form-data" in d.request


@reason("every line", "libmodsecurity compiles patterns with MULTILINE, so that ^ and $ hold at every line of a value; in ModSecurity 2, "
        "which the CRS is written for, they are the value's ends")
def _(d, thing):
    anchored = re.search(r"(!?)@rx [^\n]*[\^$]", d.rule(thing))
    return d.has_lines and bool(anchored) and (thing in d.only_theirs or bool(anchored[1]) or thing == 942440)


@reason("phrases inside others", "libmodsecurity's @pm loses a phrase that begins inside the beginning of another: .env in secrets.env, "
        "behind secrets.json")
def _(d, thing):
    return d.test == "930140-13" and thing == 930130


# ---- what the rules of engine.py ask ----

def about(*subjects):
    """Does the rule ask about one of these?"""
    return lambda d, thing: subject(number_of(thing)) in subjects


def asked(d, thing):
    return subject(number_of(thing)), *d.said(thing)


# ---- bodies ----

@reason("empty body", "libmodsecurity calls a body of no bytes a broken document, or judges the boundary of a multipart body that is not "
        "there; here there is nothing to parse")
def _(d, thing):
    asks = about("REQBODY_ERROR", "REQBODY_PROCESSOR_ERROR")(d, thing)
    return (asks or (thing in (200002, 200003) and thing in d.only_theirs)) and d.body == b""


@reason("empty name", "libmodsecurity takes name=\"\" for no name; here, as in ModSecurity 2, it is the name without letters")
def _(d, thing):
    return d.test in ("920120-39", "own-multipart empty name") and thing in (200002, 200003)


@reason("part header", "a byte that no header may have: refused as broken, as by libmodsecurity from 3.0.13 on; Debian's is 3.0.9")
def _(d, thing):
    return d.test in ("922130-1", "922130-2", "922130-4", "922130-7")


@reason("broken part", "a part without headers ends the parsing, as in ModSecurity 2 (200003); libmodsecurity reads on and finds a line "
        "like a boundary (200004). Both refuse it by 200002")
def _(d, thing):
    return d.test == "932180-3"


@reason("broken JSON", "what stands before the fault is seen; both refuse the body (200002)")
def _(d, thing):
    return d.test == "own-json 52"


@reason("blanks in a cookie", "blanks before a cookie's end belong to no value")
def _(d, thing):
    return d.test == "own-fields 3" and about("REQUEST_COOKIES")(d, thing)


@reason("unset", "libmodsecurity has an empty value where ModSecurity 2 has 0 (flags, sizes, errors) or no value at all (QUERY_STRING, "
        "REQUEST_BODY, AUTH_TYPE)")
def _(d, thing):
    name, theirs, ours = asked(d, thing)
    return bool(name) and theirs == "" and ours in (ZERO, None)


@reason("fraction", "libmodsecurity writes sums of sizes as 16.000000")
def _(d, thing):
    name, theirs, ours = asked(d, thing)
    return name.endswith("COMBINED_SIZE") and (theirs, ours) != (None, None) and theirs == f"{ours}2e303030303030"


@reason("sum of a multipart body", "libmodsecurity leaves the arguments of a multipart body out of ARGS_COMBINED_SIZE")
def _(d, thing):
    return subject(number_of(thing)) == "ARGS_COMBINED_SIZE" and d.is_multipart


@reason("ARGS_POST of JSON", "what a JSON body holds is ARGS_POST too; libmodsecurity has it in ARGS alone")
def _(d, thing):
    name, theirs, ours = asked(d, thing)
    return name in ("ARGS_POST", "ARGS_POST_NAMES") and theirs is None and b"json" in d.head


@reason("keys of JSON", "the key of an array or an object is one of ARGS_NAMES too, since rules look for what a key says (934210)")
def _(d, thing):
    return b"json" in d.head and thing in d.only_ours and {v.lstrip("&").split(":")[0] for v in d.variables(thing)} == {"ARGS_NAMES"}


@reason("half a surrogate", "a lone \\ud83d becomes U+FFFD, libmodsecurity's JSON parser says ?")
def _(d, thing):
    return "\\ud83d\"" in d.text and (
        thing == 920272 or subject(number_of(thing)) in ("ARGS", "ARGS_COMBINED_SIZE"))


@reason("t:sqlHexDecode", "libmodsecurity loses the last byte")
def _(d, thing):
    name, theirs, ours = asked(d, thing)
    return name == "sqlHexDecode" and ours.startswith(theirs)


@reason("t:base64Decode", "libmodsecurity gives nothing, or a part, where padding is missing or a foreign sign comes; here what stands "
        "before it is decoded, as in ModSecurity 2")
def _(d, thing):
    name, theirs, ours = asked(d, thing)
    return name == "base64Decode" and ours.startswith(theirs)


@reason("NUL", "libmodsecurity's t:utf8toUnicode and t:cssDecode drop a NUL or what follows it, its macros end at it, and its "
        "base64DecodeExt reads past it; here a NUL is a byte like others, and ends what is in base64")
def _(d, thing):
    name, theirs, ours = asked(d, thing)
    zero = b"\0" in unquote_to_bytes(d.target) + unquote_to_bytes(d.body)
    return zero and name in ("utf8toUnicode", "cssDecode", "base64DecodeExt", "ARGS", "ARGS_GET", "ARGS_GET_NAMES", "ARGS_POST", "ARGS_POST_NAMES")


@reason("t:utf8toUnicode", "libmodsecurity loses a byte of broken UTF-8, or says it twice")
def _(d, thing):
    return subject(number_of(thing)) == "utf8toUnicode" and not is_utf8(d)


@reason("no-break space", "a byte A0 is white space, as in ModSecurity 2; libmodsecurity takes it away with its first half, or leaves it")
def _(d, thing):
    name, theirs, ours = asked(d, thing)
    return name in ("removeWhitespace", "compressWhitespace") and b"\xa0" in unquote_to_bytes(d.target)


@reason("t:parity", "parity is that of seven bits, as its description says; libmodsecurity counts the eighth that it replaces")
def _(d, thing):
    return subject(number_of(thing)) in ("parityEven7bit", "parityOdd7bit") and any(b > 127 for b in unquote_to_bytes(d.target))


@reason("raw", "REQUEST_URI is as it was sent, and a path is cut before it is decoded: %3F stays in the file's name; libmodsecurity "
        "decodes first (CVE-2024-1019)")
def _(d, thing):
    return subject(number_of(thing)) in ("REQUEST_URI", "REQUEST_FILENAME", "REQUEST_BASENAME", "PATH_INFO") and "%" in d.target


@reason("absolute target", "nginx hands the path of http://host/path on; here rules see what was sent")
def _(d, thing):
    return " http://" in d.target and subject(number_of(thing)) in ("REQUEST_URI_RAW", "REQUEST_LINE", "REQUEST_URI")


@reason("empty pairs", "nothing stands between && and &&: no argument, as servers read it; libmodsecurity counts one without name")
def _(d, thing):
    return "&&a=1&&" in d.text and subject(number_of(thing)) in (
        "&ARGS", "ARGS", "ARGS_GET", "ARGS_POST", "ARGS_GET_NAMES", "ARGS_POST_NAMES", "ARGS_COMBINED_SIZE")


@reason("user", "REMOTE_USER is who was authenticated; libmodsecurity takes whatever name a client writes into Authorization")
def _(d, thing):
    return subject(number_of(thing)) == "REMOTE_USER" and b"Authorization" in d.head


@reason("no phase 2", "libmodsecurity runs no phase 2 at all after ctl:requestBodyAccess=Off; and writes no audit log after "
        "ctl:ruleEngine=Off, though rules matched before it")
def _(d, thing):
    return "k=8&other" in d.target or ("k=7&other" in d.target and thing == 3047)


@reason("every line, asked", "as above, by a value that ends or begins with a line end: rules 3049 and 3051, and what 3001 captured")
def _(d, thing):
    return d.has_lines and (thing in (3049, 3051) or number_of(thing) == 3122)


@reason("order", "ARGS are in the order in which they came; libmodsecurity's by hash, so that another value is captured last")
def _(d, thing):
    return number_of(thing) == 3122 and d.text.count("a") > 1


@reason("names without case", "names are the same whatever their case, in exclusions too; libmodsecurity compares !REQUEST_HEADERS:X-A and "
        "ruleRemoveTargetByTag=..;ARGS:K byte by byte")
def _(d, thing):
    return thing == 3020 or (thing in (3091, 3093, 3094) and "k=5&other" in d.target + d.text)


@reason("a whole collection", "ruleRemoveTargetById=3091;ARGS takes ARGS:k and ARGS:other away too; libmodsecurity wants the same words")
def _(d, thing):
    return thing == 3091 and "k=6&other" in d.target + d.text


@reason("nolog", "libmodsecurity logs a rule with multiMatch in spite of its nolog")
def _(d, thing):
    return thing == 3061 and thing in d.only_theirs


@reason("below zero", "counters never go below zero, as in ModSecurity 2")
def _(d, thing):
    return number_of(thing) == 3115 and d.said(thing)[1] == ZERO and "w=-9" in d.text


@reason("GLOBAL", "what was stored under a name (initcol:global=g1) is seen by who opened that name; libmodsecurity shows it to all others, and "
        "not to the transaction that stored it")
def _(d, thing):
    return thing == 3124


@reason("UTF-8 beyond its end", "F4 90 80 80 would be U+110000, which is no character (RFC 3629)")
def _(d, thing):
    return thing in (3046, 920250) and "%f4%90" in d.text


@reason("+json", "application/vnd.x+json is read as JSON: our settings' part, not the rules'")
def _(d, thing):
    return d.test == "own-kind 5"


@reason("no document", "a document that broke, or that names entities, has no XPath nodes and may have no text (200002 refuses it)")
def _(d, thing):
    return d.is_xml and (subject(number_of(thing)) in ("XML:/*", "REQBODY_ERROR", "REQBODY_PROCESSOR_ERROR") or thing in (200002, 3133, 3134, 3136)) and (
        not is_document(d.body) or b"<!ENTITY" in d.body)


@reason("part header's end", "libmodsecurity leaves the line end on a part's header")
def _(d, thing):
    name, theirs, ours = asked(d, thing)
    return name == "MULTIPART_PART_HEADERS" and without_ends(theirs) == without_ends(ours)


@reason("unmatched", "MULTIPART_UNMATCHED_BOUNDARY is 2 for every well-formed body in libmodsecurity 3.0.9; 1 is what rules ask for")
def _(d, thing):
    name, theirs, ours = asked(d, thing)
    return name == "MULTIPART_UNMATCHED_BOUNDARY" and (theirs, ours) == ("32", ZERO)


@reason("stricter", "a part with two Content-Disposition and a boundary without a letter are refused, as by ModSecurity 2; libmodsecurity "
        "reads on")
def _(d, thing):
    return d.test in ("own-multipart two dispositions", "own-multipart parameter empty") and thing in (200002, 200003)


@reason("broken multipart", "what breaks the parsing: both refuse it by REQBODY_ERROR or MULTIPART_STRICT_ERROR; the flag that says why, and how "
        "far the parts before are seen, are ModSecurity 2's")
def _(d, thing):
    return d.test.startswith("own-multipart") and d.test[len("own-multipart "):] in BROKEN and bool(
        about("MULTIPART_STRICT_ERROR", "MULTIPART_INVALID_PART", "REQBODY_ERROR", "REQBODY_PROCESSOR_ERROR", "MULTIPART_UNMATCHED_BOUNDARY",
              "MULTIPART_PART_HEADERS", "MULTIPART_NAME", "ARGS", "ARGS_POST", "ARGS_POST_NAMES", "&ARGS", "&ARGS:/^a/", "ARGS_COMBINED_SIZE")(d, thing)
        or thing in (200003, 200004) or 3000 <= number_of(thing) < 4000)


@reason("file without a name", 'filename="" is a file whose name is empty, as in ModSecurity 2; libmodsecurity takes it for a field')
def _(d, thing):
    return d.test == "own-multipart empty file name"


@reason("line end in a value", "libmodsecurity loses the line end before a line with two dashes in a part")
def _(d, thing):
    return d.test in ("own-multipart other boundary", "own-multipart dashes", "own-multipart longer boundary")


# ---- the detectors, which are our own ----

DETECTORS = (941100, 941101, 942100, 942101)
QUIET = {
    "a program's text, which libinjection takes for SQL": "932140-7 932140-8 932140-48 932140-51 932140-103 932140-120 932140-126 932140-136 "
        "932140-137 932140-138 932140-139 932140-140 932240-19 933160-1 933160-51 933180-24 934160-1 941170-2 941210-6 941390-11 942320-11 "
        "942320-12 942320-13",
    "prose, a list or signs that libinjection takes for SQL": "942151-13 942151-14 942190-2 942200-6 942420-11",
    "a piece of SQL that begins no injection: the value is cut at its = or &": "942210-31 942210-71 942210-73 942380-18 942380-40",
    "an expression by itself, or a SELECT that reads from nowhere": "942360-32 942450-2 942550-48",
    "no SQL in any dialect": "942370-1 942370-12",
    "XML's declaration, or another <? that runs no script": "932161-6 932161-12 933100-5 933100-6 933100-7 933100-8 933100-28 933100-31 933100-32 "
        "933100-37 933100-52 933100-56 933100-57 933100-58 933100-60 933100-79 933100-84 933100-85",
    "a name space in XML": "941130-3 941130-5 941130-7 941130-8 941130-13 941130-15 941130-18",
    "a style, which runs no script in any browser of today": "941140-8 941140-9 941140-11 941140-12 941140-13 942210-13",
}


def quiet(names):
    return lambda d, thing: thing in DETECTORS and thing in d.only_theirs and d.test in names


for words, tests in QUIET.items():
    reason(f"quiet: {words}", "")(quiet(tests.split()))


@reason("missed attack", "the CRS's authors call the request an attack, and libinjection misses it")
def _(d, thing):
    return thing in DETECTORS and thing in d.only_ours and d.is_attack


@reason("missed SQL", "a subselect, a comment that cuts the statement off, a call of BENCHMARK: SQL all the same, in tests for the silence "
        "of another rule")
def _(d, thing):
    return thing in (942100, 942101) and thing in d.only_ours and d.test in ("942160-12", "942360-29", "942520-17")


# ---- what follows from another difference of the same request ----

@reason("score", "the sum over the rules that differ", FOLLOWS)
def _(d, thing):
    return thing in (949110, 949111, 949100, 959100, 980130, 980140, 980170)


@reason("decision", "refused on one side alone, by the rule that differs; what comes behind it was not run", FOLLOWS)
def _(d, thing):
    return d.theirs.status != d.ours.status and (thing == "status" or d.is_refused)


@reason("cut", "both refuse the answer; nginx has sent its head by then and cuts the connection")
def _(d, thing):
    return thing == "status" and d.theirs.status == 0 and d.ours.status == 403 and d.theirs.ids == d.ours.ids and any(
        i in d.ours.ids for i in (959100, 959101))
