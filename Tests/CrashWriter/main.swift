// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallEmbedded

// `CrashWriter PATH PREFIX WRITERS` opens the registry at PATH, says `open`, and registers instances named
// `PREFIX-writer-count` of the service `web` from so many writers until it is ended, saying each identifier when its
// registration is acknowledged. `CrashWriter records PATH PREFIX WRITERS` commits records of such names as well.
// `CrashWriter fill PATH` fills the disk that PATH is on.
let arguments = CommandLine.arguments
do {
    if arguments.count == 3, arguments[1] == "fill" {
        try await fillDisk(arguments[2])
    } else if arguments.count == 5, arguments[1] == "records", let writers = Int(arguments[4]) {
        try await commitForever(path: arguments[2], prefix: arguments[3], writers: writers)
    } else if arguments.count == 4, let writers = Int(arguments[3]) {
        try await registerForever(path: arguments[1], prefix: arguments[2], writers: writers)
    } else {
        say("usage: CrashWriter [records] PATH PREFIX WRITERS | CrashWriter fill PATH")
    }
} catch {
    say("\(error)")
}
