# A redis-server of this run's own: in the foreground's keeping, and gone with it.

# Runs a command while it is there; `redis_port` says where.
with_redis() {
    local outcome=0 home pid
    home=$(mktemp -d)
    redis_port=$(free_port)
    redis-server --bind 127.0.0.1 --port "$redis_port" --save "" --appendonly no \
        --dir "$home" >"$home/log" 2>&1 &
    pid=$!
    if until_redis_answers "$pid"; then
        "$@" || outcome=$?
    else
        cat "$home/log"
        outcome=1
    fi
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    rm -rf "$home"
    return "$outcome"
}

until_redis_answers() {
    local tries=0
    until [ "$(redis-cli -p "$redis_port" ping 2>/dev/null)" = PONG ]; do
        kill -0 "$1" 2>/dev/null && [ "$((tries += 1))" -lt 200 ] || return 1
        sleep 0.05
    done
}

# One that nobody listens on, below those that the system gives out by itself.
free_port() {
    local port
    for port in $(shuf -i 10000-30000 -n 100); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || {
            echo "$port"
            return
        }
    done
    echo "no port is free" >&2
    return 1
}
