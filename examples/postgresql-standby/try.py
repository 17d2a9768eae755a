#!/usr/bin/env python3
"""Two PostgreSQL servers, primary and synchronous standby, and two weaved hosts over them.

The primary is killed under load and the standby promoted. Exits with 0 only if nothing that was
confirmed was lost, no follower missed anything, and times of an account only grew.

    try.py [WEAVED] [SECONDS]

WEAVED is the program (default: target/release/weaved), SECONDS how long the load lasts before and
after the failure (default: 10). Everything is on this machine's loopback, in a temporary folder
that is removed afterwards.
"""

import glob
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "failover"))

import load  # noqa: E402
import stage  # noqa: E402


def sync_conf(primary, standby):
    """The file that a user copies, with the ports of this trial instead of his hosts, in clear."""
    with open(os.path.join(HERE, "sync.conf"), encoding="utf-8") as file:
        text = file.read()
    text = text.replace("?sslmode=verify-full&sslrootcert=/etc/weaved/db-ca.pem", "")
    return text.replace("db1.example.net:5432,db2.example.net:5432",
                        f"127.0.0.1:{primary},127.0.0.1:{standby}")


class Server:
    """A PostgreSQL server with its data."""

    def __init__(self, scene, name):
        self.scene = scene
        self.name = name
        self.port = stage.free_port()
        self.data = scene.path(name)
        self.process = None

    def program(self, name):
        newest = sorted(glob.glob("/usr/lib/postgresql/*/bin"),
                        key=lambda path: float(path.split("/")[-2]))
        return stage.find([name], newest[-1:])

    def configure(self):
        """The lines that a user adds to postgresql.conf, and what is of this trial alone."""
        with open(os.path.join(HERE, "postgresql.conf"), encoding="utf-8") as file:
            lines = file.read()
        lines += (f"port = {self.port}\nlisten_addresses = '127.0.0.1'\n"
                  f"unix_socket_directories = '{self.scene.folder}'\nshared_buffers = 32MB\n")
        self.scene.write(f"{self.name}/postgresql.conf", lines)

    def start(self):
        log = f"{self.name}.log"
        self.process = self.scene.start_server(log, self.program("postgres"), "-D", self.data)
        self.scene.wait_for(log, "ready to accept", self.process)

    def sql(self, statements):
        return self.scene.run(self.program("psql"), "-qtA", "-v", "ON_ERROR_STOP=1", "-h",
                              self.scene.folder, "-p", str(self.port), "-U", "postgres", "-c",
                              statements, "postgres")

    def wait_until(self, condition):
        until = time.monotonic() + stage.PATIENCE
        while self.sql(f"SELECT {condition}").strip() != "t":
            if time.monotonic() > until:
                raise SystemExit(f"{self.name}: never {condition}")
            time.sleep(0.05)


def main():
    weaved = sys.argv[1] if len(sys.argv) > 1 else f"{HERE}/../../target/release/weaved"
    weaved = os.path.abspath(weaved)
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10
    with stage.Stage("postgres") as scene:
        primary, standby = Server(scene, "primary"), Server(scene, "standby")
        scene.run(primary.program("initdb"), "-D", primary.data, "-U", "postgres", "-A", "trust",
                  "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions", "--no-sync")
        primary.configure()
        primary.start()
        primary.sql("CREATE ROLE standby LOGIN REPLICATION")
        primary.sql("CREATE ROLE sync LOGIN PASSWORD 'secret'")
        primary.sql("CREATE DATABASE sync OWNER sync ENCODING 'UTF8' TEMPLATE template0")
        scene.run(standby.program("pg_basebackup"), "-D", standby.data, "-R",
                  "--checkpoint=fast", "--no-sync", "-d",
                  f"host=127.0.0.1 port={primary.port} user=standby application_name=standby")
        standby.configure()
        standby.start()
        primary.sql("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        primary.sql("SELECT pg_reload_conf()")
        primary.wait_until("EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')")

        conf = sync_conf(primary.port, standby.port)
        hosts = [scene.weaved(weaved, name, conf) for name in ("host1", "host2")]
        devices = load.Load(hosts)
        devices.start()
        time.sleep(seconds)
        failed_at = time.monotonic()
        scene.kill(primary.process)
        standby.sql("SELECT pg_promote()")
        time.sleep(seconds)
        devices.stop()
        devices.judge()
        return 0 if devices.report(failed_at) else 1


if __name__ == "__main__":
    sys.exit(main())
