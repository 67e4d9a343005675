"""Reports on their way to a path: whole, or an error that names path and reason."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gatekeeper.errors import ReportError, UsageError
from gatekeeper.reports.write import Target, apart, is_replaced, write


def alone(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def python(code, *arguments, **options):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, timeout=60, check=False, **options
    )


WRITE = """
import sys
from gatekeeper.errors import ReportError
from gatekeeper.reports.write import write
try:
    write(sys.argv[1], chr(252) * int(sys.argv[2]))
except ReportError as error:
    print(error, file=sys.stderr)
    sys.exit(3)
"""


def test_a_new_report_is_written_whole(tmp_path):
    write(str(tmp_path / "r.xml"), "ünï 😀\n")
    assert (tmp_path / "r.xml").read_bytes() == "ünï 😀\n".encode()
    assert alone(tmp_path) == {"r.xml"}


def test_a_new_report_follows_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        write(str(tmp_path / "r"), "x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "r").stat().st_mode) == 0o640


def test_an_old_report_is_replaced_and_keeps_its_mode(tmp_path):
    file = tmp_path / "r"
    file.write_text("old and longer")
    file.chmod(0o604)
    with file.open() as reader:
        write(str(file), "new")
        assert reader.read() == "old and longer"
    assert file.read_text() == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o604


def test_a_link_stays_a_link_and_its_target_is_replaced(tmp_path):
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "r"
    target.write_text("old")
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to(target)
    write(str(tmp_path / "a"), "new")
    assert (tmp_path / "a").is_symlink()
    assert (tmp_path / "b").is_symlink()
    assert target.read_text() == "new"
    assert alone(tmp_path) == {"a", "b", "real"}


def test_a_link_to_nothing_yet_makes_its_target(tmp_path):
    (tmp_path / "link").symlink_to("later")
    write(str(tmp_path / "link"), "x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "later").read_text() == "x"


def test_a_path_without_a_folder_is_beside_us(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("r", "x")
    assert alone(tmp_path) == {"r"}


def test_a_name_as_long_as_names_may_be_can_be_written(tmp_path):
    write(str(tmp_path / ("n" * 255)), "x")
    assert alone(tmp_path) == {"n" * 255}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("missing/r.xml", "No such file"),
        ("a-file/r.xml", "Not a directory"),
        ("", "empty"),
        ("folder/", "ends in a slash"),
        (".", "Is a directory"),
        ("loop", "Too many levels"),
        ("nul\0", "null"),
        ("n" * 300, "too long"),
        ("/proc/r.xml", "No such file"),
        ("/proc/version", "Permission denied|Input/output|not permitted|No such file|Operation"),
    ],
)
def test_a_path_that_cannot_be_written_is_an_error_with_path_and_reason(tmp_path, monkeypatch, path, reason):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a-file").write_text("x")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ReportError, match=f"(?i){reason}") as raised:
        write(path, "text")
    assert path in str(raised.value)
    assert alone(tmp_path) == {"a-file", "loop"}


@pytest.mark.parametrize(("minor", "said"), [(7, "No space left"), (3, None)], ids=["full", "null"])
def test_a_device_is_written_directly_and_stays_a_device(tmp_path, minor, said):
    device = tmp_path / "device"  # a copy of the node: a mistake here must not cost the machine its own
    try:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
        device.open("wb").close()
    except OSError:
        pytest.skip("no right to make a device")
    if said:
        with pytest.raises(ReportError, match=said):
            write(str(device), "text")
    else:
        write(str(device), "text")
    assert stat.S_ISCHR(device.stat().st_mode)
    assert alone(tmp_path) == {"device"}


def test_a_pipe_is_written_directly(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write(str(pipe), "x" * 200_000)
    reader.join(10)
    assert read == [b"x" * 200_000]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert not is_replaced(str(pipe))


def test_a_file_system_without_room_leaves_the_old_report(tmp_path):
    import resource

    file = tmp_path / "r"
    file.write_text("old")
    done = python(WRITE, file, 100_000, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536)))
    assert done.returncode == 3
    assert "File too large" in done.stderr.decode()
    assert str(file) in done.stderr.decode()
    assert file.read_text() == "old"
    assert alone(tmp_path) == {"r"}


@pytest.mark.parametrize("path", ["-", "/dev/stdout", "/proc/self/fd/1", "/dev/fd/1"])
def test_standard_output_that_is_full_is_an_error(path):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", WRITE, path, "100"], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False
        )
    assert done.returncode == 3
    assert b"No space left" in done.stderr


@pytest.mark.parametrize("path", ["-", "/dev/stdout"])
def test_standard_output_is_utf_8_whatever_the_locale(path):
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = python(WRITE, path, 3, env=environment)
    assert (done.returncode, done.stdout) == (0, "üüü".encode())


def test_a_file_that_is_standard_output_is_not_renamed_away(tmp_path):
    code = "import sys; from gatekeeper.reports.write import write\nprint('a', flush=True)\n"
    code += "write('/dev/stdout', 'b\\n')\nprint('c')"
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", code], stdout=out, timeout=60, check=True)
    assert (tmp_path / "out").read_text() == "a\nb\nc\n"


def test_standard_output_that_is_closed_is_an_error():
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" -c "$1" - 3 >&-', sys.executable, WRITE], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 3
    assert b"standard output" in done.stderr


def test_standard_output_that_a_caller_holds_gets_the_report(capsys):
    write("-", "ü\n")
    assert capsys.readouterr().out == "ü\n"


def test_a_target_names_a_format_and_a_path():
    assert Target.parse("markdown=a=b.md") == Target("markdown", "a=b.md")


@pytest.mark.parametrize(
    ("text", "said"),
    [("markdown", "FORMAT=FILE"), ("markdown=", "FORMAT=FILE"), ("markdwon=x", "did you mean 'markdown'")],
)
def test_a_wrong_target_says_how_to_write_it(text, said):
    with pytest.raises(UsageError, match=said):
        Target.parse(text)


def test_only_one_report_goes_to_standard_output():
    assert apart([Target("json", "-"), Target("junit", "x.xml")])
    for other in ("-", "/dev/stdout"):
        with pytest.raises(UsageError, match="at most one"):
            apart([Target("json", "-"), Target("junit", other)])


def test_two_reports_never_share_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("r")
    with pytest.raises(UsageError, match="two reports want the file"):
        apart([Target("json", "r"), Target("junit", "./link")])
    assert apart([Target("json", "/dev/null"), Target("junit", "/dev/null")])


@pytest.mark.parametrize("name", ["gatekeeper.yaml", "c.odcs.YML", "build.sql", "link"])
def test_a_report_never_replaces_a_file_that_people_write(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text("version: 1") if name != "link" else (tmp_path / name).symlink_to("a.yaml")
    (tmp_path / "a.yaml").write_text("version: 1")
    with pytest.raises(UsageError, match="is there, and no report: it would be lost"):
        apart([Target("junit", name)])
    assert apart([Target("junit", "new.yaml")])
