"""Precompile a package: Lambda cannot write .pyc files, so without them every cold start compiles every module anew."""

import compileall
import os
import tempfile
import zipfile
from pathlib import Path
from py_compile import PycInvalidationMode

_LEFT_OUT = ("/tests/", "/test/")
_EPOCH = (2026, 1, 1, 0, 0, 0)


def precompile(package: Path) -> None:
    """Adds bytecode to the zip, in place, of the same Python version as its runtime is.

    The bytecode is unchecked: times and hashes of sources are not looked at, as nothing in a package ever changes.
    Entries are sorted and dated alike, so that the same sources make the same zip.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with zipfile.ZipFile(package) as zipped:
            zipped.extractall(root)
        compileall.compile_dir(
            root,
            quiet=2,
            stripdir=str(root),
            prependdir="/var/task",
            invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        )
        made = package.with_suffix(".precompiled")
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
            for path in sorted(root.rglob("*")):
                if path.is_file() and not any(part in f"/{path.relative_to(root)}" for part in _LEFT_OUT):
                    entry = zipfile.ZipInfo(str(path.relative_to(root)), _EPOCH)
                    entry.external_attr = (0o755 if os.access(path, os.X_OK) else 0o644) << 16
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    zipped.writestr(entry, path.read_bytes())
        made.replace(package)
