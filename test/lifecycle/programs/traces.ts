import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Everything a process holds that would not survive a fork or a snapshot. */
export interface Traces {
  readonly native: boolean
  readonly threads: number
  readonly descriptors: readonly string[]
  readonly resources: readonly string[]
}

export function readTraces(): Traces {
  // Whoever prints anything opens these two; that says nothing about the package.
  void [process.stdout, process.stderr]
  const descriptors = readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      return [readlinkSync(`/proc/self/fd/${descriptor}`)]
    } catch {
      // The descriptor that listed the directory is closed again.
      return []
    }
  })
  return {
    native: readFileSync('/proc/self/maps', 'utf8').includes('rdkafka'),
    threads: readdirSync('/proc/self/task').length,
    descriptors: descriptors.filter((target) => !target.startsWith('/proc/')).toSorted(),
    resources: process.getActiveResourcesInfo().toSorted(),
  }
}
