"""Metadata as others write them: each mistake is one sentence with file and line, and nothing is guessed or dropped."""

import random
import re
import unicodedata

import pytest

from asc_tf.data.clips import check_audio_files, read_clips
from asc_tf.errors import AscError

ROWS = [
    ("audio/airport-lisbon-1000-40000-a.wav", "airport", "lisbon-1000", "a"),
    ("audio/airport-lisbon-1000-40000-s1.wav", "airport", "lisbon-1000", "s1"),
    ("audio/street_traffic-lyon-7-3-b.wav", "street_traffic", "lyon-7", "b"),
    ("audio/park-milan-2-1-s4.wav", "park", "milan-2", "s4"),
    ("audio/my own name.flac", "airport", "attic", "phone"),
]
META = ["filename\tscene_label\tidentifier\tsource_label", *map("\t".join, ROWS)]
TRAIN = ["filename\tscene_label", *("\t".join(row[:2]) for row in ROWS[:3])]
TEST = ["filename\tscene_label", "\t".join(ROWS[3][:2])]
FILES = {
    "meta.csv": "".join(f"{line}\n" for line in META),
    "evaluation_setup/fold1_train.csv": "".join(f"{line}\n" for line in TRAIN),
    "evaluation_setup/fold1_evaluate.csv": "".join(f"{line}\n" for line in TEST),
}


@pytest.fixture
def root(tmp_path):
    (tmp_path / "evaluation_setup").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def change(root, file, old, new):
    (name,) = (name for name in FILES if name.endswith(file))
    content = (root / name).read_bytes()
    assert old.encode() in content
    (root / name).write_bytes(content.replace(old.encode(), new.encode(), 1))


def refused(root):
    with pytest.raises(AscError) as error:
        read_clips(root)
    sentence = str(error.value)
    assert str(root) in sentence and sentence.isprintable(), "one line that names the file"
    return sentence.replace(f"{root}/", "").replace("evaluation_setup/", "")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: path.unlink(), "meta.csv: no such file"),
        (lambda path: path.write_text(""), "meta.csv: is not a tab-separated table (it is empty)"),
        (lambda path: path.write_text("\n \n\n"), "meta.csv: is not a tab-separated table (it is empty)"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00\x81"), "meta.csv: is not a tab-separated table in UTF-8"),
        (
            lambda path: path.write_text(FILES["meta.csv"], encoding="utf-16"),
            "meta.csv: is not a tab-separated table in UTF-8 (it begins like UTF-16); save it as UTF-8",
        ),
        (
            lambda path: path.write_bytes(FILES["meta.csv"].replace("milan", "münchen").encode("latin-1")),
            "meta.csv: is not a tab-separated table in UTF-8 (byte 0xfc in line 5)",
        ),
        (lambda path: path.write_text(META[0]), "meta.csv: names no clips"),
        (
            lambda path: path.write_text(FILES["meta.csv"].replace("\t", ",")),
            "meta.csv: is not a tab-separated table, it looks comma-separated "
            "('filename,scene_label,identifier,source_label'); expected tabs between the columns",
        ),
        (lambda path: path.write_text(FILES["meta.csv"].replace("\t", ";")), "it looks semicolon-separated"),
    ],
)
def test_what_is_no_tab_separated_table(root, write, message):
    write(root / "meta.csv")
    assert message in refused(root)


def test_all_missing_columns_are_named_at_once(root):
    change(root, "meta.csv", "scene_label\tidentifier", "scene\tplace")
    assert refused(root) == (
        "meta.csv: has no columns 'scene_label' and 'identifier'; found filename, scene, place, source_label"
    )


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("meta.csv", "source_label", "device", "has no column 'source_label'; found filename, scene_label"),
        ("meta.csv", "\tidentifier", "\tfilename", "meta.csv: has no column 'identifier'"),
        ("meta.csv", "source_label\n", "source_label\tidentifier\n", "meta.csv: has the column 'identifier' twice"),
        ("meta.csv", "\tlisbon-1000\ta\n", "\tlisbon-1000\t\n", "meta.csv: line 2 has no source_label"),
        ("meta.csv", "\tlisbon-1000\ta\n", "\t \ta\n", "meta.csv: line 2 has no identifier"),
        ("meta.csv", "\tlisbon-1000\ta\n", "\tlisbon-1000\n", "meta.csv: line 2 has 3 fields; expected 4"),
        ("meta.csv", "\tattic\tphone", "\tattic\tphone\tred", "meta.csv: line 6 has 5 fields; expected 4"),
        ("meta.csv", "-s1.wav", "-a.wav", "names audio/airport-lisbon-1000-40000-a.wav twice, in lines 2 and 3"),
        ("meta.csv", "airport\tlisbon", '"airport\tlisbon', "line 2 has a quote that is not closed ('\"airport')"),
        ("train.csv", "audio/street", "\naudio/streets", "train.csv: line 5 names audio/streets_traffic-lyon"),
        ("evaluate.csv", "milan", "rome", "which meta.csv does not"),
        ("evaluate.csv", "park-milan-2-1-s4", "airport-lisbon-1000-40000-a", "in the training part as well"),
        ("train.csv", "-s1.wav", "-a.wav", "fold1_train.csv: names audio/airport-lisbon-1000-40000-a.wav twice"),
        (
            "train.csv", "s1.wav\tairport", "s1.wav\tbus",
            "fold1_train.csv: line 3 says scene_label 'bus' of audio/airport-lisbon-1000-40000-s1.wav, "
            "of which meta.csv says 'airport'",
        ),
        (
            "evaluate.csv", "scene_label\naudio/park-milan-2-1-s4.wav\tpark",
            "source_label\naudio/park-milan-2-1-s4.wav\ts5",
            "fold1_evaluate.csv: line 2 says source_label 's5' of audio/park-milan-2-1-s4.wav, of which meta.csv "
            "says 's4'",
        ),
    ],
)  # fmt: skip
def test_rows_that_are_wrong_are_named_with_their_line(root, file, old, new, message):
    change(root, file, old, new)
    assert message in refused(root)


