/** What can be closed when the process ends. */
export interface ExitTarget {
  close(): Promise<void>
  /** Lets go of what is connected and unused; the next send connects again. */
  disconnectIdle(): void
}

const lookIntervalMs = 100

/**
 * Closes `target` on SIGTERM and SIGINT, and lets the process end by itself once nothing else is going on in it;
 * returns what takes that back.
 */
export function closeOnExit(target: ExitTarget): () => void {
  const signals = ['SIGTERM', 'SIGINT'] as const
  const onBeforeExit = (): void => void target.close()
  const onSignal = (signal: NodeJS.Signals): void => {
    void target.close().then(() => {
      // With our listener gone the signal does again what it would have done; other listeners decide for themselves.
      stop()
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
    })
  }
  // A native client keeps the event loop alive by handles that cannot be unreferenced, so `beforeExit` would never come.
  // Handles of other native addons cannot be seen from here; that is why idle clients are let go rather than the registry closed.
  const look = setInterval(() => {
    if (isAllQuiet()) target.disconnectIdle()
  }, lookIntervalMs)
  look.unref()

  function stop(): void {
    clearInterval(look)
    process.off('beforeExit', onBeforeExit)
    for (const signal of signals) process.off(signal, onSignal)
  }
  process.on('beforeExit', onBeforeExit)
  for (const signal of signals) process.on(signal, onSignal)
  return stop
}

/** Nothing that Node knows of keeps the process going; its own two outputs are listed too once they are pipes or terminals. */
function isAllQuiet(): boolean {
  const active = process.getActiveResourcesInfo()
  return active.length <= 2 && active.every((name) => name === 'PipeWrap' || name === 'TTYWrap')
}
