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
