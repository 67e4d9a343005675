from __future__ import annotations

from pathlib import Path

import pytest

from cli.scene import Scene, scene


@pytest.fixture
def place(tmp_path: Path) -> Scene:
    return scene(tmp_path)
