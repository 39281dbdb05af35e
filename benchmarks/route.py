"""Live routing under load, through the real HTTP stack: how long a ticket waits, and what comes of too many.

    python -m benchmarks.route --rps 50 100 200 --seconds 60 [--texts OTHER.csv] [--json OUT]

A scratch installation with every program of the Procfile on loopback: a version trained on the demo's tickets behind
its endpoint (the default encoder, in the form that the title names), the workers and beat at their usual work; no
training is due. Calls are sent when they are due, at a fixed rate, whatever became of those before, and their time
counts from then (``benchmarks.open_loop``); each is a ticket of its own. "floor": the endpoint called directly at the
first rate, with nothing of ours before it. Then a newer version comes, and a tenth is mirrored to it, by turns with
none, at the first rate. Last, the program behind the endpoint is killed a third into a run. Every run begins at rest:
what the one before brought to the pool is there by then. With ``--texts`` each rate is run once more with the texts of
a CSV file (column ``text``), such as shorter ones.
"""

from __future__ import annotations

import csv
import statistics
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from itertools import count, cycle
from pathlib import Path
from typing import Any

from benchmarks import report, scratch
from benchmarks.open_loop import Call, Caller, Target
from benchmarks.routing_house import RoutingHouse

FLOOR = "floor: the endpoint alone"
WARM_SECONDS = 5.0
P95_MS = {50: 50.0, 100: 50.0}
MIRROR_MOST = 1.05
COMPARED_LEAST = 0.05
"""Of all tickets: a tenth is mirrored, but for controls, and the last few wait at the end of a run."""


def main() -> int:
    parser = report.parser(__doc__)
    parser.add_argument("--rps", type=float, nargs="+", default=[50.0, 100.0, 200.0])
    parser.add_argument("--seconds", type=float, default=60.0, help="of each run")
    parser.add_argument("--mirrorings", type=int, default=3, help="runs with, and as many without, a mirror")
    parser.add_argument("--texts", type=Path, help="a CSV file of other tickets, for each rate once more")
    parser.add_argument("--train-seconds", type=float, default=240.0, help="time box of the training")
    asked = parser.parse_args()
    with scratch.house() as house:
        routing = RoutingHouse(house, asked.train_seconds)
        load = Load(routing, routing.open(), asked.seconds)
        load.warm()
        rows = [load.floor(asked.rps[0])]
        rows += [load.route(f"{rate:g}/s", rate) for rate in asked.rps]
        others = list(load.others(asked.texts, asked.rps)) if asked.texts else []
        mirrored = load.mirrored(asked.rps[0], asked.mirrorings)
        killed = load.killed(asked.rps[0])
        for one in (*mirrored, killed):
            print(report.table([one]), flush=True)
    targets = [*_of_rates(rows[1:]), *_of_mirroring(mirrored), *_of_the_kill(killed)]
    title = f"Live routing under load, the encoder in {routing.form}"
    return report.publish(asked, title, [*rows, *others, *mirrored, killed], targets)


