"""What N concurrent connections take on a machine: every limit follows from that one number.

The number is ``balancer.connections`` of the description, N = 9000 at the peak of document 000.
One balancer must carry all of N when its peer is dead, and may get them within the same second:
the take-over moves a VIP, every client of it is reset or silent, and all of them come again. The
same holds for one web machine behind it. So nothing below is divided by two.

worker_connections
    nginx counts both sides of a proxied request: 2 N, and SPARE_CONNECTIONS for health checks,
    the status server and kept upstream connections. Any one worker may get all, so the number is
    not divided by the workers either. N = 9000: 18 512.
open_files (worker_rlimit_nofile)
    A connection is a file descriptor; a body or an answer in a temporary file is one more. Three
    per connection, and the spare: 3 N + 512 = 27 512. nginx's workers raise the limit themselves
    (setrlimit as root), so systemd's LimitNOFILE need not be touched and a reload is enough. Far
    below fs.nr_open (1 048 576).
backlog (listen, net.core.somaxconn, net.ipv4.tcp_max_syn_backlog)
    The smallest power of two that holds N connections which are all there before nginx accepts the
    first: 16 384. listen(2) cuts the backlog to somaxconn; half-open ones count to the same bound
    (tcp_conn_request in the kernel), beyond it SYN cookies take over.
conntrack_max, conntrack_buckets
    Both sides of a proxied connection are entries: 2 N. An entry stays 120 s in TIME_WAIT after its
    end and up to 432 000 s where the other end died silently; after a take-over all N come anew
    beside their old selves, and upstream connections that were closed linger: another 4 N. When the
    table is full the kernel drops entries that have seen no answer ("early drop"), never
    established ones, and then refuses every new connection ("table full, dropping packet"), which
    a client sees as a SYN unanswered. So twice the 6 N, as a power of two: 131 072; 320 bytes each,
    40 MiB if ever full. A quarter as many buckets (32 768 of 8 bytes): chains of four at the worst,
    while the kernel's default for 768 MiB is 6 144.
ports (net.ipv4.ip_local_port_range 10240 to 65535, net.ipv4.tcp_tw_reuse)
    A connection to one upstream address takes a port of its own. With one web machine left all N
    go to one address: N ports, and those closed within the last second (tcp_tw_reuse lets a port in
    TIME_WAIT be used again after one second, RFC 7323 timestamps keep both apart). Of 55 296 ports
    a tenth is kept for closed ones: MAX_CONNECTIONS is 49 766, rounded down to 49 000.
kept_upstreams (nginx: keepalive, per worker)
    Connections that stay open for the next request. A client asks every THINK_S = 30 s: N / 30 a
    second; under software emulation a request takes up to half a second, so N / 60 are under way.
    The next power of two: 256. More would only hold memory on both sides.
tcp_mem (pages)
    The kernel's default for 768 MiB stops at about 16 900 pages (66 MiB), less than one page for
    each of 2 N sockets; then segments are dropped. Two pages for each: 4 N, pressure at 3 N, low
    at 2 N. 9000: 36 000 pages, 140 MiB, a bound and not an allocation.
memory_mib (balancer_memory_mib, web_memory_mib)
    All N with a request under way at once. On the balancer, KiB each: client header buffer 32
    (document 000), request pool 4, answer 8 (proxy_buffer_size and one buffer), two
    connections and their events 2 (424 bytes each, and their pools), two sockets 8 (TCP sock,
    inode, dentry, file: 4), what waits in them 4: 58. On a web machine, whose header buffer is 4:
    4 + 4 + 4 + 1 + 4 + 4 = 21. An idle kept connection takes about 5 in all: nginx gives the header
    buffer back. Beside that BASE_MIB for the system, and on web machines PHP's processes and
    memcached.
"""

from __future__ import annotations

from dataclasses import dataclass

SPARE_CONNECTIONS = 512
"""Connections beyond those that are balanced: health checks, kept upstream connections."""
PORT_RANGE = (10240, 65535)
"""Local ports of outgoing connections; below stay those that daemons listen on."""
MAX_CONNECTIONS = 49000
"""Nine tenths of PORT_RANGE: what one balancer can open to one web machine."""
MIN_CONNECTIONS = 64
"""Below this the spare is larger than the number."""
THINK_S = 30
"""Seconds between two requests of one client that reads what it got."""
FLOOR = 4096
"""Kernel limits are never smaller than for so many: that is its own default for somaxconn."""
BALANCER_KIB = 58
"""Memory of one connection with a request under way on a balancer."""
WEB_KIB = 21
"""The same on a web machine."""
BASE_MIB = 192
"""Kernel, systemd, journal, SSH, keepalived, measured on a booted machine, and a reserve."""
PHP_PROCESSES = 8
"""php-fpm's processes on a web machine: all that two processors can use, and some that wait."""
PHP_PROCESS_MIB = 16
"""Memory of one that is its own; the code is shared (opcache)."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of one machine, each derived from the connections that it must hold."""

    worker_connections: int
    """nginx: both sides of each connection, and a spare."""
    open_files: int
    """nginx: three descriptors for each connection, and a spare."""
    backlog: int
    """Connections that may wait to be accepted: all of them, as a power of two."""
    conntrack_max: int
    """Entries of the firewall's connection table: twice six for each connection."""
    conntrack_buckets: int
    """Hash buckets of that table: a quarter of its entries."""
    port_range: tuple[int, int]
    """Local ports of outgoing connections."""
    kept_upstreams: int
    """Idle connections to the upstream that each nginx worker keeps."""
    tcp_mem: tuple[int, int, int]
    """Pages that TCP may hold: low, pressure, limit."""

    def sysctls(self) -> dict[str, str]:
        """Kernel values but conntrack's, which belong to the firewall's block."""
        return {
            "net.core.somaxconn": str(self.backlog),
            "net.ipv4.tcp_max_syn_backlog": str(self.backlog),
            "net.ipv4.ip_local_port_range": " ".join(str(port) for port in self.port_range),
            "net.ipv4.tcp_tw_reuse": "1",
            "net.ipv4.tcp_mem": " ".join(str(pages) for pages in self.tcp_mem),
        }


def limits(connections: int) -> Limits:
    """Limits of a machine that must hold so many connections; see the module's text."""
    most = max(connections, FLOOR)
    conntrack = power_of_two(12 * most)
    return Limits(
        worker_connections=2 * connections + SPARE_CONNECTIONS,
        open_files=3 * connections + SPARE_CONNECTIONS,
        backlog=power_of_two(most),
        conntrack_max=conntrack,
        conntrack_buckets=conntrack // 4,
        port_range=PORT_RANGE,
        kept_upstreams=max(32, power_of_two(connections // (2 * THINK_S))),
        tcp_mem=(2 * most, 3 * most, 4 * most),
    )


def balancer_memory_mib(connections: int) -> int:
    """Memory of a balancer that holds so many connections, all with a request under way."""
    return BASE_MIB + _mib(connections, BALANCER_KIB)


def web_memory_mib(connections: int, *, session_memory_mib: int) -> int:
    """Memory of a web machine that gets as many requests at once, with PHP and memcached."""
    php = PHP_PROCESSES * PHP_PROCESS_MIB
    return BASE_MIB + _mib(connections, WEB_KIB) + php + session_memory_mib


def power_of_two(number: int) -> int:
    """The smallest power of two that is not below a number."""
    return 1 << max(number - 1, 0).bit_length()


def _mib(connections: int, kib: int) -> int:
    return -(-connections * kib // 1024)
