"""A temporary folder with database servers and weaved hosts on this machine's loopback.

Everything that was started is ended, and the folder removed, when the `with` block of a Stage is
left, whatever the reason.

Only Python's standard library is used.
"""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

# How long a server may take to start or to end, in seconds.
PATIENCE = 60.0


class Stage:
    """Where it all happens; servers run as `owner` when this is root, which they refuse to be."""

    def __init__(self, owner):
        self.owner = pwd.getpwnam(owner) if os.getuid() == 0 else None
        self.folder = tempfile.mkdtemp(prefix="weaved-failover-")
        self.processes = []

    def __enter__(self):
        os.chmod(self.folder, 0o755)
        self.give(self.folder)
        # Ended from outside, we end what we started as well.
        signal.signal(signal.SIGTERM, lambda *_: exit(1))
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            self.kill(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def give(self, path):
        """Makes the servers' user the owner."""
        if self.owner:
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid)

    def write(self, name, text, mode=0o644):
        """A file of the servers' user; answers its path."""
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        self.give(path)
        return path

    def as_owner(self):
        """Arguments of subprocess that make a program run as the servers' user."""
        if not self.owner:
            return {}
        return {"user": self.owner.pw_uid, "group": self.owner.pw_gid, "extra_groups": []}

    def run(self, *command, **options):
        """Runs a program of the servers' to its end, which must be a good one."""
        done = subprocess.run(command, cwd=self.folder, stdin=options.pop("stdin", None),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              **self.as_owner(), **options)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def start(self, log, *command, **options):
        """Starts a server, which logs to a file."""
        with open(self.path(log), "ab") as file:
            process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL,
                                       stdout=file, stderr=file, **options)
        self.processes.append(process)
        return process

    def start_server(self, log, *command, **options):
        """Starts a server as the servers' user."""
        return self.start(log, *command, **self.as_owner(), **options)

    def kill(self, process):
        """Ends a server and all its children at once (kill -9), as a machine that loses power."""
        if process.poll() is None:
            family = [process.pid]
            # Who stands still makes no more children, and does not see another one die.
            for member in family:
                send(member, signal.SIGSTOP)
                family += children(member)
            for member in family:
                send(member, signal.SIGKILL)
            process.wait()

    def log(self, name):
        with open(self.path(name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait_for(self, log, text, process):
        """Waits until a line of a log has a text, and answers the first such line."""
        until = time.monotonic() + PATIENCE
        while True:
            for line in self.log(log).splitlines():
                if text in line:
                    return line
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"{log} never said {text!r}:\n{self.log(log)}")
            time.sleep(0.02)

    def weaved(self, program, name, sync_conf, threads=16):
        """Starts a weaved host; answers its address and port for HTTP."""
        folder = self.path(name)
        os.mkdir(folder)
        with open(os.path.join(folder, "sync.conf"), "w", encoding="utf-8") as file:
            file.write(sync_conf)
        ini = os.path.join(folder, "development.ini")
        with open(ini, "w", encoding="utf-8") as file:
            file.write("[server:main]\nuse = http\nhost = 127.0.0.1\nport = 0\nmount = /\n"
                       f"threads = {threads}\n\n"
                       "[app:main]\nuse = egg:SyncServer\n"
                       "configuration = file:%(here)s/sync.conf\n")
        log = f"{name}.log"
        process = self.start(log, program, "serve", ini)
        line = self.wait_for(log, "listening on ", process)
        place = line.split("listening on ")[1].split()[0].rstrip(".,;")
        address, port = place.rsplit("/", 1)[-1].rsplit(":", 1)
        return address, int(port)


def children(parent):
    """The ids of a process's children."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                # What follows the name, which is in parentheses: the state, the parent.
                if int(file.read().rsplit(")", 1)[1].split()[1]) == parent:
                    found.append(int(name))
        except OSError:
            pass
    return found


def send(process, what):
    try:
        os.kill(process, what)
    except ProcessLookupError:
        pass


def free_port():
    """A port of 127.0.0.1 on which nobody listens, that the system gives to nobody by itself, and
    that no other trial on this machine gets."""
    for port in random.sample(range(12000, 32000), 1000):
        claim, probe = socket.socket(), socket.socket()
        try:
            # Kept as long as this program runs, at an address that nobody else uses.
            claim.bind(("127.0.7.7", port))
            probe.bind(("127.0.0.1", port))
            CLAIMS.append(claim)
            return port
        except OSError:
            claim.close()
        finally:
            probe.close()
    raise SystemExit("no free port")


CLAIMS = []


def find(names, folders=()):
    """The first program of these names in the PATH or in the folders."""
    for name in names:
        found = shutil.which(name, path=os.pathsep.join([*folders, os.environ.get("PATH", ""),
                                                         "/usr/sbin", "/usr/local/sbin"]))
        if found:
            return found
    raise SystemExit(f"there is no {' or '.join(names)}")
