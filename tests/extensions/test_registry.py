import sys

import pytest

import asc_tf
from asc_tf.errors import AscError
from asc_tf.extensions import AUGMENTATIONS, LAYOUTS, NETWORKS, NORMALIZATIONS, register
from asc_tf.extensions.registry import Registry


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Function that makes a package known as an installer does: its module's text and its entry points."""

    def install(text, **entry_points):
        folder = tmp_path / "my_asc-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: my-asc\nVersion: 1.0\n")
        lines = [f"[asc_tf.{group}]\n{line}\n" for group, line in entry_points.items()]
        (folder / "entry_points.txt").write_text("\n".join(lines))
        (tmp_path / "my_asc.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)

    yield install
    sys.modules.pop("my_asc", None)


@pytest.fixture
def things():
    return Registry("thing", {"own": "asc_tf.errors:AscError", "other": "asc_tf.errors:nearest"})


def test_own_things_are_imported_when_they_are_asked_for(things):
    assert list(things) == ["own", "other"] and things["own"] is AscError and "third" not in things


def test_an_installed_packages_entry_point_is_a_name(things, installed):
    installed("made = 'here'\n", things="more = my_asc:made")
    assert list(things) == ["own", "other", "more"] and len(things) == 3 and "my_asc" not in sys.modules
    assert things.find("more") == "here"


def test_a_registered_thing_is_a_name(things):
    things.register("mine", 5)
    assert things["mine"] == 5 and list(things) == ["own", "other", "mine"]


@pytest.mark.parametrize("name", ["own", "Mine", "a b", "", "../x"])
def test_a_name_that_is_taken_or_none(things, name):
    with pytest.raises(AscError, match="taken|small letters"):
        things.register(name, 5)


def test_an_entry_point_cannot_take_a_name_of_ours(things, installed):
    installed("made = 'here'\n", things="own = my_asc:made")
    with pytest.raises(AscError, match=r"thing own \(entry point my_asc:made\): the name is taken"):
        list(things)


def test_an_unknown_name_is_told_with_the_nearest(things):
    with pytest.raises(AscError, match="thing owm: is not known; did you mean 'own'"):
        things.find("owm")


@pytest.mark.parametrize("text", ["import nothing_of_that_name", "1 / 0", "unmade = 1"])
def test_a_package_that_cannot_be_imported_is_named(things, installed, text):
    installed(text, things="more = my_asc:made")
    with pytest.raises(AscError, match="thing more: my_asc:made cannot be imported"):
        things.find("more")


def test_all_own_homes_are_there():
    for registry in (NETWORKS, NORMALIZATIONS, AUGMENTATIONS, LAYOUTS):
        assert all(registry[name] is not None for name in registry.own)


def test_register_knows_four_kinds():
    with pytest.raises(AscError, match="register: 'networks' is no kind of extension; did you mean 'network'"):
        register("networks", "mine", print)
    assert asc_tf.register is register
