import type { Client } from '../driver/client.ts'
import type { ConsumerOffset } from '../driver/driver.ts'
import type { DeliveryReport } from './delivery-report.ts'
import type { MessageKey, PayloadOf, ProducerManifestClass } from './producer-manifest.ts'
import type { SendManyOptions, SendOptions } from './send-options.ts'

/** Sends that belong to one transaction. The promises need not be awaited: the transaction commits when all have settled well. */
export interface TransactionSends {
  /** As `registry.send`; that it is acknowledged does not mean that it is visible yet. */
  send<Manifest extends ProducerManifestClass>(
    Manifest: Manifest,
    payload: PayloadOf<Manifest>,
    options?: SendOptions,
  ): Promise<DeliveryReport>
  /** As `registry.sendMany`. */
  sendMany<Manifest extends ProducerManifestClass>(
    Manifest: Manifest,
    payloads: readonly PayloadOf<Manifest>[],
    options?: SendManyOptions,
  ): Promise<readonly DeliveryReport[]>
  /** As `registry.tombstone`. */
  tombstone(Manifest: ProducerManifestClass, key: MessageKey, options?: SendOptions): Promise<DeliveryReport>
}

/** What belongs to one transaction. */
export interface Transaction extends TransactionSends {
  /**
   * Makes the progress of a consumer part of the transaction: each offset is that of the next message to process.
   * @param consumer a connected consumer of the driver’s own package
   */
  sendOffsets(offsets: readonly ConsumerOffset[], consumer: unknown): Promise<void>
}

/** A transaction with the client that it is of, for messages that are bytes already. */
export interface ClientTransaction extends Transaction {
  readonly client: Client
}

/** Runs transactions under identities of its own, as many at a time as are asked for. */
export interface TransactionRunner {
  /**
   * Connects so many clients, and those that have failed, which ends what earlier ones of their identities have left open.
   * @throws as `run`
   */
  prepare(clients?: number): Promise<void>
  /** @throws as `registry.transaction` */
  run(work: (transaction: ClientTransaction) => Promise<void>): Promise<void>
  /** Resolves when those that run have ended, and lets go of the clients. */
  close(): Promise<void>
}
