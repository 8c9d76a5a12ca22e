"""The demo's town: its places, its streets and what two wardens do there on one Tuesday.

Places are points of OpenStreetMap (bus stops, the town hall, libraries, stations). There are no roads in the data the
demo is made from, so a street is a straight line between two places that lie on one, with a corner put in where a line
would cut through houses, and bent a little where it is long. The areas (schools, market, parks) are
drawn around their place by hand.
"""

from __future__ import annotations

import heapq
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

LonLat = tuple[float, float]

# Metres per degree at 50.9 N on the WGS 84 ellipsoid: within a few kilometres a plane is good to centimetres.
ORIGIN: LonLat = (4.24, 50.9)
METRES: LonLat = (70349.0, 111247.0)
DATE = "2026-05-19"
"""A Tuesday of school in both language communities."""
OFFSET_H = 2
"""Central European Summer Time."""
BEGIN, END = "07:30", "17:30"

# id: (name, OSM id of its point, radius_m, team)
BOXES: dict[str, tuple[str, str, int, str]] = {
    "box-01": ("Probleembox Markt", "1594721367", 20, "asse"),
    "box-02": ("Probleembox Gemeentehuis", "1306718424", 20, "asse"),
    "box-03": ("Probleembox Bibliotheek Asse", "1374984073", 20, "asse"),
    "box-04": ("Probleembox Station Asse", "506737331", 20, "asse"),
    "box-05": ("Probleembox Koninklijk Atheneum", "2594232761", 25, "asse"),
    "box-06": ("Probleembox Ten Berg", "506735644", 25, "asse"),
    "box-07": ("Probleembox Walfergem", "506731797", 25, "asse"),
    "box-08": ("Probleembox Zellik Centrum", "506722293", 20, "zellik"),
    "box-09": ("Probleembox Drie Koningen", "506722290", 20, "zellik"),
    "box-10": ("Probleembox Bibliotheek Zellik", "1374984080", 20, "zellik"),
    "box-11": ("Probleembox Station Zellik", "3005140320", 25, "zellik"),
    "box-12": ("Probleembox Zellik Dorp", "506708065", 25, "zellik"),
    "box-13": ("Probleembox Maalbeek", "506718783", 25, "zellik"),
}

# The one stop: (name, OSM id, radius_m, team)
STOPS = {"station-asse": ("Station Asse", "96670167", 60, "asse")}

# Areas by hand: id: (name, kind, team, rings); the first ring is the outline, the others are holes.
AREAS: dict[str, tuple[str, str, str, list[list[LonLat]]]] = {
    "school-sint-martinus": ("Sint-Martinusscholen", "school", "asse", [[
        (4.203420, 50.907010), (4.204390, 50.906760), (4.204860, 50.907390), (4.203880, 50.907680)]]),
    "school-vijverbeek": ("Wijkschool Vijverbeek", "school", "zellik", [[
        (4.273480, 50.882380), (4.274380, 50.882220), (4.274690, 50.882900), (4.273760, 50.883080)]]),
    "market-asse": ("Weekmarkt Asse", "market", "asse", [[
        (4.196880, 50.909870), (4.198180, 50.909740), (4.198420, 50.910120), (4.198290, 50.910470),
        (4.197120, 50.910540)]]),
    "hotspot-waalborre": ("Park Waalborre", "hotspot", "asse", [
        [(4.203300, 50.904350), (4.205400, 50.904200), (4.206050, 50.905150), (4.205750, 50.906000),
         (4.204200, 50.906050), (4.203150, 50.905350)],
        [(4.204450, 50.904970), (4.204900, 50.904930), (4.205050, 50.905100), (4.204880, 50.905270),
         (4.204500, 50.905200)]]),
    "hotspot-breugelpark": ("Breugelpark", "hotspot", "zellik", [[
        (4.270700, 50.882900), (4.272200, 50.882750), (4.272550, 50.883550), (4.271900, 50.884050),
        (4.270800, 50.883850)]]),
}  # fmt: skip

