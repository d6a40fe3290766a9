// Sends messages that are numbered for each key, by many callers and few, one by one and in lists, until there are `total` or
// a SIGUSR2 says so. Then closes and prints a LoadResult. Argument: LoadOptions as JSON.
import { createMessaging, isMessagingError, ProducerManifest, type MessagingOptions } from '../../../src/index.ts'

export interface LoadOptions {
  readonly messaging: MessagingOptions
  readonly topic: string
  readonly total?: number
  /** What to log in with from the next SIGHUP on. */
  readonly nextPassword?: string
}

export interface LoadResult {
  readonly acknowledged: number
  /** How many failed, by code and outcome. */
  readonly failures: Readonly<Record<string, number>>
  /** Each as `<number> <key>`. */
  readonly notSent: readonly string[]
  readonly unknown: readonly string[]
  /** By key: how many were sent. */
  readonly sent: Readonly<Record<string, number>>
  readonly clients: number
}

const printEvery = 10_000
const printFailedEvery = 10
const listSize = 1000
/** Lists, or how many callers at a time; each for as long as another native producer needs to be wanted, made and used. */
const waves = [500, 'lists', 2, 60, 'lists', 1000] as const
const waveMs = 2000

const { messaging: options, topic, total = Infinity, nextPassword } = JSON.parse(process.argv[2]!) as LoadOptions
class NumberSent extends ProducerManifest<string> {
  topic = topic
  override readonly codec = 'string'
  override key = (payload: string): string => payload.slice(payload.indexOf(' ') + 1, payload.indexOf('.'))
}

const messaging = createMessaging(options, {})
const { registry } = messaging
const numbers: number[] = []
const failures: Record<string, number> = {}
const notSent: string[] = []
const unknown: string[] = []
const padding = '.'.repeat(100)
let started = 0
let acknowledged = 0
let stopped = false
process.once('SIGUSR2', () => (stopped = true))
process.once('SIGHUP', () => {
  messaging.rotateCredentials({ password: nextPassword! })
  console.log('rotated')
})

const isOver = (): boolean => stopped || started >= total

function next(key: number): string {
  started++
  const number = numbers[key] ?? 0
  numbers[key] = number + 1
  return `${number} key${key}${padding}`
}

function count(messages: number): void {
  const before = Math.floor(acknowledged / printEvery)
  acknowledged += messages
  if (Math.floor(acknowledged / printEvery) > before) console.log('acknowledged', acknowledged)
}

function countFailed(error: unknown, payload: string): void {
  const isKnown = isMessagingError(error) && error.outcome !== 'unknown'
  const list = isKnown ? notSent : unknown
  list.push(payload.slice(0, payload.indexOf('.')))
  const name = isMessagingError(error) ? `${error.code} ${error.outcome}` : String(error)
  failures[name] = (failures[name] ?? 0) + 1
  if (failures[name] % printFailedEvery === 1) console.log('failed', name)
}

/** Two messages of each key are under way, so that their order is at stake. */
async function sendOneByOne(keys: number, until: number): Promise<void> {
  const send = (key: number): Promise<void> => {
    const payload = next(key)
    return registry.send(NumberSent, payload).then(
      () => count(1),
      (error: unknown) => countFailed(error, payload),
    )
  }
  const work = async (key: number): Promise<void> => {
    while (performance.now() < until && !isOver()) await Promise.all([send(key), send(key)])
  }
  await Promise.all(Array.from({ length: keys }, (_, key) => work(key)))
}

async function sendLists(until: number): Promise<void> {
  const work = async (): Promise<void> => {
    while (performance.now() < until && !isOver()) {
      const list = Array.from({ length: listSize }, (_, index) => next(index % 250))
      await registry.sendMany(NumberSent, list).then(
        () => count(listSize),
        (error: unknown) => {
          const failed = isMessagingError(error) ? (error.failures ?? []) : []
          for (const { index, error } of failed) countFailed(error, list[index]!)
          count(listSize - failed.length)
        },
      )
    }
  }
  await Promise.all([work(), work(), work()])
}

for (let wave = 0; !isOver(); wave++) {
  const kind = waves[wave % waves.length]!
  const until = performance.now() + waveMs
  await (kind === 'lists' ? sendLists(until) : sendOneByOne(kind, until))
}
const clients = registry.status().clients.length
await registry.close()
const sent = Object.fromEntries(numbers.map((number, key) => [`key${key}`, number]))
const result: LoadResult = { acknowledged, failures, notSent, unknown, sent, clients }
console.log(`result ${JSON.stringify(result)}`)
