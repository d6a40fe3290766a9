import { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { loadDriver } from '../../src/driver/load-driver.ts'
import { createDriverProject } from './driver-project.ts'

test.each(['confluent', 'platformatic', 'memory'] as const)('%s is found by its name', async (name) => {
  expect((await loadDriver(name)).name).toBe(name)
})

test('a driver module is taken as it is', async () => {
  const own = { name: 'own', needsBrokers: () => false, createDriver: () => Promise.reject(new Error('unused')) }
  expect(await loadDriver(own)).toBe(own)
})

test('each memory driver by name is a broker of its own', async () => {
  expect(await loadDriver('memory')).not.toBe(await loadDriver('memory'))
})

describe('auto', () => {
  const choose = `
    import { loadDriver } from './src/driver/load-driver.ts'
    const chosen = await loadDriver('auto').then(({ name }) => ({ name }), (error) => error.toJSON())
    console.log(JSON.stringify(chosen))`
  const native = '@confluentinc/kafka-javascript'
  const javascript = '@platformatic/kafka'

  test('is the native driver where that loads', async () => {
    expect((await loadDriver('auto')).name).toBe('confluent')
  })

  test('is the other one in a worker thread', async () => {
    const module = new URL('../../src/driver/load-driver.ts', import.meta.url).href
    const code = `
      import { parentPort } from 'node:worker_threads'
      import(${JSON.stringify(module)})
        .then(({ loadDriver }) => loadDriver('auto'))
        .then(({ name }) => parentPort.postMessage(name), (error) => parentPort.postMessage(String(error)))`
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`))
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    worker.once('message', resolve)
    worker.once('error', reject)
    expect(await promise).toBe('platformatic')
    await worker.terminate()
  })

  test('is the other one where the native one is missing or does not load', async () => {
    const project = createDriverProject()
    project.install(javascript, { 'index.js': '' })
    expect(await project.run(choose)).toEqual({ name: 'platformatic' })
    project.install(native, { 'index.js': `throw new Error('invalid ELF header')` })
    expect(await project.run(choose)).toEqual({ name: 'platformatic' })
  })

  test('without either says what to install', async () => {
    expect(await createDriverProject().run(choose)).toMatchObject({
      code: 'DRIVER_NOT_INSTALLED',
      message: `The driver confluent needs the package ${native}. Install it: npm install ${native}`,
    })
  })

  test('a native driver that is asked for and missing names the other one, if that is there', async () => {
    const project = createDriverProject()
    const connect = `
      import { loadDriver } from './src/driver/load-driver.ts'
      const module = await loadDriver('confluent')
      const error = await module.createDriver({}).catch((error) => error)
      console.log(JSON.stringify(error.of('OrderPlaced')))`
    expect(await project.run(connect)).toMatchObject({
      message: `The driver confluent needs the package ${native}. Install it: npm install ${native}`,
    })
    project.install(javascript, { 'index.js': '' })
    expect(await project.run(connect)).toMatchObject({
      code: 'DRIVER_NOT_INSTALLED',
      manifest: 'OrderPlaced',
      message: expect.stringContaining(
        `npm install ${native}; or set driver to "platformatic" or "auto": ${javascript} is installed`,
      ),
    })
  })
})
