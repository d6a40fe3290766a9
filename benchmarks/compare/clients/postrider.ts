import type * as postriderSources from '../../../src/index.ts'
import { keyOf, type ClientModule } from '../measured-client.ts'

// The build, not the sources: what users get.
const built = new URL('../../../dist/index.js', import.meta.url).href
const manifestsAtImport = 100

type Postrider = typeof postriderSources

export const clientModule: ClientModule = {
  create({ brokers, topic: topicName, isKeyed }, { driver = 'confluent', manifests: count = 1 }) {
    let postrider: ReturnType<Postrider['createMessaging']>
    let manifests: ReturnType<typeof declareManifests> = []
    let sent = 0
    const Manifest = (): (typeof manifests)[number] => manifests[sent++ % manifests.length]!
    return {
      async connect() {
        const { createMessaging, ProducerManifest } = (await import(built)) as Postrider
        manifests = declareManifests(ProducerManifest, Number(count), topicName, isKeyed)
        const options = { brokers: brokers.split(','), driver } as Parameters<typeof createMessaging>[0]
        postrider = createMessaging(options, {})
        // What the first send of each costs comes once; a thousand of them would fill the window.
        if (manifests.length > 1)
          await Promise.all(manifests.map((each) => postrider.registry.send(each, Buffer.alloc(1))))
      },
      send: (value) => postrider.registry.send(Manifest(), value),
      sendMany: (values) => postrider.registry.sendMany(Manifest(), values),
      fireAndForget: {
        dispatch: (value) => postrider.registry.dispatch(Manifest(), value),
        flush: () => postrider.registry.flush(),
        acknowledged: () =>
          postrider.registry.status().producers.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
      },
    }
  },
  async importOnly() {
    const { configure, ProducerManifest } = (await import(built)) as Postrider
    configure({ brokers: ['localhost:9092'], clientId: 'benchmark' })
    return declareManifests(ProducerManifest, manifestsAtImport, 'topic', false)
  },
}

function declareManifests(base: Postrider['ProducerManifest'], count: number, topic: string, isKeyed: boolean) {
  return Array.from(
    { length: count },
    (_, index) =>
      class Measured extends base<Buffer> {
        static override readonly manifestName = `Measured${index}`
        topic = topic
        override readonly codec = 'bytes'
        override key(value: Buffer): string | undefined {
          return isKeyed ? keyOf(value) : undefined
        }
      },
  )
}
