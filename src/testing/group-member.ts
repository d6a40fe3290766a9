import assert from 'node:assert/strict'
import type {
  ConsumedMessage,
  DriverConsumer,
  DriverConsumerListener,
  TopicPartition,
} from '../driver/driver-consumer.ts'
import type { DriverFailure } from '../driver/driver.ts'

const patienceMs = 60_000

/** A consumer that polls as a runtime would, and keeps what it was told and got. */
export class GroupMember implements DriverConsumerListener {
  consumer!: DriverConsumer
  /** `assigned 0 1`, `revoked 1`, `lost 0`: the numbers of partitions. */
  readonly told: string[] = []
  readonly received: ConsumedMessage[] = []
  readonly failures: DriverFailure[] = []
  /** Awaited before what is told counts as told. */
  onAssigned: (partitions: readonly TopicPartition[]) => Promise<void> | void = () => undefined
  onRevoked: (partitions: readonly TopicPartition[]) => Promise<void> | void = () => undefined

  #isRunning = false
  #running: Promise<void> = Promise.resolve()
  #look: () => void = () => undefined

  async assigned(partitions: readonly TopicPartition[]): Promise<void> {
    await this.onAssigned(partitions)
    this.#tell('assigned', partitions)
  }

  async revoked(partitions: readonly TopicPartition[]): Promise<void> {
    await this.onRevoked(partitions)
    this.#tell('revoked', partitions)
  }

  lost(partitions: readonly TopicPartition[]): void {
    this.#tell('lost', partitions)
  }

  failed(failure: DriverFailure): void {
    this.failures.push(failure)
  }

  /** Polls from now on. */
  run(): void {
    this.#isRunning = true
    this.#running = this.#run()
  }

  /** Ends polling; the consumer stays as it is. */
  async stop(): Promise<void> {
    this.#isRunning = false
    await this.#running
  }

  async close(): Promise<void> {
    this.#isRunning = false
    await this.consumer.close()
    await this.#running
  }

  /** Resolves once it is so, looked at after each poll and whenever something is told. */
  async until(isSo: (member: this) => boolean, what = String(isSo)): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => {
        const { told, received, failures } = this
        reject(
          new assert.AssertionError({
            message: `never: ${what}; ${JSON.stringify({ told, received: received.length, failures })}`,
          }),
        )
      }, patienceMs)
      this.#look = () => {
        if (isSo(this)) resolve()
      }
      this.#look()
      this.#running.catch(reject)
    })
    clearTimeout(timer)
    this.#look = () => undefined
  }

  /** Values of what it got, in the order of each partition. */
  texts(partition?: number): string[] {
    const wanted = this.received.filter((message) => partition === undefined || message.partition === partition)
    return wanted.map(({ value }) => String(value))
  }

  async #run(): Promise<void> {
    while (this.#isRunning) {
      this.received.push(...(await this.consumer.poll(10, 50)))
      this.#look()
    }
  }

  #tell(what: string, partitions: readonly TopicPartition[]): void {
    const numbers = partitions.map(({ partition }) => partition).toSorted((a, b) => a - b)
    this.told.push(`${what} ${numbers.join(' ')}`)
    this.#look()
  }
}
