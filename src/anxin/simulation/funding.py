"""The money of a project on its way to the workers: settlements, wage accounts, deposits, guarantees."""

import numpy as np

from anxin.simulation.affairs import Affairs
from anxin.simulation.arrays import MISSING, Floats, Ints, Rows, choose, or_missing, sigmoid, take, words
from anxin.simulation.codes import serials
from anxin.simulation.money import strain
from anxin.simulation.parameters import parameters
from anxin.simulation.registry import covered
from anxin.simulation.stress import lagged
from anxin.simulation.world import World
from anxin.simulation.writing import Post

_FORMS = ("cash", "bank_guarantee", "insurance", "exempt")
_TRANSACTIONS = ("opened", "appropriation", "wage", "other_in", "other_out", "frozen", "closed")


def send_progress_payments(world: World) -> int:
    """Send each settlement period when due, and again when settled.

    Short and late where the payer is in trouble.
    """
    post, p = world.post("progress_payments"), world.leak("progress_payments")
    rng, clock, q = post.rng, world.city.clock, world.city.projects
    shows = world.response("progress_payments", q.size)
    payer = 0.6 * world.employer_level[q.owner] + 0.7 * lagged(world.project_level, 0)
    keeps = rng.random(q.size) < p.number("coverage")
    every = rng.choice([1, 1, 2, 3], q.size)
    for month in range(clock.first_month, clock.grid_months):
        elapsed = month - clock.month_of(q.start)
        live = (clock.month_starts[month] < q.ended + 60) & (elapsed > 0) & (elapsed % every == 0) & keeps
        who = np.flatnonzero(live)
        n, level = len(who), payer[who, month] * shows[who]
        value = (
            q.amount[who]
            / np.maximum(60, q.ended[who] - q.start[who])
            * 30.4
            * every[who]
            * np.exp(0.25 * rng.standard_normal(n))
        )
        payable = np.round(value * 0.85, 2)
        due = clock.month_starts[month] + rng.integers(4, 26, n)
        short = rng.random(n) < sigmoid(p.number("short_base") + p.number("short_tilt") * level)
        share = np.where(short, rng.uniform(0.0, 0.8, n), rng.uniform(0.86, 1.04, n))
        delay = np.exp(
            np.log(p.number("delay_days"))
            + p.number("delay_tilt") * np.clip(level, -2, 3)
            + 0.6 * rng.standard_normal(n)
        )
        settled = due + delay.astype(np.int64)
        public = q.investment[who] == 0
        rows: Rows = {
            "project_id": world.project_ids(who),
            "period_no": (elapsed[who] // every[who]).astype(np.int64),
            "due_on": due,
            "settled_on": np.full(n, MISSING),
            "completed_value": np.round(value, 2),
            "payable": payable,
            "paid": np.full(n, np.nan),
            "labour_payable": np.round(payable * q.labour_share[who], 2),
            "public_funds_in": np.full(n, np.nan),
        }
        lag = post.lags(n)
        post.send(rows, lag=lag)
        rows["settled_on"], rows["paid"] = settled, np.round(payable * share, 2)
        rows["public_funds_in"] = np.where(
            public, np.round(payable * np.minimum(share * rng.uniform(0.85, 1.1, n), 1.0), 2), np.nan
        )
        done = np.flatnonzero(rng.random(n) < 0.95)
        post.send(take(rows, done), known_on=settled[done], lag=lag[done], version=1)
    return post.close()


class _Accounts:
    """Sends transactions and keeps the balance of each project's account."""

    def __init__(self, post: Post, world: World, opening: Ints) -> None:
        self.post, self.world, self.balance, self.number = post, world, np.zeros(world.city.projects.size), 0
        self.opening = opening

    def book(self, who: Ints, kind: int, day: Ints, amount: Floats) -> None:
        """Send one transaction for each project of `who` (each at most once).

        `amount` is signed on the balance.
        """
        self.balance[who] = np.maximum(0.0, self.balance[who] + amount)
        n = len(who)
        self.post.send(
            {
                "txn_id": words(serials(f"LS{self.number:05d}-", n), np.arange(n)),
                "project_id": self.world.project_ids(who),
                "employer_id": self.world.employer_ids(self.world.city.projects.contractor[who]),
                "transacted_on": np.maximum(day, self.opening[who]),
                "kind": words(_TRANSACTIONS, np.full(n, kind)),
                "amount": np.round(np.abs(amount), 2),
                "balance": np.round(self.balance[who], 2),
            },
            floor=self.world.city.clock.first_day - 14,
        )
        self.number += 1


def send_wage_accounts(world: World) -> int:
    """Send the flow of each special account.

    What is appropriated, what goes to workers, and what goes elsewhere.
    """
    post, p = world.post("wage_accounts"), world.leak("wage_accounts")
    rng, clock, q = post.rng, world.city.clock, world.city.projects
    shows = world.response("wage_accounts", q.size)
    opening = q.start + rng.integers(0, 40, q.size)
    account = np.flatnonzero(covered(world, "account") & (opening < clock.cut))
    books = _Accounts(post, world, opening)
    bill = q.workers * parameters().number("projects.wage_per_month") * 0.8
    books.book(account, 0, opening[account], np.zeros(len(account)))
    running = account[(opening[account] < clock.first_day)]
    books.balance[running] = bill[running] * rng.uniform(0.3, 1.5, len(running))
    for month in range(clock.first_month, clock.grid_months):
        first = int(clock.month_starts[month])
        who = account[(opening[account] < first + 28) & (q.ended[account] > first - 20)]
        n, level = len(who), world.project_level[who, month]
        phase = (first - q.start[who]) / np.maximum(1, q.ended[who] - q.start[who])
        wages = bill[who] * np.clip(phase / 0.08, 0.3, 1.0) * np.clip((1.02 - phase) / 0.1, 0.2, 1.0)
        gap = rng.random(n) < sigmoid(p.number("gap_base") + p.number("gap_tilt") * shows[who] * level)
        share = np.clip(rng.normal(1.04, 0.12, n) - 0.07 * shows[who] * strain(level), 0.2, 1.5)
        paid_in = np.where(gap, np.where(rng.random(n) < 0.5, 0.0, 0.4), share) * wages
        has = paid_in > 0
        books.book(who[has], 1, first + rng.integers(2, 20, int(has.sum())), paid_in[has])
        out = np.minimum(wages * rng.normal(1.0, 0.05, n), books.balance[who])
        pays = out > 0.02 * wages
        books.book(who[pays], 2, first + rng.integers(12, 28, int(pays.sum())), -out[pays])
        away = np.flatnonzero(
            (rng.random(n) < 0.01 * np.exp(0.6 * np.clip(level, -2, 3))) & (books.balance[who] > 0)
        )
        books.book(
            who[away],
            4,
            first + rng.integers(20, 28, len(away)),
            -books.balance[who[away]] * rng.uniform(0.1, 0.7, len(away)),
        )
        frozen = np.flatnonzero(rng.random(n) < 0.0008 * np.exp(np.clip(level, -2, 3)))
        books.book(who[frozen], 5, first + rng.integers(1, 28, len(frozen)), np.zeros(len(frozen)))
        more = np.flatnonzero(rng.random(n) < 0.03)
        books.book(who[more], 3, first + rng.integers(1, 28, len(more)), wages[more] * 0.2)
        ends = account[
            (q.ended[account] + 60 >= first) & (q.ended[account] + 60 < clock.month_starts[month + 1])
        ]
        ends = ends[opening[ends] < q.ended[ends]]
        books.book(ends, 6, q.ended[ends] + 60, -books.balance[ends])
    return post.close()


def send_deposits(world: World, affairs: Affairs) -> int:
    """Send each project's deposit when stored, used and renewed.

    A few, mostly of bad sites, are short or missing.
    """
    post, p = world.post("deposits"), world.leak("deposits")
    rng, clock, q = post.rng, world.city.clock, world.city.projects
    keeps = covered(world, "deposit")
    who = np.flatnonzero(keeps & (q.start < clock.cut))
    n, quality = len(who), q.quality[who]
    level = world.level_on("project", who, np.maximum(q.start[who], clock.first_day))
    exempt = rng.random(n) < 0.10 * np.exp(-0.9 * quality)
    form = np.where(exempt, 3, choose(rng, [0.2, 0.5, 0.3], n))
    required = np.round(np.minimum(q.amount[who] * 0.015, 3_000_000), 2)
    short = ~exempt & (rng.random(n) < sigmoid(p.number("short_base") + p.number("short_tilt") * level))
    start = (
        q.start[who]
        + rng.integers(-15, 25, n)
        + np.where(rng.random(n) < 0.06 * np.exp(0.5 * quality), rng.integers(20, 120, n), 0)
    )
    late_expiry = rng.random(n) < 0.15
    length = np.where(late_expiry, 365, q.planned_end[who] - q.start[who] + 90)
    rows: Rows = {
        "deposit_id": words(serials("BZJ", n), np.arange(n)),
        "project_id": world.project_ids(who),
        "form": words(_FORMS, form),
        "payer": words(("owner", "contractor"), np.where(rng.random(n) < 0.8, 1, 0)),
        "required": required,
        "stored": np.where(
            exempt, 0.0, np.where(short, np.round(required * rng.uniform(0.0, 0.7, n), 2), required)
        ),
        "used": np.zeros(n),
        "from_on": start,
        "expires_on": or_missing(start + length, form != 0),
    }
    lag, floor = np.minimum(post.lags(n), 60.0), clock.first_day - 14
    post.send(rows, lag=lag, floor=floor)
    drawn = affairs.take((affairs.project >= 0) & affairs.verified & (affairs.closed < clock.cut))
    drawn = drawn.take(rng.random(drawn.size) < p.number("drawn_share"))
    place = np.full(q.size, -1)
    place[who] = np.arange(n)
    at = place[drawn.project]
    paid = np.minimum(drawn.amount, required[np.maximum(at, 0)])
    index, first = np.unique(at[at >= 0], return_index=True)
    used = np.zeros(n)
    used[index] = paid[at >= 0][first]
    rows["used"] = used
    known = np.zeros(n, dtype=np.int64)
    known[index] = drawn.closed[at >= 0][first]
    post.send(take(rows, index), known_on=known[index], lag=lag[index], version=1, floor=floor)
    return post.close()


def send_guarantees(world: World) -> int:
    """Send payment guarantees, presale accounts by quarter, and reserves kept back toward completion."""
    post, p = world.post("guarantees"), world.leak("guarantees")
    rng, clock, q = post.rng, world.city.clock, world.city.projects
    given = np.flatnonzero(
        (rng.random(q.size) < 0.7 - 0.1 * np.clip(q.quality, -2, 2)) & (q.start < clock.cut)
    )
    need = np.round(q.amount[given] * 0.1, 2)
    level = world.level_on("project", given, np.maximum(q.start[given], clock.first_day))
    short = rng.random(len(given)) < sigmoid(p.number("short_base") + p.number("short_tilt") * level)
    expires = np.where(rng.random(len(given)) < 0.2, q.start[given] + 365, q.planned_end[given] + 60)
    _guarantees(
        post,
        world,
        given,
        "payment_guarantee",
        q.start[given] + rng.integers(0, 30, len(given)),
        need,
        np.where(short, 0.5 * need, need),
        expires,
    )
    estate = np.flatnonzero(q.real_estate)
    shows = world.response("guarantees", q.size)
    balance = q.amount * rng.uniform(0.3, 0.6, q.size)
    for month in range(clock.first_month, clock.grid_months):
        day = int(clock.month_starts[month])
        phase = (day - q.start) / np.maximum(1, q.ended - q.start)
        who = estate[(phase[estate] > 0.25) & (phase[estate] < 1.0)]
        owner = world.employer_level[q.owner[who], month]
        trouble = strain(0.5 * owner + 0.5 * world.project_level[who, month]) * shows[who]
        need = balance[who] * np.clip(1.1 - phase[who], 0.1, 1.0)
        have = need * np.exp(0.15 + 0.25 * rng.standard_normal(len(who)) - p.number("presale_loss") * trouble)
        if month % 3 == 0:
            _guarantees(
                post,
                world,
                who,
                "presale_account",
                np.full(len(who), day + 27),
                np.round(need, 2),
                np.round(have, 2),
                np.full(len(who), MISSING),
            )
        who = np.flatnonzero(
            (phase > 0.82)
            & (phase <= 0.82 + 30 / np.maximum(1, q.ended - q.start))
            & (rng.random(q.size) < 0.5)
        )
        need = q.amount[who] * q.labour_share[who] * 0.05
        keeps = sigmoid(2.0 - p.number("short_tilt") * world.project_level[who, month]) > rng.random(len(who))
        _guarantees(
            post,
            world,
            who,
            "completion_reserve",
            np.full(len(who), day + 10),
            np.round(need, 2),
            np.round(need * np.where(keeps, 1.0, 0.3), 2),
            np.full(len(who), MISSING),
        )
    return post.close()


def _guarantees(
    post: Post,
    world: World,
    who: Ints,
    kind: str,
    day: Ints,
    required: Floats,
    balance: Floats,
    expires: Ints,
) -> None:
    post.send(
        {
            "project_id": world.project_ids(who),
            "kind": words((kind,), np.zeros(len(who))),
            "as_of": day,
            "required": required,
            "balance": balance,
            "expires_on": expires,
        },
        floor=world.city.clock.first_day - 14,
    )
