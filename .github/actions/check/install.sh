#!/usr/bin/env bash
# Installs mcpolicy: the release $VERSION, held to its checksum, or else what is built
# from the source that this action is part of. Says where in $GITHUB_OUTPUT.
set -euo pipefail

fail() {
	# What is said may hold an input, so nothing in it is a command to the runner.
	local text=$1
	text=${text//'%'/%25}
	text=${text//$'\r'/%0D}
	printf '::error title=mcpolicy::%s\n' "${text//$'\n'/%0A}"
	exit 2
}

folder=$(mktemp -d "$RUNNER_TEMP/mcpolicy-install.XXXXXX")
binary=$folder/mcpolicy

if [ -z "${VERSION:-}" ]; then
	if [ -n "${SHA256:-}" ]; then
		fail "sha256 is the checksum of a release, and no version is given"
	fi
	source=$(cd "$ACTION/../../.." && pwd)
	# What the workflow sets for its own Go code is not for this.
	env -u GOFLAGS GOWORK=off go build -C "$source" -buildvcs=false -o "$binary" ./cmd/mcpolicy
	printf 'mcpolicy=%s\n' "$binary" >>"$GITHUB_OUTPUT"
	exit 0
fi

[[ $VERSION =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]] || fail "version: want a release like v1.2.3, have \"$VERSION\""
case ${RUNNER_OS:-} in
Linux) os=linux ;;
macOS) os=darwin ;;
*) fail "there are releases for Linux and macOS; leave version out to build from source on ${RUNNER_OS:-this system}" ;;
esac
case ${RUNNER_ARCH:-} in
X64) arch=amd64 ;;
ARM64) arch=arm64 ;;
*) fail "there are releases for X64 and ARM64; leave version out to build from source on ${RUNNER_ARCH:-this machine}" ;;
esac

archive=mcpolicy_${VERSION#v}_${os}_${arch}.tar.gz
fetch() {
	curl --fail --silent --show-error --location --proto =https --tlsv1.2 --retry 3 --max-time 300 --output "$folder/$1" \
		"https://github.com/mcpolicy/mcpolicy/releases/download/$VERSION/$1" ||
		fail "there is no $1 of the release $VERSION; leave version out to build from source"
}
fetch "$archive"
want=${SHA256:-}
if [ -z "$want" ]; then
	fetch checksums.txt
	want=$(awk -v name="$archive" '$2 == name || $2 == "*" name { print $1 }' "$folder/checksums.txt")
fi
[[ $want =~ ^[0-9a-fA-F]{64}$ ]] || fail "there is no SHA-256 of $archive: want 64 hexadecimal digits"
if command -v sha256sum >/dev/null; then
	have=$(sha256sum <"$folder/$archive")
else
	have=$(shasum -a 256 <"$folder/$archive")
fi
have=${have%% *}
if [ "$have" != "$(printf %s "$want" | tr A-F a-f)" ]; then
	fail "$archive has the SHA-256 $have, and not $want: it is not what was released, and is not run"
fi
tar -xzf "$folder/$archive" -C "$folder" mcpolicy
chmod +x "$binary"
printf 'mcpolicy=%s\n' "$binary" >>"$GITHUB_OUTPUT"
