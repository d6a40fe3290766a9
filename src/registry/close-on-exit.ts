/** What can be closed when the process ends. */
export interface ExitTarget {
  close(): Promise<void>
  /** Lets go of what is connected and unused, and says how much that was; the next send connects again. */
  disconnectIdle(): number
}

const signals = ['SIGTERM', 'SIGINT'] as const
const firstLookMs = 100
/** Listing what goes on in a busy process costs something. */
const longestLookMs = 1000
const longestPatienceMs = 30_000
/** A signal comes twice at once where a terminal sends it to npm and npm passes it on. */
const secondSignalMs = 1000
/** Recognises the listeners of every copy of the package. */
const brand = Symbol.for('postrider.closeOnExit')

/**
 * Closes `target` on SIGTERM and SIGINT unless somebody else listens to them, and lets the process end by itself once nothing else
 * is going on in it; returns what takes that back.
 */
export function closeOnExit(target: ExitTarget): () => void {
  const onBeforeExit = (): void => void target.close()
  let signalledAt: number | undefined

  const onSignal = Object.assign(
    (signal: NodeJS.Signals): void => {
      if (process.listeners(signal).some((listener) => !(brand in listener))) {
        standAside()
        return
      }
      if (signalledAt === undefined) {
        signalledAt = performance.now()
        void target.close().then(() => endBy(signal))
      } else if (performance.now() - signalledAt > secondSignalMs) {
        endBy(signal)
      }
    },
    { [brand]: true },
  )

  /** With our listeners gone the signal does again what it would have done. */
  function endBy(signal: NodeJS.Signals): void {
    stop()
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
  }

  /** Whoever else listens decides how to end, and some only do so when they find nobody else: so this one is not there now. */
  function standAside(): void {
    unlisten()
    setImmediate(() => {
      if (!isStopped) listen()
    }).unref()
  }

  // First in the line, to be out of the way before another listener counts.
  const listen = (): void => signals.forEach((signal) => process.prependListener(signal, onSignal))
  const unlisten = (): void => signals.forEach((signal) => process.off(signal, onSignal))

  // A native client keeps the event loop alive by handles that cannot be unreferenced, so `beforeExit` would never come.
  // Handles of other native addons cannot be seen from here; that is why idle clients are let go rather than the registry closed,
  // and why it is done ever less eagerly: a process that went on after it does something that Node does not list.
  let lookMs = firstLookMs
  let patienceMs = 0
  let quietSince: number | undefined
  let timer: NodeJS.Timeout
  const look = (): void => {
    if (isAllQuiet()) {
      quietSince ??= performance.now()
      lookMs = firstLookMs
      if (performance.now() - quietSince >= patienceMs && target.disconnectIdle() > 0)
        patienceMs = Math.min(longestPatienceMs, Math.max(firstLookMs, patienceMs * 2))
    } else {
      quietSince = undefined
      lookMs = Math.min(longestLookMs, lookMs * 2)
    }
    timer = setTimeout(look, lookMs).unref()
  }
  timer = setTimeout(look, lookMs).unref()

  let isStopped = false
  function stop(): void {
    isStopped = true
    clearTimeout(timer)
    process.off('beforeExit', onBeforeExit)
    unlisten()
  }
  process.on('beforeExit', onBeforeExit)
  listen()
  return stop
}

/** Nothing that Node knows of keeps the process going; its own two outputs are listed too once they are pipes or terminals. */
function isAllQuiet(): boolean {
  // The channel to a parent process keeps it going where somebody listens to it, and looks like an output.
  if (process.channel && process.listenerCount('message') + process.listenerCount('disconnect') > 0) return false
  const active = process.getActiveResourcesInfo()
  return active.length <= 2 && active.every((name) => name === 'PipeWrap' || name === 'TTYWrap')
}
