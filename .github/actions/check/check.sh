#!/usr/bin/env bash
# Runs mcpolicy check, against $BASE if there is one, and says in $GITHUB_OUTPUT how it
# ended and where its reports are. It ends with mcpolicy's exit status.
set -euo pipefail

folder=$(mktemp -d "$RUNNER_TEMP/mcpolicy-report.XXXXXX")
comment=$folder/comment.md sarif=$folder/mcpolicy.sarif json=$folder/mcpolicy.json errors=$folder/errors.txt

# have_commit says whether a revision is in this clone.
have_commit() { git rev-parse --verify --quiet --end-of-options "$1^{commit}" >/dev/null 2>&1; }

# fetch_base fetches what BASE names, no more of it than there is of the rest. Nothing in
# the clone is named anew.
fetch_base() {
	local depth=()
	if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
		depth=(--depth=1)
	fi
	git check-ref-format --allow-onelevel "$BASE" || return 1 # it would be an option, or more than a name
	GIT_TERMINAL_PROMPT=0 git fetch --quiet --no-tags --no-recurse-submodules ${depth[@]+"${depth[@]}"} origin -- "$BASE" || return 1
	BASE=FETCH_HEAD
}

# quiet prints text that is not to be taken for commands to the runner.
quiet() {
	local token
	token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
	printf '::stop-commands::%s\n' "$token"
	cat
	printf '\n::%s::\n' "$token"
}

# incomplete writes what there is to say of a run without a report: what is read in the
# pull request must not be that of a run before. The text is a block of code by its
# indentation, which nothing in a line can end.
incomplete() {
	{
		printf '<!-- mcpolicy%s -->\n' "${key:+ $key}"
		printf '## ❌ mcpolicy: no answer\n\n'
		printf 'The run ended with status %d, so nothing is known of who can do what.\n\n' "$1"
		tr '\r' '\n' <"$errors" | tr -d '\000-\010\013-\037\177' | head -n 50 | head -c 10000 |
			{ iconv -c -f UTF-8 -t UTF-8 || true; } | sed 's/^/    /'
	} >"$comment"
	if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
		cat "$comment" >>"$GITHUB_STEP_SUMMARY"
	fi
	printf '::error title=mcpolicy::no answer: the run ended with status %d; the log says why\n' "$1"
}

# A key that cannot stand in a comment is refused by mcpolicy.
key=
if [[ ${MARKER:-} =~ ^[A-Za-z0-9][A-Za-z0-9_./]*(-[A-Za-z0-9_./]+)*$ ]]; then
	key=$MARKER
fi

status=0
args=(check "--dir=$DIRECTORY" --format=github "--format=markdown=$comment" "--format=sarif=$sarif" "--format=json=$json")
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
	args+=("--format=markdown=$GITHUB_STEP_SUMMARY")
fi
if [ -n "${FAIL_ON:-}" ]; then
	args+=("--fail-on=$FAIL_ON")
fi
if [ -n "${MARKER:-}" ]; then
	args+=("--marker=$MARKER")
fi
if [ -n "${BASE:-}" ] && [ "$BASE" != none ]; then
	if ! have_commit "$BASE" && ! fetch_base 2>"$errors.git"; then
		{
			printf 'the base %s is not in this clone and cannot be fetched.\n' "$BASE"
			printf 'Say fetch-depth: 0 of actions/checkout, or leave its persist-credentials at true.\n'
			cat "$errors.git"
		} >"$errors"
		status=3
	else
		BASE=$(git rev-parse --verify --end-of-options "$BASE^{commit}")
	fi
	args+=("--base=$BASE")
	if [ -n "${FAIL_ON_ACCESS:-}" ]; then
		args+=("--fail-on-access=$FAIL_ON_ACCESS")
	fi
fi

if [ "$status" = 0 ]; then
	"$MCPOLICY" "${args[@]}" 2>"$errors" || status=$?
fi
if [ -s "$errors" ]; then
	quiet <"$errors"
fi
if [ "$status" -gt 1 ] && [ ! -s "$comment" ]; then
	incomplete "$status"
fi
for file in comment sarif json; do
	if [ ! -s "${!file}" ]; then
		printf -v "$file" %s ''
	fi
done
printf 'status=%d\ncomment=%s\nsarif=%s\njson=%s\n' "$status" "$comment" "$sarif" "$json" >>"$GITHUB_OUTPUT"
exit "$status"
