import { expect, test } from 'vitest'
import { loadAvsc, tapClassOf } from '../../src/encoding/avsc-module.ts'
import { parseAvro } from './parse-avro.ts'

test('avsc is the one whose private methods are overridden', async () => {
  const { types } = await loadAvsc()
  const collections = ['ArrayType', 'MapType', 'RecordType']
  for (const name of ['IntType', 'LongType', 'FloatType', 'DoubleType', 'EnumType', 'LogicalType', ...collections]) {
    const { prototype } = (types as unknown as Record<string, { prototype: object }>)[name]!
    for (const method of ['_check', '_read', '_skip', '_write', '_copy', '_update', '_deref']) {
      expect(Reflect.get(prototype, method), `${name}.${method}`).toBeTypeOf('function')
    }
  }
  for (const method of ['_createBranchConstructor', '_createReader', '_createSkipper']) {
    expect(Reflect.get(types.RecordType.prototype as object, method), method).toBeTypeOf('function')
  }
})

test('the class of taps is found', async () => {
  const Tap = tapClassOf(await parseAvro('int'))
  const tap = new Tap(Buffer.from([3, 2]), 1)
  expect([tap.readLong(), tap.pos]).toEqual([1, 2])
})
