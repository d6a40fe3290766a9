import { parseArgs } from 'node:util'
import type { ConsumersHealth } from '../consumer/consumers-health.ts'
import { MessagingError } from '../errors/messaging-error.ts'
import { askControl } from './ask-control.ts'
import { describeHealth } from './describe-health.ts'
import type { CommandStreams } from './send.ts'

export const consumersUsage = `postrider consumers status|health|pause|resume|seek [CONSUMER] --control PATH

Looks at the consumers of a process that runs, or steers them, by its control socket (postrider consume --control PATH).

  status             what is handled, waits, is held back and is behind
  health             the same as JSON
  pause CONSUMER     hold a consumer back, or one partition of it, once what runs has ended
  resume CONSUMER    end that, and other pauses of it
  seek CONSUMER      go on from another position of a partition, once what runs has ended

  --control PATH     the socket, in place of POSTRIDER_CONTROL_SOCKET
  --topic TOPIC      with --partition: one partition of the consumer
  --partition NUMBER
  --reason TEXT      pause: why; for those who look at status (required)
  --for DURATION     pause: how long, such as 30s, 10m or 2h; without it until resume
  --to POSITION      seek: an offset, earliest, latest, or a time such as 2026-01-31T12:00:00Z (required)

Exit status: 0 done (status and health: alive), 1 refused, not alive, or nobody there, 2 wrong usage.
`

type Option = 'topic' | 'partition' | 'reason' | 'for' | 'to'
type Values = Readonly<Partial<Record<Option, string>>>

interface Action {
  readonly options: readonly Option[]
  /** What is sent besides consumer and partition; absent: nothing is changed. */
  readonly input?: (values: Values) => object
}

const actions: Readonly<Record<string, Action>> = {
  status: { options: [] },
  health: { options: [] },
  pause: {
    options: ['topic', 'partition', 'reason', 'for'],
    input: (values) => {
      if (values.reason === undefined) throw usage('--reason is missing')
      const durationMs = values.for === undefined ? undefined : readDuration(values.for)
      return { reason: values.reason, ...(durationMs === undefined ? {} : { durationMs }) }
    },
  },
  resume: { options: ['topic', 'partition'], input: () => ({}) },
  seek: {
    options: ['topic', 'partition', 'to'],
    input: (values) => {
      if (values.topic === undefined) throw usage('--topic and --partition are missing')
      if (values.to === undefined) throw usage('--to is missing')
      return { offset: readPosition(values.to) }
    },
  },
}

/** Resolves with the exit status. @throws INPUT_INVALID for wrong usage, CONTROL_UNREACHABLE */
export async function runConsumers(
  args: readonly string[],
  { stdout, stderr, environment }: CommandStreams,
): Promise<number> {
  const option = { type: 'string' } as const
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { control: option, topic: option, partition: option, reason: option, for: option, to: option },
  })
  const [name = '', consumer, ...rest] = positionals
  const action = Object.hasOwn(actions, name) ? actions[name]! : undefined
  if (action === undefined) throw usage(`say one of ${Object.keys(actions).join(', ')}`)
  const { control: socketPath = environment['POSTRIDER_CONTROL_SOCKET'], ...given } = values
  const foreign = Object.keys(given).find((each) => !action.options.includes(each as Option))
  if (foreign !== undefined) throw usage(`--${foreign} is nothing for ${name}`)
  if ((consumer !== undefined) !== (action.input !== undefined) || rest.length > 0) {
    throw usage(action.input === undefined ? `${name} takes no consumer` : `${name} needs the name of one consumer`)
  }
  const body = action.input && { consumer, ...readPartition(given), ...action.input(given) }
  if (socketPath === undefined || socketPath === '') throw usage('--control is missing')
  const path = body === undefined ? '/health' : `/consumers/${name}`
  const { status, answer } = await askControl(socketPath, path, body)
  // The health of what is not alive or not ready is an answer, too.
  if (status !== 200 && status !== 503) {
    const { code, message } = answer as { readonly code?: string; readonly message?: string }
    stderr.write(`${message}\n`)
    return code === 'INPUT_INVALID' ? 2 : 1
  }
  const health = answer as ConsumersHealth
  stdout.write(name === 'health' ? `${JSON.stringify(health, null, 2)}\n` : describeHealth(health, consumer))
  return body !== undefined || health.isAlive ? 0 : 1
}

function readPartition({ topic, partition }: Values): object {
  if ((topic === undefined) !== (partition === undefined)) throw usage('--topic and --partition go together')
  if (topic === undefined || partition === undefined) return {}
  if (!/^\d{1,9}$/.test(partition)) throw usage('--partition must be a number from 0')
  return { topic, partition: Number(partition) }
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const longestDays = 24

function readDuration(text: string): number {
  const [, number, unit = ''] = /^(\d{1,10})(ms|s|m|h|d)$/.exec(text) ?? []
  const durationMs = Number(number) * (unitMs[unit] ?? Number.NaN)
  if (durationMs > 0 && durationMs <= longestDays * 86_400_000) return durationMs
  throw usage(`--for must be a number with one of ${Object.keys(unitMs).join(', ')}, of at most ${longestDays} days`)
}

function readPosition(text: string): number | string | { timestamp: number } {
  if (text === 'earliest' || text === 'latest') return text
  if (/^\d{1,16}$/.test(text)) return Number(text)
  const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text)
    ? Date.parse(text)
    : Number.NaN
  if (timestamp >= 0) return { timestamp }
  throw usage('--to must be an offset, earliest, latest, or a time such as 2026-01-31T12:00:00Z')
}

function usage(reason: string): MessagingError {
  return new MessagingError('INPUT_INVALID', { source: 'consumers', reason })
}
