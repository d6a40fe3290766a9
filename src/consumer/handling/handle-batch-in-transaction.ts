import type { AssignedPartition } from './assigned-partition.ts'
import { createFailure, type Failure } from './failure.ts'
import { callBatch, Marks } from './handle-batch.ts'
import type { IncomingMessage } from './incoming-message.ts'
import { countAttempt, settleFailure, waitForAttempt } from './settle-failure.ts'

type Transact = NonNullable<AssignedPartition['transact']>

/** Messages that become done together: those that the handler gets, and those that its filter left out on the way. */
interface Span {
  readonly covered: readonly IncomingMessage[]
  readonly wanted: readonly IncomingMessage[]
  /** The first one could not be decoded. */
  readonly failure?: Failure
}

/**
 * As `handleBatch`, but in transactions: of a batch that fails nothing is done, since what was sent for it is aborted. So it is given
 * again up to the message that failed, then that one alone; without a word about which one that is, message by message.
 * Never rejects.
 */
export async function handleBatchInTransactions(
  work: AssignedPartition,
  messages: readonly IncomingMessage[],
  transact: Transact,
): Promise<void> {
  const { consumer, topic } = work
  const { deduplication } = consumer
  let rest = deduplication === undefined ? messages : await deduplication.fresh(work, messages)
  /** How many the next calls are given. */
  let limits: number[] = []
  const done = (covered: readonly IncomingMessage[]): void => {
    for (const message of covered) void work.done(message)
    rest = rest.slice(covered.length)
  }
  while (rest.length > 0) {
    if (work.isPaused) await work.pauseOver()
    if (work.isEnding) return
    const most = limits[0] ?? consumer.throttle?.maxMessages ?? Infinity
    const span = await takeSpan(work, rest, most)
    const { covered, wanted } = span
    let { failure } = span
    if (failure === undefined) {
      if (wanted.length === 0) {
        done(covered)
        continue
      }
      await consumer.throttle?.turn(work, wanted)
      if (work.isPaused) await work.pauseOver()
      if (work.isEnding) return
      const marks = new Marks(work, wanted)
      try {
        await transact(covered, (transaction) => callBatch(work, wanted, { ...marks.context, transaction }))
        consumer.succeeded()
        await deduplication?.record(work, wanted)
        done(covered)
        limits.shift()
        continue
      } catch (thrown) {
        failure = createFailure(marks.causeOf(thrown), consumer.plan.name, topic)
      }
      if (failure.kind === 'not yet' || wanted.length > 1) {
        if (work.context.signal.aborted) return
        await waitForAttempt(work, wanted[0]!, failure)
        for (const message of wanted) countAttempt(message, failure)
        if (failure.kind === 'handler') limits = narrowed(wanted, marks)
        continue
      }
    }
    const failed = wanted[0] ?? covered[0]!
    const settled = await settleFailure(work, failed, failure)
    if (settled === 'left') return
    if (settled === 'again') limits = [1, ...limits.slice(1)]
    else {
      done(covered)
      limits.shift()
    }
  }
}

/** The next calls after a batch has failed. */
function narrowed(wanted: readonly IncomingMessage[], marks: Marks): number[] {
  if (!marks.saysWhich) return wanted.map(() => 1)
  const failed = wanted.findIndex((message) => !marks.done.has(message))
  return failed > 0 ? [failed, 1] : [1]
}

/** At most so many that are wanted, up to the first one that cannot be decoded; or that one, if it is the first. */
async function takeSpan(work: AssignedPartition, rest: readonly IncomingMessage[], limit: number): Promise<Span> {
  const { manifest, codec, name } = work.consumer.plan
  const wanted: IncomingMessage[] = []
  let count = 0
  for (const message of rest) {
    if (wanted.length >= limit) break
    try {
      if (manifest.filter === undefined || manifest.filter(message)) {
        await message.decode(codec)
        wanted.push(message)
      }
    } catch (thrown) {
      if (count > 0) break
      return { covered: [message], wanted: [], failure: createFailure(thrown, name, work.topic) }
    }
    count++
  }
  return { covered: rest.slice(0, count), wanted }
}
