#!/bin/sh
# Install chromium and its driver with apt, where they are missing. It never fails: without a
# browser the tests of the local server's page are skipped, and say so.
missing=""
command -v chromium >/dev/null || missing="$missing chromium"
command -v chromedriver >/dev/null || missing="$missing chromium-driver"
[ -n "$missing" ] || exit 0

root=""
[ "$(id -u)" = 0 ] || root="sudo -n"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # words on purpose
if command -v apt-get >/dev/null && $root apt-get update -qq &&
  $root apt-get install -y -qq --no-install-recommends $missing >/dev/null; then
  exit 0
fi
echo "apt could not install$missing: the tests of the page are skipped"