# A shopping street: id: (name, team, width_m, line)
CORRIDORS: dict[str, tuple[str, str, int, list[LonLat]]] = {
    "hotspot-nieuwstraat": ("Nieuwstraat", "asse", 30, [
        (4.196320, 50.910982), (4.196300, 50.911500), (4.196472, 50.912051), (4.195732, 50.912451)]),
}  # fmt: skip

PLACES: dict[str, LonLat] = {
    # Asse
    "brandweer": (4.199476, 50.909438), "parking": (4.198937, 50.909930), "belfius": (4.198476, 50.910206),
    "wijngaard": (4.197578, 50.910174), "box-01": (4.197398, 50.910294), "malpertuus": (4.197298, 50.909963),
    "oorzaak": (4.197726, 50.910040), "kraam": (4.198130, 50.910200), "kerk": (4.196320, 50.910982),
    "griek": (4.196300, 50.911500), "sporthoek": (4.196472, 50.912051), "nieuwstraat": (4.195732, 50.912451),
    "gb": (4.199283, 50.910520),
    "box-02": (4.200611, 50.910206), "gemeenteplein": (4.201547, 50.909992), "box-03": (4.201318, 50.911029),
    "cc": (4.201854, 50.911489), "huinegem": (4.202122, 50.911734), "hoek-oost": (4.202600, 50.909300),
    "belvedere": (4.204040, 50.908270), "school-hoek": (4.204600, 50.907800), "sint-martinus": (4.204135, 50.907246),
    "nissan": (4.206334, 50.906774), "box-04": (4.207613, 50.906446), "perron": (4.208330, 50.906470),
    "pauw": (4.210548, 50.906260), "tang": (4.214898, 50.902385), "ten-berg": (4.216400, 50.901400),
    "box-06": (4.218070, 50.901120), "waal-poort": (4.205500, 50.905950), "waalborre": (4.204990, 50.905602),
    "vijver-o": (4.205500, 50.905150), "vijver-z": (4.204600, 50.904580), "vijver-w": (4.203950, 50.905050),
    "p-zuid": (4.201094, 50.907400), "zuid-1": (4.198600, 50.908300), "zuid-2": (4.195200, 50.907900),
    "box-05": (4.191959, 50.907684), "snack": (4.191423, 50.906901), "keier-hoek": (4.189300, 50.905600),
    "keierberg": (4.187562, 50.904026), "veld-1": (4.190900, 50.904700), "veld-2": (4.196400, 50.905900),
    "gamma-hoek": (4.200300, 50.913000), "gamma": (4.198318, 50.913911), "gamma-west": (4.197200, 50.913100),
    # Zellik, and the villages by bike
    "politie": (4.277750, 50.881786), "hoorinck": (4.276890, 50.882389), "box-10": (4.276860, 50.883195),
    "frituur": (4.275797, 50.883210), "box-08": (4.274761, 50.883866), "pascale": (4.273843, 50.884826),
    "box-09": (4.272414, 50.885428), "vijverbeek-hoek": (4.274900, 50.883050), "vijverbeek": (4.274055, 50.882657),
    "breugel-hoek": (4.272700, 50.883200), "apotheek": (4.271619, 50.883570), "breugel-west": (4.271100, 50.883250),
    "breugel-noord": (4.271650, 50.884600), "n9-oost": (4.270300, 50.886700), "box-12": (4.268247, 50.887898),
    "cox": (4.267571, 50.888543), "n9-west": (4.262500, 50.889700), "moleken": (4.257115, 50.890955),
    "dorp-zuid": (4.267000, 50.885900), "st-bavo": (4.262232, 50.886151), "korteman": (4.254098, 50.889186),
    "station-hoek": (4.273900, 50.887200), "box-11": (4.275671, 50.889310), "atm": (4.276416, 50.890235),
    "delst": (4.276467, 50.890653), "kazerne": (4.276900, 50.892500), "dorenveld": (4.277400, 50.897000),
    "relegem": (4.280836, 50.899848), "box-13": (4.278958, 50.880092), "broekooi": (4.249516, 50.892768),
    "breukeleer": (4.242420, 50.894790), "kobbegem-weg": (4.245900, 50.901000), "kobbegem-bocht": (4.248300, 50.905300),
    "kobbegem": (4.249667, 50.909163), "schutstraat": (4.248070, 50.886210), "bekkerzeel": (4.238179, 50.885371),
    "notelaar": (4.234710, 50.887450), "zavel": (4.230480, 50.889945),
}  # fmt: skip

