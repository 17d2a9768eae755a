#!/usr/bin/env python3
"""Three nodes of a Galera cluster of MariaDB, and two weaved hosts over them.

The node that the hosts use is killed under load, and started again in the end. Exits with 0
only if nothing that was confirmed was lost on any node, no follower missed anything, and times of
an account only grew.

    try.py [WEAVED] [SECONDS]

WEAVED is the program (default: target/release/weaved), SECONDS how long the load lasts before and
after the failure (default: 10). Everything is on this machine's loopback, in a temporary folder
that is removed afterwards.
"""

import glob
import os
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "failover"))

import load  # noqa: E402
import stage  # noqa: E402

HOSTS = "db1.example.net,db2.example.net,db3.example.net"


def sync_conf(nodes):
    """The file that a user copies, with the ports of this trial instead of his hosts."""
    with open(os.path.join(HERE, "sync.conf"), encoding="utf-8") as file:
        text = file.read()
    return text.replace(HOSTS, ",".join(f"127.0.0.1:{node.port}" for node in nodes))


def provider():
    """Galera's library, wherever the system keeps it."""
    found = [path for folder in ("/usr/lib/galera", "/usr/lib64/galera-4", "/usr/lib*", "/usr/lib/*")
             for path in glob.glob(f"{folder}/libgalera_smm.so")]
    if not found:
        raise SystemExit("there is no libgalera_smm.so (Debian: galera-4)")
    return found[0]


class Node:
    """A node of the cluster with its data."""

    def __init__(self, scene, name):
        self.scene = scene
        self.name = name
        # Of MariaDB itself, of the cluster, and of whoever sends this node what it missed.
        self.port, self.cluster_port, self.part_port, self.copy_port = (
            stage.free_port() for _ in range(4))
        self.socket = scene.path(f"{name}.sock")
        self.process = None

    def configure(self, nodes):
        """The lines that a user copies with the addresses of this trial, and what is of it alone."""
        with open(os.path.join(HERE, "galera.cnf"), encoding="utf-8") as file:
            lines = file.read()
        cluster = ",".join(f"127.0.0.1:{node.cluster_port}" for node in nodes)
        for name, value in {
            "bind_address": "127.0.0.1",
            "wsrep_provider": provider(),
            "wsrep_cluster_address": f"gcomm://{cluster}",
            "wsrep_node_name": self.name,
            "wsrep_node_address": "127.0.0.1",
        }.items():
            lines, found = re.subn(f"(?m)^{name} = .*$", f"{name} = {value}", lines)
            assert found == 1, name
        listen = f"gmcast.listen_addr=tcp://127.0.0.1:{self.cluster_port}"
        lines += (
            f"\nport = {self.port}\nsocket = {self.socket}\ndatadir = {self.scene.path(self.name)}\n"
            f"tmpdir = {self.scene.folder}\npid_file = {self.scene.path(self.name)}.pid\n"
            f'wsrep_provider_options = "{listen};ist.recv_addr=127.0.0.1:{self.part_port};'
            'gcache.size=32M"\n'
            f"wsrep_sst_receive_address = 127.0.0.1:{self.copy_port}\n"
            "innodb_buffer_pool_size = 32M\ninnodb_log_file_size = 32M\nskip_name_resolve = ON\n")
        self.scene.write(f"{self.name}.cnf", lines)

    def start(self, *arguments):
        """Starts the server; it may take a while until it is a part of the cluster."""
        log = f"{self.name}.log"
        # What it said when it ran before.
        self.scene.write(log, "")
        self.process = self.scene.start_server(
            log, stage.find(["mariadbd", "mysqld"]),
            f"--defaults-file={self.scene.path(self.name)}.cnf", *arguments)

    def join(self):
        """Waits until the node is in step with the cluster."""
        self.scene.wait_for(f"{self.name}.log", "Synchronized with group, ready for connections",
                            self.process)
        until = time.monotonic() + stage.PATIENCE
        while "Synced" not in self.sql("SHOW STATUS LIKE 'wsrep_local_state_comment'"):
            if time.monotonic() > until:
                raise SystemExit(f"{self.name} is never in step")
            time.sleep(0.05)

    def sql(self, statements):
        return self.scene.run(stage.find(["mariadb", "mysql"]), "--no-defaults", "-N",
                              f"--socket={self.socket}", "-uroot", "-e", statements)

    def met(self):
        """How many transactions gave way to those of other nodes since the start."""
        rows = self.sql("SHOW STATUS WHERE Variable_name IN ('wsrep_local_cert_failures', "
                        "'wsrep_local_bf_aborts')")
        return sum(int(row.split()[1]) for row in rows.splitlines())


def install(scene, nodes):
    """The first node's data; the others begin with none and get a copy of it."""
    for node in nodes:
        os.mkdir(scene.path(node.name), mode=0o700)
        scene.give(scene.path(node.name))
    scene.run(stage.find(["mariadb-install-db", "mysql_install_db"]), "--no-defaults",
              "--auth-root-authentication-method=normal", "--skip-test-db",
              f"--datadir={scene.path(nodes[0].name)}", f"--tmpdir={scene.folder}",
              "--innodb-log-file-size=32M", "--innodb-flush-method=nosync")


def main():
    weaved = sys.argv[1] if len(sys.argv) > 1 else f"{HERE}/../../target/release/weaved"
    weaved = os.path.abspath(weaved)
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10
    with stage.Stage("mysql") as scene:
        nodes = [Node(scene, name) for name in ("db1", "db2", "db3")]
        install(scene, nodes)
        for node in nodes:
            node.configure(nodes)
        nodes[0].start("--wsrep-new-cluster")
        nodes[0].join()
        for node in nodes[1:]:
            node.start()
        for node in nodes[1:]:
            node.join()
        nodes[0].sql("CREATE DATABASE sync CHARACTER SET utf8mb4;"
                     "CREATE USER sync@'%' IDENTIFIED BY 'secret';"
                     "GRANT ALL ON sync.* TO sync@'%'")

        # The same order on all hosts: writes of one account then meet in one node.
        first, second, third = nodes
        hosts = [scene.weaved(weaved, name, sync_conf(nodes)) for name in ("host1", "host2")]
        devices = load.Load(hosts)
        devices.start()
        time.sleep(seconds)
        failed_at = time.monotonic()
        met = first.met()
        scene.kill(first.process)
        # The others wait before they go on without it; some commits were done already.
        while not devices.confirmed_since(failed_at + 1):
            if time.monotonic() > failed_at + stage.PATIENCE:
                break
            time.sleep(0.1)
        time.sleep(seconds)
        devices.stop()
        met += sum(node.met() for node in (second, third))
        devices.judge()

        # The node that died gets what it missed, and has the same as the others.
        first.start()
        first.join()
        count = "SET wsrep_sync_wait = 1; SELECT COUNT(*), SUM(modified) FROM sync.wbo"
        contents = {node.sql(count) for node in nodes}
        if len(contents) != 1:
            devices.complain(f"the nodes differ: {sorted(contents)}")
        print(f"writes that met in the cluster:       {met}")
        return 0 if devices.report(failed_at) else 1


if __name__ == "__main__":
    sys.exit(main())
