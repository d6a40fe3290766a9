import { readdirSync, readFileSync } from 'node:fs'

/** What a process has open: to show that importing, declaring and configuring leave no trace in it. */
export interface ProcessTraces {
  readonly nativeLibrary: boolean
  /** undefined where the system does not say (no /proc). */
  readonly threads: number | undefined
  readonly handles: readonly string[]
}

export function traceProcess(): ProcessTraces {
  const handles = process.getActiveResourcesInfo().filter((name) => !['TTYWrap', 'PipeWrap'].includes(name))
  try {
    const nativeLibrary = readFileSync('/proc/self/maps', 'utf8').includes('rdkafka')
    return { nativeLibrary, threads: readdirSync('/proc/self/task').length, handles }
  } catch {
    return { nativeLibrary: false, threads: undefined, handles }
  }
}
