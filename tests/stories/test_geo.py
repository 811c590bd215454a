# SPDX-License-Identifier: Apache-2.0
"""Where clients are: countries, subdivisions, networks and proxies by MaxMind's test databases."""
import shutil
import signal

import pytest
from harness import DATA, always_ok, run, wait_until
from test_settings_of_rules import crs

BASES = DATA / "geo-maxmind-db" / "test-data"
pytestmark = pytest.mark.skipif(not BASES.is_dir(), reason=f"there is no {BASES} (SIDEGATE_TEST_DATA)")

GB, SE, US, NOBODY = "2.125.160.216", "89.160.20.112", "216.160.83.56", "192.0.2.1"
ALL = "country_db: country.mmdb, city_db: city.mmdb, asn_db: asn.mmdb, anonymous_db: anonymous.mmdb"
FILES = {"country": "GeoLite2-Country-Test", "city": "GeoIP2-City-Test", "asn": "GeoLite2-ASN-Test",
         "anonymous": "GeoIP2-Anonymous-IP-Test"}


@pytest.fixture
def placed(sidegate, backend, tmp_path):
    """placed(access, geo) -> ask(client) -> (status, names of entries that fit, the access line)"""
    for name, source in FILES.items():
        shutil.copyfile(BASES / f"{source}.mmdb", tmp_path / f"{name}.mmdb")

    def make(access, geo=ALL, more="", **kwargs):
        s = sidegate(backend(always_ok).url, f"geo: {{ {geo} }}\naccess: [{access}]\n{more}", trusted="127.0.0.1", **kwargs)
        asked = []

        def ask(client, target="/"):
            asked.append(client)
            status = s.ask("GET", target, fields=[("X-Forwarded-For", client)]).status
            line = s.lines(len(asked))[-1]
            return status, [d["name"] for d in line["decisions"]], line

        ask.s = s
        return ask

    return make


def test_only_some_countries_are_let_in(placed):
    ask = placed("{ name: abroad, match: { not: { country: [GB, se] } }, action: block }")
    assert [ask(c)[0] for c in (GB, SE, US)] == [200, 200, 403]
    status, names, line = ask(US)
    assert names == ["abroad"] and line["client_country"] == "US"
    assert line["decisions"][0]["reason"] == "not: {country: [GB, se]} (client: US, AS209)"


def test_who_is_in_no_database_is_not_blocked_for_it(placed):
    ask = placed("{ name: abroad, match: { not: { country: GB } }, action: block }")
    assert ask(NOBODY)[0] == 200 and ask(NOBODY)[2]["client_country"] is None


def test_who_is_in_no_database_is_blocked_where_the_settings_say_so(placed):
    ask = placed("{ name: at home, match: { country: GB }, action: allow }, { name: foes, match: { country: CN }, action: block }",
                 ALL + ", unknown: block")
    assert ask(GB)[:2] == (200, ["at home"]) and ask(SE)[:2] == (200, [])
    status, names, line = ask(NOBODY)
    assert (status, names) == (403, ["foes"])
    assert line["decisions"][0]["reason"] == "country: CN (client: unknown)"


def test_unknown_can_be_named(placed):
    ask = placed("{ name: nobody knows, match: { country: XX }, action: block, status: 451 }")
    assert [ask(c)[0] for c in (GB, NOBODY)] == [200, 451]


def test_subdivisions_networks_and_proxies(placed):
    ask = placed("{ name: england, match: { subdivision: GB-ENG }, action: count },"
                 "{ name: registered, match: { registered_country: FR }, action: count },"
                 "{ name: telstra, match: { asn: [AS1221, 7] }, action: block, status: 404 },"
                 "{ name: hidden, match: { anonymous: [vpn, tor] }, action: block }")
    assert ask(GB)[:2] == (200, ["england", "registered"])
    status, names, line = ask("1.128.0.7")
    assert (status, names, line["client_asn"]) == (404, ["telstra"], 1221)
    assert ask("1.2.0.1")[:2] == (403, ["hidden"])  # a VPN
    assert ask("71.160.223.1")[:2] == (200, [])  # hosting alone


def test_cities_and_the_country_that_a_network_represents(placed):
    ask = placed("{ name: boxford, match: { city: [boxford, 'Lond?n'] }, action: count },"
                 "{ name: other cities, match: { not: { city: Boxford } }, action: count },"
                 "{ name: base, match: { represented_country: us }, action: block, status: 404 },"
                 "{ name: of its own, match: { represented_country: XX }, action: count }")
    assert ask(GB)[:2] == (200, ["boxford", "of its own"])
    assert ask("81.2.69.142")[:2] == (200, ["boxford", "other cities", "of its own"])
    assert ask("202.196.224.7")[:2] == (404, ["base"])  # a country, and no city
    assert ask(NOBODY)[:2] == (200, ["of its own"])


