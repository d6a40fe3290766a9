import { createEmbeddedSchemaRegistry } from '../src/encoding.ts'
import type { Codec } from '../src/encoding/codec.ts'
import type { SchemaRegistry } from '../src/encoding/schema-registry.ts'
import { createCodec } from '../src/encoding/create-codec.ts'
import { isMessagingError, type MessagingConfig, type ReceivedMessage } from '../src/index.ts'
import { createSchemaRegistryClient } from '../src/factory/create-schema-registry.ts'
import { encodeKey } from '../src/factory/message-parts.ts'
import { readManifest } from '../src/factory/read-manifest.ts'
import type { DemoInput } from './input.ts'

export interface ContentReader {
  /** What a record must say when it is read back, or why it cannot be sent. */
  describe(payload: unknown): { key: string | null; content: string; bytes: number } | { error: string }
  /** What a consumer manifest has to say about the bytes of these records. */
  readonly encoding: object
  read(message: ReceivedMessage): { key: string | null; sequence: number; text: string }
  close(): Promise<void>
}

/**
 * Says how what is read back is decoded: by a codec and a schema registry of its own;
 * the writer's are not asked, so a wrong id or body on the wire cannot cancel itself out.
 */
export async function createContentReader(input: DemoInput, config: MessagingConfig): Promise<ContentReader> {
  const manifest = readManifest(input.Manifest)
  const schemaRegistry = createReadersRegistry(config)
  const codec: Codec = await createCodec({
    manifest: manifest.name,
    codec: manifest.codec,
    schema: manifest.schema,
    subject: `${manifest.name}-value`,
    schemaRegistry: () => schemaRegistry,
  })
  return {
    describe(payload) {
      try {
        const prepared = manifest.instance.prepare(payload)
        const encoded = codec.encode(prepared)
        // A payload of someone's own manifest may lack what its schema has a default for.
        const complete = input.isComplete ? prepared : codec.decode(Buffer.from(encoded))
        const key = encodeKey(manifest.instance.key(prepared), manifest.name)
        return { key: nameKey(key), content: toText(complete), bytes: encoded.length }
      } catch (error) {
        if (isMessagingError(error)) return { error: `${error.code}: ${error.message}` }
        return { error: `a method of ${manifest.name} threw ${(error as Error).name}` }
      }
    },
    encoding: { schema: manifest.schema, codec: manifest.codec, schemaRegistry },
    read: (message) => ({
      key: nameKey(message.key),
      sequence: Number(message.header('sequence') ?? -1),
      text: toText(message.payload),
    }),
    async close() {
      await schemaRegistry.close?.()
    },
  }
}

/** Fetches from the same server as the writer, by a client of its own, and registers nothing there. */
function createReadersRegistry(config: MessagingConfig): SchemaRegistry {
  const inside = createEmbeddedSchemaRegistry()
  if (config.schemaRegistry.url?.includes('memory:')) return inside
  const client = createSchemaRegistryClient(config)
  return {
    register: (subject, schema) => inside.register(subject, schema),
    getById: (id) => client.getById(id),
    close: () => client.close?.() ?? Promise.resolve(),
  }
}

function nameKey(key: Buffer | null): string | null {
  return key === null ? null : key.toString('base64')
}

function toText(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item))
}
