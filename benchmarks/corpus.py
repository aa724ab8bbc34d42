"""Proves the networks of the corpus against timm's, one after the other, and writes docs/corpus.md.

`python benchmarks/corpus.py` goes through all families, `python benchmarks/corpus.py resnet densenet` through some.
What is proven is kept in benchmarks/corpus.csv as soon as it is, and holds as long as the emitted source does the same:
a run that was broken off goes on where it was. `--jobs 4` uses more processes, and `--page` writes the page alone. It
fails if a network of a shipped spec is not equal to timm's.
"""

from __future__ import annotations

import argparse
import ast
import csv
import hashlib
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from resnetdsl.analysis.metrics import metrics  # noqa: E402
from resnetdsl.api import find_network  # noqa: E402
from resnetdsl.spec import SpecError  # noqa: E402
from tests.corpus.proving import TABLE, Row, rows  # noqa: E402
from tests.networks.comparing import difference, image, promised, randomise, spec, state  # noqa: E402
from tests.oracles import timm  # noqa: E402

LEDGER = ROOT / "benchmarks" / "corpus.csv"
PAGE = ROOT / "docs" / "corpus.md"
BOUND = 1e-5
EXACT = 1e-11
"""In 64 bits, where 32 are not enough to tell: a deep network may round its way to more than the bound."""

BACKBONES = (
    "## Backbones\n",
    "`taps = true` gives the features that timm's `features_only` gives, and `output_stride` of 8 and 16 what timm's",
    "does ([language](language.md#networks-as-backbones)): `tests/corpus/test_taps.py` compares all networks of up to",
    "100 million parameters. The exceptions, where timm does something else:\n",
    "- GhostNet and RepGhost: timm takes the first group of blocks of each stride as its features, not the last.",
    "- HRNet: the streams are timm's with `feature_location=''`; without it, its head widens them.",
    "- Xception: timm takes them inside the blocks that have the stride, or behind the next activation; Inception-v4:",
    "  the first join of stride 4, not the last. ConvMixer has no stride but that of its patches. With an output",
    "  stride timm drops a projection of xception71.",
    "- MambaOut: timm's have their channels last.",
    "- DenseNet, DLA, DPN, FasterNet, GhostNet, HRNet, Inception, legacy SENet, MambaOut, MetaFormer, PP-HGNet,",
    "  RepGhost, RepViT, StarNet, TResNet, VGG, VoVNet: timm cannot take their strides away; resnetdsl can.",
    "- MobileOne, GERNet and test_byobnet: timm does not hand the dilation on to all of their convolutions.",
    "- RegNetV, resnet50_mlp and the CLIP networks: timm keeps or drops a mean in a projection by what was before.",
    "- resnest50d_1s4x24d and 4s2x40d: timm dilates the convolution behind a mean that it drops one block too late.",
    "- bat_resnext26ts: its blocks of 8x8 places are others where the image is larger.",
    "- MobileNetV4's hybrid networks: timm leaves the stride of keys and values, which are no part of the trunk.",
    "- EfficientNet and MobileNetV4 with blur pooling: timm drops the filter with the stride.\n",
)

COUNTED_OTHERWISE = {"bat_resnext26ts": 2_485_469_184}
"""Multiply-accumulates that are not timm's: its bilinear transform multiplies by matrices as large as the image, which
are zero nearly all."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found for one network. `source` is the digest of the emitted source that it was found for."""

    family: str
    network: str
    file: str
    weights: bool
    """Names, shapes and order of the weights are timm's, in the graph and in the module."""
    counts: bool
    """Parameters and multiply-accumulates are the table's, at timm's size of the input."""
    difference: float
    """The largest of the outputs' deviations, relative to the largest output."""
    exact: float | None
    """The same in 64 bits, where 32 did not show that both are one function."""
    sizes: str
    source: str

    @property
    def holds(self) -> bool:
        same = self.difference < BOUND if self.exact is None else self.exact < EXACT
        return self.weights and self.counts and same


def families() -> dict[str, dict[str, Row]]:
    """Every family of the table, in its order."""
    with TABLE.open(encoding="utf-8", newline="") as table:
        return {name: rows(name) for name in dict.fromkeys(row["family"] for row in csv.DictReader(table))}


