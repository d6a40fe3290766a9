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
import { loadNativeModule, type DeliveryCallback, type DeliveryReport, type NativeModule } from './native-module.ts'
import { NativeTransactions } from './native-transactions.ts'
import { ProducerQuestions } from './producer-questions.ts'
import { ProducerSteps } from './producer-steps.ts'

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
/** These say for themselves how messages are batched, or make a cluster that no second producer would see. */
const fixedBy = [
  'linger.ms',
  'queue.buffering.max.ms',
  'batch.num.messages',
  'transactional.id',
  'test.mock.num.brokers',
]

/** librdkafka as a driver: hands messages over to the producer that suits the load, and settles what is reported. */
export class ConfluentDriver implements Driver {
  readonly capabilities = { copiesValue: true, idempotence: true, workerThreads: false, durable: true }
  readonly #native: NativeModule
  #options: DriverOptions
  readonly #nameOf: (errorNumber: number) => string

  readonly #steps: ProducerSteps
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
    this.#steps = new ProducerSteps(native, () => this.#options, this.#onDelivery, adapts)
    this.#hold = adapts && idempotence ? new BatchHold() : undefined
  }

  async connect(): Promise<void> {
    const producer = await this.#steps.connect()
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
    if (!this.#steps.isReady()) return false
    const { topic, partition, value, key, timestamp, headers } = message
    const errorNumber = this.#steps.client.produce(
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
      this.#steps.taken()
      this.#hold?.taken(this.#steps.underWay)
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
    await this.#steps.flush(timeoutMs === 0 ? lingerMs : timeoutMs)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([this.#transactions?.close(), this.#questions.close()])
    await this.#steps.close()
  }

  setCredentials({ username, password }: DriverCredentials): void {
    // A call to a producer that is being destroyed would wait for that.
    if (this.#isClosed) return
    // For the producers that are made later, too.
    this.#options = { ...this.#options, sasl: { ...this.#options.sasl, username, password } }
    for (const connecting of this.#steps.all) {
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
   * A callback ends with the promises that it resolved, so that whoever waited would send the next message alone, between two
   * reports. So all reports of this turn are gathered first.
   */
  readonly #onDelivery: DeliveryCallback = (errorNumber, report) => {
    if (report.opaque === undefined) return
    this.#steps.reported(report)
    // Nobody sends again for what nobody waited for; only a lone producer counts its reports by the turn, to hold batches.
    if (this.#steps.step > 0 && report.opaque.isAwaited === false) {
      this.#steps.settled(1)
      this.#settle(errorNumber, report)
      return
    }
    this.#errorNumbers.push(errorNumber)
    const gathered = this.#reports.push(report)
    // Nothing else is under way, so nothing else can come in this turn.
    if (gathered === this.#steps.underWay) this.#settleReports()
    else if (gathered === 1) setImmediate(this.#settleReports)
  }

  readonly #settleReports = (): void => {
    const reports = this.#reports
    if (reports.length === 0) return
    const errorNumbers = this.#errorNumbers
    this.#reports = []
    this.#errorNumbers = []
    this.#steps.settled(reports.length)
    if (this.#steps.step === 0) this.#hold?.reported(this.#steps.underWay)
    for (let index = 0; index < reports.length; index++) this.#settle(errorNumbers[index]!, reports[index]!)
  }

  #settle(errorNumber: number | null, report: DeliveryReport): void {
    const { opaque, partition, offset, timestamp = -1 } = report
    if (errorNumber === null && offset < 0 && this.#isPlaced) opaque!.settle(unplaced, partition, -1, -1)
    else if (errorNumber === null) opaque!.settle(null, partition, Math.max(-1, offset), timestamp)
    else opaque!.settle(classifyErrorNumber(errorNumber, this.#nameOf(errorNumber)), partition, -1, -1)
  }
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
