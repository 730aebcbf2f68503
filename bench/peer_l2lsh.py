"""The peer of bench_index: the same L2-LSH tables in NumPy.

    peer_l2lsh.py FILE.npy N_QUERIES      histograms (n, bins), float32; the first N_QUERIES are asked again

Projections are one matrix product of all histograms, a table is a dict from the tuple of its codes to a list of rows, and
a query's candidates are verified by the Jensen-Shannon divergence, all of them in one array. Prints microseconds to
insert a histogram and to answer a query, the best of three; then candidates and matches a query.
"""
import sys
import time
from collections import Counter

import numpy as np

WIDTH, HASHES, TABLES, THRESHOLD = 1.3, 11, 46, 0.1


def codes_of(roots, projections, offsets):
    codes = np.ceil((roots @ projections + offsets) / WIDTH).astype(np.int32)
    return codes.reshape(len(roots), TABLES, HASHES)


def plogp_ratio(p, m):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p > 0, p * np.log(p / m), 0.0).sum(axis=1)


def divergences(p, qs):
    m = (p + qs) / 2
    return (plogp_ratio(np.broadcast_to(p, qs.shape), m) + plogp_ratio(qs, m)) / 2


def main():
    histograms = np.load(sys.argv[1])
    n_queries = int(sys.argv[2])
    random = np.random.default_rng(1)
    projections = random.standard_normal((histograms.shape[1], TABLES * HASHES))
    offsets = random.uniform(0, WIDTH, TABLES * HASHES)

    def build():
        shares = histograms / histograms.sum(axis=1, keepdims=True, dtype=np.float64)
        codes = codes_of(np.sqrt(shares), projections, offsets)
        tables = []
        for t in range(TABLES):
            table = {}
            for row, key in enumerate(map(tuple, codes[:, t].tolist())):
                table.setdefault(key, []).append(row)
            tables.append(table)
        return shares, tables

    def ask(shares, tables):
        n_candidates = n_matches = 0
        asked = histograms[:n_queries] / histograms[:n_queries].sum(axis=1, keepdims=True, dtype=np.float64)
        for p, query in zip(asked, codes_of(np.sqrt(asked), projections, offsets).tolist()):
            collisions = Counter()
            for table, key in zip(tables, query):
                collisions.update(table.get(tuple(key), ()))
            candidates = sorted(collisions, key=collisions.get, reverse=True)
            n_candidates += len(candidates)
            if candidates:
                n_matches += int((divergences(p, shares[candidates]) < THRESHOLD).sum())
        return n_candidates, n_matches

    insert = query = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        shares, tables = build()
        insert = min(insert, time.perf_counter() - start)
        start = time.perf_counter()
        n_candidates, n_matches = ask(shares, tables)
        query = min(query, time.perf_counter() - start)
    print(f"{insert / len(histograms) * 1e6:.3f} {query / n_queries * 1e6:.3f} "
          f"{n_candidates / n_queries:.1f} {n_matches / n_queries:.1f}")


main()