def digest(file: str, name: str) -> str:
    """Of what the emitted source does: its documentation and the hash of the spec in it may change."""
    tree = ast.parse(spec(file).network(name).source())
    for part in ast.walk(tree):
        if isinstance(part, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(part) is not None:
            del part.body[0]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:16]


def prove(family: str, row: Row, file: str) -> Proof:
    """The weights of timm's network, drawn anew, in the emitted one: everything that must be equal."""
    network = spec(file).network(row.name)
    ours, theirs = network.module(), timm().create_model(row.name)
    weights = promised(network.checked) == state(ours) == state(theirs)
    found = metrics(network.checked)
    size = tuple(map(int, row.size.split("x")))
    macs = COUNTED_OTHERWISE.get(row.name, row.macs)
    counts = (found["params"], found["macs"], network.checked.node(0).outputs[0].shape) == (row.params, macs, size)
    randomise(theirs).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    ours.eval()
    worst, done, exact = 0.0, [], None
    with torch.no_grad():
        for each in (size, *others(size)):
            try:
                if promised(spec(file).graph(row.name, input=each)) != promised(network.checked):
                    continue  # it has a weight for each place
                expected = theirs(image(*each))
            except (SpecError, RuntimeError, AssertionError):  # a size that one of them cannot have
                continue
            worst = max(worst, difference(ours(image(*each)), expected))
            done.append(each)
            if len(done) == 2:
                break
        if worst >= BOUND:
            ours, theirs = ours.double(), theirs.double()
            exact = max(difference(ours(image(*each).double()), theirs(image(*each).double())) for each in done)
    sizes = " ".join("x".join(map(str, each)) for each in done)
    return Proof(family, row.name, file, weights, counts, worst, exact, sizes, digest(file, row.name))


