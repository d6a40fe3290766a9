import type { ConsumingDriverModule } from '../driver-consumer.ts'
import { createDriverError } from '../driver-error.ts'
import type {
  Driver,
  DriverCredentials,
  DriverFailure,
  DriverHeader,
  DriverMessage,
  DriverOptions,
  Settlement,
  TopicSpecification,
} from '../driver.ts'
import { BatchHold } from './batch-hold.ts'
import { classifyErrorNumber } from '../error-numbers.ts'
import { ConfluentConsumer } from './confluent-consumer.ts'
import { ensureTopic } from './ensure-topic.ts'
import { LingerChoice, lingerSteps } from './linger-choice.ts'
import {
  loadNativeModule,
  type DeliveryCallback,
  type DeliveryReport,
  type NativeClient,
  type NativeModule,
  type NativeProducer,
} from './native-module.ts'
import { connectProducer } from './native-producer.ts'
import { NativeTransactions } from './native-transactions.ts'
import { ProducerQuestions } from './producer-questions.ts'

/** librdkafka through the callback API of @confluentinc/kafka-javascript. */
export const confluentDriver: ConsumingDriverModule = {
  name: 'confluent',
  needsBrokers: (passThrough) => !('bootstrap.servers' in passThrough) && !('test.mock.num.brokers' in passThrough),
  async createDriver(options) {
    const driver = new ConfluentDriver(await loadNativeModule(), options)
    await driver.connect()
    return driver
  },
  async createConsumer(options) {
    const consumer = new ConfluentConsumer(options)
    await consumer.connect(await loadNativeModule())
    return consumer
  },
}

const queueFull = -184
/** Below this a lingering message is gone before a flush would have hurried it. */
const shortLingerMs = 20
const readLoadEveryMs = 50
/** What is under way ends within its delivery timeout, which is long: a broker that is gone must not hold up everything. */
const waitForSettledMs = 1000
/** A producer asks for its id after it has connected, and again after half a second where no broker could be asked. */
const settleInMs = 600
/** These say for themselves how long messages linger, or make a cluster that no second producer would see. */
const fixedBy = ['linger.ms', 'queue.buffering.max.ms', 'transactional.id', 'test.mock.num.brokers']

/**
 * One librdkafka producer, and under load a second one that lingers: `linger.ms` cannot be changed, and none is right for all
 * loads. Only one of them is in use at a time; the change is made when nothing is under way, so that order is kept.
 */
export class ConfluentDriver implements Driver {
  readonly capabilities = { copiesValue: true, idempotence: true, workerThreads: false, durable: true }
  readonly #native: NativeModule
  #options: DriverOptions
  readonly #nameOf: (errorNumber: number) => string

  /** By step of `lingerSteps`, made when first wanted. */
  readonly #producers = new Map<number, Promise<NativeProducer>>()
  readonly #connected: NativeProducer[] = []
  #client!: NativeClient
  /** Takes over when nothing is under way. */
  #successor: { step: number; client: NativeClient; since: number } | undefined
  readonly #choice: LingerChoice | undefined
  /** The step of the producer in use. */
  #step = 0
  #readings: NodeJS.Timeout | undefined

  #underWay = 0
  readonly #hold: BatchHold | undefined

  /** Every acknowledgement has an offset. */
  readonly #isPlaced: boolean

  // What was reported in this turn of the event loop.
  #reports: DeliveryReport[] = []
  #errorNumbers: (number | null)[] = []
  #isClosed = false
  #questions!: ProducerQuestions
  #transactions: NativeTransactions | undefined

  constructor(native: NativeModule, options: DriverOptions) {
    this.#native = native
    this.#options = options
    this.#nameOf = nameErrors(native)
    const { lingerMs, idempotence, acks } = options.profile
    this.#isPlaced = acks !== 0
    // A transaction belongs to one producer.
    const adapts =
      lingerMs === 0 &&
      options.transaction === undefined &&
      !fixedBy.some((property) => property in options.passThrough)
    this.#choice = adapts ? new LingerChoice() : undefined
    this.#hold = adapts && idempotence ? new BatchHold() : undefined
  }

