#!/usr/bin/env python3
"""Writes test vectors for cron expressions, from a model that shares nothing with src/core/cron.c.

The model reads expressions with regular expressions into plain sets, and finds fire instants by
looking at every minute, with Python's zoneinfo. It follows contract sections 4.5 and 4.6.

    cron_model.py --seed 1 --count 2000 --until 2022 > tests/unit/cron_vectors.txt
    cron_model.py --seed 2 --count 100000 --all-zones > /tmp/v && build/tests/unit/test_cron /tmp/v

Lines of the output:

    EXPR|ZONE|AFTER|N1 N2 N3     the first fire instants after AFTER, all in seconds UTC
    EXPR|ZONE|AFTER|N1 >T        ... and the next one is later than T, if there is any
    EXPR|ZONE|AFTER|never        none within 50 years
    EXPR|invalid                 does not parse

The vectors in the tree end in 2022 and are of few zones, so that a later release of the tz database
does not make them wrong.
"""

import argparse
import calendar
import datetime as dt
import functools
import random
import re
import zoneinfo

UTC = dt.timezone.utc
EPOCH = dt.datetime(1970, 1, 1)

NAMED_ZONES = """
    UTC Europe/Amsterdam America/New_York Australia/Lord_Howe Pacific/Apia Asia/Kathmandu
    Africa/Monrovia Africa/Casablanca Europe/Dublin America/St_Johns Pacific/Kwajalein
    Antarctica/Troll America/Sao_Paulo Asia/Tehran Africa/Cairo America/Caracas Asia/Pyongyang
    Europe/Moscow Europe/Istanbul Pacific/Chatham America/Scoresbysund Etc/GMT+2
""".split()

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
WEEKDAYS = "sun mon tue wed thu fri sat".split()


class Bad(Exception):
    pass


# ---- reading expressions (4.6)


class Field:
    def __init__(self, title, low, high, names=(), top=None):
        self.title, self.low, self.high = title, low, high
        self.top = high if top is None else top
        self.names = {name: low + i for i, name in enumerate(names)}

    def value(self, text):
        if text in self.names:
            return self.names[text]
        if not re.fullmatch("[0-9]+", text):
            raise Bad(text)
        n = int(text)
        if not self.low <= n <= self.top:
            raise Bad(text)
        return 0 if self.top == 7 and n == 7 else n

    def span(self, a, b, step):
        if step < 1:
            raise Bad("step")
        whole = range(self.low, self.high + 1)
        if a == b:
            return set(whole[::step])
        if a < b:
            return set(range(a, b + 1, step))
        upper = list(range(a, self.high + 1, step))
        last = upper[-1]
        if last + step == self.high + 1:
            start = self.low
        else:
            start = self.low + step - (self.high - last)
        return set(upper) | set(range(start, b + 1, step))


FIELDS = [
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day", 1, 31),
    Field("month", 1, 12, MONTHS),
    Field("weekday", 0, 6, WEEKDAYS, 7),
]
MINUTE, HOUR, DAY, MONTH, WEEKDAY = FIELDS


def plain_item(field, item):
    m = re.fullmatch(r"(?:(\*)|([^-/*]+)(?:-([^-/*]+))?)(?:/([0-9]+))?", item)
    if not m:
        raise Bad(item)
    star, first, second, step = m.groups()
    if star:
        return field.span(field.low, field.high, int(step))
    a = field.value(first)
    if second is None and step is None:
        return {a}
    if second is None:
        b = field.high
    elif field is DAY and second == "l":
        b = 31
    else:
        b = field.value(second)
    return field.span(a, b, 1 if step is None else int(step))