# Streets: places one after the other.
STREETS = """
brandweer parking belfius kraam wijngaard box-01 kerk griek sporthoek nieuwstraat
wijngaard oorzaak malpertuus box-01
belfius gb box-02 gemeenteplein hoek-oost belvedere school-hoek nissan box-04 perron pauw tang ten-berg box-06
gemeenteplein box-03 cc huinegem gamma-hoek gamma gamma-west nieuwstraat
school-hoek sint-martinus p-zuid brandweer
nissan waal-poort waalborre vijver-o vijver-z vijver-w waalborre
p-zuid zuid-1 zuid-2 box-05 snack keier-hoek keierberg
keierberg veld-1 veld-2 p-zuid
brandweer zuid-1
politie hoorinck box-10 frituur box-08 pascale box-09 n9-oost box-12 cox n9-west moleken broekooi breukeleer
hoorinck frituur
frituur vijverbeek-hoek vijverbeek breugel-hoek apotheek breugel-west breugel-noord box-09
box-08 vijverbeek-hoek
apotheek breugel-noord
box-09 dorp-zuid st-bavo korteman moleken
box-09 station-hoek box-11 atm delst kazerne dorenveld relegem
politie box-13
korteman schutstraat bekkerzeel notelaar zavel
breukeleer kobbegem-weg kobbegem-bocht kobbegem
"""


@dataclass(frozen=True)
class Step:
    """Go to a place (through others), and be there for so long or until then."""

    via: str
    """Places, the last one is where the step ends; between two of them the shortest way along the streets."""
    stay_s: int = 0
    until: str = ""
    """Local time at which the stay ends, in place of ``stay_s``."""
    spread_m: float = 3.0
    """How far from the place the warden moves about during the stay."""
    bike: bool = False
    brisk: bool = False
    """No halt under way."""
    error_m: float = 4.5
    """How far off the receiver is here, 68 %: open sky 3, a street 4 to 5, indoors 8."""


def _ride(*places: str, stay_s: int = 0) -> Iterator[Step]:
    return (Step(place, stay_s, bike=True, error_m=3.5) for place in places)


