import { ProducerManifest } from '../../src/factory/producer-manifest.ts'

export class Note extends ProducerManifest<{ text: string }> {
  readonly topic = 'notes'
  override readonly maxMessageBytes = 1000
}

export class Counted extends ProducerManifest<{ count: number }> {
  readonly topic = 'counted'
  override readonly schema = { type: 'record', name: 'Counted', fields: [{ name: 'count', type: 'int' }] }
}

export const noManifest = { topic: 'notes' }
