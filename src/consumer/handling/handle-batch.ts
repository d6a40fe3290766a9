import { MessagingError } from '../../errors/messaging-error.ts'
import type { BatchContext, ReceivedMessage, ReceivedParts } from '../../factory/consumer-manifest.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import { callThrough } from './call-through.ts'
import { createFailure, type Failure } from './failure.ts'
import type { IncomingMessage } from './incoming-message.ts'
import { settleFailure, waitForAttempt } from './settle-failure.ts'

/**
 * Gives the handler a batch until each of its messages is done or given up. When it fails, those marked as done, or before the
 * index that it names, are done; the first of the rest is the one that failed. A batch that fails without any such word is given
 * again message by message, so that only what fails by itself is given up. Never rejects.
 */
export async function handleBatch(work: AssignedPartition, messages: readonly IncomingMessage[]): Promise<void> {
  const { consumer } = work
  const { deduplication } = consumer
  const fresh = deduplication === undefined ? messages : await deduplication.fresh(work, messages)
  let rest = await takeWanted(work, fresh)
  let oneByOne = false
  for (;;) {
    rest = rest.filter((message) => !work.follow(message))
    if (rest.length === 0) return
    const most = oneByOne ? 1 : (consumer.throttle?.maxMessages ?? Infinity)
    const part = rest.length > most ? rest.slice(0, most) : rest
    await consumer.throttle?.turn(work, part)
    if (work.isPaused) await work.pauseOver()
    if (work.isEnding) return
    const marks = new Marks(work, part)
    const failure = await tryBatch(work, part, marks)
    const isDone = (message: IncomingMessage): boolean =>
      failure === undefined ? part.includes(message) : marks.done.has(message)
    if (failure === undefined && part.length === rest.length) {
      consumer.succeeded()
      await allDone(work, rest)
      return
    }
    await allDone(work, rest.filter(isDone))
    rest = rest.filter((message) => !isDone(message))
    if (failure === undefined) continue
    if (part.length > 1 && !marks.saysWhich && consumer.plan.config.commit !== 'before') {
      await waitForAttempt(work, rest[0]!, failure)
      for (const message of part) message.attempt++
      oneByOne = true
      continue
    }
    // At most once: nothing of it is given again, so all that is not done has failed.
    const failed =
      consumer.plan.config.commit === 'before' ? rest.filter((each) => part.includes(each)) : rest.slice(0, 1)
    for (const message of failed) {
      const settled = await settleFailure(work, message, failure)
      if (settled === 'left') return
      if (settled === 'again') break
      if (settled === 'settled') await work.done(message)
      rest = rest.filter((each) => each !== message)
    }
  }
}

async function allDone(work: AssignedPartition, messages: readonly IncomingMessage[]): Promise<void> {
  const { deduplication } = work.consumer
  if (deduplication !== undefined && !(await deduplication.record(work, messages))) return
  let committed: Promise<void> | undefined
  const at = performance.now()
  for (const message of messages) committed = work.done(message, at)
  await committed
}

/** Those that the filter wants and that can be decoded; the others are settled one by one. */
async function takeWanted(work: AssignedPartition, messages: readonly IncomingMessage[]): Promise<IncomingMessage[]> {
  const { manifest, codec, name } = work.consumer.plan
  const wanted: IncomingMessage[] = []
  for (const message of messages) {
    for (;;) {
      try {
        if (manifest.filter !== undefined && !manifest.filter(message)) {
          await work.done(message)
        } else {
          const decoding = message.decode(codec)
          if (decoding) await decoding
          wanted.push(message)
        }
        break
      } catch (thrown) {
        const settled = await settleFailure(work, message, createFailure(thrown, name, work.topic))
        if (settled === 'left') return []
        if (settled === 'again') continue
        if (settled === 'settled') await work.done(message)
        break
      }
    }
  }
  return wanted
}

async function tryBatch(
  work: AssignedPartition,
  part: readonly IncomingMessage[],
  marks: Marks,
): Promise<Failure | undefined> {
  const { consumer, topic } = work
  try {
    await callBatch(work, part, marks.context)
    return undefined
  } catch (thrown) {
    return createFailure(marks.causeOf(thrown), consumer.plan.name, topic)
  }
}

/** Throws what the handler throws. */
export async function callBatch(
  work: AssignedPartition,
  part: readonly IncomingMessage[],
  context: BatchContext,
): Promise<void> {
  const { consumer, topic, partition } = work
  const startedAt = performance.now()
  let returned: unknown
  try {
    const received = part as unknown as readonly ReceivedMessage[]
    const { runs } = consumer.middleware
    const call = (): unknown => consumer.plan.manifest.handleBatch!(received, context)
    returned = runs.length === 0 ? call() : callThrough(runs, received, context, call)
  } finally {
    consumer.watchBlocking('handleBatch', startedAt, topic, partition)
  }
  await returned
}

/** What the handler says of a batch: which messages are done, and which one failed. */
export class Marks {
  readonly context: BatchContext
  readonly done = new Set<ReceivedParts>()
  #named: { readonly error: Error; readonly cause: unknown } | undefined

  // Not by a getter in an object literal: V8 makes a hidden class for each such object, which keeps its batch until a full collection.
  constructor(work: AssignedPartition, part: readonly IncomingMessage[]) {
    this.context = {
      ...work.context,
      markDone: (message) => void this.done.add(message),
      failedAt: (index, cause) => {
        if (!Number.isInteger(index) || index < 0 || index >= part.length) {
          const reason = `there is no message ${index} in a batch of ${part.length}`
          return new MessagingError('INPUT_INVALID', { source: 'context.failedAt()', reason })
        }
        const { name: manifest } = work.consumer.plan
        const reason = `message ${index} of ${part.length} failed`
        const error = new MessagingError('HANDLER_FAILED', { manifest, reason }, { manifest, cause })
        this.#named = { error, cause }
        for (const message of part.slice(0, index)) this.done.add(message)
        return error
      },
    }
  }

  get saysWhich(): boolean {
    return this.#named !== undefined || this.done.size > 0
  }

  /** What was thrown in the first place. */
  causeOf(thrown: unknown): unknown {
    return thrown === this.#named?.error ? this.#named?.cause : thrown
  }
}
