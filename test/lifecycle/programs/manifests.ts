import { ProducerManifest } from '../../../src/index.ts'

export class TextSent extends ProducerManifest<string> {
  topic = 'lifecycle.text'
  override readonly codec = 'string'
}

/** A hundred classes, as a company's shared package would declare. */
export const manifests = Array.from({ length: 100 }, (_, index) => {
  return {
    [`Manifest${index}`]: class extends ProducerManifest<string> {
      topic = `lifecycle.${index}`
    },
  }
})
