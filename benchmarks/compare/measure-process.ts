import { getHeapSpaceStatistics } from 'node:v8'
import { median } from './statistics.ts'
import type { Figures } from './work-table.ts'

const parts = 10

export function secondsOf({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1e6
}

export function peakRssMb(): number {
  return process.resourceUsage().maxRSS / 1024
}

/** V8 doubles its space for young objects, up to a bound, whenever it likes: a step that says nothing about what comes after it. */
function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')!.space_size
}

/** Watches memory and CPU of this process over so many messages, in ten parts. */
export function flatness(messages: number) {
  const size = Math.max(1, Math.floor(messages / parts))
  const rss: number[] = []
  const cost: number[] = []
  let cpuAtStart: NodeJS.CpuUsage
  let cpuAtPart: NodeJS.CpuUsage
  return {
    /** Messages of a part. */
    size,
    begin() {
      cpuAtStart = cpuAtPart = process.cpuUsage()
    },
    /** A part is done. */
    next() {
      rss.push(process.memoryUsage.rss() - youngBytes())
      cost.push(secondsOf(process.cpuUsage(cpuAtPart)) / size)
      cpuAtPart = process.cpuUsage()
    },
    figures(): Figures {
      const cpuSeconds = secondsOf(process.cpuUsage(cpuAtStart))
      return {
        cpuSeconds,
        cpuMicros: (cpuSeconds * 1e6) / (size * rss.length),
        rssMb: peakRssMb(),
        rssGrowth: rss.at(-1)! / rss[Math.floor(rss.length / 2) - 1]!,
        costGrowth: median(cost.slice(parts / 2)) / median(cost.slice(1, parts / 2)),
      }
    },
  }
}
