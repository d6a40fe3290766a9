import type { MessagingConfig, ProducerOptions } from '../config/fields.ts'
import type { Client } from '../driver/client.ts'
import type { Driver, DriverModule } from '../driver/driver.ts'
import { loadDriver } from '../driver/load-driver.ts'
import type { SchemaRegistry } from '../encoding/schema-registry.ts'
import { EventLoopWatch } from '../instrumentation/event-loop-watch.ts'
import type { Instrument } from '../instrumentation/instrument.ts'
import { createSchemaRegistry } from './create-schema-registry.ts'
import type { TransactionRunner } from './transaction.ts'

export interface SharedClient {
  readonly client: Client
  readonly driver: Driver
}

export type StartInstruments = (config: MessagingConfig, instance: string) => readonly Instrument[]

/** What producers and consumers of one messaging instance share. Nothing is made before it is asked for. */
export class SharedParts {
  readonly #startInstruments: StartInstruments
  #name: string | undefined
  #instruments: readonly Instrument[] | undefined
  #schemaRegistry: SchemaRegistry | undefined
  #loaded: { driver: MessagingConfig['driver']; module: Promise<DriverModule> } | undefined

  /** What has to end before producers may, since its handlers send; undefined where nothing of it runs. Set by who starts such. */
  stopConsumers: (() => Promise<void> | undefined) | undefined

  /** Stops and closes when the process ends, if configuration says so. Set by the registry. */
  watchExit: (() => void) | undefined

  /** A client for messages that are bytes already, and its driver. Set by the registry, whose clients it shares. */
  connectClient: ((overrides: ProducerOptions) => Promise<SharedClient>) | undefined

  /** Transactions under identities that begin with this one. Set by the registry, whose producers they use. */
  transactionsOf: ((identity: string, overrides: ProducerOptions) => TransactionRunner) | undefined

  readonly eventLoop = new EventLoopWatch(() => this.instance)

  /** @param startInstruments called once, by the first build */
  constructor(startInstruments: StartInstruments = () => []) {
    this.#startInstruments = startInstruments
  }

  /** The name in events. Made on first use, so that the children of a fork or a snapshot do not share it. */
  get instance(): string {
    return (this.#name ??= `${process.pid}-${Math.random().toString(36).slice(2, 10)}`)
  }

  startInstruments(config: MessagingConfig): void {
    this.#instruments ??= this.#startInstruments(config, this.instance)
  }

  async closeInstruments(): Promise<void> {
    await Promise.all((this.#instruments ?? []).map((instrument) => instrument.close()))
  }

  /** @throws CONFIG_MISSING */
  schemaRegistry(config: MessagingConfig): SchemaRegistry {
    return (this.#schemaRegistry ??= createSchemaRegistry(config, this.instance))
  }

  async closeSchemaRegistry(): Promise<void> {
    const schemaRegistry = this.#schemaRegistry
    this.#schemaRegistry = undefined
    await schemaRegistry?.close?.().catch(() => undefined)
  }

  /** One module for all clients, as long as the configuration names the same: the memory driver’s topics are in it. */
  loadDriver(driver: MessagingConfig['driver']): Promise<DriverModule> {
    if (this.#loaded?.driver !== driver) this.#loaded = { driver, module: loadDriver(driver) }
    return this.#loaded.module
  }
}
