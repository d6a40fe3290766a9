import { parseArgs } from 'node:util'

export interface BenchArguments {
  /** Parts of names of works; empty for all. */
  readonly only: readonly string[]
  /** Parts of names of clients; empty for all. */
  readonly clients: readonly string[]
  readonly rounds: number
  readonly warmUpMs: number
  readonly windowMs: number
  /** How many messages the work `memory` sends, and `consume-backlog` reads. */
  readonly messages: number
  readonly isQuick: boolean
  readonly json: string | undefined
  readonly isChecking: boolean
  /** Whether results, plots and docs are written. */
  readonly isRecording: boolean
  /** Only draws plots and docs from the results that are there. */
  readonly isRendering: boolean
  readonly brokers: string | undefined
}

export const usage = `npm run bench [-- options]

  --only <text,…>     works whose name contains one of these, such as produce-100
  --clients <text,…>  clients whose name contains one of these
  --quick             2 rounds of short windows, without the extra sizes, partitions and settings; to see that it works
  --rounds <n>        default 5; at most 3 of the extra sizes and partitions, which have no floors
  --messages <n>      how many messages \`memory\` sends and \`consume-backlog\` reads; default 10,000,000, with --quick 1,000,000
  --json <file>       writes the results there
  --check             fails where a floor of floors.json is missed by more than the noise; sure from 5 rounds on
  --record            writes benchmarks/results and docs/performance.md; a full run does by itself
  --render            measures nothing; draws plots and docs from benchmarks/results again
  --brokers <list>    uses these brokers in place of a Kafka of its own
`

/** @throws Error with what is wrong */
export function readArguments(args: readonly string[]): BenchArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      clients: { type: 'string', multiple: true, default: [] },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      messages: { type: 'string' },
      json: { type: 'string' },
      check: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      render: { type: 'boolean', default: false },
      brokers: { type: 'string' },
    },
  })
  const split = (texts: readonly string[]): readonly string[] => texts.flatMap((text) => text.split(','))
  const [only, clients] = [split(values.only), split(values.clients)]
  const isQuick = values.quick
  return {
    only,
    clients,
    rounds: readCount('rounds', values.rounds) ?? (isQuick ? 2 : 5),
    // The native driver needs most of a second to settle on how long to linger.
    warmUpMs: 1000,
    windowMs: isQuick ? 700 : 1_000,
    messages: readCount('messages', values.messages) ?? (isQuick ? 1_000_000 : 10_000_000),
    isQuick,
    json: values.json,
    isChecking: values.check,
    isRecording: values.record || !(isQuick || only.length > 0 || clients.length > 0),
    isRendering: values.render,
    brokers: values.brokers,
  }
}

function readCount(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1) throw new Error(`--${name} takes a whole number from 1, not ${text}`)
  return count
}
