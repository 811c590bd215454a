# SPDX-License-Identifier: Apache-2.0
"""Where our verdict is another than libinjection's, and why ours is the better one. An input that differs and is not named here
fails the run; so does one that is named and does not differ."""
import inputs
from verdicts import numbers

# (our verdict, reason, {(operator, list): lines})
JUDGED = (
    (True, "an attack that libinjection misses", {
        ("detectSQLi", "sqli-forums.txt"): "3275,4652,13862",
        ("detectSQLi", "sqli-misc.txt"): "8",
        ("detectSQLi", "sqli-phpids.txt"): "5,28",
        ("detectSQLi", "sqli-rsalgado-bhusa2013.txt"): "66,76",
        ("detectXSS", "xss-html5secorg.txt"): "153,159,164,171,380"}),
    (True, "a SELECT as a whole: of a variable, of a signed value, of a condition with its semicolon", {
        ("detectSQLi", "tests"): "29-34,59,71,239-244,280,335,364,365,443-449,454,466"}),
    (True, "UNION SELECT as the end, to which the statement adds its own list", {("detectSQLi", "tests"): "338"}),
    (True, "sp_password in a comment hides a statement from SQL Server's log", {("detectSQLi", "tests"): "267"}),
    (False, "a word of SQL is misspelt (inion, uni0n, UNI_ON): no database takes it", {("detectSQLi", "sqli-forums.txt"): "1118,6594,10917"}),
    (False, "the words stand in an order that no database takes (select union 1, order select 1)", {
        ("detectSQLi", "sqli-forums.txt"): "3429,7608,11831"}),
    (False, "a template: the place for the statement says (SQL INJ)", {("detectSQLi", "sqli-forums.txt"): "3024"}),
    (False, "the sample's plus signs were read as white space: operand stands beside operand, and no database takes it", {
        ("detectSQLi", "sqli-misc.txt"): "9,410"}),
    (False, "operand stands beside operand: no database takes it", {
        ("detectSQLi", "sqli-phpids.txt"): "255", ("detectSQLi", "sqli-themole.txt"): "4"}),
    (False, "backslashes before digits and operators: no database takes it", {("detectSQLi", "sqli-misc.txt"): "567"}),
    (False, "ends in WHERE without a condition, as sentences do (select 'Print' from the menu where)", {
        ("detectSQLi", "sqli-fullqueries.txt"): "4,6"}),
    (False, "arithmetic with a name that begins with @, as people's names do: it asks nothing", {("detectSQLi", "tests"): "82"}),
    (False, "a comment that ends cuts nothing off", {("detectSQLi", "tests"): "193,194"}),
    (False, "a number, a dash and a remark", {("detectSQLi", "tests"): "257"}),
    (False, "a document type alone does nothing", {("detectXSS", "tests"): "163-166"}),
    (False, "no event begins with onew, and SQL is what this is (@detectSQLi says so)", {("detectXSS", "sqli-forums.txt"): "13925"}),
    (False, "a style that neither runs nor loads script: fonts, colours, images (scripts in images do not run)", {
        ("detectXSS", "xss-html5secorg.txt"): "104,106,255,256",
        ("detectXSS", "xss-xenotix.txt"): "268,285-287,290,291"}),
    (False, "a link to another server is no script", {
        ("detectXSS", "xss-soaj1664ashar-pastebin-u6FY1xDA.txt"): "78,102", ("detectXSS", "xss-xenotix.txt"): "693,694"}),
    (False, "the address's scheme is none that runs: javAascript:, javascript# (a fragment)", {("detectXSS", "xss-xenotix.txt"): "129,130,154"}),
    (False, "an address without quotes ends at the first blank: what is left of it has no scheme", {("detectXSS", "xss-xenotix.txt"): "505,512"}),
    (False, "the handler is a name alone: it calls nothing", {("detectXSS", "xss-xenotix.txt"): "1158"}),
)
HONEST = "an honest line at which libinjection alarms"
HTML = "HTML without SQL (@detectXSS reports it)"

PLACES = {(operator, name, line): (verdict, why) for verdict, why, lists in JUDGED for (operator, name), lines in lists.items()
          for line in numbers(lines)}


def reason(name, operator, line, ours, script):
    """The key under which a difference is judged, or None. `ours`: our verdict; `script`: what our detectXSS says."""
    if name in inputs.HONEST:
        return None if ours else HONEST
    if operator == "detectSQLi" and name.startswith("xss-"):
        return HTML if script and not ours else None
    verdict, _ = PLACES.get((operator, name, line), (None, None))
    return f"{operator} {name} {line}" if verdict == ours else None


def stale(used):
    """What is named and was not used."""
    return [key for key in (" ".join(map(str, place)) for place in PLACES) if not used[key]]


def totals(used):
    """[(reason, how many inputs)]"""
    found = {}
    for key, count in used.items():
        operator, _, rest = key.partition(" ")
        name, _, line = rest.rpartition(" ")
        _, why = PLACES.get((operator, name, int(line) if line.isdigit() else 0), (None, key))
        found[why] = found.get(why, 0) + count
    return sorted(found.items(), key=lambda pair: -pair[1])