def others(size: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    """A second size: odd where the network can have it, else larger."""
    channels, height, width = size
    yield channels, 97, 193
    yield channels, height + 1, width + 33
    yield channels, height + 32, width + 64


def read() -> dict[str, Proof]:
    """The proofs that there are, by the network's name."""
    if not LEDGER.exists():
        return {}
    with LEDGER.open(encoding="utf-8", newline="") as ledger:
        return {
            row["network"]: Proof(
                row["family"],
                row["network"],
                row["file"],
                row["weights"] == "True",
                row["counts"] == "True",
                float(row["difference"]),
                float(row["exact"]) if row.get("exact") else None,
                row["sizes"],
                row["source"],
            )
            for row in csv.DictReader(ledger)
        }


def write(proofs: Iterable[Proof]) -> None:
    """The ledger, in the order of the names, so that a run changes the lines that it found anew."""
    with LEDGER.open("w", encoding="utf-8", newline="") as ledger:
        table = csv.DictWriter(ledger, [field.name for field in fields(Proof)], lineterminator="\n")
        table.writeheader()
        table.writerows(asdict(each) for each in sorted(proofs, key=lambda proof: (proof.family, proof.network)))


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def replaced(family: str) -> int:
    """The lines of the Python file that timm has for the family."""
    timm()
    found = find_spec(f"timm.models.{family}")
    return lines(Path(found.origin)) if found is not None and found.origin else 0


def page(proofs: dict[str, Proof]) -> str:
    """docs/corpus.md: a table of the families, and of every network that is here."""
    overview, details = [], []
    for family, members in families().items():
        here = [proofs[name] for name in members if name in proofs]
        shipped = [path for name in members if (path := find_network(name)) is not None]
        files = sorted({path.stem for path in shipped})
        length = sum(lines(ROOT / "specs" / f"{file}.rnet") for file in files)
        equal = sum(proof.holds for proof in here)
        overview.append(
            f"| {family} | {len(members)} | {len(shipped)} | {equal} | {length or ''} | {replaced(family)} |"
            f" {', '.join(f'`{file}.rnet`' for file in files)} |"
        )
        if not here:
            continue
        details.append(f"\n## {family}\n\n| network | file | parameters | MACs | equal | largest difference | sizes |")
        details.append("| --- | --- | ---: | ---: | --- | ---: | --- |")
        for name, row in members.items():
            proof = proofs.get(name)
            if proof is not None:
                verdict = "yes" if proof.holds else "**no**"
                macs = COUNTED_OTHERWISE.get(name, row.macs)
                exact = "" if proof.exact is None else f", {proof.exact:.0e} in 64 bits"
                details.append(
                    f"| {name} | {proof.file} | {row.params:,} | {macs / 1e9:.2f}G | {verdict} |"
                    f" {proof.difference:.1e}{exact} | {proof.sizes.replace(' ', ', ')} |"
                )
        if missing := [name for name in members if name not in proofs]:
            details.append(f"\nNot gone through by this script yet: {', '.join(missing)}.")
    total, done = sum(map(len, families().values())), sum(proof.holds for proof in proofs.values())
    said = sum(find_network(name) is not None for members in families().values() for name in members)
    return "\n".join(
        [
            "# Corpus\n",
            "<!-- Written by benchmarks/corpus.py from benchmarks/corpus.csv. -->\n",
            f"{said} of {total} networks of timm have a spec, and {done} are equal to timm's in the run that this page",
            "records, `make corpus`. Equal means: keys, order and shapes of the `state_dict` are timm's, so that its",
            "checkpoints load with `strict=True`; so are parameters and multiply-accumulates at timm's own size of",
            "input; and with weights and statistics drawn at random the outputs in 32 bits deviate by less than",
            f"{BOUND:.0e} of the largest, or, where 32 bits do not suffice, in 64 bits by less than {EXACT:.0e}.",
            "Outputs are compared at timm's size and at a second one, odd where both networks can have it; a network",
            "with a weight for each place of the image has one size alone. `tests/corpus` does the same for all, at",
            "small sizes.\n",
            "One network counts otherwise: `bat_resnext26ts` needs 2.49G multiply-accumulates, and timm, whose",
            "bilinear transform multiplies by matrices as large as the image, 2.50G.\n",
            *BACKBONES,
            "## Families\n",
            "| family | networks | with a spec | equal in the full run | lines of spec | lines of Python | files |",
            "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
            *overview,
            *details,
            "",
        ]
    )


def due(wanted: list[str], proofs: dict[str, Proof]) -> list[tuple[str, Row, str]]:
    """The networks that are shipped and not proven as they are now, the small ones first."""
    found = []
    for family in wanted:
        for name, row in families()[family].items():
            path = find_network(name)
            if path is None or name not in spec(path.stem).networks:
                proofs.pop(name, None)
            elif name not in proofs or not proofs[name].holds or proofs[name].source != digest(path.stem, name):
                found.append((family, row, path.stem))
    return sorted(found, key=lambda each: each[1].macs)


def main(arguments: list[str] | None = None) -> int:
    known = families()
    parser = argparse.ArgumentParser(description="Prove the networks of the corpus equal to timm's.")
    parser.add_argument("family", nargs="*", choices=[[], *known], help="which families; all if none is named")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes")
    parser.add_argument("--page", action="store_true", help="write docs/corpus.md from what is proven, and no more")
    options = parser.parse_args(arguments)
    proofs, failed = read(), list[str]()
    if not options.page:
        tasks = due(options.family or list(known), proofs)
        start = time.perf_counter()
        with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
            named = {pool.submit(prove, *task): task[1].name for task in tasks}
            for count, done in enumerate(as_completed(named), 1):
                spent = time.perf_counter() - start
                if (problem := done.exception()) is not None:
                    failed.append(named[done])
                    print(f"{count}/{len(tasks)} {spent:5.0f} s  {named[done]} FAILED {problem}", flush=True)
                    continue
                proof = done.result()
                proofs[proof.network] = proof
                write(proofs.values())
                verdict = "equal" if proof.holds else "NOT EQUAL"
                print(
                    f"{count}/{len(tasks)} {spent:5.0f} s  {proof.network} {verdict} {proof.difference:.1e}", flush=True
                )
        write(proofs.values())
    PAGE.write_text(page(proofs), encoding="utf-8", newline="\n")
    return 0 if not failed and all(proof.holds for proof in proofs.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
