import { createCachedSchemaRegistry } from '../../src/encoding/cached-schema-registry.ts'
import { createHttpSchemaRegistry } from '../../src/encoding/http-schema-registry.ts'
import { createEmbeddedSchemaRegistry } from '../../src/encoding/embedded-schema-registry.ts'
import { ProducerManifest } from '../../src/factory/producer-manifest.ts'

export class Order extends ProducerManifest<object> {
  readonly topic = 'orders'
  override readonly schema = {
    type: 'record',
    name: 'Order',
    namespace: 'shop',
    fields: [
      { name: 'id', type: 'string' },
      { name: 'total', type: 'int' },
    ],
  }
}

export class Payment extends ProducerManifest<object> {
  readonly topic = 'payments'
  override readonly schema = '{"name":"Payment","type":"record","fields":[]}'
  override readonly subjectStrategy = 'record'
}

export class Note extends ProducerManifest<object> {
  readonly topic = 'notes'
}

export class Elsewhere extends ProducerManifest<string> {
  readonly topic = 'elsewhere'
  override readonly schema = '"string"'
  override readonly schemaRegistry = createEmbeddedSchemaRegistry()
}

export class Parcel extends ProducerManifest<object> {
  readonly topic = 'parcels'
  override readonly schema = {
    type: 'record',
    name: 'Parcel',
    namespace: 'shop',
    fields: [
      { name: 'from', type: 'Address' },
      { name: 'to', type: 'Address' },
    ],
  }
  override readonly references = [
    { name: 'Address', namespace: 'shop', type: 'record', fields: [{ name: 'city', type: 'City' }] },
    { subject: 'cities', schema: '{"name":"City","namespace":"shop","type":"enum","symbols":["ROM","OSLO"]}' },
  ]
}

/** Exists only where a test gives it a schema registry of its own. */
export const Partner =
  process.env.PARTNER_URL === undefined
    ? undefined
    : class Partner extends Order {
        override readonly schemaRegistry = createCachedSchemaRegistry(
          createHttpSchemaRegistry({ urls: [process.env.PARTNER_URL!] }),
        )
      }
