import * as fc from '../fast-check.ts'
import { expect, test } from 'vitest'
import { bytesToDecimal, decimalToBytes } from '../../src/encoding/decimal.ts'

test.each([
  ['0', 0, '00'],
  ['1', 0, '01'],
  ['-1', 0, 'ff'],
  ['127', 0, '7f'],
  ['128', 0, '0080'],
  ['-128', 0, '80'],
  ['-129', 0, 'ff7f'],
  ['12.50', 2, '04e2'],
  ['-0.01', 2, 'ff'],
])('%s with scale %i is %s', (text, scale, hex) => {
  expect(decimalToBytes(text, 10, scale)?.toString('hex')).toBe(hex)
  expect(bytesToDecimal(Buffer.from(hex, 'hex'), 10, scale)).toBe(text)
})

test('any decimal comes back, as bytes and as fixed', () => {
  const max = 10n ** 20n - 1n
  fc.assert(
    fc.property(
      fc.bigInt({ min: -max, max }),
      fc.nat(20),
      fc.constantFrom(undefined, 9, 16),
      (unscaled, scale, size) => {
        const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
        const fraction = scale === 0 ? '' : `.${digits.slice(-scale)}`
        const text = `${unscaled < 0n ? '-' : ''}${digits.slice(0, digits.length - scale)}${fraction}`
        const bytes = decimalToBytes(text, 20, scale, size)!
        expect(size ?? bytes.length).toBe(bytes.length)
        expect(bytesToDecimal(bytes, 20, scale)).toBe(text)
      },
    ),
  )
})

test.each(['1.005', '12345', '', '.', '1e3', ' 1', '0x1', 'NaN', '1,5', 1.5, 5n, null, '9'.repeat(1_000_000)])(
  '%s does not fit decimal(4, 2)',
  (value) => expect(decimalToBytes(value, 4, 2)).toBeUndefined(),
)

test.each([
  ['1', '1.00'],
  ['+1.5', '1.50'],
  ['1.5000', '1.50'],
  ['-0', '0.00'],
  ['0007', '7.00'],
])('%s is %s', (text, normal) => expect(bytesToDecimal(decimalToBytes(text, 4, 2)!, 4, 2)).toBe(normal))

test('no bytes are zero, and far too many are refused', () => {
  expect(bytesToDecimal(Buffer.alloc(0), 4, 2)).toBe('0.00')
  expect(() => bytesToDecimal(Buffer.alloc(100, 1), 4, 2)).toThrow(RangeError)
})
