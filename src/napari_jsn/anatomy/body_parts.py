"""Parts of the body that words and codes of a DICOM header name: a hand, or which other part.

Words are English, German, French, Spanish, Italian and Dutch, with a few Scandinavian ones. A word that is not listed
names nothing, so that an unknown word never excludes a radiograph.
"""

from __future__ import annotations

import re
import unicodedata

HAND = "HAND"

#: Words by part of the body, without accents. ``*`` stands for any letters; the beginning ``~`` allows a side before
#: the word ("LFOOT", "RTHAND"). Words that mean something else in another of the languages are left out: "face" is a
#: frontal view in French, "cote" a side, "doigt" and "dedo" are fingers and toes, and a film of the "radius" may show
#: the hand.
_WORDS = {
    HAND: "*hand* *haend* main mains mano manos mani wrist* ~wrist* *finger* *vinger* thumb* ~thumb* *daumen* pouce* "
    "pulgar* pollice* *duim* *metacarp* *metakarp* carp* karp* mcp poignet* muneca* pols polso polsi",
    "FOOT": "*foot* *feet* *fuss* *fuess* pied pieds pie pies piede piedi *voet* fot fotter fod fodder metatars* "
    "tars* tarso calcane* calcagn* kalkane* heel heels *ferse* talon hiel talus toe toes ~toe ~toes zeh zehe zehen "
    "grosszehe* orteil* tenen hallux alluce mtp",
    "ANKLE": "ankle* ~ankle* *sprunggelenk* osg usg cheville* tobillo* cavigli* enkel enkels",
    "KNEE": "knee* ~knee* *knie* genou* rodilla* ginocchi* patell*",
    "HIP": "hip hips ~hip ~hips *huft* *hueft* hanche* cadera* heup heupen anca coxa*",
    "PELVIS": "pelvi* *becken* bassin bekken bacino *sacroil* *iliosakr* isg",
    "CHEST": "chest* *thorax* thorac* torace torax *brust* lung lungs lunge lungen longen rib ribs rippe* *sternum*",
    "BREAST": "breast* mamma* mammo* mammae",
    "SKULL": "skull* *schadel* *schaedel* crane craneo cranio cranium schedel head kopf tete cabeza testa sinus* jaw "
    "*mandib* *maxill* *kiefer* dental* tooth teeth zahn* orbit*",
    "NECK": "neck hals cuello",
    "SPINE": "*spine *spinal* lws bws hws *wirbel* *vertebr* lumba* *lumbal* lomb* cervical* rachis columna colonna "
    "*wervel* sacr* *sakral* coccy* steiss*",
    "SHOULDER": "shoulder* ~shoulder* *schulter* epaule* hombro* spalla spalle schouder* clavic* *clavicula* "
    "schlusselbein* schluesselbein* scapul* acromi* akromi*",
    "ELBOW": "elbow* ~elbow* ellbogen* ellenbogen* coude coudes codo codos gomit* elleboog*",
    "UPPER ARM": "*humer* *oberarm*",
    "FOREARM": "forearm* ~forearm* *unterarm* antebrazo* avambracci* onderarm*",
    "LEG": "leg legs ~leg ~legs *tibia* *fibul* *unterschenkel* jambe* pierna* gamba gambe onderbeen *femur* *femor* "
    "*oberschenkel* thigh* cuisse* muslo* coscia bovenbeen bein beine",
    "ABDOMEN": "abdom* *bauch* buik",
}
#: Two words that name a part together.
_PHRASES = {
    "lower limb": "LEG",
    "lower limbs": "LEG",
    "lower extremity": "LEG",
    "lower extremities": "LEG",
    "untere extremitat": "LEG",
    "untere extremitaten": "LEG",
    "membre inferieur": "LEG",
    "membres inferieurs": "LEG",
    "upper arm": "UPPER ARM",
    "avant bras": "FOREARM",
}
#: Words that contain "hand" and mean no hand: treatment and present (German), right-handed.
_NO_HAND = re.compile("handlung|vorhanden|handling|handed")
#: Sides before a word.
_SIDES = "(?:l|r|lt|rt|li|re|left|right|bi|both|b)"

#: SNOMED CT codes of parts, and their SNOMED RT codes in older files; other codes are read by their meaning.
_CODES = {
    HAND: "85562004 T-D8700 7569003 T-D8800 76505004 T-D8810 74670003 T-15460 8205005",
    "FOOT": "56459004 T-D9700 29707007 T-D9800 80144004 T-12770 27949001 T-15770 58742003 T-12980",
    "ANKLE": "70258002 T-15750",
    "KNEE": "72696002 T-D9200 64234005 T-12730",
    "HIP": "29836001 T-D2500 24136001 T-15710",
    "PELVIS": "816092008 12921003 T-D6000 39723000 T-15680",
    "CHEST": "816094009 51185008 T-D3000 113197003 T-11300 56873002 T-11210 39607008 T-28000",
    "BREAST": "76752008 T-04000",
    "SKULL": "89546000 T-11100 69536005 T-D1100 661005 T-D1213 91609006 T-11180 70925003 T-11170 2095001 T-22000",
    "NECK": "45048000 T-D1600",
    "SPINE": "421060004 T-D04FF 122494005 T-11501 122495006 T-11502 122496007 T-11503 54735007 T-11AD0 64688005 "
    "T-11BF0",
    "SHOULDER": "16982005 T-D2220 51299004 T-12310 79601000 T-12280 85856004 T-15420",
    "ELBOW": "16953009 T-15430",
    "UPPER ARM": "40983000 T-D8200 85050009 T-12410",
    "FOREARM": "14975008 T-D8500",
    "LEG": "61685007 T-D9000 30021000 T-D9400 12611008 T-12740 68367000 T-D9100 71341001 T-12710 87342007 T-12750",
    "ABDOMEN": "818981001 113345001 T-D4000",
}
_PART_OF_CODE = {code: part for part, codes in _CODES.items() for code in codes.split()}


def parts_in_words(text: str) -> frozenset[str]:
    """Return the parts of the body that a text names: :data:`HAND`, ``"FOOT"``, ``"KNEE"``, ...

    Wrists, fingers and thumbs count as hands. Empty if no word of the text is known.

    Examples
    --------
    >>> from napari_jsn.anatomy.body_parts import parts_in_words
    >>> sorted(parts_in_words("Hände und Füße beidseits"))
    ['FOOT', 'HAND']
    """
    words = _words(text)
    parts = {part for part, pattern in _PATTERNS.items() if any(pattern.fullmatch(word) for word in words)}
    pairs = {f"{one} {other}" for one, other in zip(words, words[1:])}
    return frozenset(parts | {part for phrase, part in _PHRASES.items() if phrase in pairs})


def part_of_code(code: str) -> str:
    """Return the part that a code of SNOMED CT or SNOMED RT stands for; ``""`` for a code that is not listed."""
    return _PART_OF_CODE.get(code, "")


def _words(text: str) -> list[str]:
    """Return the words of a text in lower case and without accents; ``"ß"`` is ``"ss"``."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("æ", "ae").replace("ø", "o"))
    words = re.findall("[a-z]+", "".join(letter for letter in plain if not unicodedata.combining(letter)))
    return [word for word in words if not _NO_HAND.search(word)]


def _pattern(listed: str) -> re.Pattern[str]:
    return re.compile("|".join(word.replace("*", "[a-z]*").replace("~", _SIDES) for word in listed.split()))


_PATTERNS = {part: _pattern(listed) for part, listed in _WORDS.items()}
