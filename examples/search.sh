#!/bin/bash
# A search with several workers on one machine: examples/search.sh WORKERS asc-tf search --data ... --out ...
#
# A chief hands out the trials, each worker trains on its share of the processors. A process that is killed is started
# again and goes on; one that ends with status 1 has said what is wrong with the command, and ends them all. The chief
# listens on the loopback, which no other machine reaches; it has no password, so other users of this machine can.

workers=$1
shift
if ! [[ $workers =~ ^[1-9][0-9]*$ ]] || [ $# -eq 0 ]; then
    echo "usage: $0 WORKERS asc-tf search --data DATA --out OUT --space SPACE --budget BUDGET ..." >&2
    exit 1
fi
address=127.0.0.1:${PORT:-$((20000 + $$ % 20000))}
cores=$(nproc)
share=$((cores / workers > 0 ? cores / workers : 1))

repeat() {  # a command, until it ends well or by a mistake
    trap 'kill "$child" 2>/dev/null; exit 130' INT TERM
    local status=137
    while [ "$status" -ne 0 ] && [ "$status" -ne 1 ] && [ "$status" -ne 130 ]; do
        "$@" &
        child=$!
        wait "$child"
        status=$?
    done
    return "$status"
}

trap 'kill $(jobs -p) 2>/dev/null' EXIT
trap 'exit 130' INT TERM
repeat "$@" --chief "$address" &
chief=$!
for ((i = 0; i < workers; i++)); do
    first=$((i * share % cores))
    repeat taskset -c "$first-$((first + share - 1))" "$@" --worker "$address" &
done
wait -n
status=$?
if [ "$status" -eq 0 ]; then  # the first to end well is followed by all others
    wait "$chief"
    status=$?
fi
exit "$status"