def test_who_is_in_no_known_city_gets_the_benefit_of_the_doubt_or_not(placed):
    entries = "{ name: boxford, match: { city: Boxford }, action: block }, { name: others, match: { not: { city: Boxford } }, action: allow }"
    assert placed(entries)(NOBODY)[:2] == (200, ["others"])


def test_who_is_in_no_known_city_may_be_blocked_for_it(placed):
    assert placed("{ name: boxford, match: { city: Boxford }, action: block }", ALL + ", unknown: block")(NOBODY)[:2] == (403, ["boxford"])


@pytest.mark.parametrize("match,said", [
    ("represented_country: US", "'represented_country' needs geo.country_db or geo.city_db"),
    ("subdivision: GB-ENG", "'subdivision' needs geo.city_db"),
    ("city: Boxford", "'city' needs geo.city_db"),
    ("citty: Boxford", "unknown key 'citty' in access[].match (did you mean 'city'?)"),
])
def test_a_place_that_no_database_knows_is_a_fault(tmp_path, match, said):
    file = tmp_path / "faulty.yaml"
    file.write_text('version: 1\nlisteners: [{ address: "127.0.0.1:1" }]\nupstreams: { app: { targets: ["http://127.0.0.1:9"] } }\n'
                    f"access:\n  - {{ name: a, match: {{ {match} }}, action: block }}\n")
    code, out, err = run("check", "-c", str(file))
    assert code == 3 and "faulty.yaml:5:25: " in err and said in err, out + err


def test_a_line_speaks_of_countries_only_where_there_is_a_database(sidegate, backend):
    s = sidegate(backend(always_ok).url, "")
    s.ask()
    assert "client_country" not in s.lines()[0] and "client_asn" not in s.lines()[0]


def test_a_mapped_address_is_its_ipv4_address(placed):
    ask = placed("{ name: gb, match: { country: GB }, action: block }")
    assert ask("::ffff:" + GB)[0] == 403


@pytest.mark.parametrize("change,said", [
    ("GeoIP2-City-Test-Broken-Double-Format", "it is broken: a value has a wrong type or size"),
    ("GeoLite2-ASN-Test", "it is a database of type GeoLite2-ASN and holds no countries"),
    ("README", "it is no database in MaxMind's format"),
])
def test_a_reload_with_a_broken_database_is_refused_and_the_old_one_stands(placed, tmp_path, change, said):
    ask = placed("{ name: gb, match: { country: GB }, action: block }")
    source = BASES / f"{change}.mmdb"
    shutil.copyfile(source if source.exists() else BASES / "README.md", tmp_path / "country.mmdb")
    ask.s.signal(signal.SIGHUP)
    wait_until(lambda: said in ask.s.errors(), "the fault")
    assert "geo.country_db" in ask.s.errors() and ask(GB)[0] == 403


def test_a_database_that_is_cut_short_under_the_program_harms_nobody(placed, tmp_path):
    ask = placed("{ name: gb, match: { country: GB }, action: block }")
    for name in FILES:
        (tmp_path / f"{name}.mmdb").write_bytes(b"")
    assert ask(GB)[0] == 403


def test_a_missing_database_is_let_go_where_the_settings_say_so(placed):
    ask = placed("{ name: gb, match: { country: GB }, action: block }, { name: telstra, match: { asn: 1221 }, action: block }",
                 "country_db: nowhere.mmdb, asn_db: asn.mmdb, on_failure: allow")
    assert ask(GB)[0] == 200 and ask("1.128.0.7")[0] == 403
    assert "geo.country_db: '" in ask.s.errors() and "(nobody is in it)" in ask.s.errors()


def test_a_database_that_breaks_is_not_let_go_while_there_is_a_good_one(placed, tmp_path):
    ask = placed("{ name: gb, match: { country: GB }, action: block }", "country_db: country.mmdb, on_failure: allow, refresh: 0")
    assert ask(GB)[0] == 403
    (tmp_path / "country.mmdb").write_bytes(b"no database")
    ask.s.signal(signal.SIGHUP)
    wait_until(lambda: ask.s.metric("sidegate_config_last_reload_successful") == 0, "the reload is refused")
    assert ask(GB)[0] == 403


