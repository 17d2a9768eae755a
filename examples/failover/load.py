"""Devices that write and follow while a database server dies, and a judge of what they saw.

Each account has writers and a follower on every host. A writer sends its records one after the
other, each under an id of its own, and remembers which were confirmed; what is refused or
unanswered it sends again. A follower asks again and again for what is newer than the last answer
told it. Afterwards every confirmed record must be there, on every host, and every follower must
have seen it.

Only Python's standard library is used.
"""

import base64
import collections
import decimal
import hashlib
import http.client
import json
import threading
import time

PASSWORD = "correct horse"

# No answer may take longer, in seconds. The hosts' pool_timeout and what a host waits for a
# server that hangs lie below.
LONGEST = 30.0

# How long a device waits after a refusal, in seconds. A browser waits as long as Retry-After
# says; then there would be no figures.
PAUSE = 0.1


class Refused(Exception):
    """The host answered, but did not do what it was asked."""


class Device:
    """A browser of one account, on one host, with one connection."""

    def __init__(self, load, account, host):
        self.load = load
        self.host = host
        self.name = base64.b32encode(hashlib.sha1(account.encode()).digest()).decode().lower()
        self.account = account
        login = base64.b64encode(f"{self.name}:{PASSWORD}".encode()).decode()
        self.headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
        self.connection = None

    def call(self, method, path, body=None):
        """The answer to a call: its body, and its time. Raises Refused or OSError."""
        began = time.monotonic()
        while True:
            is_fresh = self.connection is None
            try:
                if is_fresh:
                    self.connection = http.client.HTTPConnection(*self.host, timeout=LONGEST)
                self.connection.request(method, path, body, self.headers)
                response = self.connection.getresponse()
                text = response.read()
                break
            except (ConnectionError, http.client.HTTPException) as error:
                self.connection = None
                # As browsers do: a kept connection may be closed in the moment in which it is used.
                if is_fresh:
                    self.fail(error, began)
            except OSError as error:
                self.connection = None
                self.fail(error, began)
        self.load.count(response.status, began)
        if response.status == 503 and response.headers["Retry-After"] is None:
            self.load.complain(f"503 without Retry-After: {method} {path}")
        if response.status != 200:
            raise Refused(response.status)
        stamp = response.headers["X-Weave-Timestamp"]
        return text, decimal.Decimal(stamp) if stamp else None

    def fail(self, error, began):
        self.load.count(type(error).__name__, began)
        raise OSError(error) from error

    def insist(self, method, path, body=None):
        """The answer, however often it takes; none when the time is over."""
        while not self.load.is_over():
            try:
                return self.call(method, path, body)
            except (OSError, Refused):
                time.sleep(PAUSE)
        return None

    def sign_up(self):
        form = {"email": self.account, "password": PASSWORD, "captcha-challenge": None,
                "captcha-response": None}
        self.call("PUT", f"/user/1.0/{self.name}", json.dumps(form))

    def storage(self, path):
        return f"/1.1/{self.name}/storage/{path}"


class Account:
    """What was confirmed to the devices of one account."""

    def __init__(self, email):
        self.email = email
        self.lock = threading.Lock()
        # The time of each record that was confirmed.
        self.confirmed = {}
        self.stamps = set()
        self.newest = decimal.Decimal(0)
        # What each follower has seen.
        self.followers = []

    def confirm(self, ids, after, stamp, load):
        """Notes a confirmed write that began when `after` was the newest."""
        with self.lock:
            if stamp <= after:
                load.complain(f"{self.email}: {stamp} was given after {after}")
            if stamp in self.stamps:
                load.complain(f"{self.email}: {stamp} was given twice")
            self.stamps.add(stamp)
            for record in ids:
                self.confirmed[record] = stamp
            self.newest = max(self.newest, stamp)


