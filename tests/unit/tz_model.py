#!/usr/bin/env python3
"""Writes test vectors for time zones, from Python's zoneinfo.

    tz_model.py --seed 1 --count 24 --until 2022 > tests/unit/tz_vectors.txt
    tz_model.py --seed 2 --count 500 --all-zones --since 1850 --until 2100 --far > /tmp/v
    build/tests/unit/test_tz /tmp/v

Lines of the output, all in seconds:

    ZONE|offset|UTC|OFFSET
    ZONE|local|LOCAL|N U1 U2      the N instants of a local time; in a gap N is 0, U1 the change
    ZONE|change|AFTER|AT OFFSET   the first change after AFTER, and the offset from then on
"""

import argparse
import calendar
import datetime as dt
import random
import zoneinfo

from cron_model import EPOCH, NAMED_ZONES, changes_between, offset_at


def seconds(year):
    return calendar.timegm((year, 1, 1, 0, 0, 0))


def local_line(name, zone, local):
    naive = EPOCH + dt.timedelta(seconds=local)
    guesses = sorted({int(naive.replace(tzinfo=zone, fold=f).timestamp()) for f in (0, 1)})
    real = [u for u in guesses if u + offset_at(zone, u) == local]
    if not real:
        low, high = guesses[0], guesses[-1]
        before = offset_at(zone, low)
        while high - low > 1:
            mid = (low + high) // 2
            if offset_at(zone, mid) == before:
                low = mid
            else:
                high = mid
        return f"{name}|local|{local}|0 {high}"
    return f"{name}|local|{local}|{len(real)} " + " ".join(map(str, real))


def zone_lines(r, name, args):
    zone = zoneinfo.ZoneInfo(name)
    first, last = seconds(args.since), seconds(args.until)
    changes = changes_between(zone, first, last, 86400 // 2)
    if len(changes) > args.count // 3:
        changes = r.sample(changes, args.count // 3)
    for at, before, after in changes:
        for u in (at - 1, at, at + 1):
            yield f"{name}|offset|{u}|{offset_at(zone, u)}"
        yield f"{name}|change|{at - r.randint(1, 3600)}|{at} {after}"
        for edge in (at + before, at + after):
            for local in (edge - 1, edge, edge + 1, edge + r.randint(-4000, 4000)):
                yield local_line(name, zone, local)
    for _ in range(args.count - len(changes)):
        u = r.randint(first, last)
        yield f"{name}|offset|{u}|{offset_at(zone, u)}"
        yield local_line(name, zone, r.randint(first, last))
    for _ in range(args.count if args.far else 0):
        u = r.randint(seconds(2), seconds(9990))
        yield f"{name}|offset|{u}|{offset_at(zone, u)}"
        yield local_line(name, zone, r.randint(seconds(2), seconds(9990)))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--count", type=int, default=60, help="of each kind and zone")
    p.add_argument("--since", type=int, default=1970)
    p.add_argument("--until", type=int, default=2024)
    p.add_argument("--far", action="store_true", help="instants of years 2 to 9990 as well")
    p.add_argument("--all-zones", action="store_true")
    args = p.parse_args()
    r = random.Random(args.seed)
    for name in sorted(zoneinfo.available_timezones()) if args.all_zones else NAMED_ZONES:
        for line in zone_lines(r, name, args):
            print(line)


if __name__ == "__main__":
    main()