NO_FOLDER = "cannot name a folder; expected a name without / and \\ that does not begin with a dot"


@pytest.mark.parametrize("column", ["scene_label", "source_label"])
@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("../../../x/s1", NO_FOLDER),
        ("/etc/s1", NO_FOLDER),
        ("..", NO_FOLDER),
        (".", NO_FOLDER),
        (".part-s1", NO_FOLDER),
        ("s1\\s2", NO_FOLDER),
        ("s1\0", "holds a control character (U+0000)"),
        ("\x1b[31ms1", "holds a control character (U+001B)"),
        ("s1\u200b", "holds U+200B, which cannot be seen"),
        ("s1\u202ewav", "holds U+202E, which cannot be seen"),
        ("s" * 73, "is 73 bytes long; expected 72 at the most"),
        ("é" * 1_000_000, "is 2,000,000 bytes long"),
        *(
            (row, "is a row or a column of the result tables")
            for row in ("seen", "unseen", "all", "mean", "All", "scene")
        ),
    ],
)
def test_a_name_that_is_no_folder_nor_row_of_a_table_is_refused(root, column, name, problem):
    place = {"scene_label": "\tpark\t", "source_label": "\ts4\n"}[column]
    change(root, "meta.csv", place, place.replace("park", name).replace("s4", name))
    sentence = refused(root)
    assert sentence.startswith(f"meta.csv: line 5: {column} '") and problem in sentence and len(sentence) < 300


def test_a_location_may_have_a_slash_but_no_control_character(root):
    change(root, "meta.csv", "milan-2\t", "milan/2\t")
    assert read_clips(root).location[3] == "milan/2"
    change(root, "meta.csv", "milan/2\t", "milan\x0c2\t")
    assert "line 5: identifier 'milan\\x0c2' holds a control character (U+000C)" in refused(root)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("../x.wav", "leads out of the data set's folder"),
        ("audio/../../x.wav", "leads out of the data set's folder"),
        ("/etc/passwd", "leads out of the data set's folder"),
        ("audio\\x.wav", "holds a backslash; expected / between folders"),
        ("audio//x.wav", "has an empty part"),
        ("./audio/x.wav", "a dot alone"),
        ("audio/", "has an empty part"),
        ("audio/x\0.wav", "holds a control character (U+0000)"),
        ("audio/\x1b[2Jx.wav", "holds a control character (U+001B)"),
        (f"audio/{'x' * 256}", "has a part longer than 255 bytes"),
    ],
)
@pytest.mark.parametrize("file", ["meta.csv", "train.csv"])
def test_a_file_name_that_is_none_below_the_folder_is_refused(root, file, name, problem):
    change(root, file, ROWS[1][0], name)
    sentence = refused(root)
    assert "line 3: filename '" in sentence and problem in sentence


# Labels that a reader takes for the same


@pytest.mark.parametrize(
    ("column", "one", "other"),
    [
        ("scene_label", "airport", "Airport"),
        ("scene_label", "street_traffic", "street traffic"),
        ("identifier", "lisbon-1000", "Lisbon-1000"),
        ("source_label", "a", "A"),
        ("source_label", "b", "\uff22"),
    ],
)
def test_labels_that_differ_by_their_spelling_alone_are_refused(root, column, one, other):
    """Otherwise one location could stand in training and validation, one scene be two outputs of a network."""
    change(root, "meta.csv", "attic\tphone", "attic\tphone\n" + "\t".join(
        {"filename": "audio/y.wav", "scene_label": "airport", "identifier": "attic", "source_label": "phone",
         column: other}.values()))  # fmt: skip
    line = next(number for number, row in enumerate(ROWS, start=2) if one in row)
    assert (
        refused(root) == f"meta.csv: {column} is '{one}' in line {line} and '{other}' in line 7; expected one spelling"
    )


