# SPDX-License-Identifier: Apache-2.0
# Rollcall

heading "micro: single operations in one process"
# Each line is a name and the times of its runs, separated by tabs.
while IFS=$'\t' read -r name times; do
    # shellcheck disable=SC2086
    figure "micro: $name" ns - $times
done < <("$bench" micro)
