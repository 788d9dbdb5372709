# A real Traefik, built from the Go module proxy as its own go.mod and go.sum say. That takes minutes,
# so it is kept, and only tests/long wants it.

traefik_version=v3.3.5
# Of the whole module, with the go.sum in it.
traefik_sum=h1:DcDeaQwSymGj4jOqXa/pIQCaZcJttoN5nC1ZvIirY5s=

install_traefik() {
    local kept=$tools/traefik
    if [ "$(cat "$kept" 2>/dev/null)" != "$traefik_sum" ] || [ ! -x "$tools/bin/traefik" ]; then
        echo "building Traefik $traefik_version"
        mkdir -p "$tools/bin"
        with_go build_traefik
        echo "$traefik_sum" >"$kept"
    fi
    "$tools/bin/traefik" version
}

build_traefik() {
    local go=$1 told=$GOPATH/told source
    # Outside of every module: one's go.mod would say what to take.
    (cd "$GOPATH" && "$go" mod download -json "github.com/traefik/traefik/v3@$traefik_version") \
        >"$told" || {
        cat "$told" >&2
        return 1
    }
    grep -qF "\"Sum\": \"$traefik_sum\"" "$told" || {
        echo "Traefik $traefik_version is not the one that is known here:" >&2
        cat "$told" >&2
        return 1
    }
    source=$(sed -nE 's/^\t"Dir": "(.*)",$/\1/p' "$told")
    # As the main module, where its replace and exclude lines count.
    cp -r "$source" "$GOPATH/source"
    "$go" build -C "$GOPATH/source" -mod=readonly -ldflags "-s -w $(traefik_names)" \
        -o "$tools/bin/traefik" ./cmd/traefik
}

traefik_names() {
    local about=github.com/traefik/traefik/v3/pkg/version
    echo "-X $about.Version=${traefik_version#v} -X $about.BuildDate=unknown"
}
