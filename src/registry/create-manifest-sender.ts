import type { ProducerOptions } from '../config/fields.ts'
import type { DeliveryReport } from '../factory/delivery-report.ts'
import type { MessageKey, PayloadOf, ProducerManifestClass } from '../factory/producer-manifest.ts'
import type { SendManyOptions, SendOptions } from '../factory/send-options.ts'
import type { MessageSender } from './message-sender.ts'

/** Settings of a variant: any field of producers but the topic, which is the manifest’s identity. */
export type VariantOptions = Omit<ProducerOptions, 'topic'>

/** Sends messages of one manifest, with settings of its own; see the methods of `ProducerRegistry`. */
export interface ManifestSender<Manifest extends ProducerManifestClass> {
  send(payload: PayloadOf<Manifest>, options?: SendOptions): Promise<DeliveryReport>
  sendMany(payloads: readonly PayloadOf<Manifest>[], options?: SendManyOptions): Promise<readonly DeliveryReport[]>
  dispatch(payload: PayloadOf<Manifest>, options?: SendOptions): void
  tombstone(key: MessageKey, options?: SendOptions): Promise<DeliveryReport>
}

export function createManifestSender<Manifest extends ProducerManifestClass>(
  Manifest: Manifest,
  sender: MessageSender,
): ManifestSender<Manifest> {
  return {
    send: (payload, options) => sender.send(Manifest, payload, options),
    sendMany: (payloads, options) => sender.sendMany(Manifest, payloads, options),
    dispatch: (payload, options) => sender.dispatch(Manifest, payload, options),
    tombstone: (key, options) => sender.tombstone(Manifest, key, options),
  }
}
