"""The checkers for units and their drop-ins."""

CHECK_DROP_IN = (
    # systemd-analyze judges whole units: the drop-in with a command added is one.
    "d=$(mktemp -d) && { cat %s; printf '[Service]\\nType=exec\\nExecStart=/bin/true\\n'; } "
    ">$d/pairwise-check.service && out=$(systemd-analyze verify --man=no --recursive-errors=no "
    "$d/pairwise-check.service 2>&1); code=$?; rm -rf $d; "
    'test $code -eq 0 -a -z "$out" || { echo "$out"; exit 1; }'
)

CHECK_CALENDAR = "systemd-analyze calendar \"$(sed -n 's/^OnCalendar=//p' %s)\" >/dev/null"
"""The checker for timers: a verify would ask for the service, which comes with another file."""


def check_unit(name: str) -> str:
    """The checker for a unit file; systemd-analyze judges it under its own name, mounts too.

    Args:
        name: the unit's name, or any with its ending.
    """
    return (
        f"d=$(mktemp -d) && cp %s $d/'{name}' && chmod 644 $d/* && "
        f"out=$(systemd-analyze verify --man=no --recursive-errors=no $d/'{name}' 2>&1); "
        "code=$?; rm -rf $d; "
        'test $code -eq 0 -a -z "$out" || { echo "$out"; exit 1; }'
    )