ASSE: list[Step] = [
    Step("brandweer", until="07:41", spread_m=4, error_m=6.5),
    Step("kerk", 120), Step("griek", 90), Step("sporthoek", 150), Step("griek", 60),
    Step("belfius gemeenteplein belvedere sint-martinus", until="08:41", spread_m=9),
    Step("box-04", 110), Step("perron", until="09:00", spread_m=12, error_m=5),
    Step("pauw tang ten-berg", 60, error_m=3.4), Step("box-06", brisk=True, error_m=3.2),
    Step("ten-berg", 45, brisk=True, error_m=3.4), Step("tang pauw perron nissan waal-poort", 20),
    Step("waalborre", 60, error_m=3.2), Step("vijver-o", 120, error_m=3.2), Step("vijver-z", 90, error_m=3.2),
    Step("vijver-w", 120, error_m=3.2), Step("waalborre", 30, error_m=3.2),
    Step("belvedere gemeenteplein box-03", 125), Step("box-02", 170),
    Step("kraam", 420, spread_m=8), Step("malpertuus", 540, spread_m=7), Step("box-01", 150),
    Step("oorzaak", 500, spread_m=9), Step("kraam", until="11:05", spread_m=8),
    Step("kerk", 90), Step("griek", 120), Step("sporthoek", 140), Step("nieuwstraat gamma-west gamma", 120),
    Step("huinegem", 120), Step("cc", 300, spread_m=6, error_m=6), Step("gemeenteplein", 180, spread_m=9),
    Step("belfius brandweer", until="12:47", error_m=7.5),
    # Only while the receiver is silent is he at the Atheneum; the way back keeps clear of it.
    Step("zuid-2", brisk=True), Step("box-05", 95, spread_m=2, brisk=True), Step("snack", 45, brisk=True),
    Step("keierberg", 420, spread_m=10), Step("snack", 150), Step("keier-hoek", 300, spread_m=8),
    Step("keierberg", 200), Step("veld-1 veld-2 p-zuid", 180, error_m=3.5),
    Step("sint-martinus nissan waal-poort waalborre", 120, error_m=3.2), Step("vijver-w", 260, error_m=3.2),
    Step("vijver-z vijver-o", 150, error_m=3.2), Step("belvedere gemeenteplein", 480, spread_m=9),
    Step("cc huinegem", 1500, spread_m=6), Step("cc gemeenteplein", 150),
    Step("belvedere sint-martinus", until="15:46", spread_m=10),
    Step("nissan box-04 perron", until="16:12", spread_m=12, error_m=5),
    Step("belvedere gemeenteplein", 120), Step("belfius kraam", 500, spread_m=8),
    Step("kerk griek", 130), Step("sporthoek", 170), Step("griek", 60),
    Step("belfius gemeenteplein cc huinegem gamma-hoek", 240, spread_m=6),
    Step("brandweer", until=END, spread_m=4, error_m=6.5),
]  # fmt: skip

ZELLIK: list[Step] = [
    Step("politie", until="07:38", spread_m=4, error_m=6),
    *_ride("hoorinck box-08 box-09 box-11"), Step("delst", 360, spread_m=6),
    *_ride("box-11 box-09 box-08 vijverbeek-hoek"), Step("vijverbeek", until="08:42", spread_m=9),
    Step("box-08", 150), Step("frituur box-10", 140), Step("frituur box-08 pascale", 200, spread_m=5),
    Step("box-09", 135), Step("breugel-noord apotheek", 150, error_m=3.5), Step("breugel-west", 260, error_m=3.5),
    Step("apotheek", 60), Step("breugel-hoek vijverbeek-hoek box-08", 420, spread_m=6),
    Step("frituur hoorinck politie", until="09:50", error_m=7.5),
    *_ride("box-13", stay_s=160), *_ride("politie hoorinck box-08 box-09 box-11", stay_s=170),
    *_ride("kazerne", stay_s=120), *_ride("dorenveld relegem", stay_s=780), *_ride("dorenveld", stay_s=90),
    *_ride("kazerne box-11 box-09 dorp-zuid st-bavo", stay_s=200), *_ride("korteman moleken", stay_s=240),
    *_ride("broekooi", stay_s=260), *_ride("breukeleer", stay_s=150), *_ride("kobbegem", stay_s=420),
    *_ride("breukeleer", stay_s=60),
    *_ride("broekooi moleken korteman st-bavo dorp-zuid box-09 box-08 hoorinck politie"),
    Step("politie", until="12:58", error_m=7.5),
    *_ride("hoorinck frituur box-08 box-09 n9-oost box-12", stay_s=185),
    *_ride("cox n9-west moleken broekooi", stay_s=390), *_ride("breukeleer", stay_s=150),
    *_ride("kobbegem", stay_s=720), *_ride("breukeleer broekooi moleken korteman schutstraat bekkerzeel", stay_s=840),
    *_ride("notelaar zavel", stay_s=900), *_ride("bekkerzeel schutstraat korteman", stay_s=120),
    *_ride("st-bavo dorp-zuid box-09 breugel-noord apotheek", stay_s=540),
    Step("breugel-hoek vijverbeek", until="15:47", spread_m=10),
    Step("breugel-hoek apotheek", 200, error_m=3.5), Step("breugel-west", 280, error_m=3.5),
    Step("apotheek breugel-hoek vijverbeek-hoek box-08", 780, spread_m=7), Step("frituur hoorinck politie", 240),
    *_ride("box-13", stay_s=120), *_ride("politie hoorinck box-08 box-09 box-11 delst", stay_s=1380),
    *_ride("box-11 box-09 box-08 hoorinck politie"), Step("politie", until=END, error_m=6),
]  # fmt: skip

