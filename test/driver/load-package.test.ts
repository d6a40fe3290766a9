import { expect, test } from 'vitest'
import { loadPackage } from '../../src/driver/load-package.ts'

const failWith = (code: string, message: string) => () => Promise.reject(Object.assign(new Error(message), { code }))

test('what is imported is returned', async () => {
  const loaded = { name: 'it' }
  expect(await loadPackage('mine', 'kafka-package', () => Promise.resolve(loaded))).toBe(loaded)
})

test('a package that is not there is told apart from one that does not load, and from one that misses another', async () => {
  const missing = failWith(
    'ERR_MODULE_NOT_FOUND',
    "Cannot find package 'kafka-package' imported from somewhere\nand a stack",
  )
  await expect(loadPackage('mine', 'kafka-package', missing)).rejects.toMatchObject({ code: 'DRIVER_NOT_INSTALLED' })
  const broken = failWith('ERR_DLOPEN_FAILED', 'wrong architecture\nand a stack')
  await expect(loadPackage('mine', 'kafka-package', broken)).rejects.toMatchObject({
    code: 'DRIVER_LOAD_FAILED',
    message: expect.stringMatching(/wrong architecture(?!.*stack)/s) as string,
  })
  const other = failWith('ERR_MODULE_NOT_FOUND', "Cannot find package 'another' imported from somewhere")
  await expect(loadPackage('mine', 'kafka-package', other)).rejects.toMatchObject({ code: 'DRIVER_LOAD_FAILED' })
})

test('without import(), as in code out of a startup snapshot, it is required from the working directory', async () => {
  const unable = failWith('ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING', 'no import()')
  const loaded = await loadPackage<{ default: { parse: unknown } }>('mine', 'avsc', unable)
  expect(typeof loaded.default.parse).toBe('function')
})
