import type { DriverOptions } from '../driver.ts'
import { LingerChoice, lingerSteps } from './linger-choice.ts'
import type {
  DeliveryCallback,
  DeliveryReport,
  NativeClient,
  NativeConfig,
  NativeModule,
  NativeProducer,
} from './native-module.ts'
import { connectProducer } from './native-producer.ts'

const readLoadEveryMs = 50
/** What is under way ends within its delivery timeout, which is long: a broker that is gone must not hold up everything. */
const waitForSettledMs = 1000
/** A producer asks for its id after it has connected, and again after half a second where no broker could be asked. */
const settleInMs = 600
/** The load is read from every 8th report. */
const reportsPerReading = 8
const hurryMs = 1

/**
 * One librdkafka producer, and under load others that make larger batches: how it batches cannot be changed, and nothing is right
 * for all loads. Only one of them is in use at a time; the change is made when nothing is under way, so that order is kept.
 */
export class ProducerSteps {
  readonly #native: NativeModule
  readonly #options: () => DriverOptions
  readonly #onDelivery: DeliveryCallback
  /** Undefined where the first producer is the only one. */
  readonly #choice: LingerChoice | undefined

  /** By step of `lingerSteps`, made when first wanted. */
  readonly #producers = new Map<number, Promise<NativeProducer>>()
  readonly #connected: NativeProducer[] = []
  #producer!: NativeProducer
  /** Of the producer in use. */
  client!: NativeClient
  step = 0
  /** Takes over when nothing is under way. */
  #successor: { step: number; producer: NativeProducer; since: number } | undefined
  #readings: NodeJS.Timeout | undefined
  #reports = 0
  #isClosed = false

  /** Handed over and not settled. */
  underWay = 0
  #isLooking = false
  #isHurrying = false

  /** @param options as they are when a producer is made */
  constructor(native: NativeModule, options: () => DriverOptions, onDelivery: DeliveryCallback, adapts: boolean) {
    this.#native = native
    this.#options = options
    this.#onDelivery = onDelivery
    this.#choice = adapts ? new LingerChoice() : undefined
  }

  async connect(): Promise<NativeProducer> {
    this.#producer = await this.#producerOf(0)
    this.client = this.#producer.getClient()
    return this.#producer
  }

  /** Those there are, and those that connect. */
  get all(): Iterable<Promise<NativeProducer>> {
    return this.#producers.values()
  }

  /** Whether a message can be handed over; false while something is under way that has to be settled before the change. */
  isReady(): boolean {
    if (this.#successor === undefined) return true
    const { step, producer, since } = this.#successor
    if (step !== this.step) {
      if (this.underWay > 0) {
        if (performance.now() - since < waitForSettledMs) return false
        this.#successor = undefined
        return true
      }
      this.#producer = producer
      this.client = producer.getClient()
      this.step = step
    }
    this.#successor = undefined
    return true
  }

  taken(): void {
    this.underWay++
    if (this.step > 0) this.#look()
    else if (this.#readings === undefined && this.#choice !== undefined)
      this.#readings = setInterval(() => this.#readLoad(this.#choice!), readLoadEveryMs).unref()
  }

  /** For each report, before it is settled. */
  reported(report: DeliveryReport): void {
    if (++this.#reports % reportsPerReading === 0) this.#choice?.note(this.underWay, report)
  }

  settled(count: number): void {
    this.underWay -= count
    if (this.step > 0) this.#look()
  }

  flush(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => this.#producer.flush(timeoutMs, () => resolve()))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#readings)
    // One that still connects, to take over, has nothing under way and is not waited for.
    await Promise.all(this.#connected.map(disconnect))
  }

  /** Once in a turn, when all have sent who will. */
  #look(): void {
    if (this.#isLooking) return
    this.#isLooking = true
    setImmediate(this.#hurry)
  }

  /** Fewer than make a batch would linger for nothing. */
  readonly #hurry = (): void => {
    this.#isLooking = false
    if (this.underWay === 0 || this.#isHurrying || this.#isClosed) return
    if (this.underWay >= this.#choice!.enoughFor(this.step)) return
    this.#isHurrying = true
    this.#producer.flush(hurryMs, () => (this.#isHurrying = false))
  }

  #readLoad(choice: LingerChoice): void {
    // What is left of a load while a change waits for it says nothing about the load.
    if (this.#successor !== undefined && this.underWay > 0) return
    const before = choice.step
    if (!choice.decide() && choice.step === 0) {
      clearInterval(this.#readings)
      this.#readings = undefined
    }
    if (choice.step !== before) void this.#changeTo(choice.step)
  }

  async #changeTo(step: number): Promise<void> {
    try {
      const isNew = !this.#producers.has(step)
      const producer = await this.#producerOf(step)
      if (isNew) await new Promise((resolve) => setTimeout(resolve, settleInMs).unref())
      // The load may have changed again meanwhile.
      if (this.#choice?.step === step && !this.#isClosed) this.#successor = { step, producer, since: performance.now() }
    } catch {
      // The producer in use goes on, and the next change tries again.
      this.#producers.delete(step)
    }
  }

  #producerOf(step: number): Promise<NativeProducer> {
    let producer = this.#producers.get(step)
    if (producer === undefined) {
      const { lingerMs, batchMessages } = lingerSteps[step]!
      const settings: NativeConfig | undefined = this.#choice && {
        'linger.ms': lingerMs,
        'batch.num.messages': batchMessages,
      }
      producer = connectProducer(this.#native, this.#options(), this.#onDelivery, settings)
      this.#producers.set(step, producer)
      producer.then(this.#onConnected, () => undefined)
    }
    return producer
  }

  readonly #onConnected = (producer: NativeProducer): void => {
    if (this.#isClosed) void disconnect(producer)
    else this.#connected.push(producer)
  }
}

/** The wrapper flushes before it disconnects. The client above has waited already, so that is given no time. */
function disconnect(producer: NativeProducer): Promise<void> {
  return new Promise((resolve) => producer.disconnect(1, resolve))
}
