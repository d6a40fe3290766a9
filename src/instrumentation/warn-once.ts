/** A process warning about what went wrong beside a send: the first time only, since it may go on with every message. */
export function createWarning(describe: (thrown: unknown) => string): (thrown: unknown) => void {
  let isTold = false
  return (thrown) => {
    if (isTold) return
    isTold = true
    process.emitWarning(describe(thrown), 'PostriderWarning')
  }
}

/** What was thrown in a few words. Values that are no errors may be anything, a payload too: only their type is told. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : typeof thrown
}