def test_blanks_around_labels_and_the_form_of_accents_do_not_count(root):
    change(root, "meta.csv", "airport\tlisbon-1000\ts1", " airport\tlisbon-1000 \ts1\u00a0")
    change(root, "meta.csv", "attic", unicodedata.normalize("NFD", "café  1"))
    change(root, "train.csv", "s1.wav\tairport", "s1.wav \tairport ")
    clips = read_clips(root)
    assert clips.iloc[1][["scene", "location", "device"]].to_list() == ["airport", "lisbon-1000", "s1"]
    assert clips.location[4] == "café 1" and list(clips.split) == ["train"] * 3 + ["test", ""]


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
@pytest.mark.parametrize("in_table", ["NFC", "NFD"])
def test_a_name_in_another_unicode_form_is_the_file_on_the_disk(root, on_disk, in_table):
    name = "audio/Geräusch/Tür é 1.wav"
    change(root, "meta.csv", ROWS[4][0], unicodedata.normalize(in_table, name))
    path = root / unicodedata.normalize(on_disk, name)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    clips = read_clips(root).iloc[4:]
    check_audio_files(root, clips)
    assert clips.filename.item() == unicodedata.normalize(on_disk, name)
    assert clips.clip_id.item() == "Tür é 1", "the same in every table of results"


# Files as other programs write them


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\n\n").encode(),
        lambda text: text.rstrip("\n").encode(),
        lambda text: text.replace("\n", "\t\t\n").encode(),
        lambda text: re.sub(r"[^\t\n]+", r'"\g<0>"', text).encode(),
    ],
    ids=["CRLF", "CR", "BOM", "empty lines", "no last newline", "trailing tabs", "quoted"],
)  # fmt: skip
def test_tables_as_other_programs_write_them_say_the_same(root, rewrite):
    expected = read_clips(root)
    for name, text in FILES.items():
        (root / name).write_bytes(rewrite(text))
    assert read_clips(root).equals(expected)


def test_a_quote_inside_a_name_is_part_of_it(root):
    change(root, "meta.csv", "my own name", 'my "own" name')
    assert read_clips(root).filename[4] == 'audio/my "own" name.flac'


# What nobody thought of


INSERTED = [
    b"\t", b"\n", b"\r", b'"', b"\0", b" ", b",", b"..", b"/", b"\\", b"\xff", b"\xc3\xa9", b"e\xcc\x81",
    b"\xe2\x80\xae", b"\x1b[31m", b"all", b"-", b"_", b"A" * 300, b"\xef\xbb\xbf", b"\x0c", b"%",
    b"\xf0\x9f\x8e\xa4",
]  # fmt: skip


def mutated(content, generator):
    """Bytes with one or two changes: inserted, another byte, a stretch cut, doubled or moved, lines lost."""
    for _ in range(generator.randint(1, 2)):
        here, there = sorted(generator.choices(range(len(content) + 1), k=2))
        there = min(there, here + 40)
        content = generator.choice(
            [
                lambda here, there, old: old[:here] + generator.choice(INSERTED) + old[here:],
                lambda here, there, old: old[:here] + bytes([generator.randrange(256)]) + old[here + 1 :],
                lambda here, there, old: old[:here] + old[there:],
                lambda here, there, old: old[:there] + old[here:],
                lambda here, there, old: old[there:] + old[here:there] + old[:here],
                lambda here, there, old: b"\n".join(line for line in old.split(b"\n") if generator.random() < 0.9),
                lambda here, there, old: (
                    old.swapcase() if generator.random() < 0.1 else old[:here] + old[here:].upper()
                ),
            ]
        )(here, there, content)
    return content


def check_frame(root, clips):
    """What holds of every frame that is read without an error."""
    assert len(clips) and not clips.isna().any(axis=None)
    assert clips.filename.is_unique and set(clips.split) <= {"train", "test", ""}
    for column in ("scene", "device"):
        for name in clips[column].unique():
            folder = root / "leave-device-out" / name
            assert folder.parent == root / "leave-device-out" and folder.name == name and name.isprintable()
            assert name.casefold() not in ("seen", "unseen", "all", "mean")
    for column in ("scene", "device", "location"):
        labels = clips[column].unique()
        assert len({label.casefold().strip() for label in labels}) == len(labels)
    for name in clips.filename:
        assert (root / name).resolve().is_relative_to(root.resolve()) and "\0" not in name


@pytest.mark.parametrize("seed", range(8))
def test_mutated_tables_are_read_right_or_refused_in_a_sentence(root, seed):
    """500 a seed: the frame keeps its promises, or the error names file and reason on one line that can be printed."""
    generator, read = random.Random(seed), 0
    for _ in range(500):
        name = generator.choice(sorted(FILES))
        (root / name).write_bytes(mutated(FILES[name].encode(), generator))
        try:
            clips = read_clips(root)
        except AscError as error:
            sentence = str(error)
            assert str(root / name) in sentence or str(root / "evaluation_setup") in sentence
            assert sentence.isprintable() and len(sentence) < 700, sentence
        else:
            check_frame(root, clips)
            read += 1
        (root / name).write_text(FILES[name], encoding="utf-8")
    assert 20 < read < 480, "mutations that are all harmless or all fatal would test little"
