"""Fits the weights of engine/speech/verdict.c to what bench_recogniser --traits has written.

    build/bench/bench_recogniser --every 4 --traits traits.tsv
    python3 tests/bench/fit_verdict.py traits.tsv

A logistic regression with a small penalty, by Newton's method, on one half of the clips; the other
half only shows how well it holds. Both kinds of error weigh the same, however many clips there
are of each. `--shift X` moves the point at which a phrase is accepted: more refuses more.
"""

import argparse
import math
import sys

NAMES = """ALL WORDS WORST_WORD WINDOW PAUSES PHRASE SOUNDS PACE PHONES OUTSIDE COUNT SPELLING
WORST_SPELLING""".split()
PENALTY = 1.0


def read(paths):
    """(half, kind, label, traits, description) of every clip that a phrase was found in."""
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in file:
                kind, half, where, voice, right, said, heard, _, *traits = line.rstrip("\n").split("\t")
                traits = [float(t) for t in traits]
                if len(traits) != len(NAMES):
                    sys.exit(f"{path}: {len(traits)} traits, not {len(NAMES)}")
                if any(traits):
                    label = int(kind == "in" and right == "1")
                    yield int(half), kind, label, traits, f"{voice} {where}: {said} -> {heard}"


def solve(matrix, vector):
    """Gauss with pivots; small and symmetric."""
    n = len(vector)
    rows = [matrix[i][:] + [vector[i]] for i in range(n)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda k: abs(rows[k][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for k in range(i + 1, n):
            factor = rows[k][i] / rows[i][i]
            for j in range(i, n + 1):
                rows[k][j] -= factor * rows[i][j]
    out = [0.0] * n
    for i in reversed(range(n)):
        out[i] = (rows[i][n] - sum(rows[i][j] * out[j] for j in range(i + 1, n))) / rows[i][i]
    return out


def probability(weights, row):
    return 1 / (1 + math.exp(-max(-30, min(30, sum(w * x for w, x in zip(weights, row))))))


def fit(rows, labels):
    share = [len(labels) / (2 * max(1, labels.count(label))) for label in (0, 1)]
    n = len(rows[0])
    weights = [0.0] * n
    for _ in range(30):
        gradient = [-PENALTY * w for w in weights]
        gradient[-1] = 0.0
        hessian = [[PENALTY * (i == j) * (i < n - 1) for j in range(n)] for i in range(n)]
        for row, label in zip(rows, labels):
            p = probability(weights, row)
            for i in range(n):
                gradient[i] += share[label] * (label - p) * row[i]
                for j in range(i + 1):
                    hessian[i][j] += share[label] * max(p * (1 - p), 1e-6) * row[i] * row[j]
        for i in range(n):
            for j in range(i):
                hessian[j][i] = hessian[i][j]
        step = solve(hessian, gradient)
        weights = [w + s for w, s in zip(weights, step)]
        if max(abs(s) for s in step) < 1e-6:
            break
    return weights


def scale_of(rows):
    means = [sum(column) / len(rows) for column in zip(*rows)]
    spreads = [math.sqrt(sum((x - m) ** 2 for x in column) / len(rows)) or 1.0
               for column, m in zip(zip(*rows), means)]
    return means, spreads


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("traits", nargs="+")
    parser.add_argument("--shift", type=float, default=0.0)
    parser.add_argument("--errors", action="store_true", help="show the clips judged wrongly")
    options = parser.parse_args()
    clips = list(read(options.traits))
    tuning = [clip for clip in clips if clip[0] == 0]
    means, spreads = scale_of([clip[3] for clip in tuning])
    rows = [[(x - m) / s for x, m, s in zip(clip[3], means, spreads)] + [1.0] for clip in tuning]
    scaled = fit(rows, [clip[2] for clip in tuning])
    weights = [w / s for w, s in zip(scaled, spreads)]
    bias = scaled[-1] - sum(w * m for w, m in zip(weights, means)) - options.shift
    for half, name in ((0, "tuning"), (1, "held out")):
        for kind in ("in", "out", "sound"):
            some = [clip for clip in clips if clip[0] == half and clip[1] == kind]
            sums = [sum(w * x for w, x in zip(weights, clip[3])) + bias for clip in some]
            right = sum((total >= 0) == (clip[2] == 1) for clip, total in zip(some, sums))
            print(f"{name:8} {kind:5} {right} of {len(some)} judged rightly "
                  f"({100 * right / max(1, len(some)):.1f} %)")
            if options.errors:
                for clip, total in zip(some, sums):
                    if (total >= 0) != (clip[2] == 1):
                        print(f"    {total:+.2f} {clip[4]}")
    for name, weight, spread in zip(NAMES, weights, spreads):
        print(f"    [TRAIT_{name}] = {weight:.4f}f,".ljust(42) + f"/* {weight * spread:+.2f} */")
    print(f"static const float bias = {bias:.2f}f;")


main()
