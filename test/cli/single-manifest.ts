import { ProducerManifest } from '../../src/factory/producer-manifest.ts'

export default class Single extends ProducerManifest {
  readonly topic = 'single'
}
export const unrelated = 5
