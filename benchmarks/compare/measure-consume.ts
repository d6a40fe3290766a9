import { createHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { clientModule as producerModule } from './clients/confluent-callback.ts'
import { flatness, peakRssMb, secondsOf } from './measure-process.ts'
import type { RunJob } from './measure-run.ts'
import type { ConsumerJob, ConsumerModule, Receiver } from './measured-consumer.ts'
import type { Figures } from './work-table.ts'

type Consume = (from: ConsumerJob['from'], receiver: Receiver) => Promise<unknown>

const knockMs = 20
const settleMs = 200

/** One consumer at one work, once. Runs in a process of its own. */
export async function measureConsume(job: RunJob): Promise<Figures> {
  const { consumerModule } = (await import(`./consumers/${job.module}.ts`)) as { consumerModule: ConsumerModule }
  const group = `benchmark-${process.pid}-${Date.now()}`
  const consume: Consume = (from, receiver) =>
    consumerModule.consume({ brokers: job.brokers, topic: job.topic, group, from }, job.settings, receiver)
  const measure = {
    consume: consumeForAWhile,
    'consume-first': consumeTheFirst,
    'consume-latency': consumeOneByOne,
    'consume-backlog': consumeAll,
  }[job.work.kind as 'consume']
  return measure(consume, job)
}

/** What of a topic that is full is handled in a window of time, which is longer where nothing is, or until its end. */
async function consumeForAWhile(consume: Consume, { warmUpMs, windowMs, messages }: RunJob): Promise<Figures> {
  let taken = 0
  const [first, last] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  await consume('earliest', {
    assigned: () => undefined,
    take() {
      if (++taken === 1) first.resolve()
      if (taken === messages) last.resolve()
    },
  })
  await first.promise
  await sleep(warmUpMs)
  const takenAtStart = taken
  const cpuAtStart = process.cpuUsage()
  const threadAtStart = process.threadCpuUsage()
  const startedAt = performance.now()
  do await Promise.race([sleep(windowMs), last.promise])
  while (taken === takenAtStart && taken < messages)
  const seconds = (performance.now() - startedAt) / 1000
  const cpuSeconds = secondsOf(process.cpuUsage(cpuAtStart))
  const threadSeconds = secondsOf(process.threadCpuUsage(threadAtStart))
  const handled = taken - takenAtStart
  if (handled === 0) throw new Error(`all ${messages} messages were handled while it warmed up`)
  return {
    perSecond: handled / seconds,
    cpuSeconds,
    cpuMicros: (cpuSeconds * 1e6) / handled,
    threadMicros: (threadSeconds * 1e6) / handled,
    rssMb: peakRssMb(),
  }
}

/** How long it takes from having partitions to having handled so many. */
async function consumeTheFirst(consume: Consume, { work }: RunJob): Promise<Figures> {
  let assignedAt: number | undefined
  let taken = 0
  const last = Promise.withResolvers<void>()
  await consume('earliest', {
    assigned: () => (assignedAt ??= performance.now()),
    take() {
      if (++taken === work.batch) last.resolve()
    },
  })
  await last.promise
  if (assignedAt === undefined) throw new Error('it did not say when it had its partitions')
  return { doneMs: performance.now() - assignedAt, rssMb: peakRssMb() }
}

/** From the call of `send` until the handler has the message; one after another, by one producer for all consumers. */
async function consumeOneByOne(
  consume: Consume,
  { brokers, topic, work, warmUpMs, windowMs }: RunJob,
): Promise<Figures> {
  const isKeyed = work.partitions > 1
  const producer = producerModule.create({ brokers, topic, isKeyed, callers: 1 }, { 'linger.ms': 0 })
  const value = Buffer.alloc(work.bytes)
  let [sent, arrived] = [0, 0]
  let wake: () => void = () => undefined
  const send = (): void => {
    value.writeUInt32BE(++sent)
    void producer.send(value)
  }
  await producer.connect()
  await consume('latest', {
    assigned: () => undefined,
    take(message) {
      arrived = message.readUInt32BE()
      if (arrived === sent) wake()
    },
  })
  // What is sent before it has found the end of the topic does not come.
  while (arrived === 0) {
    send()
    await sleep(knockMs)
  }
  await sleep(settleMs)
  const latencies = createHistogram()
  const startedAt = performance.now()
  const takeTurns = async (untilMs: number): Promise<void> => {
    do {
      const sentAt = performance.now()
      const isThere = new Promise<void>((resolve) => (wake = resolve))
      send()
      await isThere
      latencies.record(Math.max(1, Math.round((performance.now() - sentAt) * 1e6)))
    } while (performance.now() - startedAt < untilMs)
  }
  await takeTurns(warmUpMs)
  latencies.reset()
  const cpuAtStart = process.cpuUsage()
  await takeTurns(warmUpMs + windowMs)
  return {
    p50Ms: latencies.percentile(50) / 1e6,
    p99Ms: latencies.percentile(99) / 1e6,
    cpuSeconds: secondsOf(process.cpuUsage(cpuAtStart)),
    rssMb: peakRssMb(),
  }
}

/** A backlog, in ten parts: whether memory and the cost of a message stay what they are. */
async function consumeAll(consume: Consume, { messages }: RunJob): Promise<Figures> {
  const parts = flatness(messages)
  const last = Promise.withResolvers<void>()
  let taken = 0
  let startedAt = 0
  await consume('earliest', {
    assigned: () => undefined,
    take() {
      if (taken === 0) {
        startedAt = performance.now()
        parts.begin()
      }
      if (++taken % parts.size === 0) parts.next()
      if (taken === messages) last.resolve()
    },
  })
  await last.promise
  return { perSecond: messages / ((performance.now() - startedAt) / 1000), ...parts.figures() }
}
