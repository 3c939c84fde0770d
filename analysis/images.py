"""The figures of a report as image files."""

from collections.abc import Sequence
from pathlib import Path

from analysis import gallery
from analysis.evidence import gather
from analysis.resampled import RESAMPLES
from study.errors import UserError

_WIDTH = 1200
_REMEDY = "install Chromium (Debian: apt-get install chromium) and kaleido (pip install kaleido)"


def write(
    folders: Sequence[Path | str],
    out: Path,
    form: str,
    cells: tuple[int, int] | None = None,
    resamples: int = RESAMPLES,
) -> list[Path]:
    """Write every figure of the report as `form` ("png" or "svg") into the folder `out`; the files' paths.

    Raises UserError where kaleido or a Chromium is missing, or `out` cannot be written.
    """
    try:
        import kaleido
        from choreographer.errors import ChromeNotFoundError
    except ImportError:
        raise UserError(f"--format: {form} needs kaleido, which is not installed; {_REMEDY}") from None
    paths = []
    try:
        out.mkdir(parents=True, exist_ok=True)
        for drawing in gallery.every(gather(folders, resamples), cells):
            path = out / f"{drawing.name}.{form}"
            width = max(_WIDTH if drawing.stacked else 0, drawing.figure.layout.meta["min_width"], 640)
            # MathJax would be fetched from the network.
            kaleido.write_fig_sync(
                drawing.figure, str(path), opts={"width": width, "scale": 2}, kopts={"mathjax": False}
            )
            paths.append(path)
    except ChromeNotFoundError:
        raise UserError(f"--format: {form} needs a Chromium, and none was found; {_REMEDY}") from None
    except OSError as error:
        raise UserError(
            f"--out: must be a folder that can be written; got {out} ({error.strerror}); choose another"
        ) from None
    return paths