WARDENS: dict[str, tuple[str, list[Step]]] = {"gw-1": ("w01", ASSE), "gw-2": ("w02", ZELLIK)}

GAP = ("12:52:20", "12:57:30")
"""The receiver of w01 is silent."""
NO_COVERAGE = ("13:01:30", "13:20:00")
"""The phone w02 measures and cannot send; what it kept goes out at:"""
UPLOADED = "15:21:00"
STORY = {
    "box-05": "unproven: its one visit fell into the silence of w01",
    "box-06": "partial: one visit, shorter than a minute",
    "box-07": "skip: nobody came, and both trackers were seen elsewhere",
    "box-12": "unproven at first, met once w02 uploaded what it had kept (a retraction)",
}
"""Every other box is met."""


def metres(place: LonLat) -> LonLat:
    """Put a place on the plane."""
    return (place[0] - ORIGIN[0]) * METRES[0], (place[1] - ORIGIN[1]) * METRES[1]


def degrees(x: float, y: float) -> LonLat:
    """Take a place from the plane."""
    return ORIGIN[0] + x / METRES[0], ORIGIN[1] + y / METRES[1]


def second(text: str) -> int:
    """Return the seconds since the day's begin of a local time."""
    begin, moment = ([*map(int, each.split(":")), 0][:3] for each in (BEGIN, text))
    return sum((b - a) * unit for a, b, unit in zip(begin, moment, (3600, 60, 1), strict=True))


def streets() -> dict[str, dict[str, float]]:
    """Return the metres between neighbours."""
    found: dict[str, dict[str, float]] = {name: {} for name in PLACES}
    for street in STREETS.strip().splitlines():
        names = street.split()
        for one, other in pairwise(names):
            length = math.dist(metres(PLACES[one]), metres(PLACES[other]))
            found[one][other] = found[other][one] = length
    return found


def street(one: str, other: str) -> list[LonLat]:
    """Return a street's line on the plane, the second end left out: a long one is never as straight as a ruler."""
    (x, y), (x2, y2) = metres(PLACES[one]), metres(PLACES[other])
    length = math.dist((x, y), (x2, y2))
    parts = int(length // 60) if length > 120 else 1
    # Which way it bends depends on its two ends alone, so that it lies the same in both directions.
    bend, turn = divmod(zlib.crc32(" ".join(sorted((one, other))).encode()) % 961, 31)
    side = math.copysign(min(0.004 * length, 4.0) / 15, 1 if one < other else -1)
    line = []
    for part in range(parts):
        along = part / parts
        # The second wave is odd about the middle: seen from the other end its sign turns of itself.
        wave = (bend - 15) * side * 3 * math.sin(math.pi * along)
        wave += (turn - 15) * abs(side) * 1.5 * math.sin(2 * math.pi * along)
        across = (-(y2 - y) / length, (x2 - x) / length)
        line.append((x + along * (x2 - x) + wave * across[0], y + along * (y2 - y) + wave * across[1]))
    return line


def way(one: str, other: str, net: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return the shortest way along the streets, both ends included."""
    waiting, done = [(0.0, [one])], set()
    while waiting:
        far, names = heapq.heappop(waiting)
        if names[-1] == other:
            return names
        if names[-1] not in done:
            done.add(names[-1])
            for name, length in net[names[-1]].items():
                heapq.heappush(waiting, (far + length, [*names, name]))
    raise ValueError(f"no street leads from {one} to {other}")
