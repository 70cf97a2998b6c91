# SPDX-License-Identifier: Apache-2.0
# Rollcall

heading "memory: 100,000 instances"
memory_of 100000 "<=250" "<=2000"
