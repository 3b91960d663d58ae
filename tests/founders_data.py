"""ESC-10 Mobile out of some of the founders' recordings, by their own build script."""

import importlib.util

import pytest


def build_esc10_mobile(shared, clips, folder):
    """Write the data set of these files of `shared`/esc10_mobile/clips; returns its root below `folder`."""
    founders = shared / "esc10_mobile"
    spec = importlib.util.spec_from_file_location("build", founders / "build.py")
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    build.HERE = folder
    for clip in clips:
        (folder / "clips" / clip.parent.name).mkdir(parents=True, exist_ok=True)
        (folder / "clips" / clip.parent.name / clip.name).symlink_to(clip)
    root = folder / "data"
    arguments = ["build.py", root, "--devices", founders / "devices.json", "--microphones", founders / "microphones"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", [str(each) for each in arguments])
        build.main()
    return root