class Expr:
    """minutes, hours, months: sets. day(date) says whether a date matches."""

    def __init__(self, text):
        text = text.strip(" \t\n\v\f\r").lower()
        if not text or text.startswith("@"):
            raise Bad("empty or @")
        parts = re.split("[ \t\n\v\f\r]+", text)
        if len(parts) != 5:
            raise Bad("fields")
        self.parts = parts
        self.sets = [self.read(f, p) for f, p in zip(FIELDS, parts)]
        self.minutes, self.hours, self.days, self.months, self.weekdays = self.sets
        self.fixed = not parts[0].startswith("*") and not parts[1].startswith("*")

    def read(self, field, text):
        items = text.split(",")
        if field is DAY:
            self.last = self.nearest = False
        if field is WEEKDAY:
            self.nth = set()
        if text == "?" and field in (DAY, WEEKDAY):
            return None
        result, star = set(), False
        for item in items:
            if item == "*":
                star = True
            elif field is DAY and item == "l":
                self.last = True
            elif field is DAY and len(items) == 1 and re.fullmatch("[0-9]+w", item):
                self.nearest = DAY.value(item[:-1])
            elif field is WEEKDAY and "#" in item:
                self.nth |= self.hash(item)
            elif field is WEEKDAY and re.fullmatch("l[0-9]+", item):
                self.nth.add((WEEKDAY.value(item[1:]), "l"))
            else:
                result |= plain_item(field, item)
        if field is WEEKDAY and self.nth and result:
            raise Bad("mixed")
        return None if star else result

    @staticmethod
    def hash(item):
        left, _, k = item.partition("#")
        if not re.fullmatch("0*[1-5]", k):
            raise Bad(item)
        if "-" in left:
            a, _, b = left.partition("-")
            if a not in WEEKDAYS or b not in WEEKDAYS:
                raise Bad(item)
            return {(w, int(k)) for w in plain_item(WEEKDAY, left)}
        return {(WEEKDAY.value(left), int(k))}

    def nth_matches(self, date):
        weekday = date.isoweekday() % 7
        last = date.day + 7 > calendar.monthrange(date.year, date.month)[1]
        return (weekday, (date.day - 1) // 7 + 1) in self.nth or (last and (weekday, "l") in self.nth)

    def day_of_month_matches(self, date):
        last = calendar.monthrange(date.year, date.month)[1]
        if self.nearest:
            target = date.replace(day=min(self.nearest, last))
            near = [target + dt.timedelta(d) for d in (0, -1, 1, -2, 2)]
            near = [d for d in near if d.month == date.month and d.isoweekday() < 6]
            return date == near[0]
        return date.day in self.days or (self.last and date.day == last)

    @functools.cached_property
    def day_rule(self):
        day_free = self.days is None
        weekday_free = self.weekdays is None
        if not weekday_free and self.nth:
            return "nth"
        if not day_free and len(self.days) == 31 and "*" in self.parts[4]:
            day_free = True
        if not weekday_free and len(self.weekdays) == 7 and "*" in self.parts[2]:
            weekday_free = True
        if day_free and weekday_free:
            return "any"
        if day_free:
            return "weekday"
        return "day" if weekday_free else "either"

    def date_matches(self, date):
        if self.months is not None and date.month not in self.months:
            return False
        rule = self.day_rule
        if rule == "any":
            return True
        if rule == "nth":
            return self.nth_matches(date)
        by_weekday = rule != "day" and date.isoweekday() % 7 in self.weekdays
        by_day = rule != "weekday" and self.day_of_month_matches(date)
        return by_weekday or by_day

    def time_matches(self, hour, minute):
        return (self.minutes is None or minute in self.minutes) and (
            self.hours is None or hour in self.hours
        )

    def times(self):
        return [(h, m) for h in range(24) for m in range(60) if self.time_matches(h, m)]


# ---- zones


def offset_at(zone, u):
    return int(
        (dt.datetime(1970, 1, 1, tzinfo=UTC) + dt.timedelta(seconds=u))
        .astimezone(zone)
        .utcoffset()
        .total_seconds()
    )


def changes_between(zone, a, b, step):
    """(instant, offset before, offset after) of each change in (a, b]."""
    found = []
    at, before = a, offset_at(zone, a)
    while at < b:
        to = min(at + step, b)
        after = offset_at(zone, to)
        if after != before:
            low, high = at, to
            while high - low > 1:
                mid = (low + high) // 2
                if offset_at(zone, mid) == before:
                    low = mid
                else:
                    high = mid
            found.append((high, before, offset_at(zone, high)))
            at, before = high, found[-1][2]
        else:
            at, before = to, after
    return found


@functools.lru_cache(None)
def zone_changes(name, first, last):
    zone = zoneinfo.ZoneInfo(name)
    a, b = (calendar.timegm((y, 1, 1, 0, 0, 0)) for y in (first, last))
    return changes_between(zone, a, b, 5 * 86400)


# ---- fire instants (4.5, the wanted rule)


def wildcard_fires(expr, zone, after, until):
    edges = changes_between(zone, after, until, 600)
    starts = [after + 1] + [e[0] for e in edges]
    ends = [e[0] for e in edges] + [until + 1]
    fires = []
    for start, end in zip(starts, ends):
        offset = offset_at(zone, start)
        u = start + -(start + offset) % 60
        day = None
        while u < end:
            local = EPOCH + dt.timedelta(seconds=u + offset)
            if local.date() != day:
                day = local.date()
                good = expr.date_matches(day)
                if not good and (local.hour, local.minute) == (0, 0):
                    u += 86400
                    continue
            if good and expr.time_matches(local.hour, local.minute):
                fires.append(u)
            u += 60
        if len(fires) > 3:
            break
    return fires


def slot_instant(zone, local, edges):
    """When a fixed-time slot fires: its first pass, or the first instant after the gap it is in."""
    u = int(local.replace(tzinfo=zone, fold=0).timestamp())
    if EPOCH + dt.timedelta(seconds=u + offset_at(zone, u)) == local:
        return u
    seconds = int((local - EPOCH).total_seconds())
    inside = [at for at, before, behind in edges if at + before <= seconds < at + behind]
    assert len(inside) == 1, (zone, local, inside)
    return inside[0]


def fixed_fires(expr, zone, after, until):
    edges = changes_between(zone, after - 3 * 86400, until + 3 * 86400, 600)
    times = expr.times()
    date = (EPOCH + dt.timedelta(seconds=after - 2 * 86400)).date()
    end = (EPOCH + dt.timedelta(seconds=until + 2 * 86400)).date()
    fires = set()
    while date <= end:
        if expr.date_matches(date):
            for h, m in times:
                fires.add(slot_instant(zone, dt.datetime(date.year, date.month, date.day, h, m), edges))
            done = [u for u in fires if after < u]
            # Three days on no slot can fire before these any more.
            if len(done) > 3:
                end = min(end, date + dt.timedelta(days=3))
        date += dt.timedelta(days=1)
    return sorted(u for u in fires if after < u <= until)


def far_fires(expr, after):
    """UTC only: date by date for 50 years."""
    date = (EPOCH + dt.timedelta(seconds=after)).date()
    end = date + dt.timedelta(days=50 * 365)
    times = expr.times()
    fires = []
    while date < end and len(fires) < 3:
        if expr.date_matches(date):
            for h, m in times:
                u = calendar.timegm((date.year, date.month, date.day, h, m, 0))
                if u > after:
                    fires.append(u)
        date += dt.timedelta(days=1)
    return fires[:3]


# ---- random expressions


def some_value(r, field):
    n = r.randint(field.low, field.top)
    if field.names and r.random() < 0.4:
        return r.choice(list(field.names))
    return ("0" if r.random() < 0.05 else "") + str(n)


def some_item(r, field):
    x = r.random()
    if field is DAY and x < 0.12:
        return r.choice(["l", "L", f"{r.randint(1, 31)}-l", "1-l/2"])
    if field is WEEKDAY and x < 0.15:
        return r.choice(
            [
                f"{r.randint(0, 7)}#{r.randint(1, 5)}",
                f"{r.choice(WEEKDAYS)}#{r.randint(1, 5)}",
                f"{r.choice(WEEKDAYS)}-{r.choice(WEEKDAYS)}#{r.randint(1, 5)}",
                f"l{r.randint(0, 7)}",
                f"L{r.randint(0, 7)}",
            ]
        )
    step = r.choice([1, 2, 3, 5, 7, 10, 15, 20, 25, 30, 45, 70])
    a, b = some_value(r, field), some_value(r, field)
    if x < 0.5:
        return a
    if x < 0.6:
        return f"{a}-{b}"
    if x < 0.7:
        return f"{a}-{b}/{step}"
    if x < 0.75:
        return f"{a}/{step}"
    if x < 0.78:
        return f"{a}-{a}" + r.choice(["", f"/{step}"])
    if x < 0.8:
        return "*"
    return f"*/{step}"


def some_field(r, field, star):
    if r.random() < star:
        if field in (DAY, WEEKDAY):
            return r.choice(["*", "*", "*", "?", f"{field.low}-{field.high}", "*/1"])
        return "*"
    if field is DAY and r.random() < 0.04:
        return f"{r.randint(1, 31)}w"
    n = r.choice([1, 1, 1, 1, 2, 2, 3])
    if field is WEEKDAY and r.random() < 0.15:
        return ",".join(f"{r.choice(WEEKDAYS)}#{r.randint(1, 5)}" for _ in range(n))
    return ",".join(some_item(r, field) for _ in range(n))


def break_text(r, text):
    """One small wound, most of which make the expression invalid."""
    i = r.randrange(len(text) + 1)
    junk = r.choice(["-", "/", ",", "#", "l", "w", "h", "?", "*", "@", " ", ".", "0", "9", "x", "_", "+"])
    what = r.randrange(3)
    if what == 0:
        return text[:i] + junk + text[i:]
    if what == 1:
        return text[:i] + text[i + 1 :]
    return text[:i] + junk + text[i + 1 :]


def some_expr(r):
    stars = r.choice([(0.1, 0.3, 0.5, 0.7, 0.6), (0.3, 0.1, 0.7, 0.9, 0.8), (0.05, 0.05, 0.3, 0.3, 0.3)])
    fields = [some_field(r, f, s) for f, s in zip(FIELDS, stars)]
    if r.random() < 0.3:
        # Times around which clocks change.
        fields[0] = r.choice(["0", "30", "0,30", "*/15", "15-45/15", "*", "59"])
        fields[1] = r.choice(["0", "1", "2", "3", "*", "1-3", "2,3", "23", "0-1"])
        fields[2] = r.choice(["*", "*", "*", "30", "1"])
        fields[3] = "*"
        fields[4] = r.choice(["*", "*", "*", "sun", "fri-sun"])
    text = " ".join(fields)
    if r.random() < 0.1:
        text = text.upper()
    if r.random() < 0.03:
        text = "  " + text.replace(" ", "\t") + " "
    if r.random() < 0.15:
        text = break_text(r, text)
    return text


RARE = """
    0 0 29 2 *|0 0 31 2 *|0 0 30 2 *|0 12 29 2 *|0 0 31 4,6,9,11 *|0 0 * 2 1#5|0 0 29 2 mon|0 0 31 2 fri
    0 0 l 2 *|15 3 28-l 2 *|0 0 */30 * *|0 0 29,30 2 *|0 0 13 * 5#2|0 0 * feb l4|0 0 * feb sun#5
    0 0 31w 2 *|0 0 1w * *|0 0 30-1/3 feb *|0 0 29-1 2 *|0 0 29-l 2 *
"""


def vector(expr_text, zone_name, after, window_days):
    try:
        expr = Expr(expr_text)
    except Bad:
        return f"{expr_text}|invalid"
    zone = zoneinfo.ZoneInfo(zone_name)
    until = after + window_days * 86400
    fires = (fixed_fires if expr.fixed else wildcard_fires)(expr, zone, after, until)[:3]
    tail = [] if len(fires) == 3 else [f">{until}"]
    return f"{expr_text}|{zone_name}|{after}|" + " ".join([str(u) for u in fires] + tail)


def far_vector(expr_text, after):
    try:
        expr = Expr(expr_text)
    except Bad:
        return f"{expr_text}|invalid"
    fires = far_fires(expr, after)
    text = " ".join(map(str, fires)) if len(fires) == 3 else "never" if not fires else None
    return None if text is None else f"{expr_text}|UTC|{after}|{text}"


def some_instant(r, zone_name, first, last):
    changes = zone_changes(zone_name, first, last)
    if changes and r.random() < 0.8:
        return r.choice(changes)[0] + r.choice([-1, 0, 1, r.randint(-7200, 7200), -86400, -172800])
    return r.randint(*(calendar.timegm((y, 1, 1, 0, 0, 0)) for y in (first, last)))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--count", type=int, default=2000)
    p.add_argument("--since", type=int, default=1970)
    p.add_argument("--until", type=int, default=2060)
    p.add_argument("--days", type=int, default=40, help="how far to look for fire instants")
    p.add_argument("--all-zones", action="store_true")
    args = p.parse_args()
    r = random.Random(args.seed)
    zones = sorted(zoneinfo.available_timezones()) if args.all_zones else NAMED_ZONES
    n = 0
    for text in RARE.replace("\n", "|").split("|"):
        if text.strip():
            for after in (r.randint(0, 3 * 10**9), calendar.timegm((2096, 2, 1, 0, 0, 0))):
                line = far_vector(text.strip(), after)
                n += line is not None
                if line:
                    print(line)
    while n < args.count:
        text = some_expr(r)
        if r.random() < 0.04:
            line = far_vector(text, r.randint(0, 3 * 10**9))
        else:
            zone_name = r.choice(zones)
            line = vector(text, zone_name, some_instant(r, zone_name, args.since, args.until), args.days)
        if line is not None and "\n" not in line:
            print(line)
            n += 1


if __name__ == "__main__":
    main()
