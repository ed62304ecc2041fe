import pytest

from napari_jsn.anatomy.body_parts import part_of_code, parts_in_words


@pytest.mark.parametrize(
    "text",
    [
        "HAND", "XR HAND BILAT 2 VIEWS", "RTHAND", "Hände bds. dp", "Ha\u0308nde", "HAENDE", "Handgelenk li",
        "Handwurzel",
        "Daumen re", "Langfinger", "main droite face + oblique", "Mains", "poignet", "pouce", "mano izquierda",
        "ambas manos", "muñeca", "mani", "polso", "pollice", "handen", "pols", "duim", "WRISTLT", "Thumb", "MCP 2-5",
        "hænder",
    ],
)  # fmt: skip
def test_hands(text):
    assert parts_in_words(text) == {"HAND"}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("FOOT", "FOOT"), ("LFOOT", "FOOT"), ("FOOTLT", "FOOT"), ("Feet weight bearing", "FOOT"), ("Füße bds.", "FOOT"),
        ("Fu\u0308sse", "FOOT"), ("FUESSE", "FOOT"), ("Vorfuß re", "FOOT"), ("pied gauche", "FOOT"), ("pies", "FOOT"),
        ("piede dx", "FOOT"), ("voeten", "FOOT"), ("2. Zehe", "FOOT"), ("TOES", "FOOT"), ("CALCANEUS", "FOOT"),
        ("RTANKLE", "ANKLE"), ("OSG", "ANKLE"), ("Sprunggelenk", "ANKLE"), ("cheville", "ANKLE"), ("Knie", "KNEE"),
        ("genou", "KNEE"), ("rodilla", "KNEE"), ("ginocchio", "KNEE"), ("HIP", "HIP"), ("Hüfte", "HIP"),
        ("Becken", "PELVIS"), ("ISG", "PELVIS"), ("Thorax pa", "CHEST"), ("RIB", "CHEST"), ("CSPINE", "SPINE"),
        ("LWS", "SPINE"), ("SACRUM", "SPINE"), ("Schädel", "SKULL"), ("JAW", "SKULL"), ("HEAD", "SKULL"),
        ("CLAVICLE", "SHOULDER"), ("Épaule", "SHOULDER"), ("Ellenbogen", "ELBOW"), ("HUMERUS", "UPPER ARM"),
        ("avant-bras", "FOREARM"), ("LEG", "LEG"), ("TIBIA", "LEG"), ("FEMUR", "LEG"), ("Lower extremity", "LEG"),
        ("ABDOMEN", "ABDOMEN"), ("BREAST", "BREAST"),
    ],
)  # fmt: skip
def test_other_parts(text, part):
    assert parts_in_words(text) == {part}


@pytest.mark.parametrize("text", ["HAND/FOOT", "Hände und Füße", "Mains et pieds", "manos y pies", "handen en voeten"])
def test_both_are_named(text):
    assert parts_in_words(text) == {"HAND", "FOOT"}


@pytest.mark.parametrize(
    "text",
    ["", "EXTREMITY", "UPPER EXTREMITY", "UNKNOWN", "2 views", "ARM", "doigt 3", "dedos", "face", "côté gauche",
     "radius", "Kontrolle nach Behandlung", "keine Voraufnahme vorhanden", "right-handed", "low dose", "Stoehr",
     "shipped", "chip"],
)  # fmt: skip
def test_words_that_name_no_part(text):
    assert parts_in_words(text) == frozenset()


@pytest.mark.parametrize(
    ("code", "part"),
    [("85562004", "HAND"), ("T-D8700", "HAND"), ("74670003", "HAND"), ("56459004", "FOOT"), ("T-D9700", "FOOT"),
     ("72696002", "KNEE"), ("39607008", "CHEST"), ("66019005", ""), ("", "")],
)  # fmt: skip
def test_codes(code, part):
    assert part_of_code(code) == part
