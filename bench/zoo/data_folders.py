"""Where the datasets lie, by the manifests in bench/datasets: whole in one of some folders, or not to be had."""

import json
from pathlib import Path
from typing import Sequence

MANIFESTS = Path(__file__).resolve().parent.parent / "datasets"     # also where both are installed


class Data:
    """`data / "NAME/file"` is a file of a dataset that is there."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots = list(roots)
        self.found: dict[str, Path | None] = {}

    def files(self, name: str) -> dict[str, int]:
        """Paths and sizes in bytes of a dataset."""
        listed = json.loads((MANIFESTS / f"{name}.json").read_text())["files"]
        return {file["path"]: file["bytes"] for file in listed}

    def lacks(self, folder: Path, path: str, n_bytes: int) -> bool:
        """A file packed by another program has another size; `bench fetch` compares contents."""
        file = folder / path
        return not file.is_file() or (not path.endswith(".gz") and file.stat().st_size != n_bytes)

    def folder(self, name: str) -> Path | None:
        """Of a dataset, where all of it is there."""
        if name not in self.found:
            files = self.files(name)
            whole = [root / name for root in self.roots
                     if not any(self.lacks(root / name, path, n) for path, n in files.items())]
            self.found[name] = whole[0] if whole else None
        return self.found[name]

    def has(self, *names: str) -> bool:
        """Are all of these datasets there?"""
        return all(self.folder(name) is not None for name in names)

    def paths(self, name: str) -> list[Path]:
        """All files of a dataset; none where it is not there."""
        folder = self.folder(name)
        return [] if folder is None else [folder / path for path in sorted(self.files(name))]

    def __truediv__(self, path: str) -> Path:
        name, _, rest = path.partition("/")
        folder = self.folder(name)
        if folder is None:
            raise FileNotFoundError(f"the dataset {name} is not whole in {', '.join(map(str, self.roots))}")
        return folder / rest
