import { expect, test } from 'vitest'
import { loadAvsc } from '../../src/encoding/avsc-module.ts'

test('avsc is the one whose private methods are overridden', async () => {
  const { types } = await loadAvsc()
  for (const name of ['IntType', 'LongType', 'FloatType', 'DoubleType', 'MapType', 'EnumType', 'LogicalType']) {
    const { prototype } = (types as unknown as Record<string, { prototype: object }>)[name]!
    for (const method of ['_check', '_read', '_write', '_copy', '_update', '_deref']) {
      expect(Reflect.get(prototype, method), `${name}.${method}`).toBeTypeOf('function')
    }
  }
})
