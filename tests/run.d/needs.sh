# What the tests need beside the pinned Rust toolchain: a C compiler for the primitives of TLS, a
# real browser with its driver, a real Redis, and the proxies of Debian that ask the gateway.

# program:packages
needed=(
    "cc:gcc libc6-dev"
    "chromium:chromium fonts-dejavu-core"
    "chromedriver:chromium-driver"
    "nginx:nginx"
    "redis-server:redis-server"
    "redis-cli:redis-tools"
    "haproxy:haproxy"
    "caddy:caddy"
)

# What ingress-nginx escapes addresses with.
nginx_module=/usr/lib/nginx/modules/ngx_http_set_misc_module.so

install_needs() {
    local pair missing=()
    command -v cargo >/dev/null || {
        echo "cargo is missing: install rustup; rust-toolchain.toml pins the rest" >&2
        return 1
    }
    for pair in "${needed[@]}"; do
        command -v "${pair%%:*}" >/dev/null || read -ra missing <<<"${missing[*]} ${pair#*:}"
    done
    [ -e /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
    [ -e "$nginx_module" ] || missing+=(libnginx-mod-http-set-misc)
    if [ "${#missing[@]}" -gt 0 ]; then
        install_packages "${missing[@]}"
    fi
    for pair in "${needed[@]}"; do
        command -v "${pair%%:*}" >/dev/null || {
            echo "${pair%%:*} is still missing after installing ${pair#*:}" >&2
            return 1
        }
    done
    rustc --version
    chromium --version 2>/dev/null
    nginx -v
    haproxy -v | sed -n 1p
    caddy version
    redis-server --version
}

install_packages() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "missing: $*" >&2
        echo "on Debian, as root: apt-get install $*" >&2
        return 1
    fi
    echo "installing $*"
    without_services install_quietly "$@"
}

install_quietly() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "$@" >"$logs/apt" 2>&1 || {
        cat "$logs/apt"
        return 1
    }
}

# Debian starts the services that it installs, unless this policy says no.
policy=/usr/sbin/policy-rc.d

without_services() {
    local outcome=0
    touch "$logs/policy-is-ours"
    if [ -e "$policy" ]; then
        cp -p "$policy" "$logs/policy-before"
    fi
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    "$@" || outcome=$?
    restore_policy
    return "$outcome"
}

# Leaves the policy as it was, after a stopped run too.
restore_policy() {
    [ -e "$logs/policy-is-ours" ] || return 0
    rm -f "$policy"
    if [ -e "$logs/policy-before" ]; then
        cp -p "$logs/policy-before" "$policy"
    fi
    rm -f "$logs/policy-is-ours"
}
