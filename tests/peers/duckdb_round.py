"""The sums of one round of the engine, in DuckDB, over the same rows in memory.

    duckdb_round.py FOLDER THREADS

FOLDER has the columns as `klout bench engine` wrote them, little-endian: subject.u32, actor.u32, mass.f64, one value a row, and
score.f64, one value an actor. They are loaded into tables in memory. Then, for each line on stdin, the query is run once and its
seconds are printed; the end of stdin ends it.
"""
import sys
import time

import duckdb
import numpy
import pandas


def column(folder, name, kind):
    return numpy.fromfile(f"{folder}/{name}", dtype=kind)


def main():
    folder, threads = sys.argv[1], int(sys.argv[2])
    database = duckdb.connect(":memory:", config={"threads": threads})
    # Its bar would be printed among our answers.
    database.execute("set enable_progress_bar = false")
    rows = pandas.DataFrame({
        "subject": column(folder, "subject.u32", "<u4"),
        "actor": column(folder, "actor.u32", "<u4"),
        "mass": column(folder, "mass.f64", "<f8"),
    }, copy=False)
    database.execute("create table edge as select * from rows")
    del rows
    score = column(folder, "score.f64", "<f8")
    actors = pandas.DataFrame({"actor": numpy.arange(len(score), dtype="<u4"), "score": score})
    database.execute("create table actor as select * from actors")
    del actors, score
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        database.execute(
            "create or replace temp table influence as "
            "select subject, sum(ln(1 + mass) * score) as influence from edge join actor using (actor) group by subject"
        )
        print(time.perf_counter() - start, flush=True)


main()
