# Steps of a run: each with its time and its output, none leaving a process behind.

steps_failed=()
session=

# Prepares the run: quiet tools, a place for the steps' output, and an end for whatever runs.
begin() {
    # Debian keeps nginx where only root's PATH leads.
    export PATH="$PATH:/usr/sbin"
    export CARGO_TERM_COLOR=never
    exec </dev/null
    began=$SECONDS
    logs=$(mktemp -d)
    # What a stopped test leaves lying goes with the logs.
    mkdir "$logs/tmp"
    export TMPDIR=$logs/tmp
    trap 'end_session; restore_policy; rm -rf "$logs"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

# Runs a step in a session of its own, so that it can be ended with all that it started.
step() {
    local name=$1 from=$SECONDS outcome=0
    shift
    printf '\n=== %s\n' "$name"
    run_in_session "$@" || outcome=$?
    if [ "$outcome" = 0 ]; then
        printf '=== %s: done in %d s\n' "$name" $((SECONDS - from))
    else
        printf '=== %s: FAILED (%d) after %d s\n' "$name" "$outcome" $((SECONDS - from))
        steps_failed+=("$name")
    fi
}

# A function of this script reaches the session as text: `setsid` starts programs only. Its output
# goes through a pipe of ours, so that all of it is written before the step is called done.
run_in_session() {
    local outcome=0 tee
    rm -f "$logs/pipe"
    mkfifo "$logs/pipe"
    tee -a "$logs/output" <"$logs/pipe" &
    tee=$!
    setsid bash -c "set -euo pipefail
        $(declare -p tools top logs deny_version needed nginx_module policy node_is_enough \
            "${!interop_@}" "${!deploy_@}")
        $(declare -f)
        \"\$@\"" step "$@" >"$logs/pipe" 2>&1 &
    session=$!
    wait "$session" || outcome=$?
    end_session
    wait "$tee" || true
    return "$outcome"
}

# Prints every process of the step's session, whoever its parent is by now.
session_members() {
    local file line fields
    for file in /proc/[0-9]*/stat; do
        { read -r line <"$file"; } 2>/dev/null || continue
        # After the name, which may hold anything: state, parent, group, session.
        read -ra fields <<<"${line##*) }"
        if [ "${fields[3]}" = "$session" ] && [ "${fields[0]}" != Z ]; then
            file=${file#/proc/}
            echo "${file%/stat}"
        fi
    done
}

# Ends what is left of the step's session: two seconds to leave, then no more.
end_session() {
    [ -n "$session" ] || return 0
    local members try
    for try in 1 2 3 4 5 6 7 8 9 10 last; do
        members=$(session_members)
        [ -n "$members" ] || break
        case $try in
        1) kill -TERM $members 2>/dev/null || true ;;
        last) kill -KILL $members 2>/dev/null || true ;;
        esac
        sleep 0.2
    done
    session=
}

# Says something now, and again where nobody overlooks it.
note() {
    printf 'note: %s\n' "$1"
    printf '%s\n' "$1" >>"$logs/notes"
}

# Sums up what cargo test counted in all steps and leaves with the run's outcome. A step that
# failed without a failed test (a lint, a build) counts as one, so that the line cannot lie.
finish() {
    local name sums passed failed ignored
    printf '\n=== summary after %d s\n' $((SECONDS - began))
    if [ -f "$logs/notes" ]; then
        sed 's/^/note: /' "$logs/notes"
    fi
    for name in "${steps_failed[@]}"; do
        printf 'failed: %s\n' "$name"
    done
    touch "$logs/output"
    sums=$(awk '/^test result:/ { for (i = 2; i <= NF; i++) {
            if ($i ~ /^passed/) passed += $(i - 1)
            if ($i ~ /^failed/) failed += $(i - 1)
            if ($i ~ /^ignored/) ignored += $(i - 1) } }
        END { print passed + 0, failed + 0, ignored + 0 }' "$logs/output")
    read -r passed failed ignored <<<"$sums"
    if [ "$ignored" != 0 ]; then
        printf 'failed: %d ignored tests; nothing may be skipped\n' "$ignored"
        failed=$((failed + ignored))
    fi
    if [ "${#steps_failed[@]}" -gt 0 ] && [ "$failed" = 0 ]; then
        failed=${#steps_failed[@]}
    fi
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" = 0 ] || exit 1
    exit 0
}
