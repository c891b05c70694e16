"""The checker for unit drop-ins."""

CHECK_DROP_IN = (
    # systemd-analyze judges whole units: the drop-in with a command added is one.
    "d=$(mktemp -d) && { cat %s; printf '[Service]\\nType=exec\\nExecStart=/bin/true\\n'; } "
    ">$d/pairwise-check.service && out=$(systemd-analyze verify --man=no --recursive-errors=no "
    "$d/pairwise-check.service 2>&1); code=$?; rm -rf $d; "
    'test $code -eq 0 -a -z "$out" || { echo "$out"; exit 1; }'
)
