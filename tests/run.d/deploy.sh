# What judges deploy/: Helm, built from the Go module proxy as tests/deploy/programs/go.sum says;
# kubernetes-validate, a package of Python's that brings the schemas of Kubernetes; systemd-analyze,
# which judges units without systemd being there.

deploy_validate_version=1.37.0

install_deploy() {
    local home=$tools/deploy wanted
    wanted=$(cat tests/deploy/programs/go.{mod,sum} && echo "validate $deploy_validate_version")
    if [ "$(cat "$home/installed" 2>/dev/null)" != "$wanted" ] || [ ! -x "$tools/bin/helm" ]; then
        fresh_python "$home"
        run_pip "$home" "kubernetes-validate==$deploy_validate_version"
        with_go build_helm
        echo "$wanted" >"$home/installed"
    fi
    [ -x /usr/bin/systemd-analyze ] || install_packages systemd
    sed -nE 's,^	(helm.sh/helm/v3 v[^ ]*).*,\1,p' tests/deploy/programs/go.mod
    echo "kubernetes-validate $deploy_validate_version"
    systemd-analyze --version | head -n 1
}

build_helm() {
    "$1" build -C tests/deploy/programs -mod=readonly -trimpath -ldflags '-s -w' \
        -o "$tools/bin/helm" helm.sh/helm/v3/cmd/helm
}
