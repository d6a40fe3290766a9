import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { measureConsume } from './measure-consume.ts'
import { flatness, peakRssMb, secondsOf } from './measure-process.ts'
import { createValues, type ClientModule, type ClientSettings, type MeasuredClient } from './measured-client.ts'
import { createOrders } from './orders.ts'
import { isConsuming, type Figures, type Work } from './work-table.ts'

/** One client at one work, once. */
export interface RunJob {
  readonly work: Work
  readonly module: string
  readonly settings: ClientSettings
  readonly brokers: string
  readonly topic: string
  readonly warmUpMs: number
  readonly windowMs: number
  /** How many messages it sends in all, or finds in its topic. */
  readonly messages: number
}

interface Progress {
  readonly latencies: RecordableHistogram
  settled: number
  isOver: boolean
}

const fillBatch = 1000
const fillCallers = 8

/** Runs in a process of its own, so that memory and CPU time are the client's. */
export async function measureRun(job: RunJob): Promise<Figures> {
  const { work } = job
  if (isConsuming(work)) return measureConsume(job)
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
  const values = work.values === 'orders' ? await createOrders(64) : createValues(work.bytes)
  await client.connect()
  if (work.kind === 'fill') return fill(client, values, job)
  await client.send(values[0]!)
  if (work.kind === 'cold-start') return { startMs: performance.now() - startedAt, rssMb: peakRssMb() }
  return work.kind === 'memory' ? sendThatMany(client, values, job) : sendForAWhile(client, values, job)
}

/** Warms up, then counts what is acknowledged in a window of time, which is longer where nothing is. */
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
  do await wait(job.windowMs)
  while (acknowledged() === settledAtStart)
  const seconds = (performance.now() - startedAt) / 1000
  const settled = acknowledged() - settledAtStart
  const cpuSeconds = secondsOf(process.cpuUsage(cpuAtStart))
  const { latencies } = progress
  progress.isOver = true
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
  const parts = flatness(job.messages)
  const startedAt = performance.now()
  let sent = 0
  parts.begin()
  while (sent < job.messages) {
    const end = sent + parts.size
    const caller = async (): Promise<void> => {
      while (sent < end) await client.send(values[sent++ & 63]!)
    }
    await Promise.all(Array.from({ length: job.work.callers }, caller))
    parts.next()
  }
  return { perSecond: sent / ((performance.now() - startedAt) / 1000), ...parts.figures() }
}

/** Puts that many messages into the topic, as fast as it goes. */
async function fill(client: MeasuredClient, values: readonly Buffer[], job: RunJob): Promise<Figures> {
  const startedAt = performance.now()
  let sent = 0
  const caller = async (): Promise<void> => {
    while (sent < job.messages) {
      const list = Array.from(
        { length: Math.min(fillBatch, job.messages - sent) },
        (_, index) => values[(sent + index) & 63]!,
      )
      sent += list.length
      await client.sendMany(list)
    }
  }
  await Promise.all(Array.from({ length: fillCallers }, caller))
  return { perSecond: sent / ((performance.now() - startedAt) / 1000) }
}
