# askara-gate in the place of oauth2-proxy, behind the nginx configuration that it documents.
# oauth2-proxy is no part of the house: whoever has a binary of it names it in OAUTH2_PROXY_BIN.

compare_with_peer() {
    if [ -z "${OAUTH2_PROXY_BIN-}" ]; then
        note "the comparison with oauth2-proxy was LEFT OUT: OAUTH2_PROXY_BIN names no binary; askara-gate was held against the recorded outcomes"
    fi
    cargo test --locked --test peer
}
