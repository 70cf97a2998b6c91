# SPDX-License-Identifier: Apache-2.0
# Rollcall

heading "picks: choosing an instance, reporting the call's end, following the list"
# Each line is a name and the times of its runs, separated by tabs.
while IFS=$'\t' read -r name times; do
    # shellcheck disable=SC2086
    figure "$name" ns - $times
done < <("$bench" picks)