class Load:
    """Writers and followers on several hosts, `(address, port)` each."""

    def __init__(self, hosts, accounts=4, writers=2):
        self.hosts = hosts
        self.accounts = [Account(f"user{number}@example.com") for number in range(accounts)]
        self.complaints = []
        self.lock = threading.Lock()
        self.answers = collections.Counter()
        self.longest = 0.0
        # When writes were confirmed, on time.monotonic().
        self.confirmations = []
        self.stopping = threading.Event()
        # Writers end first, so that followers can see the last of what they wrote.
        self.deadline = None
        self.writers = []
        self.followers = []
        for account in self.accounts:
            Device(self, account.email, hosts[0]).sign_up()
            for number, host in enumerate(hosts * writers):
                device = Device(self, account.email, host)
                self.writers.append(self.thread(self.write, account, device, number))
            for host in hosts:
                seen = {}
                account.followers.append(seen)
                device = Device(self, account.email, host)
                self.followers.append(self.thread(self.follow, device, seen))

    def thread(self, run, *arguments):
        def guarded():
            try:
                run(*arguments)
            except Exception as error:
                self.complain(f"{run.__name__}: {error!r}")
        return threading.Thread(target=guarded, daemon=True)

    def start(self):
        for thread in self.writers + self.followers:
            thread.start()

    def stop(self):
        """Lets the writers finish, and then the followers."""
        self.stopping.set()
        self.deadline = time.monotonic() + 2 * LONGEST
        for thread in self.writers + self.followers:
            thread.join()

    def is_over(self):
        """Whether nobody should try any more: long after the stop."""
        return self.deadline is not None and time.monotonic() > self.deadline

    def write(self, account, device, writer):
        number = 0
        while not self.stopping.is_set():
            # Every fourth write is a batch, and every third record of that replaces an old one.
            ids = [f"w{writer}-{number}"]
            if number % 4 == 3:
                ids += [f"w{writer}-{number}b", f"w{writer}-{number - 3}"]
            records = [{"id": record, "payload": f"{number}" * 50} for record in ids]
            path, body = device.storage("history"), json.dumps(records)
            while True:
                after = account.newest
                try:
                    text, stamp = device.call("POST", path, body)
                except (OSError, Refused):
                    if self.is_over():
                        return
                    time.sleep(PAUSE)
                    continue
                break
            answer = json.loads(text)
            if sorted(answer["success"]) != sorted(ids):
                self.complain(f"{account.email}: {ids} were answered with {text}")
            account.confirm(ids, after, stamp, self)
            with self.lock:
                self.confirmations.append(time.monotonic())
            number += 1

    def follow(self, device, seen):
        newer = decimal.Decimal(0)
        while True:
            # Asked before the download: what was confirmed before is in it.
            is_last = not any(thread.is_alive() for thread in self.writers)
            path = device.storage(f"history?full=1&newer={newer}")
            answer = device.insist("GET", path)
            if answer is None:
                self.complain("a follower got no answer in the end")
                return
            text, stamp = answer
            for record in json.loads(text, parse_float=decimal.Decimal):
                seen[record["id"]] = record["modified"]
                if record["modified"] <= newer:
                    self.complain(f"{record['id']} is not newer than {newer}")
            newer = stamp
            if is_last:
                return
            time.sleep(0.02)

    def count(self, what, began):
        took = time.monotonic() - began
        with self.lock:
            self.answers[what] += 1
            self.longest = max(self.longest, took)

    def complain(self, text):
        with self.lock:
            self.complaints.append(text)

    def confirmed_since(self, moment):
        """How many writes were confirmed after a moment."""
        with self.lock:
            return sum(1 for time in self.confirmations if time > moment)

    def judge(self):
        """Compares what is there, and what followers saw, with what was confirmed."""
        for account in self.accounts:
            for host in self.hosts:
                device = Device(self, account.email, host)
                text, _ = device.call("GET", device.storage("history?full=1"))
                records = json.loads(text, parse_float=decimal.Decimal)
                there = {record["id"]: record["modified"] for record in records}
                self.compare(account, there, "is lost")
            for seen in account.followers:
                self.compare(account, seen, "was missed by a follower")

    def compare(self, account, there, failure):
        for record, stamp in account.confirmed.items():
            # It may have been written again without the answer having come.
            if there.get(record, decimal.Decimal(-1)) < stamp:
                self.complain(f"{account.email}: {record} of {stamp} {failure}")

    def report(self, failed_at):
        """Prints the figures; whether all held. `failed_at` is when the server was killed."""
        before = [moment for moment in self.confirmations if moment <= failed_at]
        after = [moment for moment in self.confirmations if moment > failed_at]
        moments = sorted([failed_at] + after)
        gap = max((late - early for early, late in zip(moments, moments[1:])), default=0.0)
        refused = self.answers[503]
        unanswered = sum(n for what, n in self.answers.items() if isinstance(what, str))
        others = {what: n for what, n in self.answers.items()
                  if isinstance(what, int) and what not in (200, 503)}
        lost = sum(1 for text in self.complaints if "is lost" in text)
        print(f"writes confirmed before the failure:  {len(before)}")
        print(f"writes confirmed after it:            {len(after)}")
        print(f"confirmed records lost:               {lost}")
        print(f"longest time without a confirmation:  {gap:.1f} s")
        print(f"requests refused with 503:            {refused}")
        print(f"requests without an answer:           {unanswered}")
        print(f"longest answer:                       {self.longest:.1f} s")
        if others:
            self.complaints.append(f"unexpected answers: {others}")
        if unanswered:
            names = [what for what in self.answers if isinstance(what, str)]
            self.complaints.append(f"a host must answer every request: {', '.join(names)}")
        if not before or not after:
            self.complaints.append("nothing was confirmed before or after the failure")
        for text in self.complaints[:20]:
            print(f"WRONG: {text}")
        if not self.complaints:
            print("nothing confirmed was lost, nothing was missed, and times only grew")
        return not self.complaints