  async connect(): Promise<void> {
    const producer = await this.#producerOf(0)
    this.#client = producer.getClient()
    const { transaction, connectTimeoutMs, profile } = this.#options
    this.#questions = new ProducerQuestions(this.#native, producer, connectTimeoutMs)
    if (transaction === undefined) {
      if (profile.idempotence) this.#questions.hurryProducerId()
      return
    }
    this.#transactions = new NativeTransactions(producer)
    try {
      await this.#transactions.init(transaction)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  get transactions(): NativeTransactions | undefined {
    return this.#transactions
  }

  produce(message: DriverMessage, settlement: Settlement): boolean {
    if (this.#hold?.isHolding) return false
    if (this.#successor !== undefined && !this.#succeed()) return false
    const { topic, partition, value, key, timestamp, headers } = message
    const errorNumber = this.#client.produce(
      topic,
      partition,
      value,
      key,
      // 0 would be taken as "now" all the same; null says so.
      timestamp === 0 ? null : timestamp,
      settlement,
      headers === undefined ? undefined : headers.map(toNativeHeader),
    )
    if (errorNumber === 0) {
      const underWay = ++this.#underWay
      this.#hold?.taken(underWay)
      if (this.#choice !== undefined) {
        this.#choice.note(underWay)
        this.#readings ??= setInterval(() => this.#readLoad(this.#choice!), readLoadEveryMs).unref()
      }
      return true
    }
    if (errorNumber === queueFull) return false
    const failure = classifyErrorNumber(errorNumber, this.#nameOf(errorNumber))
    settlement.settle({ ...failure, outcome: 'not_sent' }, partition, -1, -1)
    return true
  }

  async flush(timeoutMs: number): Promise<void> {
    const { lingerMs } = this.#options.profile
    if (lingerMs < shortLingerMs) return
    const producer = await this.#producerOf(0)
    await new Promise<void>((resolve) => producer.flush(timeoutMs === 0 ? lingerMs : timeoutMs, () => resolve()))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#readings)
    await Promise.all([this.#transactions?.close(), this.#questions.close()])
    // One that still connects, to take over, has nothing under way and is not waited for.
    await Promise.all(this.#connected.map(disconnect))
  }

  setCredentials({ username, password }: DriverCredentials): void {
    // A call to a producer that is being destroyed would wait for that.
    if (this.#isClosed) return
    // For the producers that are made later, too.
    this.#options = { ...this.#options, sasl: { ...this.#options.sasl, username, password } }
    for (const connecting of this.#producers.values()) {
      connecting.then(
        (producer) => producer.setSaslCredentials(username ?? '', password?.reveal() ?? ''),
        () => undefined,
      )
    }
  }

  async partitionCount(topic: string): Promise<number> {
    const { length } = await this.#questions.partitionsOf(topic)
    if (length === 0) throw createDriverError({ code: 'TOPIC_NOT_FOUND', reason: topic }, { topic })
    return length
  }

  ensureTopic(specification: TopicSpecification): Promise<void> {
    return ensureTopic(this.#questions, specification, this.#options.connectTimeoutMs)
  }

  /**
   * A callback ends with the promises that it resolved, so that whoever waited sends the next message alone, between two reports.
   * Where that is not wanted all reports of this turn are gathered first.
   */
  readonly #onDelivery: DeliveryCallback = (errorNumber, report) => {
    if (report.opaque === undefined) return
    const isGathered = lingerSteps[this.#step]!.together || this.#reports.length > 0
    // Nobody sends again for what nobody waited for; only a lone producer counts its reports by the turn, to hold batches.
    if (!isGathered || (this.#step > 0 && report.opaque.isAwaited === false)) {
      this.#underWay--
      this.#settle(errorNumber, report)
      return
    }
    this.#errorNumbers.push(errorNumber)
    if (this.#reports.push(report) === 1) setImmediate(this.#settleReports)
  }

  readonly #settleReports = (): void => {
    const reports = this.#reports
    const errorNumbers = this.#errorNumbers
    this.#reports = []
    this.#errorNumbers = []
    this.#underWay -= reports.length
    if (this.#step === 0) this.#hold?.reported(this.#underWay)
    for (let index = 0; index < reports.length; index++) this.#settle(errorNumbers[index]!, reports[index]!)
  }

  #settle(errorNumber: number | null, report: DeliveryReport): void {
    const { opaque, partition, offset, timestamp = -1 } = report
    if (errorNumber === null && offset < 0 && this.#isPlaced) opaque!.settle(unplaced, partition, -1, -1)
    else if (errorNumber === null) opaque!.settle(null, partition, Math.max(-1, offset), timestamp)
    else opaque!.settle(classifyErrorNumber(errorNumber, this.#nameOf(errorNumber)), partition, -1, -1)
  }

  #readLoad(choice: LingerChoice): void {
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
      const client = (await this.#producerOf(step)).getClient()
      if (isNew) await new Promise((resolve) => setTimeout(resolve, settleInMs).unref())
      // The load may have changed again meanwhile.
      if (this.#choice?.step === step && !this.#isClosed) this.#successor = { step, client, since: performance.now() }
    } catch {
      // The producer in use goes on, and the next change tries again.
      this.#producers.delete(step)
    }
  }

  #producerOf(step: number): Promise<NativeProducer> {
    let producer = this.#producers.get(step)
    if (producer === undefined) {
      const settings = this.#choice && { 'linger.ms': lingerSteps[step]!.lingerMs }
      producer = connectProducer(this.#native, this.#options, this.#onDelivery, settings)
      this.#producers.set(step, producer)
      producer.then(this.#onConnected, () => undefined)
    }
    return producer
  }

  readonly #onConnected = (producer: NativeProducer): void => {
    if (this.#isClosed) void disconnect(producer)
    else this.#connected.push(producer)
  }

  /** False while something is under way that has to be settled first. */
  #succeed(): boolean {
    const { step, client, since } = this.#successor!
    if (step !== this.#step) {
      if (this.#underWay > 0) {
        if (performance.now() - since < waitForSettledMs) return false
        this.#successor = undefined
        return true
      }
      this.#client = client
      this.#step = step
      this.#hold?.end()
    }
    this.#successor = undefined
    return true
  }
}

/** The wrapper flushes before it disconnects. The client above has waited already, so that is given no time. */
function disconnect(producer: NativeProducer): Promise<void> {
  return new Promise((resolve) => producer.disconnect(1, resolve))
}

/** The broker has dropped it as a duplicate of something that it does not remember: perhaps of the message itself. */
const unplaced: DriverFailure = {
  code: 'DELIVERY_UNCONFIRMED',
  reason: 'the broker took it for a duplicate, and does not say of what',
  outcome: 'unknown',
}

function toNativeHeader([name, value]: DriverHeader): Readonly<Record<string, Buffer | string>> {
  // The binding takes an empty Buffer without storage for null; an empty string stays what it is.
  return { [name]: value.length === 0 ? '' : value }
}

/** Delivery reports carry a bare number; the name of its constant is what one searches for. */
function nameErrors(native: NativeModule): (errorNumber: number) => string {
  const names = new Map(
    Object.entries(native.CODES.ERRORS).map(([name, number]) => [number, name.replace(/^ERR_/, '')]),
  )
  return (errorNumber) => `librdkafka says ${names.get(errorNumber) ?? 'error'} (${errorNumber})`
}
