import type { HandlerContext, ReceivedMessage } from '../../factory/consumer-manifest.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import { callThrough } from './call-through.ts'
import { createFailure } from './failure.ts'
import type { IncomingMessage } from './incoming-message.ts'
import { settleFailure } from './settle-failure.ts'

/** One after another, each until it is done or given up. Never rejects. */
export async function handleInOrder(work: AssignedPartition, messages: readonly IncomingMessage[]): Promise<void> {
  const { throttle, deduplication } = work.consumer
  for (const message of messages) {
    if (work.follow(message)) continue
    if (deduplication !== undefined) {
      const fresh = await deduplication.fresh(work, [message])
      if (work.isEnding) return
      if (fresh.length === 0) continue
    }
    const turn = throttle?.turn(work, [message])
    if (turn) await turn
    if (work.isPaused) await work.pauseOver()
    if (work.isEnding) return
    const pending = handleOne(work, message)
    if (pending) await pending
  }
}

/** Messages of one key in order, those of up to `limit` keys side by side; those without key have no order. */
export async function handleByKey(
  work: AssignedPartition,
  messages: readonly IncomingMessage[],
  limit: number,
): Promise<void> {
  const { deduplication } = work.consumer
  const lanes = new Map<string | symbol, IncomingMessage[]>()
  for (const message of messages) {
    // Two of one message are not handled side by side.
    const key = message.key?.toString('latin1') ?? deduplication?.idOf(message) ?? Symbol('no key')
    const lane = lanes.get(key)
    if (lane) lane.push(message)
    else lanes.set(key, [message])
  }
  const waiting = lanes.values()
  const runners = Array.from({ length: Math.min(limit, lanes.size) }, async () => {
    const place = work.occupy()
    if (place) await place
    for (const lane of waiting) await handleInOrder(work, lane)
    work.vacate()
  })
  // The place is theirs now: it is free when all of them wait.
  work.vacate()
  await Promise.all(runners)
  await work.occupy()
}

/** A promise only where there is something to wait for: most of the cost of a short handler would be waiting for nothing. */
function handleOne(work: AssignedPartition, message: IncomingMessage): Promise<void> | undefined {
  try {
    const handling = tryOnce(work, message)
    if (typeof handling === 'number') return succeed(work, message, handling)
    return handling.then(
      () => succeed(work, message),
      (thrown: unknown) => recover(work, message, thrown),
    )
  } catch (thrown) {
    return recover(work, message, thrown)
  }
}

/** A promise, or the time at which it was handled, on the clock of performance.now(): to look at it costs as much as all else here. */
type Handling = Promise<unknown> | number

/** Throws, or rejects, with what the handler throws, or with a DecodingFailure. */
function tryOnce(work: AssignedPartition, message: IncomingMessage): Handling {
  const { manifest, codec } = work.consumer.plan
  if (manifest.filter !== undefined && !manifest.filter(message)) return performance.now()
  const decoding = message.decode(codec)
  return decoding ? decoding.then(() => callHandler(work, message)) : callHandler(work, message)
}

function callHandler(work: AssignedPartition, message: IncomingMessage): Handling {
  const { context, transact } = work
  message.isGiven = true
  if (transact === undefined) return callWith(work, message, context)
  return transact([message], async (transaction) => callWith(work, message, { ...context, transaction }))
}

function callWith(work: AssignedPartition, message: IncomingMessage, context: HandlerContext): Handling {
  const { consumer, topic, partition } = work
  const startedAt = performance.now()
  let endedAt = startedAt
  let returned: unknown
  try {
    const received = message as unknown as ReceivedMessage
    const { runs } = consumer.middleware
    const { manifest } = consumer.plan
    returned =
      runs.length === 0
        ? manifest.handle!(received, context)
        : callThrough(runs, [received], context, () => manifest.handle!(received, context))
  } finally {
    endedAt = consumer.watchBlocking('handle', startedAt, topic, partition)
  }
  return isThenable(returned) ? Promise.resolve(returned) : endedAt
}

function succeed(work: AssignedPartition, message: IncomingMessage, at?: number): Promise<void> | undefined {
  const { consumer } = work
  consumer.succeeded()
  const { deduplication } = consumer
  if (deduplication === undefined || !message.isGiven) return work.done(message, at)
  return deduplication.record(work, [message]).then((isRecorded) => (isRecorded ? work.done(message) : undefined))
}

async function recover(work: AssignedPartition, message: IncomingMessage, firstThrown: unknown): Promise<void> {
  const { name } = work.consumer.plan
  let thrown = firstThrown
  for (;;) {
    const settled = await settleFailure(work, message, createFailure(thrown, name, work.topic))
    if (settled === 'left' || settled === 'parked') return
    if (settled === 'settled') return work.done(message)
    // Each attempt asks as much of what the handler uses.
    await work.consumer.throttle?.turn(work, [message])
    if (work.isPaused) await work.pauseOver()
    if (work.isEnding) return
    try {
      await tryOnce(work, message)
      return succeed(work, message)
    } catch (again) {
      thrown = again
    }
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
