import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { createValues, type ClientModule, type ClientSettings, type MeasuredClient } from './measured-client.ts'
import { median } from './statistics.ts'
import type { Figures, Work } from './work-table.ts'

/** One client at one work, once. */
export interface RunJob {
  readonly work: Work
  readonly module: string
  readonly settings: ClientSettings
  readonly brokers: string
  readonly topic: string
  readonly warmUpMs: number
  readonly windowMs: number
  /** How many messages the work `memory` sends. */
  readonly messages: number
}

interface Progress {
  readonly latencies: RecordableHistogram
  settled: number
  isOver: boolean
}

/** Runs in a process of its own, so that memory and CPU time are the client's. */
export async function measureRun(job: RunJob): Promise<Figures> {
  const { work } = job
  const { clientModule } = (await import(`./clients/${job.module}.ts`)) as { clientModule: ClientModule }
  const startedAt = performance.now()
  if (work.kind === 'import') {
    await clientModule.importOnly()
    return { startMs: performance.now() - startedAt }
  }
  const client = clientModule.create(
    {
      brokers: job.brokers,
      topic: job.topic,
      isKeyed: work.partitions > 1,
      callers: work.kind === 'dispatch' ? work.batch : work.callers,
    },
    job.settings,
  )
  const values = createValues(work.bytes)
  await client.connect()
  await client.send(values[0]!)
  if (work.kind === 'cold-start') return { startMs: performance.now() - startedAt, rssMb: peakRssMb() }
  return work.kind === 'memory' ? sendThatMany(client, values, job) : sendForAWhile(client, values, job)
}

/** Warms up, then counts what is acknowledged in a window of time. */
async function sendForAWhile(client: MeasuredClient, values: readonly Buffer[], job: RunJob): Promise<Figures> {
  const { work } = job
  const progress: Progress = { latencies: createHistogram(), settled: 0, isOver: false }
  const running = Promise.all(callersOf(client, values, work, progress))
  const acknowledged =
    work.kind === 'dispatch' && client.fireAndForget ? client.fireAndForget.acknowledged : () => progress.settled
  // What fails ends the run at once.
  const wait = (ms: number): Promise<unknown> => Promise.race([sleep(ms), running])

  await wait(job.warmUpMs)
  progress.latencies.reset()
  const cpuAtStart = process.cpuUsage()
  const settledAtStart = acknowledged()
  const startedAt = performance.now()
  await wait(job.windowMs)
  const seconds = (performance.now() - startedAt) / 1000
  const settled = acknowledged() - settledAtStart
  const cpuSeconds = secondsOf(process.cpuUsage(cpuAtStart))
  const { latencies } = progress
  progress.isOver = true
  if (settled === 0) throw new Error(`nothing was acknowledged within ${job.windowMs} ms`)
  return {
    perSecond: settled / seconds,
    cpuSeconds,
    cpuMicros: (cpuSeconds * 1e6) / settled,
    rssMb: peakRssMb(),
    ...(latencies.count > 0 && {
      p50Ms: latencies.percentile(50) / 1e6,
      p99Ms: latencies.percentile(99) / 1e6,
    }),
  }
}

function callersOf(client: MeasuredClient, values: readonly Buffer[], work: Work, progress: Progress): Promise<void>[] {
  const list = Array.from({ length: work.batch }, (_, index) => values[index % values.length]!)
  let turn = 0
  const call: Record<'send' | 'batch', () => Promise<unknown>> = {
    send: () => client.send(values[turn++ % values.length]!),
    batch: () => client.sendMany(list),
  }
  const { kind } = work
  if (kind !== 'send' && kind !== 'batch') return [dispatchBursts(client, list, progress)]
  const caller = async (): Promise<void> => {
    while (!progress.isOver) {
      const startedAt = performance.now()
      await call[kind]()
      progress.latencies.record(Math.max(1, Math.round((performance.now() - startedAt) * 1e6)))
      progress.settled += work.batch
    }
  }
  return Array.from({ length: work.callers }, caller)
}

/** Bursts with a flush after each: without a bound a loop that never waits measures only its own memory. */
async function dispatchBursts(client: MeasuredClient, list: readonly Buffer[], progress: Progress): Promise<void> {
  const { fireAndForget } = client
  while (!progress.isOver) {
    if (fireAndForget) {
      for (const value of list) fireAndForget.dispatch(value)
      await fireAndForget.flush()
    } else {
      await Promise.all(list.map((value) => client.send(value).then(() => progress.settled++)))
    }
  }
}

/** A number of messages, in ten parts: whether memory and the cost of a message stay what they are. */
async function sendThatMany(client: MeasuredClient, values: readonly Buffer[], job: RunJob): Promise<Figures> {
  const parts = 10
  const perPart = Math.round(job.messages / parts)
  const rss: number[] = []
  const cost: number[] = []
  const startedAt = performance.now()
  const cpuAtStart = process.cpuUsage()
  for (let part = 0; part < parts; part++) {
    const cpuAtPart = process.cpuUsage()
    let left = perPart
    const caller = async (): Promise<void> => {
      while (left-- > 0) await client.send(values[left & 63]!)
    }
    await Promise.all(Array.from({ length: job.work.callers }, caller))
    rss.push(process.memoryUsage.rss())
    cost.push(secondsOf(process.cpuUsage(cpuAtPart)) / perPart)
  }
  const cpuSeconds = secondsOf(process.cpuUsage(cpuAtStart))
  const messages = perPart * parts
  return {
    perSecond: messages / ((performance.now() - startedAt) / 1000),
    cpuSeconds,
    cpuMicros: (cpuSeconds * 1e6) / messages,
    rssMb: peakRssMb(),
    // Until half-way V8 may still widen its space for young objects, which happens in one step and then no more.
    rssGrowth: rss.at(-1)! / rss[parts / 2 - 1]!,
    costGrowth: median(cost.slice(parts / 2)) / median(cost.slice(1, parts / 2)),
  }
}

function secondsOf({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1e6
}

function peakRssMb(): number {
  return process.resourceUsage().maxRSS / 1024
}
