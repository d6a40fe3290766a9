import { connect } from 'node:net'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { startMockCluster } from '../../src/testing.ts'

test('brokers listen until the cluster is closed, which can be repeated', async () => {
  const cluster = await startMockCluster({ brokers: 2 })
  expect(cluster.brokers).toHaveLength(2)
  const [host, port] = cluster.brokers[0]!.split(':') as [string, string]
  const socket = connect(Number(port), host)
  await once(socket, 'connect')
  socket.destroy()
  await Promise.all([cluster.close(), cluster.close()])
  const [refused] = (await once(connect(Number(port), host), 'error')) as [NodeJS.ErrnoException]
  expect(refused.code).toBe('ECONNREFUSED')
})
