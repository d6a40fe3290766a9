import type { StartPosition, TopicPartition } from '../../driver/driver-consumer.ts'
import { MessagingError } from '../../errors/messaging-error.ts'
import type { ConsumersHealth } from '../consumers-health.ts'
import type { Routes } from './http-endpoint.ts'
import type { RunningConsumers } from '../running-consumers.ts'

export interface ControlledConsumers {
  /** All that run now. */
  readonly running: Iterable<RunningConsumers>
  health(): ConsumersHealth
}

/** A body as it came, and what the error says it came from. */
interface Input {
  readonly source: string
  readonly fields: Readonly<Record<string, unknown>>
}

const maxReasonLength = 200

/** What an operator may do with consumers, by name. Each answers with the health of all, as it is then. */
export function createControlRoutes(consumers: ControlledConsumers): Routes {
  const act = (source: string, names: readonly string[], run: (input: Input) => Promise<void>): Routes[string] => ({
    POST: async (body) => {
      await run(readInput(source, body, names))
      return { status: 200, body: consumers.health() }
    },
  })
  return {
    '/consumers/pause': act('pause', ['consumer', 'reason', 'topic', 'partition', 'durationMs'], async (input) => {
      const [reason, partition, durationMs] = [readReason(input), readPartition(input), readDuration(input)]
      const how = { ...(partition && { partition }), ...(durationMs !== undefined && { durationMs }) }
      await withEach(consumers, input, (run, name) => run.pause(name, reason, how))
    }),
    '/consumers/resume': act('resume', ['consumer', 'topic', 'partition'], async (input) => {
      const partition = readPartition(input)
      await withEach(consumers, input, (run, name) => run.resume(name, partition))
    }),
    '/consumers/seek': act('seek', ['consumer', 'topic', 'partition', 'offset'], async (input) => {
      const partition = readPartition(input)
      if (partition === undefined) throw invalid(input, 'topic and partition are missing')
      const position = { ...partition, offset: input.fields['offset'] as StartPosition['offset'] }
      await withEach(consumers, input, (run, name) => run.seek(name, position))
    }),
  }
}

/** In each run that has the consumer; where it is about a partition, one of them has to have it. */
async function withEach(
  { running }: ControlledConsumers,
  input: Input,
  act: (run: RunningConsumers, name: string) => Promise<void> | void,
): Promise<void> {
  const name = input.fields['consumer']
  if (typeof name !== 'string') throw invalid(input, 'consumer must be the name of a consumer')
  const runs = Array.from(running, (run) => ({ run, names: run.health().consumers.map(({ manifest }) => manifest) }))
  const withIt = runs.filter(({ names }) => names.includes(name))
  if (withIt.length === 0) {
    const known = runs.flatMap(({ names }) => names).join(', ') || 'nothing'
    throw new MessagingError('CONSUMER_NOT_RUNNING', { value: name, running: known })
  }
  const results = await Promise.allSettled(withIt.map(async ({ run }) => act(run, name)))
  const failed = results.filter((result) => result.status === 'rejected')
  if (failed.length === results.length) throw failed[0]!.reason
}

function readInput(source: string, body: unknown, names: readonly string[]): Input {
  const input: Input = { source, fields: body as Input['fields'] }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalid(input, 'the body is no object')
  const unknown = Object.keys(body).find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw invalid(input, `there is no field ${JSON.stringify(unknown)}; there are ${names.join(', ')}`)
  return input
}

function readReason(input: Input): string {
  const { reason } = input.fields
  // It goes to logs and terminals.
  const isReason = typeof reason === 'string' && /^[^\p{Cc}]+$/u.test(reason) && reason.length <= maxReasonLength
  if (!isReason) throw invalid(input, `reason must be a text in one line of at most ${maxReasonLength} characters`)
  return reason
}

function readPartition(input: Input): TopicPartition | undefined {
  const { topic, partition } = input.fields
  if (topic === undefined && partition === undefined) return undefined
  if (typeof topic === 'string' && Number.isSafeInteger(partition) && (partition as number) >= 0) {
    return { topic, partition: partition as number }
  }
  throw invalid(input, 'topic and partition must be a name and a number, both of them')
}

function readDuration(input: Input): number | undefined {
  const { durationMs } = input.fields
  if (durationMs === undefined || (typeof durationMs === 'number' && durationMs > 0)) return durationMs
  throw invalid(input, 'durationMs must be a number above 0')
}

function invalid({ source }: Input, reason: string): MessagingError {
  return new MessagingError('INPUT_INVALID', { source, reason })
}