class Load:
    """The desks of this benchmark, and what they saw."""

    def __init__(self, routing: RoutingHouse, port: int, seconds: float) -> None:
        self.routing, self.seconds = routing, seconds
        headers = (("Authorization", f"Token {routing.token}"),)
        self.desk = Caller(Target("/api/route/", port=port, headers=headers), self._ticket)
        self._texts = _texts()
        self._numbers = count()

    def _ticket(self, _: int) -> dict[str, Any]:
        return {"external_id": f"L-{next(self._numbers)}", "text": next(self._texts)}

    def warm(self) -> None:
        """Let every thread open its connection to the database, and the endpoint see its first texts."""
        self.desk.run(20.0, WARM_SECONDS)

    def _desk(self, rate: float) -> list[Call]:
        self.routing.rest()
        return self.desk.run(rate, self.seconds)

    def floor(self, rate: float) -> dict[str, Any]:
        """The endpoint alone."""
        self.routing.rest()
        target = Target("/invocations", socket=self.routing.socket())
        caller = Caller(target, lambda number: {"id": str(number), "text": next(self._texts)})
        calls = caller.run(rate, self.seconds)
        return {"run": FLOOR} | _waits(calls, rate)

    def route(self, name: str, rate: float) -> dict[str, Any]:
        """The whole way, at one rate."""
        row = {"run": name} | _seen(self._desk(rate), rate)
        print(report.table([row]), flush=True)
        return row

    def others(self, path: Path, rates: list[float]) -> Iterator[dict[str, Any]]:
        """The rates once more with the texts of a file, over and over."""
        with path.open(newline="", encoding="utf-8") as file:
            texts = [row["text"] for row in csv.DictReader(file)]
        long = statistics.mean(map(len, texts))
        mine, self._texts = self._texts, cycle(texts)
        for rate in rates:
            yield self.route(f"{rate:g}/s, {long:.0f} characters", rate)
        self._texts = mine

    def mirrored(self, rate: float, times: int) -> list[dict[str, Any]]:
        """With a tenth mirrored and with none, by turns, so that whatever else the machine does meets both."""
        calls: dict[bool, list[list[Call]]] = {False: [], True: []}
        compared = 0
        self.routing.add_candidate()
        for _ in range(times):
            calls[False].append(self._desk(rate))
            observation = self.routing.observe()
            calls[True].append(self._desk(rate))
            compared += self.routing.unobserve(observation)
        rows = []
        for is_on, runs in calls.items():
            name = f"{rate:g}/s, {'a tenth' if is_on else 'none'} mirrored"
            row = {"run": name} | _seen([call for run in runs for call in run], rate)
            of_one = {"answered/s": round(row["answered/s"] / times, 1)}
            rows.append(row | of_one | {"p95 ms": round(statistics.median(_p95(run) for run in runs), 1)})
        rows[1]["compared"] = compared
        return rows

    def killed(self, rate: float) -> dict[str, Any]:
        """A third into the run the endpoint's program is killed."""
        self.routing.rest()
        moment = self.seconds / 3
        killer = threading.Timer(moment, self.routing.kill)
        killer.start()
        calls = self.desk.run(rate, self.seconds)
        killer.join()
        after = [call for call in calls if call.status == 200 and call.due >= moment]
        first = next((call for call in after if _is_unavailable(call)), None)
        back = next(
            (call for call in after if first and call.due > first.due and not _is_unavailable(call)), None
        )
        down = [call for call in after if back is None or call.due < back.due]
        return {"run": f"{rate:g}/s, the endpoint killed"} | _seen(calls, rate) | {
            "without a model": sum(map(_is_unavailable, down)),
            "recovered s": round(back.due - moment, 2) if back else None,
        }  # fmt: skip


def _texts() -> Iterator[str]:
    """What customers write, none of it in the training set."""
    from annotation.demo.live import arrivals

    return (one.text for one in arrivals(seed=7))


def _is_unavailable(call: Call) -> bool:
    return call.status == 200 and call.said.get("escalate") == "model_unavailable"


def _p95(calls: list[Call]) -> float:
    return report.quantile([call.ms for call in calls], 0.95)


def _waits(calls: list[Call], rate: float) -> dict[str, Any]:
    waits = [call.ms for call in calls]
    seconds = max(call.ended for call in calls) - calls[0].due
    failed = [call for call in calls if call.status != 200]
    if failed:
        print(f"{len(failed)} failed: {Counter(str(one.said)[:100] for one in failed)}", file=sys.stderr)
    return {
        "asked/s": rate,
        "calls": len(calls),
        "answered/s": round((len(calls) - len(failed)) / seconds, 1),
        **{f"p{share} ms": round(report.quantile(waits, share / 100), 1) for share in (50, 95, 99)},
        "most ms": round(max(waits), 1),
        "errors": len(failed),
    }


def _seen(calls: list[Call], rate: float) -> dict[str, Any]:
    """The figures of one run through the routing."""
    said = [call.said for call in calls if call.status == 200]
    why = Counter(one["escalate"] for one in said if one["service"] is None)
    return _waits(calls, rate) | {
        "routed": sum(one["service"] is not None for one in said),
        "unsure": sum(n for reason, n in why.items() if reason != "model_unavailable"),
        "no answer in time": why["model_unavailable"],
    }


def _of_rates(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from django.conf import settings

    targets = []
    for row in rows:
        name, rate = row["run"], int(row["asked/s"])
        targets.append(report.at_most(f"errors, {name}", row["errors"], 0))
        if rate in P95_MS:
            targets.append(report.at_most(f"p95 ms, {name}", row["p95 ms"], P95_MS[rate]))
        else:
            deadline = float(settings.ROUTE_DEADLINE_MS)
            targets.append(report.at_most(f"p99 ms: no queue, {name}", row["p99 ms"], deadline))
    return targets


def _of_mirroring(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    without, with_ = rows
    return [
        report.at_most("p95 with a tenth mirrored, times that without", round(with_["p95 ms"] / without["p95 ms"], 3),
                       MIRROR_MOST),
        report.at_least("mirrored tickets that were compared, of all", round(with_["compared"] / with_["calls"], 3),
                        COMPARED_LEAST),
    ]  # fmt: skip


def _of_the_kill(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        report.at_most("errors while the endpoint was away", row["errors"], 0),
        report.at_least("tickets given to people meanwhile", row["without a model"], 1),
        report.at_least("it came back (1)", int(row["recovered s"] is not None), 1),
    ]


if __name__ == "__main__":
    sys.exit(main())
