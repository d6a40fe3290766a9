import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { InFlight } from '../src/cli/in-flight.ts'
import { isMessagingError, subscribe, type DeliveryReport, type Messaging } from '../src/index.ts'
import { createContentReader, type ContentReader } from './content.ts'
import type { Options } from './options.ts'
import { createProgress } from './progress.ts'
import { readTopic, type Reader } from './read-back.ts'
import { Verifier } from './verifier.ts'

/** What became of everything that was to be published. */
export interface Tally {
  topic: string
  acknowledged: number
  failed: number
  invalid: number
  /** An invalid record or a dead cluster ended the reading of the input. */
  stopped: boolean
  bytes: number
  seconds: number
  /** Records in the log at the end, as the brokers count them. */
  stored: number
  /** Microseconds. */
  readonly latencies: RecordableHistogram
  readonly verifier: Verifier
}

/** The mock cluster keeps only the newest 5 MB of a partition, so what is not verified yet is kept well below that. */
const maxUnverified = { records: 10_000, bytes: 2 * 1024 * 1024 }
/** Sends on their way at a time: enough for full batches, and few enough that an acknowledgement is no long wait in line. */
const maxUnacknowledged = 1000
/** Longer than a broker takes to elect a leader: with nothing arriving for so long something is lost. */
const readBackPatienceMs = 30_000

/** Publishes the input, reads it back alongside, and compares. Closes the reader, not the messaging instance. */
export async function publishAndVerify(
  messaging: Messaging,
  brokers: readonly string[],
  options: Options,
): Promise<Tally> {
  const content = await createContentReader(options.input, messaging.config.resolve())
  try {
    return await new Publication(messaging, brokers, options, content).run()
  } finally {
    await content.close()
  }
}

class Publication {
  readonly #messaging: Messaging
  readonly #brokers: readonly string[]
  readonly #options: Options
  readonly #content: ContentReader
  readonly #inFlight = new InFlight()
  readonly #progress = createProgress()
  readonly #tally: Tally = {
    topic: '',
    acknowledged: 0,
    failed: 0,
    invalid: 0,
    stopped: false,
    bytes: 0,
    seconds: 0,
    stored: 0,
    latencies: createHistogram(),
    verifier: new Verifier(),
  }
  #sequence = 0
  #reader: Reader | undefined
  #lastAcknowledgedAt = 0

  constructor(messaging: Messaging, brokers: readonly string[], options: Options, content: ContentReader) {
    this.#messaging = messaging
    this.#brokers = brokers
    this.#options = options
    this.#content = content
  }

  async run(): Promise<Tally> {
    const tally = this.#tally
    const unsubscribe = subscribe('message.acknowledged', ({ durationMs }) => {
      tally.latencies.record(Math.max(1, Math.round(durationMs * 1000)))
    })
    const startedAt = performance.now()
    for (let round = 0; round < this.#options.repeat && !tally.stopped; round++) await this.#publishInput()
    await this.#inFlight.downTo(0)
    tally.seconds = Math.max(0.001, (this.#lastAcknowledgedAt - startedAt) / 1000)
    if (this.#reader) {
      await tally.verifier.drain(readBackPatienceMs)
      tally.stored = await this.#reader.stored()
      await this.#reader.close()
    }
    this.#progress.end()
    unsubscribe()
    return tally
  }

  async #publishInput(): Promise<void> {
    const { verifier } = this.#tally
    for await (const entry of this.#options.input.read()) {
      if ('reason' in entry) this.#refuse(entry.where, entry.reason)
      else {
        const sent = this.#publish(entry.payload, entry.where)
        if (this.#reader) this.#inFlight.add(sent)
        else {
          // The first send creates the topic that the reader then follows.
          await sent
          await this.#startReading()
        }
        while (verifier.outstanding > maxUnverified.records || verifier.outstandingBytes > maxUnverified.bytes) {
          await verifier.progress()
        }
        // Reading back can be faster than the acknowledgements come in; they must not pile up either.
        await this.#inFlight.downTo(maxUnacknowledged)
      }
      if (this.#tally.stopped) return
    }
  }

  async #publish(payload: unknown, where: string): Promise<void> {
    const tally = this.#tally
    const sequence = this.#sequence++
    const expected = this.#content.describe(payload)
    if ('error' in expected) return this.#refuse(where, expected.error)
    tally.verifier.expect(expected.key, sequence, expected.content)
    try {
      const headers = { sequence: String(sequence) }
      const report = await this.#messaging.registry.send(this.#options.input.Manifest, payload, { headers })
      this.#acknowledge(report, expected.bytes)
    } catch (error) {
      tally.verifier.forget(expected.key, sequence)
      this.#fail(where, error)
    }
  }

  async #startReading(): Promise<void> {
    const { topic, acknowledged, verifier } = this.#tally
    if (acknowledged === 0) return
    const { input, repeat } = this.#options
    const total = input.total === undefined ? undefined : input.total * repeat
    this.#reader = await readTopic({
      brokers: this.#brokers,
      topic,
      content: this.#content,
      receive: (key, sequence, text) => {
        verifier.receive(key, sequence, text)
        this.#progress.update(verifier.verified, total)
      },
      failed: (error) => verifier.fail(error),
    })
  }

  #acknowledge(report: DeliveryReport, bytes: number): void {
    this.#tally.acknowledged++
    this.#tally.bytes += bytes
    this.#tally.topic = report.topic
    this.#lastAcknowledgedAt = performance.now()
  }

  #fail(where: string, error: unknown): void {
    const isOfRecord = isMessagingError(error, 'PAYLOAD_INVALID', 'MESSAGE_TOO_LARGE', 'KEY_INVALID', 'HEADER_INVALID')
    if (isOfRecord) return this.#refuse(where, `${error.code}: ${error.message}`)
    this.#tally.failed++
    // A cluster that is gone fails everything: the first few say enough.
    if (this.#tally.failed <= 3) process.stderr.write(`${where}: ${(error as Error).message}\n`)
    // Without a first message there is nothing to follow, and the next would fail alike.
    this.#tally.stopped ||= this.#tally.acknowledged === 0
  }

  #refuse(where: string, reason: string): void {
    this.#tally.invalid++
    process.stderr.write(`${where}: ${reason}\n`)
    this.#tally.stopped ||= !this.#options.skipInvalid
  }
}
