# Programs that come as packages of Python's, each in an environment of its own.

# Called plain, not in a condition: there a step that fails would not end it.
fresh_python() {
    python3 -c 'import ensurepip, venv' 2>/dev/null || install_packages python3 python3-venv
    rm -rf "$1"
    mkdir -p "$tools/bin"
    python3 -m venv "$1"
}

# Installs into that environment.
run_pip() {
    "$1/bin/pip" install --quiet --disable-pip-version-check "${@:2}"
}