BLOCK = ("SecRule REMOTE_ADDR \"@geoLookup\" \"id:1,phase:1,deny,log,chain,msg:'%{GEO.COUNTRY_NAME}, %{GEO.CITY}, %{GEO.LATITUDE}'\"\n"
         "SecRule GEO:COUNTRY_CODE \"@streq GB\"\n")


def test_rules_look_places_up(placed, tmp_path):
    (tmp_path / "own.conf").write_text(BLOCK)
    rules = f"rules: {{ files: [own.conf], log: {{ path: {tmp_path}/rules.log }} }}"
    ask = placed("{ name: all, action: count }", more=rules)
    assert [ask(c)[0] for c in (GB, SE, NOBODY)] == [403, 200, 200]
    wait_until(lambda: "United Kingdom, Boxford, 51.750000" in (tmp_path / "rules.log").read_text(), "the match")


def test_a_directive_names_the_database_where_the_settings_do_not(placed, tmp_path):
    (tmp_path / "own.conf").write_text("SecGeoLookupDb country.mmdb\n" + BLOCK)
    ask = placed("{ name: all, action: count }", "asn_db: asn.mmdb", "rules: { files: [own.conf] }")
    assert [ask(c)[0] for c in (GB, SE)] == [403, 200]
    assert ask(SE)[2]["client_country"] == "SE"


def test_the_settings_win_over_the_directive_and_say_so(placed, tmp_path):
    (tmp_path / "own.conf").write_text("SecGeoLookupDb asn.mmdb\n" + BLOCK)
    ask = placed("{ name: all, action: count }", more="rules: { files: [own.conf] }")
    assert ask(GB)[0] == 403
    assert "own.conf:1:16: warning: geo.country_db wins over SecGeoLookupDb" in ask.s.errors()


def test_a_directive_with_a_database_that_is_none_is_a_fault_at_its_place(placed, tmp_path):
    (tmp_path / "own.conf").write_text(BLOCK)
    ask = placed("{ name: all, action: count }", "asn_db: asn.mmdb", "rules: { files: [own.conf] }")
    assert "own.conf:1:23: warning: @geoLookup never matches: there is no database (add geo.country_db)" in ask.s.errors()
    (tmp_path / "own.conf").write_text("SecGeoLookupDb GeoIP.dat\n" + BLOCK)
    ask.s.signal(signal.SIGHUP)
    wait_until(lambda: "own.conf:1:16: geo.country_db: '" in ask.s.errors() and "GeoIP.dat" in ask.s.errors(), "the fault")


def test_crs_3_scores_countries_of_high_risk(placed, tmp_path):
    (tmp_path / "own.conf").write_text("SecAction \"id:9,phase:1,nolog,pass,setvar:'tx.high_risk_country_codes=CN GB'\"\n")
    rules = (f"rules: {{ crs: {{ folder: {crs(tmp_path, 3)}, inbound_threshold: 5 }}, before: [own.conf], "
             f"log: {{ path: {tmp_path}/rules.log }} }}")
    ask = placed("{ name: all, action: count }", more=rules)
    status, _, line = ask(GB)
    assert status == 403 and 910100 in line["waf"]["rules"]
    assert ask(SE)[0] == 200


def test_a_database_that_changes_is_taken_over_and_a_broken_one_is_not(placed, tmp_path):
    ask = placed("{ name: google, match: { asn: 15169 }, action: block }, { name: gb, match: { country: GB }, action: block }",
                 "country_db: country.mmdb, asn_db: asn.mmdb, refresh: 50ms")

    def is_blocked(client):
        return ask.s.ask(fields=[("X-Forwarded-For", client)]).status == 403

    assert is_blocked("1.0.0.1") and is_blocked(GB)
    (tmp_path / "new").write_bytes((BASES / "GeoIP2-City-Test-Broken-Double-Format.mmdb").read_bytes())
    (tmp_path / "new").rename(tmp_path / "country.mmdb")
    wait_until(lambda: "geo.country_db: '" in ask.s.errors(), "the fault")
    assert is_blocked("1.0.0.1") and is_blocked(GB)
    (tmp_path / "new").write_bytes((BASES / "GeoIP2-ISP-Test.mmdb").read_bytes())  # without that network
    (tmp_path / "new").rename(tmp_path / "asn.mmdb")
    wait_until(lambda: not is_blocked("1.0.0.1"), "the new database")
    assert is_blocked(GB)
